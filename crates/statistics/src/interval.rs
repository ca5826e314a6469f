//! The confidence interval of a counted share: Wilson's score interval (Wilson 1927, "Probable inference, the law of succession, and statistical
//! inference", JASA 22).

use serde::{Deserialize, Serialize};

/// Normal deviate of two-sided 95 %: `Φ⁻¹(0.975)`.
pub(crate) const DEVIATE_95: f64 = 1.959_963_984_540_054;

/// A range of shares or probabilities, `0 <= low <= high <= 1`.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The shares that `hits` among `trials` do not contradict at 95 %: all `s` with `|h - s| <= z √(s (1 - s) / n)`, where `h` is the
/// share found and `z` is 1.96. Unlike `h ± z √(h (1 - h) / n)` it stays between 0 and 1 and does not shrink to a point at none or
/// all. `None` without trials; more hits than trials count as all.
///
/// The trials must be independent. Stories sampled after one prompt are, given the prompt; over many prompts the interval holds for these
/// prompts, not for others.
pub fn wilson_95(hits: usize, trials: usize) -> Option<Interval> {
    if trials == 0 {
        return None;
    }
    let n = trials as f64;
    let hits = hits.min(trials);
    let share = hits as f64 / n;
    let z2 = DEVIATE_95 * DEVIATE_95;
    let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half =
        (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt() * DEVIATE_95 / (1.0 + z2 / n);
    Some(Interval {
        low: if hits == 0 {
            0.0
        } else {
            (centre - half).max(0.0)
        },
        high: if hits == trials {
            1.0
        } else {
            (centre + half).min(1.0)
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_intervals() {
        // None of ten: from 0 to z² / (n + z²). Ten of twenty: one half, give or take z / (2 √(n + z²)).
        let z2 = DEVIATE_95 * DEVIATE_95;
        let none = wilson_95(0, 10).unwrap();
        assert_eq!(none.low, 0.0);
        assert!((none.high - z2 / (10.0 + z2)).abs() < 1e-15);
        let half = wilson_95(10, 20).unwrap();
        assert!((half.high - 0.5 - DEVIATE_95 / 2.0 / (20.0 + z2).sqrt()).abs() < 1e-15);
        // Newcombe 1998 ("Two-sided confidence intervals for the single proportion", Statistics in Medicine 17), Table I.
        for (hits, trials, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let interval = wilson_95(hits, trials).unwrap();
            assert!((interval.low - low).abs() < 5e-5 && (interval.high - high).abs() < 5e-5);
        }
        assert_eq!(wilson_95(0, 0), None);
    }

    proptest! {
        #[test]
        fn it_holds_the_share_and_mirrors_and_narrows(trials in 1_usize..5000, part in 0.0..=1.0) {
            let hits = (part * trials as f64) as usize;
            let Interval { low, high } = wilson_95(hits, trials).unwrap();
            let share = hits as f64 / trials as f64;
            prop_assert!(0.0 <= low && low <= share && share <= high && high <= 1.0 && low < high);
            let mirrored = wilson_95(trials - hits, trials).unwrap();
            prop_assert!((mirrored.low - (1.0 - high)).abs() < 1e-12 && (mirrored.high - (1.0 - low)).abs() < 1e-12);
            let more = wilson_95(4 * hits, 4 * trials).unwrap();
            prop_assert!(more.high - more.low < high - low);
        }

        #[test]
        fn its_ends_are_where_the_share_found_is_just_not_contradicted(trials in 2_usize..2000, part in 0.0..1.0) {
            let hits = (1 + (part * (trials - 1) as f64) as usize).min(trials - 1);
            let share = hits as f64 / trials as f64;
            let Interval { low, high } = wilson_95(hits, trials).unwrap();
            for end in [low, high] {
                let deviate = (share - end).abs() / (end * (1.0 - end) / trials as f64).sqrt();
                prop_assert!((deviate - DEVIATE_95).abs() < 1e-6);
            }
        }
    }
}
