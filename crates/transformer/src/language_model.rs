//! The transformer as the model that experiments ask.

use std::collections::BTreeSet;

use decoding::LanguageModel;
use thiserror::Error;

use crate::device::{DeviceError, read_rows};
use crate::engine::Batch;
use crate::{LoadError, Model, PromptError};

/// Why a transformer could not be asked.
#[derive(Debug, Error)]
pub enum AskError {
    /// The tokenizer refuses the text.
    #[error(transparent)]
    Tokenizer(#[from] LoadError),
    /// The tokens do not fit.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The device fails.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// There is nothing to continue with.
    #[error("no chains were asked for; ask for at least one")]
    NoChains,
    /// Tokens and chains do not pair up.
    #[error(
        "{tokens} tokens were given to {chains} of {all} chains; give one token to each, and name none twice"
    )]
    Unpaired {
        /// How many tokens.
        tokens: usize,
        /// How many chains were named.
        chains: usize,
        /// How many there are.
        all: usize,
    },
    /// A token is not the model's.
    #[error(
        "a chain was given the token {token}, the model knows ids below {vocabulary}; encode texts with its own tokenizer.json"
    )]
    UnknownToken {
        /// The id.
        token: u32,
        /// Tokens in the vocabulary.
        vocabulary: usize,
    },
    /// A chain is full.
    #[error("chain {chain} has no room left; open the batch for a greater length")]
    Full {
        /// Its index.
        chain: usize,
    },
}

impl LanguageModel for Model {
    type Batch = Batch;
    type Error = AskError;

    fn vocabulary_size(&self) -> usize {
        self.engine.config().vocab_size
    }

    fn end_of_text(&self) -> u32 {
        self.engine.config().eos_token_id
    }

    fn context(&self) -> usize {
        self.engine.config().max_position_embeddings
    }

    fn encode(&self, text: &str) -> Result<Vec<u32>, AskError> {
        Ok(self.vocabulary.encode(text)?)
    }

    fn decode(&self, tokens: &[u32]) -> String {
        let marks = [
            self.engine.config().bos_token_id,
            self.engine.config().eos_token_id,
        ];
        let text: Vec<u32> = tokens
            .iter()
            .copied()
            .filter(|token| !marks.contains(token))
            .collect();
        self.vocabulary.decode(&text)
    }

    async fn logits(&self, tokens: &[u32]) -> Result<Vec<Vec<f32>>, AskError> {
        self.engine.room(tokens)?;
        Ok(read_rows(self.engine.score(tokens)).await?)
    }

    async fn prefill(
        &self,
        prompt: &[u32],
        chains: usize,
        length: usize,
    ) -> Result<(Batch, Vec<f32>), AskError> {
        if chains == 0 {
            return Err(AskError::NoChains);
        }
        let room = self.engine.room(prompt)?;
        if room < length {
            return Err(PromptError::NoRoom {
                tokens: prompt.len(),
                context: self.context(),
                room,
                length,
            }
            .into());
        }
        let prefix = self.engine.read(prompt);
        let row = read_rows(prefix.logits.clone()).await?;
        let batch = self.engine.open(&prefix, chains, length);
        Ok((batch, row.into_iter().next().unwrap_or_default()))
    }

    async fn step(
        &self,
        batch: &mut Batch,
        chains: &[usize],
        tokens: &[u32],
    ) -> Result<Vec<Vec<f32>>, AskError> {
        let (all, vocabulary) = (batch.chains(), self.vocabulary_size());
        let named: BTreeSet<_> = chains.iter().filter(|&&chain| chain < all).collect();
        if named.len() != chains.len() || chains.len() != tokens.len() {
            return Err(AskError::Unpaired {
                tokens: tokens.len(),
                chains: chains.len(),
                all,
            });
        }
        if let Some(&token) = tokens.iter().find(|&&token| token as usize >= vocabulary) {
            return Err(AskError::UnknownToken { token, vocabulary });
        }
        if let Some(&chain) = chains.iter().find(|&&chain| batch.room(chain) == 0) {
            return Err(AskError::Full { chain });
        }
        Ok(read_rows(self.engine.step_some(batch, chains, tokens)).await?)
    }
}
