//! Confidence intervals by resampling: the percentile bootstrap (Efron 1979; Efron and Tibshirani, "An Introduction to the Bootstrap", 1993,
//! chapter 13), and for what resampling biases the same moved by that bias.

use decoding::coin;

/// Resamples behind an interval: the 95 % ends are then told by 25 of them on either side.
pub const RESAMPLES: u32 = 1000;

/// The 95 % percentile interval of a statistic of independent units (openings, texts, prompts), each of which may hold many
/// dependent values. `statistic` gets the places of the units drawn, with repetition; what it gives that is no number is left out.
/// `None` of fewer than two units.
///
/// Draws follow from `seed` alone.
pub fn interval_95(
    units: usize,
    seed: u64,
    statistic: impl Fn(&[usize]) -> f64,
) -> Option<(f64, f64)> {
    middle_95(&resampled(units, seed, statistic))
}

/// [`interval_95`] of a statistic that is never negative and that resampling biases, as it does a sum of distances: all resamples
/// are moved by the bootstrap's estimate of that bias, their mean less the `estimate` of the whole sample (Efron and Tibshirani,
/// "An Introduction to the Bootstrap", 1993, chapter 10, section 2), so that they lie around the estimate, and ends below 0 are 0.
pub fn unbiased_interval_95(
    units: usize,
    seed: u64,
    estimate: f64,
    statistic: impl Fn(&[usize]) -> f64,
) -> Option<(f64, f64)> {
    let values = resampled(units, seed, statistic);
    let bias = mean(&values) - estimate;
    let (low, high) = middle_95(&values)?;
    Some(((low - bias).max(0.0), (high - bias).max(0.0)))
}

/// A statistic of every resample, where it is a number, in rising order. Nothing of fewer than two units.
fn resampled(units: usize, seed: u64, statistic: impl Fn(&[usize]) -> f64) -> Vec<f64> {
    if units < 2 {
        return Vec::new();
    }
    let mut drawn = vec![0; units];
    let mut values: Vec<f64> = (0..RESAMPLES)
        .map(|resample| {
            for (place, unit) in drawn.iter_mut().enumerate() {
                let share = coin(seed, resample, place as u32).value();
                *unit = ((share * units as f64) as usize).min(units - 1);
            }
            statistic(&drawn)
        })
        .filter(|value| value.is_finite())
        .collect();
    values.sort_by(f64::total_cmp);
    values
}

/// What the middle 95 % of values in rising order reach from and to.
fn middle_95(values: &[f64]) -> Option<(f64, f64)> {
    let last = values.len().checked_sub(1)?;
    let at = |share: f64| values[(share * last as f64).round() as usize];
    Some((at(0.025), at(0.975)))
}

/// [`interval_95`] of the mean of one value a unit.
pub fn interval_of_mean(values: &[f64], seed: u64) -> Option<(f64, f64)> {
    interval_95(values.len(), seed, |drawn| {
        drawn.iter().map(|&unit| values[unit]).sum::<f64>() / drawn.len() as f64
    })
}

/// The mean; not a number of nothing.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of normal-looking data the interval is about `mean ± 1.96 s / √n`, and it holds the true mean about as often as it says.
    #[test]
    fn the_interval_of_a_mean_covers_it_as_often_as_it_says() {
        let trials = 200;
        let covered = (0..trials)
            .filter(|&trial| {
                // Sums of four even numbers: mean 2.
                let value = |unit| (0..4).map(|part| coin(trial, unit, part).value()).sum();
                let values: Vec<f64> = (0..40).map(value).collect();
                let (low, high) = interval_of_mean(&values, 1000 + trial).unwrap();
                low <= 2.0 && 2.0 <= high
            })
            .count();
        // 95 % of 200 are 190, give or take 3; the percentile bootstrap of 40 values is a little narrow.
        assert!((178..=198).contains(&covered), "{covered}");
    }

    /// `|mean|` of values around 0 is nearly 0, and of no resample is it less: the plain interval lies above it.
    #[test]
    fn an_interval_moved_by_its_bias_holds_the_estimate() {
        let values: Vec<f64> = (0..20).map(|unit| f64::from(unit) - 9.5).collect();
        let off = |drawn: &[usize]| {
            let sum: f64 = drawn.iter().map(|&unit| values[unit]).sum();
            (sum / drawn.len() as f64).abs()
        };
        let all: Vec<usize> = (0..20).collect();
        let estimate = off(&all);
        assert_eq!(estimate, 0.0);
        let (plain, _) = interval_95(20, 1, off).unwrap();
        assert!(plain > estimate, "{plain}");
        let (low, high) = unbiased_interval_95(20, 1, estimate, off).unwrap();
        assert_eq!(low, 0.0);
        assert!(high > 0.5, "{high}");
    }

    /// A mean is not biased: the same interval, but for what the bias of so many resamples is off by.
    #[test]
    fn without_a_bias_little_is_moved() {
        let values: Vec<f64> = (0..20).map(|unit| f64::from(unit) + 10.0).collect();
        let of_drawn = |drawn: &[usize]| drawn.iter().map(|&unit| values[unit]).sum::<f64>() / 20.0;
        let (low, high) = interval_95(20, 1, of_drawn).unwrap();
        let (moved_low, moved_high) = unbiased_interval_95(20, 1, 19.5, of_drawn).unwrap();
        // A standard error of 1.3 over the root of a thousand resamples is 0.04.
        assert!((low - moved_low).abs() < 0.15 && (high - moved_high).abs() < 0.15);
    }

    #[test]
    fn a_single_unit_has_no_interval() {
        assert_eq!(interval_of_mean(&[1.0], 1), None);
        assert_eq!(unbiased_interval_95(1, 1, 0.0, |_| 1.0), None);
        assert_eq!(interval_of_mean(&[], 1), None);
    }
}
