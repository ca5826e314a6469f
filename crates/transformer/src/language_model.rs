//! The transformer as the model that experiments ask.

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

    async fn rows(&self, tokens: &[u32]) -> Result<Vec<Vec<f32>>, AskError> {
        self.engine.room(tokens)?;
        Ok(read_rows(self.engine.score(tokens)).await?)
    }

    async fn open(
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
        Ok(read_rows(self.engine.step_some(batch, chains, tokens)).await?)
    }
}
