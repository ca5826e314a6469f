//! Bits per byte of held-out stories: the cross-entropy per byte, comparable across vocabularies.
//!
//! `bits per byte = sum of -ln p(token | story so far) / ln 2 / bytes of these tokens`. Each story is scored separately, from
//! the beginning-of-text token; the end-of-text token after it is not predicted. A story longer than the context is scored up to
//! the context's end and counted as truncated.

use std::f64::consts::LN_2;
use std::iter::Sum;

use decoding::{LanguageModel, surprisal_nats};
use transformer::InferenceError;

use crate::corpus::split;
use crate::error::TrainingError;

/// Which stories of a file are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// At most this many, from the file's beginning.
    pub stories: usize,
    /// Minimum length in characters.
    pub least: usize,
    /// Maximum length in characters.
    pub most: usize,
}

/// Sums over all scored stories.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// `-ln p` of all predicted tokens.
    pub nats: f64,
    /// Predicted tokens.
    pub tokens: usize,
    /// Bytes of these tokens.
    pub bytes: usize,
    /// Stories scored.
    pub stories: usize,
    /// Of these, stories longer than the context.
    pub cut: usize,
}

impl Selection {
    /// The selected stories of a text separated by `<|endoftext|>`.
    pub fn of(&self, text: &str) -> Vec<String> {
        let fits = |story: &String| (self.least..=self.most).contains(&story.chars().count());
        split(text)
            .into_iter()
            .filter(fits)
            .take(self.stories)
            .collect()
    }
}

impl Evaluation {
    /// Mean bits per byte; NaN where nothing was scored.
    pub fn bits_per_byte(&self) -> f64 {
        self.nats / LN_2 / self.bytes as f64
    }

    /// Mean nats per token; NaN where nothing was scored.
    pub fn nats_per_token(&self) -> f64 {
        self.nats / self.tokens as f64
    }

    /// Adds one story.
    ///
    /// # Errors
    /// When the tokenizer refuses the story or the device fails.
    pub async fn add<M: LanguageModel<Error = InferenceError>>(
        &mut self,
        model: &M,
        bytes: &[Vec<u8>],
        story: &str,
    ) -> Result<(), TrainingError> {
        let tokens = model.encode(story)?;
        let predicted = tokens.len().saturating_sub(1).min(model.context());
        self.stories += 1;
        self.cut += usize::from(predicted + 1 < tokens.len());
        if predicted == 0 {
            return Ok(());
        }
        let rows = model.logits(&tokens[..predicted]).await?;
        for (row, &token) in rows.iter().zip(&tokens[1..]) {
            self.nats += surprisal_nats(row, token);
            self.tokens += 1;
            self.bytes += bytes[token as usize].len();
        }
        Ok(())
    }
}

/// Adds up sums of separately scored stories.
impl Sum for Evaluation {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            nats: sum.nats + part.nats,
            tokens: sum.tokens + part.tokens,
            bytes: sum.bytes + part.bytes,
            stories: sum.stories + part.stories,
            cut: sum.cut + part.cut,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_stories_of_the_right_length_are_taken() {
        let text = "one<|endoftext|>four\n<|endoftext|>\nthree<|endoftext|>é234<|endoftext|>five";
        let selection = Selection {
            stories: 2,
            least: 4,
            most: 4,
        };
        assert_eq!(selection.of(text), ["four", "é234"]);
    }

    #[test]
    fn bits_and_nats_are_means_of_the_sums() {
        let sums = Evaluation {
            nats: 8.0 * LN_2,
            tokens: 4,
            bytes: 16,
            stories: 1,
            cut: 0,
        };
        assert!((sums.bits_per_byte() - 0.5).abs() < 1e-12);
        assert!((sums.nats_per_token() - 2.0 * LN_2).abs() < 1e-12);
        let twice: Evaluation = [sums, sums].into_iter().sum();
        assert_eq!((twice.stories, twice.bytes), (2, 32));
        assert!((twice.bits_per_byte() - 0.5).abs() < 1e-12);
    }
}
