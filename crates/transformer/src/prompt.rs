//! Whether a model can read a prompt. [`Engine`] panics on prompts that it cannot read; callers that take text from people
//! come by [`Model::read`], those that have tokens ask [`Engine::room`] first.

use thiserror::Error;

use crate::{Engine, LoadError, Model};

/// A prompt that a model cannot read, or not continue as far as asked.
#[derive(Debug, Error)]
pub enum PromptError {
    /// The tokenizer refuses the text.
    #[error(transparent)]
    Tokenizer(#[from] LoadError),
    /// There is nothing to continue.
    #[error("the prompt has no tokens; write something, or begin with the beginning-of-text token")]
    Empty,
    /// It does not fit the context.
    #[error("the prompt has {tokens} tokens, the model reads {context}; shorten it by {excess}")]
    TooLong {
        /// Its length, tokens.
        tokens: usize,
        /// What the model reads, tokens.
        context: usize,
        /// How much is too much, tokens.
        excess: usize,
    },
    /// It leaves no room for what was asked.
    #[error(
        "after this prompt the model has room for {room} tokens, not {length}; shorten the prompt or the length"
    )]
    NoRoom {
        /// Its length, tokens.
        tokens: usize,
        /// What the model reads, tokens.
        context: usize,
        /// How many tokens may follow.
        room: usize,
        /// How many were asked for.
        length: usize,
    },
    /// It holds an id that the model has no row for.
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

impl Model {
    /// A prompt's tokens, if the model can read them and then pick `length` more.
    ///
    /// # Errors
    /// When the tokenizer refuses the prompt, [`Engine::room`] does, or there is less room.
    pub fn read(&self, prompt: &str, length: usize) -> Result<Vec<u32>, PromptError> {
        let tokens = self.vocabulary.encode(prompt)?;
        let room = self.engine.room(&tokens)?;
        if room < length {
            return Err(PromptError::NoRoom {
                tokens: tokens.len(),
                context: self.engine.config().max_position_embeddings,
                room,
                length,
            });
        }
        Ok(tokens)
    }
}

impl Engine {
    /// How many tokens a chain may pick after a prompt: at least one, since the last one picked is never read.
    ///
    /// # Errors
    /// When the prompt is empty, longer than the context, or holds ids that are not the model's.
    pub fn room(&self, prompt: &[u32]) -> Result<usize, PromptError> {
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
