//! The best of k: the worth of the sample that is best by some score, of k that a judge is shown.

/// The mean worth of the kept sample over all ways to show `k` of these samples, which estimates it without bias (the order-statistic
/// form that Chen et al., arXiv 2107.03374, give for pass@k). Of equally scored samples each is kept equally often.
///
/// `samples` are `(score, worth)`; scores that are no numbers count as lowest. `None` where `k` is 0 or there are fewer samples.
pub fn expected_best(samples: &[(f64, f64)], k: usize) -> Option<f64> {
    if k == 0 || samples.len() < k {
        return None;
    }
    let score = |sample: &(f64, f64)| {
        if sample.0.is_nan() {
            f64::NEG_INFINITY
        } else {
            sample.0
        }
    };
    let mut sorted = samples.to_vec();
    sorted.sort_by(|one, other| score(one).total_cmp(&score(other)));
    let mut sum = 0.0;
    let mut below = 0;
    // The kept one is among the equally scored ones when all k are from them or below, but not all from below.
    for equal in sorted.chunk_by(|one, other| score(one) == score(other)) {
        let up_to = below + equal.len();
        let weight = subsets(up_to, samples.len(), k) - subsets(below, samples.len(), k);
        let worth: f64 = equal.iter().map(|(_, worth)| worth).sum();
        sum += weight * worth / equal.len() as f64;
        below = up_to;
    }
    Some(sum)
}

/// `C(part, k) / C(all, k)`: how often k of all are within a part.
fn subsets(part: usize, all: usize, k: usize) -> f64 {
    (0..k)
        .map(|drawn| part.saturating_sub(drawn) as f64 / (all - drawn) as f64)
        .product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_two_of_three_by_hand() {
        // Pairs: (1, 2), (1, 3), (2, 3): the best are 2, 3, 3.
        let samples = [(3.0, 3.0), (1.0, 1.0), (2.0, 2.0)];
        assert!((expected_best(&samples, 2).unwrap() - 8.0 / 3.0).abs() < 1e-12);
        assert!((expected_best(&samples, 1).unwrap() - 2.0).abs() < 1e-12);
        assert!((expected_best(&samples, 3).unwrap() - 3.0).abs() < 1e-12);
        assert_eq!(expected_best(&samples, 4), None);
        assert_eq!(expected_best(&samples, 0), None);
    }

    #[test]
    fn equals_are_kept_equally_often() {
        let samples = [(1.0, 10.0), (1.0, 20.0), (0.0, 0.0)];
        // Pairs: two with one of the equals (10, 20), one with both (15).
        assert!((expected_best(&samples, 2).unwrap() - 15.0).abs() < 1e-12);
    }
}
