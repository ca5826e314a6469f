//! Distinct n-grams of sequences, as counted and adjusted for length.

use std::collections::HashSet;

/// The share of distinct n-grams among all n-grams of the sequences, above 0 to 1 (Li et al., arXiv 1510.03055): 1 says that
/// nothing repeats. `None` where there is no n-gram: `n` is 0 or every sequence is shorter.
///
/// It falls with length and number of sequences, also where nothing else changes: compare only sets of the same number and length.
pub fn distinct_n<S: AsRef<[u32]>>(sequences: &[S], n: usize) -> Option<f64> {
    let (distinct, total) = counted(sequences, n)?;
    Some(distinct as f64 / total as f64)
}

/// Expectation-adjusted distinct n-grams (Liu et al. 2022, arXiv 2202.13587): distinct n-grams over the number expected if all n-grams
/// had been drawn uniformly from `kinds` possible ones, `N / (V (1 - (1 - 1/V)^C))` for `N` distinct among `C` n-grams and `V` kinds.
/// Unlike [`distinct_n`] it does not fall with length alone, so sets of different lengths can be compared; above 1 is possible.
///
/// `kinds` is the vocabulary's size for single tokens; for longer n-grams take the number of different ones in a large reference text,
/// and report it. `None` where there is no n-gram or fewer kinds than one.
pub fn expectation_adjusted_distinct<S: AsRef<[u32]>>(
    sequences: &[S],
    n: usize,
    kinds: f64,
) -> Option<f64> {
    let (distinct, total) = counted(sequences, n)?;
    // (1 - 1/V)^C, exact for large V.
    let missed = (total as f64 * (-1.0 / kinds).ln_1p()).exp();
    (kinds >= 1.0).then(|| distinct as f64 / (kinds * (1.0 - missed)))
}

/// Distinct n-grams and all n-grams; `None` without any.
fn counted<S: AsRef<[u32]>>(sequences: &[S], n: usize) -> Option<(usize, usize)> {
    if n == 0 {
        return None;
    }
    let grams = || {
        sequences
            .iter()
            .flat_map(|sequence| sequence.as_ref().windows(n))
    };
    let total = grams().count();
    (total > 0).then(|| (grams().collect::<HashSet<_>>().len(), total))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn distinct_n_counts_over_all_sequences() {
        assert_eq!(distinct_n(&[vec![1, 2, 1, 2]], 1), Some(0.5));
        assert_eq!(distinct_n(&[vec![1, 2, 1, 2]], 2), Some(2.0 / 3.0));
        assert_eq!(distinct_n(&[[1, 2], [1, 2]], 2), Some(0.5));
        assert_eq!(distinct_n(&[[1, 2]], 3), None);
        assert_eq!(distinct_n(&[[1, 2]], 0), None);
    }

    #[test]
    fn adjusted_distinctness_by_hand() {
        // Three kinds and two draws: 3 (1 - 4/9) = 5/3 different ones are expected.
        let found = expectation_adjusted_distinct(&[[1, 2]], 1, 3.0).unwrap();
        assert!((found - 2.0 / (5.0 / 3.0)).abs() < 1e-12);
        assert_eq!(expectation_adjusted_distinct(&[[1, 1]], 1, 1.0), Some(1.0));
        assert_eq!(expectation_adjusted_distinct(&[[1]], 2, 9.0), None);
        assert_eq!(expectation_adjusted_distinct(&[[1]], 1, 0.5), None);
    }

    /// Tokens drawn uniformly have an adjusted distinctness of 1 at every length, where the plain one falls.
    #[test]
    fn uniform_tokens_are_as_distinct_as_expected_at_every_length() {
        let draw = |length: u32| -> Vec<u32> {
            (0..length)
                .map(|at| (decoding::coin(3, length, at).value() * 500.0) as u32)
                .collect()
        };
        for length in [100, 400, 1600] {
            let found = expectation_adjusted_distinct(&[draw(length)], 1, 500.0).unwrap();
            assert!((found - 1.0).abs() < 0.06, "{length}: {found}");
        }
        assert!(distinct_n(&[draw(1600)], 1) < Some(0.5));
    }

    proptest! {
        #[test]
        fn distinct_n_is_a_share_and_one_without_repetition(
            sequences in prop::collection::vec(prop::collection::vec(0_u32..5, 0..20), 1..6),
            n in 1_usize..4,
        ) {
            if let Some(share) = distinct_n(&sequences, n) {
                prop_assert!(share > 0.0 && share <= 1.0);
            } else {
                prop_assert!(sequences.iter().all(|sequence| sequence.len() < n));
            }
            prop_assert_eq!(distinct_n(&[(0..30_u32).collect::<Vec<_>>()], n), Some(1.0));
        }
    }
}
