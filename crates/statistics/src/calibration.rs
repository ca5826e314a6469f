//! Expected calibration error (Naeini, Cooper and Hauskrecht, AAAI 2015; Guo et al., arXiv 1706.04599): by bins of confidence, how
//! far the mean confidence is from the mean truth, `Σ_b (w_b / W) |mean truth_b - mean confidence_b|`.
//!
//! Truth is a probability known beforehand, or 0 or 1 for what was observed. Errors of opposite signs within a bin cancel.

/// Equal parts of the range from 0 to 1, as many as in Guo et al.'s reliability diagrams.
const BINS: usize = 10;

/// Weighted gaps between truth and confidence, by bin. Sets of bins add up, which makes resampling cheap.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct CalibrationBins {
    weight: f64,
    /// By bin: sum of `weight * (truth - confidence)`.
    gaps: [f64; BINS],
}

impl CalibrationBins {
    /// Adds one forecast of some weight: its confidence, from 0 to 1, and how often it is right.
    pub fn add(&mut self, weight: f64, confidence: f64, truth: f64) {
        let bin = ((confidence * BINS as f64) as usize).min(BINS - 1);
        self.weight += weight;
        self.gaps[bin] += weight * (truth - confidence);
    }

    /// Adds all forecasts of another set.
    pub fn merge(&mut self, other: &Self) {
        self.weight += other.weight;
        for (gap, other) in self.gaps.iter_mut().zip(other.gaps) {
            *gap += other;
        }
    }

    /// The expected calibration error, 0 to 1; `None` without weight.
    pub fn error(&self) -> Option<f64> {
        let sum: f64 = self.gaps.iter().map(|gap| gap.abs()).sum();
        (self.weight > 0.0).then(|| sum / self.weight)
    }
}

/// The expected calibration error of forecasts `(weight, confidence, truth)`, 0 to 1; `None` without weight.
pub fn expected_calibration_error(
    forecasts: impl IntoIterator<Item = (f64, f64, f64)>,
) -> Option<f64> {
    let mut bins = CalibrationBins::default();
    for (weight, confidence, truth) in forecasts {
        bins.add(weight, confidence, truth);
    }
    bins.error()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_one_bin_may_cancel_and_those_of_two_bins_add_up() {
        let over = (0.5, 0.75, 0.65);
        let under = (0.5, 0.72, 0.82);
        let elsewhere = (0.5, 0.52, 0.62);
        let error = |forecasts: [_; 2]| expected_calibration_error(forecasts).unwrap();
        assert!(error([over, under]).abs() < 1e-12);
        assert!((error([over, elsewhere]) - 0.1).abs() < 1e-12);
    }

    #[test]
    fn only_shares_of_the_weight_count_and_certainty_has_a_bin() {
        let forecasts = [(3.0, 1.0, 0.5), (1.0, 0.0, 0.5)];
        assert_eq!(expected_calibration_error(forecasts), Some(0.5));
        assert_eq!(expected_calibration_error([]), None);
    }

    #[test]
    fn merged_bins_are_those_of_all_forecasts() {
        let mut bins = [CalibrationBins::default(); 3];
        for (at, (confidence, truth)) in [(0.2, 0.3), (0.25, 0.1), (0.9, 0.5)].iter().enumerate() {
            bins[at % 2].add(1.0, *confidence, *truth);
            bins[2].add(1.0, *confidence, *truth);
        }
        let [mut one, other, all] = bins;
        one.merge(&other);
        assert!((one.error().unwrap() - all.error().unwrap()).abs() < 1e-12);
    }
}
