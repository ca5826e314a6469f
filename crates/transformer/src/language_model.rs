//! [`Pipeline`] implements [`LanguageModel`], through which experiments use it.

use std::collections::BTreeSet;

use decoding::LanguageModel;
use thiserror::Error;

use crate::device::{DeviceError, read_logits};
use crate::llama_model::Batch;
use crate::{LoadError, Pipeline, PromptError};

/// Why a call of [`LanguageModel`] failed.
#[derive(Debug, Error)]
pub enum InferenceError {
    /// The tokenizer refuses the text.
    #[error(transparent)]
    Tokenizer(#[from] LoadError),
    /// The tokens do not fit.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The device fails.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A batch needs at least one chain.
    #[error("no chains were asked for; ask for at least one")]
    NoChains,
    /// There is not one token per chain.
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
    #[error("chain {chain} is full; open the batch for a greater length")]
    Full {
        /// Its index.
        chain: usize,
    },
}

impl LanguageModel for Pipeline {
    type Batch = Batch;
    type Error = InferenceError;

    fn vocabulary_size(&self) -> usize {
        self.model.config().vocab_size
    }

    fn end_of_text(&self) -> u32 {
        let first = self.model.config().eos_token_id.first();
        // Without one, an id that no token has.
        first.copied().unwrap_or(self.vocabulary_size() as u32)
    }

    fn ends_text(&self, token: u32) -> bool {
        self.model.config().ends_text(token)
    }

    fn context(&self) -> usize {
        self.model.config().max_position_embeddings
    }

    fn encode(&self, text: &str) -> Result<Vec<u32>, InferenceError> {
        Ok(self.tokenizer.encode(text)?)
    }

    fn decode(&self, tokens: &[u32]) -> String {
        let config = self.model.config();
        let is_special = |token: u32| config.ends_text(token) || config.bos_token_id == Some(token);
        let text: Vec<u32> = tokens
            .iter()
            .copied()
            .filter(|&token| !is_special(token))
            .collect();
        self.tokenizer.decode(&text)
    }

    async fn logits(&self, tokens: &[u32]) -> Result<Vec<Vec<f32>>, InferenceError> {
        self.model.remaining_context(tokens)?;
        Ok(read_logits(self.model.forward_logits(tokens)).await?)
    }

    async fn prefill(
        &self,
        prompt: &[u32],
        chains: usize,
        length: usize,
    ) -> Result<(Batch, Vec<f32>), InferenceError> {
        if chains == 0 {
            return Err(InferenceError::NoChains);
        }
        let remaining = self.model.remaining_context(prompt)?;
        if remaining < length {
            return Err(PromptError::ExceedsContext {
                tokens: prompt.len(),
                context: self.context(),
                remaining,
                length,
            }
            .into());
        }
        let prefix = self.model.prefill(prompt);
        let row = read_logits(prefix.logits.clone()).await?;
        let batch = self.model.start_batch(&prefix, chains, length);
        Ok((batch, row.into_iter().next().unwrap_or_default()))
    }

    async fn step(
        &self,
        batch: &mut Batch,
        chains: &[usize],
        tokens: &[u32],
    ) -> Result<Vec<Vec<f32>>, InferenceError> {
        let (all, vocabulary) = (batch.chains(), self.vocabulary_size());
        let named: BTreeSet<_> = chains.iter().filter(|&&chain| chain < all).collect();
        if named.len() != chains.len() || chains.len() != tokens.len() {
            return Err(InferenceError::Unpaired {
                tokens: tokens.len(),
                chains: chains.len(),
                all,
            });
        }
        if let Some(&token) = tokens.iter().find(|&&token| token as usize >= vocabulary) {
            return Err(InferenceError::UnknownToken { token, vocabulary });
        }
        if let Some(&chain) = chains
            .iter()
            .find(|&&chain| batch.remaining_context(chain) == 0)
        {
            return Err(InferenceError::Full { chain });
        }
        Ok(read_logits(self.model.step_chains(batch, chains, tokens)).await?)
    }
}
