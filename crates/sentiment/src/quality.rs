//! How well scores tell glad texts from others: accuracy, the area under the ROC curve, and log loss.

use serde::{Deserialize, Serialize};

/// Of labelled scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// How many texts.
    pub texts: usize,
    /// Share of them that are glad, 0 to 1.
    pub glad: f64,
    /// Share whose log-odds have the label's sign, 0 to 1; log-odds of zero say "not glad".
    pub accuracy: f64,
    /// Probability that a glad text scores higher than another, ties counted half: 0.5 says that nothing is told apart, 1
    /// everything (Hanley and McNeil 1982).
    pub auc: f64,
    /// Mean of `-ln p(label)` in nats; ln 2 for a predictor that always says one half.
    pub log_loss_nats: f64,
}

impl Quality {
    /// Measures log-odds against labels; `None` unless both labels occur.
    pub fn of(scores: &[(f64, bool)]) -> Option<Self> {
        let texts = scores.len();
        let glad = scores.iter().filter(|(_, glad)| *glad).count();
        if glad == 0 || glad == texts {
            return None;
        }
        let right = scores
            .iter()
            .filter(|(score, glad)| (*score > 0.0) == *glad);
        let loss = scores.iter().map(|(score, glad)| log_loss(*score, *glad));
        Some(Self {
            texts,
            glad: glad as f64 / texts as f64,
            accuracy: right.count() as f64 / texts as f64,
            auc: auc(scores, glad),
            log_loss_nats: loss.sum::<f64>() / texts as f64,
        })
    }
}

/// `-ln p(label)` in nats at some log-odds: `ln(1 + e^-x)` for the margin `x`, without overflow.
pub(crate) fn log_loss(log_odds: f64, glad: bool) -> f64 {
    let margin = if glad { log_odds } else { -log_odds };
    (-margin.abs()).exp().ln_1p() + (-margin).max(0.0)
}

/// From the sum of the ranks of the glad texts (Mann and Whitney 1947); equal scores share their mean rank.
fn auc(scores: &[(f64, bool)], glad: usize) -> f64 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let mut before = 0;
    let mut rank_sum = 0.0;
    for ties in sorted.chunk_by(|(one, _), (other, _)| one == other) {
        let rank = before as f64 + (ties.len() + 1) as f64 / 2.0;
        rank_sum += rank * ties.iter().filter(|(_, glad)| *glad).count() as f64;
        before += ties.len();
    }
    let (glad, others) = (glad as f64, (scores.len() - glad) as f64);
    (rank_sum - glad * (glad + 1.0) / 2.0) / (glad * others)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::LN_2;

    #[test]
    fn known_values() {
        // Of the four pairs of a glad and another text, two are in order, one is tied, one is not.
        let scores = [(2.0, true), (0.0, true), (0.0, false), (1.0, false)];
        let quality = Quality::of(&scores).unwrap();
        assert_eq!((quality.texts, quality.glad), (4, 0.5));
        assert_eq!(quality.auc, 2.5 / 4.0);
        assert_eq!(quality.accuracy, 0.5);
        let loss = [(-2_f64).exp().ln_1p(), LN_2, LN_2, 1_f64.exp().ln_1p()];
        assert!((quality.log_loss_nats - loss.iter().sum::<f64>() / 4.0).abs() < 1e-15);
    }

    #[test]
    fn one_label_alone_measures_nothing() {
        assert_eq!(Quality::of(&[]), None);
        assert_eq!(Quality::of(&[(1.0, true), (2.0, true)]), None);
    }

    #[test]
    fn loss_is_finite_for_huge_scores() {
        assert_eq!(log_loss(-1e6, true), 1e6);
        assert_eq!(log_loss(1e6, true), 0.0);
    }

    proptest! {
        #[test]
        fn area_equals_the_share_of_ordered_pairs(scores in proptest::collection::vec((-4_i8..4, any::<bool>()), 2..40)) {
            let scores: Vec<_> = scores.into_iter().map(|(score, glad)| (f64::from(score), glad)).collect();
            let (mut pairs, mut ordered) = (0.0, 0.0);
            for (one, _) in scores.iter().filter(|(_, glad)| *glad) {
                for (other, _) in scores.iter().filter(|(_, glad)| !*glad) {
                    pairs += 1.0;
                    ordered += if one > other { 1.0 } else if one == other { 0.5 } else { 0.0 };
                }
            }
            match Quality::of(&scores) {
                None => prop_assert_eq!(pairs, 0.0),
                Some(quality) => prop_assert!((quality.auc - ordered / pairs).abs() < 1e-12),
            }
        }
    }
}
