//! Zipf's law: how fast the frequency of tokens falls with their rank.

/// The exponent `s` of `frequency ~ rank^-s`: minus the slope of the least-squares line through `(ln rank, ln count)`, all tokens of
/// equal weight, the most frequent at rank 1 (Zipf, "Human behavior and the principle of least effort", 1949; as a measure of
/// generated text: Holtzman et al., arXiv 1904.09751). About 1 in texts by people; larger where few tokens make up the text.
///
/// Tokens that do not occur are left out. `None` of fewer than two tokens that do: there is no line.
pub fn zipf_exponent(counts: &[usize]) -> Option<f64> {
    let mut counts: Vec<f64> = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| *count as f64)
        .collect();
    if counts.len() < 2 {
        return None;
    }
    counts.sort_by(|one, other| other.total_cmp(one));
    let points: Vec<(f64, f64)> = (1..)
        .map(f64::from)
        .zip(&counts)
        .map(|(rank, count)| (rank.ln(), count.ln()))
        .collect();
    let n = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / n;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / n;
    let along: f64 = points
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum();
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    Some(-along / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_power_laws_have_their_exponents() {
        // 2520 is divided by all of 1 to 10, and 44,100 = 2² · 3² · 5² · 7² by the squares of 1 to 7.
        let inverse: Vec<usize> = (1..=10).map(|rank| 2520 / rank).collect();
        assert!((zipf_exponent(&inverse).unwrap() - 1.0).abs() < 1e-12);
        let squares: Vec<usize> = [1, 2, 3, 5, 6, 7]
            .iter()
            .map(|rank| 44_100 / (rank * rank))
            .collect();
        // Without the 4th the ranks shift: steeper than a square at the end.
        assert!(zipf_exponent(&squares).unwrap() > 2.0);
        let squares: Vec<usize> = (1..=3).map(|rank: usize| 36 / rank.pow(2)).collect();
        assert!((zipf_exponent(&squares).unwrap() - 2.0).abs() < 1e-12);
    }

    #[test]
    fn order_and_absent_tokens_do_not_matter() {
        let sorted = zipf_exponent(&[9, 5, 2, 1]).unwrap();
        assert_eq!(zipf_exponent(&[1, 0, 5, 9, 0, 2]), Some(sorted));
        assert!(zipf_exponent(&[3, 3, 3]).unwrap().abs() < 1e-12);
        assert_eq!(zipf_exponent(&[7, 0]), None);
        assert_eq!(zipf_exponent(&[]), None);
    }
}
