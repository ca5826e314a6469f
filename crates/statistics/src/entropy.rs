//! Shannon entropy of probabilities and of counts (Shannon 1948), in bits.

/// Entropy `-Σ p log₂ p` of probabilities in bits, from 0 (one certain outcome) to the log₂ of their number. The probabilities are
/// taken as they are: they should sum to 1. Zero without any.
pub fn entropy_bits(probabilities: &[f64]) -> f64 {
    let positive = probabilities.iter().filter(|p| **p > 0.0);
    // The sum over one certain outcome is -0.
    positive.map(|p| -p * p.log2()).sum::<f64>().max(0.0) + 0.0
}

/// Entropy of the shares of counts in bits: the plug-in estimate. On average it is about `(kinds - 1) / (2 n ln 2)` bits too low for
/// `n` counted things (Miller 1955). Zero where nothing is counted.
pub fn entropy_of_counts_bits(counts: &[usize]) -> f64 {
    let all = counts.iter().sum::<usize>().max(1) as f64;
    let shares: Vec<f64> = counts.iter().map(|&count| count as f64 / all).collect();
    entropy_bits(&shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_entropies() {
        assert_eq!(entropy_bits(&[0.5, 0.25, 0.25]), 1.5);
        assert_eq!(entropy_bits(&[1.0, 0.0]).to_bits(), 0.0_f64.to_bits());
        assert_eq!(entropy_bits(&[]), 0.0);
        assert_eq!(entropy_of_counts_bits(&[4, 0, 4]), 1.0);
        assert_eq!(entropy_of_counts_bits(&[0, 0]), 0.0);
        // 3 of 4 and 1 of 4.
        assert!((entropy_of_counts_bits(&[3, 1]) - 0.811_278_124_459_132_9).abs() < 1e-15);
    }
}
