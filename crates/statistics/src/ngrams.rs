//! Distinct n-grams of sequences.

use std::collections::HashSet;

/// The share of distinct n-grams among all n-grams of the sequences, above 0 to 1 (Li et al., arXiv 1510.03055): 1 says that
/// nothing repeats. `None` where there is no n-gram: `n` is 0 or every sequence is shorter.
///
/// It falls with length and number of sequences, also where nothing else changes: compare only sets of the same number and length.
pub fn distinct_n<S: AsRef<[u32]>>(sequences: &[S], n: usize) -> Option<f64> {
    if n == 0 {
        return None;
    }
    let grams = || {
        sequences
            .iter()
            .flat_map(|sequence| sequence.as_ref().windows(n))
    };
    let total = grams().count();
    let distinct = grams().collect::<HashSet<_>>().len();
    (total > 0).then(|| distinct as f64 / total as f64)
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
