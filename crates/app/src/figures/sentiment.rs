//! What the sentiment predictor makes of a chain, word by word. Tuned models were rewarded for the completion alone, so the
//! prompt is not read.

use std::rc::Rc;

use sentiment::Predictor;

use super::token_spans::TokenSpans;
use crate::state::{BLOCK, Chain};

/// A word's tint is one step stronger from each of these contributions on, nats of log-odds. Half of the published predictor's
/// weights are below 0.08 and the largest is 0.5.
pub const STEPS: [f64; 4] = [0.04, 0.12, 0.25, 0.4];

/// Classes of words that raise the score, the weakest tint first; and of those that lower it.
const RAISES: [&str; 4] = ["g1", "g2", "g3", "g4"];
const LOWERS: [&str; 4] = ["s1", "s2", "s3", "s4"];

/// A chain as the predictor reads it.
#[derive(Debug, PartialEq)]
pub struct Sentiment {
    /// Of the whole continuation, nats of log-odds.
    pub log_odds: f64,
    /// What the words add to it, token by token, [`BLOCK`] tokens at a time, nats. All tokens of a word have the word's number.
    pub blocks: Vec<Rc<[f64]>>,
}

/// Reads a chain.
pub fn sentiment(predictor: &Predictor, chain: &Chain) -> Sentiment {
    let spans = TokenSpans::of(chain);
    let found = predictor.score(&spans.text);
    let mut tokens = vec![0.0; chain.len()];
    for word in &found.words {
        tokens[spans.tokens(&word.at)].fill(word.log_odds);
    }
    Sentiment {
        log_odds: found.log_odds,
        blocks: tokens.chunks(BLOCK).map(Rc::from).collect(),
    }
}

/// The class of a word that adds so much.
pub fn tint(log_odds: f64) -> &'static str {
    let steps = STEPS.partition_point(|step| *step <= log_odds.abs());
    match steps.checked_sub(1) {
        None => "g0",
        Some(step) if log_odds > 0.0 => RAISES[step],
        Some(step) => LOWERS[step],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::token_spans::tests::chain;

    #[test]
    fn all_tokens_of_a_word_have_its_number_and_the_whole_has_the_sum() {
        let predictor = Predictor {
            bias: 0.5,
            weights: [("wedding", 0.4), ("cried", -0.3), ("she cried", -0.2)]
                .map(|(gram, weight)| (gram.to_owned(), weight))
                .into(),
        };
        let read = sentiment(
            &predictor,
            &chain(&["A", " wed", "ding", ".", " She", " cried"]),
        );
        assert_eq!(*read.blocks[0], [0.0, 0.4, 0.4, 0.0, -0.1, -0.4]);
        assert!((read.log_odds - 0.4).abs() < 1e-12);
    }

    #[test]
    fn the_blocks_are_those_of_the_chain() {
        for tokens in [0, 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let chain = chain(&vec![" a"; tokens]);
            let read = sentiment(&Predictor::default(), &chain);
            let sizes: Vec<usize> = read.blocks.iter().map(|block| block.len()).collect();
            let words: Vec<usize> = chain.blocks().iter().map(|block| block.len()).collect();
            assert_eq!(sizes, words);
        }
    }

    #[test]
    fn tints_mirror_and_small_contributions_have_none() {
        let tints = [-9.0, -0.12, -0.039, 0.0, 0.039, 0.04, 0.3, 9.0].map(tint);
        assert_eq!(tints, ["s4", "s2", "g0", "g0", "g0", "g1", "g3", "g4"]);
    }
}
