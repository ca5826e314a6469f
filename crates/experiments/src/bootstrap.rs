//! Intervals by resampling: the percentile bootstrap (Efron 1979; Efron and Tibshirani, "An Introduction to the Bootstrap", 1993,
//! chapter 13).

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
    if units < 2 {
        return None;
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

    #[test]
    fn a_single_unit_has_no_interval() {
        assert_eq!(interval_of_mean(&[1.0], 1), None);
        assert_eq!(interval_of_mean(&[], 1), None);
    }
}
