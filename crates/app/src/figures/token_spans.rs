//! A chain's text with the place of every token in it: what is found in bytes of the text is shown on tokens.

use std::ops::Range;

use crate::state::Chain;

/// A chain's text, laid out over its tokens.
pub struct TokenSpans {
    /// The continuation, without the prompt.
    pub text: String,
    /// Where each token's text ends, in bytes.
    ends: Vec<usize>,
}

impl TokenSpans {
    /// Lays a chain out.
    pub fn of(chain: &Chain) -> Self {
        let (mut text, mut ends) = (String::new(), Vec::with_capacity(chain.len()));
        for word in chain.words() {
            text.push_str(&word.text);
            ends.push(text.len());
        }
        Self { text, ends }
    }

    /// The tokens that some bytes, at least one, belong to.
    pub fn tokens(&self, bytes: &Range<usize>) -> Range<usize> {
        let first = self.ends.partition_point(|end| *end <= bytes.start);
        let last = self.ends.partition_point(|end| *end < bytes.end);
        first..(last + 1).min(self.ends.len())
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::state::{Detokenizer, Measure};

    /// A finished chain of tokens that stand for these texts.
    pub fn chain(texts: &[&str]) -> Chain {
        let tokens = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        let detokenizer = Detokenizer::new(tokens, 1000, 1001, 64);
        let measure = Measure {
            surprisal_bits: 1.0,
            entropy_bits: 1.0,
        };
        let mut chain = Chain::default();
        for token in 0..texts.len() {
            let last = token + 1 == texts.len();
            chain.push(token as u32, measure, last, &detokenizer);
        }
        chain
    }

    #[test]
    fn bytes_belong_to_every_token_that_they_touch() {
        let spans = TokenSpans::of(&chain(&["The", " wed", "ding", "", " day", "."]));
        assert_eq!(spans.text, "The wedding day.");
        for (bytes, tokens) in [(4..11, 1..3), (0..3, 0..1), (12..15, 4..5), (15..16, 5..6)] {
            assert_eq!(spans.tokens(&bytes), tokens, "{bytes:?}");
        }
    }
}
