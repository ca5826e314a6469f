//! What an experiment needs of a model: text to tokens and back, and logits after tokens.
//!
//! The trained storyteller implements it on any device, and so do toys whose answers are known beforehand: the same code runs in
//! the page's worker, on the command line, and in tests against closed forms.

use std::error::Error;

/// A model that reads tokens and says what it thinks comes next.
///
/// Reading is asynchronous, since rows may come back from a GPU. Nothing here is sent to other threads.
#[allow(
    async_fn_in_trait,
    reason = "callers run on one thread, in a browser and natively; no future is sent elsewhere"
)]
pub trait LanguageModel {
    /// Chains that continue one prompt, with what the model has read of each.
    type Batch;
    /// Why a text or tokens cannot be read.
    type Error: Error + Send + Sync + 'static;

    /// How many tokens there are: the length of every row.
    fn vocabulary_size(&self) -> usize;

    /// The token that ends a text.
    fn end_of_text(&self) -> u32;

    /// Tokens that a prompt and its continuation may have together.
    fn context(&self) -> usize;

    /// A text's tokens, behind the token that begins every text, if there is one.
    ///
    /// # Errors
    /// When the model cannot read it.
    fn encode(&self, text: &str) -> Result<Vec<u32>, Self::Error>;

    /// The text of tokens; the marks of beginning and end are no text.
    fn decode(&self, tokens: &[u32]) -> String;

    /// Logits after every token of one text.
    ///
    /// # Shapes
    /// - output: `[tokens.len(), vocabulary_size]`
    ///
    /// # Errors
    /// When the tokens do not fit the context, or the device fails.
    async fn rows(&self, tokens: &[u32]) -> Result<Vec<Vec<f32>>, Self::Error>;

    /// Reads a prompt for some chains that will continue it by at most `length` tokens, and gives the row after it.
    ///
    /// # Errors
    /// When there are no chains, the prompt and `length` do not fit the context, or the device fails.
    async fn open(
        &self,
        prompt: &[u32],
        chains: usize,
        length: usize,
    ) -> Result<(Self::Batch, Vec<f32>), Self::Error>;

    /// Feeds one token to each of some chains; the others rest.
    ///
    /// # Shapes
    /// - chains: the index of each, none twice
    /// - tokens: one for each of them
    /// - output: `[chains.len(), vocabulary_size]`
    ///
    /// # Errors
    /// When the model cannot read these tokens there, or the device fails.
    async fn step(
        &self,
        batch: &mut Self::Batch,
        chains: &[usize],
        tokens: &[u32],
    ) -> Result<Vec<Vec<f32>>, Self::Error>;
}
