//! Divergences between two next-token distributions, and the surprisal of a token.
//!
//! The measures of a single distribution are methods of [`Distribution`](crate::Distribution); entropy as a function of β is in `curve`.
//! All sums are in f64.

use std::f64::consts::LN_2;

use crate::logits::{LogSumExp, log_sum_exp};

/// Kullback-Leibler divergence `KL(p || q) = Σ p ln(p / q)` in nats, from 0 (equal) to infinity (`p` gives probability to a token
/// to which `q` gives none; [`shape`](crate::shape) gives none below e^-708 of the largest).
///
/// Both are probabilities by token id; a token beyond the end of the shorter one has probability zero there.
pub fn kl_nats(p: &[f64], q: &[f64]) -> f64 {
    pairs(p, q)
        .filter(|(p, _)| *p > 0.0)
        .map(|(p, q)| p * log_ratio(p, q))
        .sum::<f64>()
        .max(0.0)
}

/// `ln(p / q)` of a positive `p`. The quotient itself would overflow where `q` is subnormal.
fn log_ratio(p: f64, q: f64) -> f64 {
    if q < f64::MIN_POSITIVE {
        p.ln() - q.ln()
    } else {
        (p / q).ln()
    }
}

/// [`kl_nats`] in bits.
pub fn kl_bits(p: &[f64], q: &[f64]) -> f64 {
    kl_nats(p, q) / LN_2
}

/// Total variation distance `½ Σ |p - q|`, from 0 (equal) to 1 (nothing in common): how much probability must move to turn one
/// into the other, and the advantage of the best test that tells a sample of one from a sample of the other.
pub fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    (pairs(p, q).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0).min(1.0)
}

/// `ln softmax(logits)` by token id, nats: at most 0, minus infinity for a forbidden token. Reads odd logits as
/// [`shape`](crate::shape) does; nothing is cut at small probabilities.
pub fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let LogSumExp {
        cleaned,
        log_sum_exp,
    } = log_sum_exp(logits);
    let own = cleaned.into_iter();
    own.map(|logit| (f64::from(logit) - log_sum_exp).min(0.0))
        .collect()
}

/// `-ln softmax(logits)[id]` in nats, without building the distribution: the token's cost under the plain model.
///
/// Reads odd logits as [`shape`](crate::shape) does, except that nothing is cut at small probabilities: a token that the row
/// allows has a finite surprisal. Infinity for a forbidden token or an id outside the row.
pub fn surprisal_nats(logits: &[f32], id: u32) -> f64 {
    let LogSumExp {
        cleaned,
        log_sum_exp,
    } = log_sum_exp(logits);
    cleaned.get(id as usize).map_or(f64::INFINITY, |&logit| {
        (log_sum_exp - f64::from(logit)).max(0.0)
    })
}

/// Pairs two rows by token, the shorter one continued with zeros.
fn pairs(p: &[f64], q: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    let at = |row: &[f64], id: usize| row.get(id).copied().unwrap_or(0.0);
    (0..p.len().max(q.len())).map(move |id| (at(p, id), at(q, id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divergences_of_known_pairs() {
        let (fair, biased, sure) = ([0.5, 0.5], [0.75, 0.25], [1.0, 0.0]);
        assert_eq!(kl_bits(&sure, &fair), 1.0);
        assert_eq!(kl_bits(&fair, &sure), f64::INFINITY);
        assert!(
            (kl_nats(&biased, &fair) - (0.75 * 1.5_f64.ln() + 0.25 * 0.5_f64.ln())).abs() < 1e-15
        );
        assert_eq!(total_variation(&biased, &fair), 0.25);
        assert_eq!(total_variation(&sure, &[0.0, 1.0]), 1.0);
    }

    #[test]
    fn a_divergence_is_finite_wherever_the_second_row_gives_anything() {
        let tiny = f64::from_bits(1);
        let expected = -tiny.ln();
        assert!((kl_nats(&[1.0, 0.0], &[tiny, 1.0]) - expected).abs() < 1e-12 * expected);
    }

    #[test]
    fn a_shorter_row_continues_with_zeros() {
        assert_eq!(kl_bits(&[1.0], &[0.5, 0.5]), 1.0);
        assert_eq!(kl_bits(&[0.5, 0.5], &[1.0]), f64::INFINITY);
        assert_eq!(total_variation(&[1.0], &[0.5, 0.5]), 0.5);
    }

    #[test]
    fn log_probabilities_of_known_rows() {
        let found = log_softmax(&[0.0, 2_f32.ln(), f32::NEG_INFINITY, 0.0]);
        let expected = [
            0.25_f64.ln(),
            0.5_f64.ln(),
            f64::NEG_INFINITY,
            0.25_f64.ln(),
        ];
        for (found, expected) in found.into_iter().zip(expected) {
            assert!(found == expected || (found - expected).abs() < 1e-7);
        }
    }

    #[test]
    fn surprisal_is_finite_exactly_where_the_row_allows_the_token() {
        let row = [0.0, -2000.0, f32::NEG_INFINITY, f32::NAN];
        assert_eq!(surprisal_nats(&row, 0), 0.0);
        assert_eq!(surprisal_nats(&row, 1), 2000.0);
        for id in 2..6 {
            assert_eq!(surprisal_nats(&row, id), f64::INFINITY);
        }
    }
}
