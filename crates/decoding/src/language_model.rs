//! What an experiment needs of a model: tokenizer and logits.
//!
//! The storyteller implements it on any device, and so do toys with known answers: the same code runs in the page's worker, on
//! the command line, and in tests against closed forms.

use std::error::Error;

/// An autoregressive language model with its tokenizer.
///
/// Calls are asynchronous, since logits may be read back from a GPU. Nothing here is sent to other threads.
#[allow(
    async_fn_in_trait,
    reason = "callers run on one thread, in a browser and natively; no future is sent elsewhere"
)]
pub trait LanguageModel {
    /// Continuations of one prompt, with the KV cache of each.
    type Batch;
    /// Why a text or tokens cannot be processed.
    type Error: Error + Send + Sync + 'static;

    /// Number of tokens: the length of every row of logits.
    fn vocabulary_size(&self) -> usize;

    /// The end-of-text token.
    fn end_of_text(&self) -> u32;

    /// Whether a text ends with this token; models with several such tokens have [`Self::end_of_text`] as the first.
    fn ends_text(&self, token: u32) -> bool {
        token == self.end_of_text()
    }

    /// Maximum tokens of a prompt and its continuation together.
    fn context(&self) -> usize;

    /// Tokenises a text, after the beginning-of-text token if the model has one.
    ///
    /// # Errors
    /// When the tokenizer refuses it.
    fn encode(&self, text: &str) -> Result<Vec<u32>, Self::Error>;

    /// The text of tokens, without special tokens.
    fn decode(&self, tokens: &[u32]) -> String;

    /// Logits after every token of one text.
    ///
    /// # Shapes
    /// - output: `[tokens.len(), vocabulary_size]`
    ///
    /// # Errors
    /// When the tokens do not fit the context, or the device fails.
    async fn logits(&self, tokens: &[u32]) -> Result<Vec<Vec<f32>>, Self::Error>;

    /// Runs a prompt once for `chains` continuations of at most `length` tokens, and returns the logits after it.
    ///
    /// # Errors
    /// When there are no chains, the prompt and `length` do not fit the context, or the device fails.
    async fn prefill(
        &self,
        prompt: &[u32],
        chains: usize,
        length: usize,
    ) -> Result<(Self::Batch, Vec<f32>), Self::Error>;

    /// Feeds one token to each of some chains; the others stay as they are.
    ///
    /// # Shapes
    /// - chains: the index of each, none twice
    /// - tokens: one for each of them
    /// - output: `[chains.len(), vocabulary_size]`
    ///
    /// # Errors
    /// When the model cannot take these tokens there, or the device fails.
    async fn step(
        &self,
        batch: &mut Self::Batch,
        chains: &[usize],
        tokens: &[u32],
    ) -> Result<Vec<Vec<f32>>, Self::Error>;
}
