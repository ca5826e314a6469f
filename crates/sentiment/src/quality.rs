//! Quality of a classifier's scores: accuracy, area under the ROC curve, log loss.

use serde::{Deserialize, Serialize};
use statistics::area_under_roc;

/// Measures of labelled scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Number of texts.
    pub texts: usize,
    /// Share of positive texts, 0 to 1.
    #[serde(alias = "glad")]
    pub positive: f64,
    /// Share whose log-odds have the label's sign, 0 to 1; log-odds of zero predict "not positive".
    pub accuracy: f64,
    /// Area under the ROC curve: the probability that a positive text scores higher than a negative one, ties counted half.
    pub auc: f64,
    /// Mean of `-ln p(label)` in nats; ln 2 for a predictor that always says one half.
    pub log_loss_nats: f64,
}

impl Quality {
    /// Measures log-odds against labels; `None` unless both labels occur.
    pub fn of(scores: &[(f64, bool)]) -> Option<Self> {
        let texts = scores.len();
        let positive = scores.iter().filter(|(_, positive)| *positive).count();
        if positive == 0 || positive == texts {
            return None;
        }
        let right = scores
            .iter()
            .filter(|(score, positive)| (*score > 0.0) == *positive);
        let loss = scores
            .iter()
            .map(|(score, positive)| log_loss(*score, *positive));
        Some(Self {
            texts,
            positive: positive as f64 / texts as f64,
            accuracy: right.count() as f64 / texts as f64,
            auc: area_under_roc(scores)?,
            log_loss_nats: loss.sum::<f64>() / texts as f64,
        })
    }
}

/// `-ln p(label)` in nats at some log-odds: `ln(1 + e^-x)` for the margin `x`, without overflow.
pub(crate) fn log_loss(log_odds: f64, positive: bool) -> f64 {
    let margin = if positive { log_odds } else { -log_odds };
    (-margin.abs()).exp().ln_1p() + (-margin).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::LN_2;

    #[test]
    fn known_values() {
        // Of the four pairs of a positive and another text, two are in order, one is tied, one is not.
        let scores = [(2.0, true), (0.0, true), (0.0, false), (1.0, false)];
        let quality = Quality::of(&scores).unwrap();
        assert_eq!((quality.texts, quality.positive), (4, 0.5));
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
}
