//! Distinctness and utility of repeated answers: distinct_k and utility_k of NoveltyBench (Zhang et al. 2025, arXiv 2504.05228).
//!
//! Answers to one prompt fall into classes of equal meaning; here the caller gives the class of each, exact where answers are labelled.
//! Neither measure looks at the length of a text, but longer texts have more ways to differ: compare runs of one limit of length.

/// The patience of NoveltyBench: the probability that a reader who has seen one answer asks for another.
pub const PATIENCE: f64 = 0.8;

/// Expected number of different classes among `k` answers drawn without replacement, from 1 to `k`: `Σ_c 1 - C(n - n_c, k) / C(n, k)`
/// for `n_c` of `n` answers in class `c` (rarefaction, Hurlbert 1971). For `k = n` it is the number of classes. `None` where `k` is 0 or
/// more than the answers.
pub fn distinct_k(counts: &[usize], k: usize) -> Option<f64> {
    let n: usize = counts.iter().sum();
    if k == 0 || k > n {
        return None;
    }
    let missed = |count: usize| {
        // C(n - count, k) / C(n, k) as a product of k shares.
        (0..k)
            .map(|drawn| (n - count).saturating_sub(drawn) as f64 / (n - drawn) as f64)
            .product::<f64>()
    };
    Some(counts.iter().map(|&count| 1.0 - missed(count)).sum())
}

/// Utility of the first `k` answers for a reader of some patience, in their order: `(1 - p) / (1 - p^k) Σ_i p^(i-1) u_i` over the
/// answers `i` whose class did not occur before. With utilities from 0 to 1 it goes from 0 to 1. `None` where `k` is 0 or more than the
/// answers.
pub fn utility_k(answers: &[(usize, f64)], k: usize, patience: f64) -> Option<f64> {
    if k == 0 || k > answers.len() {
        return None;
    }
    let mut weight = 1.0;
    let (mut sum, mut weights) = (0.0, 0.0);
    for (place, (class, utility)) in answers[..k].iter().enumerate() {
        if answers[..place].iter().all(|(other, _)| other != class) {
            sum += weight * utility;
        }
        weights += weight;
        weight *= patience;
    }
    Some(sum / weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn classes_of_a_drawn_pair_by_hand() {
        // Of the six pairs of a a b c one is a a: 5/6 of two classes, 1/6 of one.
        let found = distinct_k(&[2, 1, 1], 2).unwrap();
        assert!((found - (2.0 * 5.0 + 1.0) / 6.0).abs() < 1e-12);
        assert_eq!(distinct_k(&[2, 1, 1], 4), Some(3.0));
        assert_eq!(distinct_k(&[7], 3), Some(1.0));
        assert_eq!(distinct_k(&[2], 3), None);
        assert_eq!(distinct_k(&[2], 0), None);
    }

    #[test]
    fn utility_by_hand() {
        // The second answer repeats the first: 1 + 0.64 over 1 + 0.8 + 0.64.
        let answers = [(0, 1.0), (0, 1.0), (1, 1.0)];
        let found = utility_k(&answers, 3, PATIENCE).unwrap();
        assert!((found - 1.64 / 2.44).abs() < 1e-12);
        assert_eq!(utility_k(&answers, 1, PATIENCE), Some(1.0));
        assert_eq!(utility_k(&answers, 4, PATIENCE), None);
        // One different answer after another of full utility, for any patience.
        assert_eq!(
            utility_k(&[(0, 1.0), (1, 1.0), (2, 1.0)], 3, 1.0),
            Some(1.0)
        );
    }

    proptest! {
        #[test]
        fn more_answers_have_no_fewer_classes(counts in prop::collection::vec(1_usize..6, 1..6)) {
            let n: usize = counts.iter().sum();
            let mut before = 0.0;
            for k in 1..=n {
                let found = distinct_k(&counts, k).unwrap();
                prop_assert!(found >= before - 1e-12 && found <= counts.len() as f64 + 1e-12 && found <= k as f64 + 1e-12);
                before = found;
            }
        }
    }
}
