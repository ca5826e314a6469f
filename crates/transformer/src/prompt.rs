//! Checks of prompts. [`LlamaModel`] panics on invalid ids and lengths: callers that take text from people use
//! [`Pipeline::encode_prompt`], callers that have token ids use [`LlamaModel::remaining_context`] first.

use thiserror::Error;

use crate::{LlamaModel, LoadError, Pipeline};

/// A prompt that does not fit the model, alone or with the asked continuation.
#[derive(Debug, Error)]
pub enum PromptError {
    /// The tokenizer refuses the text.
    #[error(transparent)]
    Tokenizer(#[from] LoadError),
    /// There is nothing to continue.
    #[error("the prompt has no tokens; write something, or begin with the beginning-of-text token")]
    Empty,
    /// It does not fit the context.
    #[error(
        "the prompt has {tokens} tokens, the model's context is {context}; shorten it by {excess}"
    )]
    TooLong {
        /// Its length, tokens.
        tokens: usize,
        /// The model's context, tokens.
        context: usize,
        /// How much is too much, tokens.
        excess: usize,
    },
    /// The continuation does not fit the context.
    #[error(
        "after this prompt the model's context has room for {remaining} tokens, not {length}; shorten the prompt or the length"
    )]
    ExceedsContext {
        /// Its length, tokens.
        tokens: usize,
        /// The model's context, tokens.
        context: usize,
        /// How many tokens may follow.
        remaining: usize,
        /// How many were asked for.
        length: usize,
    },
    /// An id is outside the vocabulary.
    #[error(
        "the prompt holds the token {token}, the model knows ids below {vocabulary}; encode it with the model's own tokenizer.json"
    )]
    UnknownToken {
        /// The id.
        token: u32,
        /// Tokens in the vocabulary.
        vocabulary: usize,
    },
}

impl Pipeline {
    /// Encodes a prompt and checks that `length` more tokens fit the context after it.
    ///
    /// # Errors
    /// When the tokenizer refuses the prompt, [`LlamaModel::remaining_context`] does, or the context is too short.
    pub fn encode_prompt(&self, prompt: &str, length: usize) -> Result<Vec<u32>, PromptError> {
        let tokens = self.tokenizer.encode(prompt)?;
        let remaining = self.model.remaining_context(&tokens)?;
        if remaining < length {
            return Err(PromptError::ExceedsContext {
                tokens: tokens.len(),
                context: self.model.config().max_position_embeddings,
                remaining,
                length,
            });
        }
        Ok(tokens)
    }
}

impl LlamaModel {
    /// How many tokens a chain may sample after a prompt: at least one, since the last one is never fed back.
    ///
    /// # Errors
    /// When the prompt is empty, longer than the context, or holds ids that are not the model's.
    pub fn remaining_context(&self, prompt: &[u32]) -> Result<usize, PromptError> {
        let (tokens, context) = (prompt.len(), self.config().max_position_embeddings);
        let vocabulary = self.config().vocab_size;
        if tokens == 0 {
            return Err(PromptError::Empty);
        }
        if tokens > context {
            return Err(PromptError::TooLong {
                tokens,
                context,
                excess: tokens - context,
            });
        }
        if let Some(&token) = prompt.iter().find(|&&token| token as usize >= vocabulary) {
            return Err(PromptError::UnknownToken { token, vocabulary });
        }
        Ok(context - tokens + 1)
    }
}
