//! Ranks with ties, and what follows from them: Spearman's correlation and the area under the ROC curve.

/// The rank of every value from 0; equal values share the mean of their ranks (Kendall, "Rank Correlation Methods", 1948, chapter 3).
/// Minus zero and zero are equal; NaN ranks by its sign, outside all numbers.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<(u64, usize)> = values
        .iter()
        .map(|value| sortable(*value))
        .zip(0..)
        .collect();
    order.sort_unstable();
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for equal in order.chunk_by(|one, other| one.0 == other.0) {
        let rank = below as f64 + (equal.len() as f64 - 1.0) / 2.0;
        for (_, place) in equal {
            ranks[*place] = rank;
        }
        below += equal.len();
    }
    ranks
}

/// Bits that sort as the values do: the sign is turned, and of negative values the rest too (IEEE 754 `totalOrder`).
fn sortable(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    let negative = bits >> 63 == 1;
    if negative { !bits } else { bits | 1 << 63 }
}

/// Spearman's rank correlation: the correlation of the ranks (Spearman 1904), from -1 (the order is reversed) to 1 (the order is the
/// same). `None` where the lengths differ, or one side has fewer than two different values.
pub fn rank_correlation<T: Copy + Into<f64>>(one: &[T], other: &[T]) -> Option<f64> {
    if one.len() != other.len() {
        return None;
    }
    let of = |values: &[T]| {
        ranks(
            &values
                .iter()
                .map(|value| (*value).into())
                .collect::<Vec<_>>(),
        )
    };
    let (one, other) = (of(one), of(other));
    // Ranks of n values always have this mean, ties or not.
    let middle = (one.len() as f64 - 1.0) / 2.0;
    let (mut both, mut own, mut others) = (0.0, 0.0, 0.0);
    for (one, other) in one.iter().zip(&other) {
        let (one, other) = (one - middle, other - middle);
        both += one * other;
        own += one * one;
        others += other * other;
    }
    (own > 0.0 && others > 0.0).then(|| both / (own * others).sqrt())
}

/// Area under the ROC curve of labelled scores: the probability that a positive scores higher than a negative, ties counted half
/// (Hanley and McNeil 1982), from the rank sum of Mann and Whitney 1947. 0.5 tells nothing apart, 1 everything. `None` unless both
/// labels occur.
pub fn area_under_roc(scores: &[(f64, bool)]) -> Option<f64> {
    let ranks = ranks(&scores.iter().map(|(score, _)| *score).collect::<Vec<_>>());
    let positive = scores.iter().filter(|(_, positive)| *positive).count();
    let negative = scores.len() - positive;
    let rank_sum: f64 = ranks
        .iter()
        .zip(scores)
        .filter(|(_, (_, positive))| *positive)
        .map(|(rank, _)| rank)
        .sum();
    let (positive, negative) = (positive as f64, negative as f64);
    let above = rank_sum - positive * (positive - 1.0) / 2.0;
    (positive > 0.0 && negative > 0.0).then(|| above / (positive * negative))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranks_with_ties_by_hand() {
        assert_eq!(
            ranks(&[3.0, -1.0, 3.0, f64::NEG_INFINITY, 0.5]),
            [3.5, 1.0, 3.5, 0.0, 2.0]
        );
        assert_eq!(ranks(&[0.0, -0.0]), [0.5, 0.5]);
    }

    #[test]
    fn correlation_by_hand() {
        let same = rank_correlation(&[1.0, 2.0, 3.0], &[-5.0, 0.0, 90.0]).unwrap();
        assert!((same - 1.0).abs() < 1e-12);
        let turned = rank_correlation(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]).unwrap();
        assert!((turned + 1.0).abs() < 1e-12);
        // 1 - 6 Σ d² / (n (n² - 1)) with d = 1, -1, 0, 0: 1 - 12 / 60.
        let found = rank_correlation(&[1.0, 2.0, 3.0, 4.0], &[2.0, 1.0, 3.0, 4.0]).unwrap();
        assert!((found - 0.8).abs() < 1e-12);
        // Ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3: 4.5 / √(4.5 · 5).
        let found = rank_correlation(&[1.0, 2.0, 2.0, 4.0], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert!((found - 0.9_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_order_has_no_correlation() {
        assert_eq!(rank_correlation(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(rank_correlation(&[1.0], &[1.0, 2.0]), None);
        assert_eq!(rank_correlation::<f32>(&[], &[]), None);
    }

    #[test]
    fn an_area_by_hand() {
        // Of the four pairs of a positive and a negative, two are in order, one is tied, one is not.
        let scores = [(2.0, true), (0.0, true), (0.0, false), (1.0, false)];
        assert_eq!(area_under_roc(&scores), Some(2.5 / 4.0));
        assert_eq!(area_under_roc(&[(1.0, true)]), None);
    }

    proptest! {
        #[test]
        fn an_area_is_the_share_of_ordered_pairs(scores in proptest::collection::vec((-4_i8..4, any::<bool>()), 2..40)) {
            let scores: Vec<_> = scores.into_iter().map(|(score, positive)| (f64::from(score), positive)).collect();
            let (mut pairs, mut ordered) = (0.0, 0.0);
            for (one, _) in scores.iter().filter(|(_, positive)| *positive) {
                for (other, _) in scores.iter().filter(|(_, positive)| !*positive) {
                    pairs += 1.0;
                    ordered += if one > other { 1.0 } else if one == other { 0.5 } else { 0.0 };
                }
            }
            match area_under_roc(&scores) {
                None => prop_assert_eq!(pairs, 0.0),
                Some(area) => prop_assert!((area - ordered / pairs).abs() < 1e-12),
            }
        }
    }
}
