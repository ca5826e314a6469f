//! Rank correlation of two rows of logits.

/// Spearman's rank correlation: the correlation of the ranks, where equal values share the mean of their ranks (Spearman 1904;
/// Kendall, "Rank Correlation Methods", 1948, chapter 3 on ties). From -1 (the order is reversed) to 1 (the order is the same).
/// Minus zero and zero are equal; values that are no numbers rank by their sign, outside all others.
///
/// `None` where the lengths differ, or one side has fewer than two different values.
pub(crate) fn rank_correlation(one: &[f32], other: &[f32]) -> Option<f64> {
    if one.len() != other.len() {
        return None;
    }
    let (one, other) = (ranks(one), ranks(other));
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

/// The rank of every value from 0, those of equal values averaged.
fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<u64> = values
        .iter()
        .enumerate()
        .map(|(place, value)| u64::from(sortable(*value)) << 32 | place as u64)
        .collect();
    order.sort_unstable();
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for equal in order.chunk_by(|one, other| one >> 32 == other >> 32) {
        let rank = below as f64 + (equal.len() as f64 - 1.0) / 2.0;
        for key in equal {
            ranks[(key & u64::from(u32::MAX)) as usize] = rank;
        }
        below += equal.len();
    }
    ranks
}

/// Bits that sort as the values do: the sign is turned, and of negative values the rest too (IEEE 754 `totalOrder`).
fn sortable(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits();
    let negative = bits >> 31 == 1;
    if negative { !bits } else { bits | 1 << 31 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_with_ties_by_hand() {
        assert_eq!(
            ranks(&[3.0, -1.0, 3.0, f32::NEG_INFINITY, 0.5]),
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
        assert_eq!(rank_correlation(&[], &[]), None);
    }
}
