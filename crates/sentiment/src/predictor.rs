//! The predictor: a linear classifier over a bag of words and bigrams, with a weight for each and a bias.
//!
//! `log-odds = bias + Σ weight(g)` over the distinct words and pairs `g` that occur in the text. Occurrence and not count, after
//! Pang, Lee and Vaithyanathan 2002 ("Thumbs up?", EMNLP), who found it the better of the two for sentiment; it also means that
//! repeating a word does not raise the score again.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use words::words;

use crate::grams::grams;

/// Logistic regression on the words and bigrams that occur in a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predictor {
    /// Log-odds of a text without known words, nats.
    pub bias: f64,
    /// Weight by word ("sun") or pair of words ("the sun"), spelt as [`words`](words::words) spells them; finite.
    pub weights: BTreeMap<String, f64>,
}

/// The sentiment score of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Log-odds that the text is positive: the bias plus every word's contribution, nats.
    pub log_odds: f64,
    /// The text's words, in order.
    pub words: Vec<Contribution>,
}

/// A word's contribution to the log-odds of its text.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    /// The word's bytes in the text.
    pub at: Range<usize>,
    /// The word's weight and half of that of each bigram it belongs to, counted at their first occurrence; nats.
    pub log_odds: f64,
}

impl Score {
    /// Probability that the text is positive, 0 to 1.
    pub fn probability(&self) -> f64 {
        probability(self.log_odds)
    }
}

/// Probability at some log-odds: `1 / (1 + e^-x)`.
pub fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

impl Predictor {
    /// Scores a text as a whole and word by word.
    pub fn score(&self, text: &str) -> Score {
        let words = words(text);
        let mut contributions: Vec<_> = words
            .iter()
            .map(|word| Contribution {
                at: word.at.clone(),
                log_odds: 0.0,
            })
            .collect();
        let mut log_odds = self.bias;
        let mut seen = HashSet::new();
        for gram in grams(&words) {
            let Some((known, &weight)) = self.weights.get_key_value(&gram.text) else {
                continue;
            };
            if seen.insert(known.as_str()) {
                log_odds += weight;
                contributions[gram.of.0].log_odds += weight / 2.0;
                contributions[gram.of.1].log_odds += weight / 2.0;
            }
        }
        Score {
            log_odds,
            words: contributions,
        }
    }

    /// A smaller predictor for a readable file: weights rounded to so many decimals, and those left out whose size is then below
    /// `least`, or zero.
    #[must_use]
    pub fn pruned(&self, least: f64, decimals: u8) -> Self {
        let scale = 10_f64.powi(i32::from(decimals));
        let round = |weight: f64| (weight * scale).round() / scale;
        Self {
            bias: round(self.bias),
            weights: self
                .weights
                .iter()
                .map(|(gram, &weight)| (gram.clone(), round(weight)))
                .filter(|(_, weight)| *weight != 0.0 && weight.abs() >= least)
                .collect(),
        }
    }

    /// The words and pairs with the largest weights, largest first, at most `count`; none whose weight is not above zero. Equal
    /// weights are ordered by spelling.
    pub fn most_positive(&self, count: usize) -> Vec<(&str, f64)> {
        self.strongest(count, 1.0)
    }

    /// The words and pairs with the lowest weights, lowest first, at most `count`; none whose weight is not below zero.
    pub fn most_negative(&self, count: usize) -> Vec<(&str, f64)> {
        self.strongest(count, -1.0)
    }

    fn strongest(&self, count: usize, sign: f64) -> Vec<(&str, f64)> {
        let mut weights: Vec<_> = self
            .weights
            .iter()
            .map(|(gram, &weight)| (gram.as_str(), weight))
            .filter(|(_, weight)| sign * weight > 0.0)
            .collect();
        weights.sort_by(|(_, one), (_, other)| (sign * other).total_cmp(&(sign * one)));
        weights.truncate(count);
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn predictor() -> Predictor {
        let weights = [
            ("sun", 1.0),
            ("rain", -2.0),
            ("no sun", -3.0),
            ("the", 0.004),
        ];
        Predictor {
            bias: 0.25,
            weights: weights
                .map(|(gram, weight)| (gram.to_owned(), weight))
                .into(),
        }
    }

    #[test]
    fn a_text_without_known_words_has_the_bias() {
        for text in ["", "Nobody knows this."] {
            let score = predictor().score(text);
            assert_eq!(score.log_odds, 0.25);
            assert!(score.words.iter().all(|word| word.log_odds == 0.0));
        }
    }

    #[test]
    fn a_pair_is_shared_by_its_words_and_nothing_is_paid_twice() {
        let score = predictor().score("No sun, no SUN, sun.");
        assert_eq!(score.log_odds, 0.25 + 1.0 - 3.0);
        let shares: Vec<f64> = score.words.iter().map(|word| word.log_odds).collect();
        assert_eq!(shares, [-1.5, -0.5, 0.0, 0.0, 0.0]);
        assert_eq!(predictor().score("No. Sun.").log_odds, 1.25);
    }

    #[test]
    fn probabilities_at_known_log_odds() {
        assert_eq!(probability(0.0), 0.5);
        assert!((probability(4_f64.ln()) - 0.8).abs() < 1e-15);
        assert_eq!(probability(f64::NEG_INFINITY), 0.0);
        assert_eq!(probability(1e9), 1.0);
    }

    #[test]
    fn pruning_rounds_and_drops_the_small() {
        let predictor = Predictor {
            bias: 0.126,
            weights: [("a", 0.094), ("b", -0.104), ("c", 0.004)]
                .map(|(gram, weight)| (gram.to_owned(), weight))
                .into(),
        };
        let rounded = predictor.pruned(0.0, 2);
        assert_eq!(rounded.bias, 0.13);
        assert_eq!(
            rounded.weights.into_values().collect::<Vec<_>>(),
            [0.09, -0.1]
        );
        assert_eq!(predictor.pruned(0.1, 2).most_positive(9), []);
    }

    #[test]
    fn the_strongest_come_first() {
        assert_eq!(predictor().most_positive(9), [("sun", 1.0), ("the", 0.004)]);
        assert_eq!(predictor().most_negative(1), [("no sun", -3.0)]);
    }

    proptest! {
        #[test]
        fn contributions_and_bias_add_up_to_the_whole(text in "((no|sun|rain|the|owl)[ .,]{1,2}){0,30}") {
            let score = predictor().score(&text);
            let sum: f64 = score.words.iter().map(|word| word.log_odds).sum();
            prop_assert!((0.25 + sum - score.log_odds).abs() < 1e-12);
        }
    }
}
