//! Semantic entropy: entropy over classes of meaning instead of over texts (Kuhn, Gal and Farquhar 2023, arXiv 2302.09664; Farquhar et
//! al. 2024, Nature 630). Here the classes are labels, such as the kinds of ending.

use crate::entropy::entropy_bits;

/// Semantic entropy in bits from samples `(class, log-probability of the whole text in nats)`: a class weighs the sum of its texts'
/// probabilities, all weights normalised to 1. With equal log-probabilities it is the discrete semantic entropy, that of the counts. Zero
/// without samples.
///
/// The probability of a text falls exponentially with its length, so short texts dominate where lengths differ; the discrete form
/// has no such bias, and is the one to report there.
pub fn semantic_entropy_bits(samples: &[(usize, f64)]) -> f64 {
    let top = samples
        .iter()
        .map(|(_, nats)| *nats)
        .fold(f64::NEG_INFINITY, f64::max);
    let classes = samples
        .iter()
        .map(|(class, _)| class + 1)
        .max()
        .unwrap_or(0);
    let mut weights = vec![0.0; classes];
    for (class, nats) in samples {
        weights[*class] += if top.is_finite() {
            (nats - top).exp()
        } else {
            1.0
        };
    }
    let all: f64 = weights.iter().sum();
    let shares: Vec<f64> = weights.iter().map(|weight| weight / all).collect();
    entropy_bits(&shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::entropy_of_counts_bits;

    #[test]
    fn equal_texts_weigh_by_count() {
        let samples = [(0, -9.0), (2, -9.0), (2, -9.0), (0, -9.0), (2, -9.0)];
        let expected = entropy_of_counts_bits(&[2, 0, 3]);
        assert!((semantic_entropy_bits(&samples) - expected).abs() < 1e-12);
        assert_eq!(semantic_entropy_bits(&[]), 0.0);
    }

    #[test]
    fn probabilities_of_one_meaning_add_up() {
        // 1/2 + 1/4 against 1/4, up to a common factor far below the range of probabilities.
        let low = -2000.0;
        let samples = [
            (0, low + 0.5_f64.ln()),
            (0, low + 0.25_f64.ln()),
            (1, low + 0.25_f64.ln()),
        ];
        let expected = entropy_bits(&[0.75, 0.25]);
        assert!((semantic_entropy_bits(&samples) - expected).abs() < 1e-9);
        assert_eq!(
            semantic_entropy_bits(&[(0, f64::NEG_INFINITY), (1, f64::NEG_INFINITY)]),
            1.0
        );
    }
}
