//! Time until an event when some stories end before it: the estimate of Kaplan and Meier 1958 ("Nonparametric estimation from
//! incomplete observations", JASA 53).
//!
//! A story that stops without a hit is censored: its hitting time is known only to be later. Leaving such stories out would make
//! hits look early; counting them as hits at their end would make hits look certain.
//!
//! The estimate is right where the time of censoring says nothing about the hitting time, as at a limit of length. A story that
//! ended by end of text will never hit: give it an observation that ends at the limit, not at its last token.

use crate::interval::{DEVIATE_95, Interval};

/// How long a story was observed, and whether the event came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Observation {
    /// Tokens until the hit, or until the observation ended without one (censored).
    pub tokens: u32,
    /// Whether the observation ended with a hit.
    pub hit: bool,
}

/// The curve just after one hitting time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct HitStep {
    /// The hitting time, in tokens.
    pub tokens: u32,
    /// Stories still under observation without a hit just before it.
    pub at_risk: usize,
    /// Stories that hit at it.
    pub hits: usize,
    /// Estimated probability of a hit by now, 0 to 1.
    pub hit_by: f64,
    /// 95 % interval of that, point by point; `None` once every story at risk has hit, where the variance is undefined.
    pub interval: Option<Interval>,
}

/// Estimated probability of a hit by each number of tokens: a staircase that rises at the hitting times.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct HittingCurve {
    /// One step a distinct hitting time, in order.
    pub steps: Vec<HitStep>,
    /// Tokens of the longest observation; the curve says nothing beyond it.
    pub observed: u32,
}

/// Estimates the curve: `1 - Π (1 - d / n)` over the hitting times so far, where `d` of the `n` stories at risk hit. An observation
/// that ends at a hitting time is still at risk then.
///
/// The interval is Greenwood's variance (1926) carried over to `ln(-ln S)` (Kalbfleisch and Prentice 1980), so it stays between
/// 0 and 1: with `θ = z √(Σ d / (n (n - d))) / ln S` it goes from `1 - S^exp(-θ)` to `1 - S^exp(θ)` or back.
pub fn hitting_curve(observations: &[Observation]) -> HittingCurve {
    let mut sorted = observations.to_vec();
    sorted.sort_by_key(|it| it.tokens);
    let mut at_risk = sorted.len();
    let (mut unhit, mut greenwood) = (1.0, 0.0);
    let mut steps = Vec::new();
    for same in sorted.chunk_by(|one, other| one.tokens == other.tokens) {
        let hits = same.iter().filter(|it| it.hit).count();
        if hits > 0 {
            let (d, n) = (hits as f64, at_risk as f64);
            unhit *= 1.0 - d / n;
            greenwood += d / (n * (n - d));
            steps.push(HitStep {
                tokens: same[0].tokens,
                at_risk,
                hits,
                hit_by: 1.0 - unhit,
                interval: (hits < at_risk).then(|| interval(unhit, greenwood)),
            });
        }
        at_risk -= same.len();
    }
    HittingCurve {
        steps,
        observed: sorted.last().map_or(0, |it| it.tokens),
    }
}

/// Interval of the probability of a hit, from that of none (between 0 and 1) and Greenwood's sum.
fn interval(unhit: f64, greenwood: f64) -> Interval {
    let theta = DEVIATE_95 * greenwood.sqrt() / unhit.ln();
    let ends = [theta, -theta].map(|theta| 1.0 - unhit.powf(theta.exp()));
    Interval {
        low: ends[0].min(ends[1]),
        high: ends[0].max(ends[1]),
    }
}

impl HittingCurve {
    /// Estimated probability of a hit by so many tokens, 0 to 1; `None` beyond the longest observation.
    pub fn hit_by(&self, tokens: u32) -> Option<f64> {
        let reached = self.steps.partition_point(|step| step.tokens <= tokens);
        let value = reached
            .checked_sub(1)
            .map_or(0.0, |last| self.steps[last].hit_by);
        (tokens <= self.observed).then_some(value)
    }

    /// The first number of tokens by which a hit is at least as likely as not; `None` where the curve never gets there.
    pub fn median(&self) -> Option<u32> {
        // A product of shares may miss one half by its last bits.
        let reached = self.steps.iter().find(|step| step.hit_by >= 0.5 - 1e-12);
        reached.map(|step| step.tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn observations(of: &[(u32, bool)]) -> Vec<Observation> {
        of.iter()
            .map(|&(tokens, hit)| Observation { tokens, hit })
            .collect()
    }

    /// Weeks of remission under 6-mercaptopurine, of Freireich et al. 1963 (Blood 21); the textbooks' example.
    fn freireich() -> Vec<Observation> {
        let hits = [6, 6, 6, 7, 10, 13, 16, 22, 23].map(|week| (week, true));
        let lost = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35].map(|week| (week, false));
        observations(&[&hits[..], &lost[..]].concat())
    }

    #[test]
    fn the_textbook_example_comes_out() {
        let curve = hitting_curve(&freireich());
        // Time, at risk, events and survival as in Kleinbaum and Klein, "Survival Analysis", table 2.1.
        let table = [
            (6, 21, 3, 0.8571),
            (7, 17, 1, 0.8067),
            (10, 15, 1, 0.7529),
            (13, 12, 1, 0.6902),
            (16, 11, 1, 0.6275),
            (22, 7, 1, 0.5378),
            (23, 6, 1, 0.4482),
        ];
        assert_eq!(curve.steps.len(), table.len());
        for (step, (tokens, at_risk, hits, survival)) in curve.steps.iter().zip(table) {
            assert_eq!(
                (step.tokens, step.at_risk, step.hits),
                (tokens, at_risk, hits)
            );
            assert!((1.0 - step.hit_by - survival).abs() < 5e-5);
        }
        assert_eq!(curve.median(), Some(23));
        assert_eq!(curve.observed, 35);
        assert_eq!(curve.hit_by(5), Some(0.0));
        assert_eq!(curve.hit_by(12), curve.hit_by(10));
        assert_eq!(curve.hit_by(36), None);
    }

    #[test]
    fn the_interval_is_that_of_greenwood_on_the_log_minus_log_scale() {
        // At week 6: S = 18/21, Greenwood's sum 3 / (21 * 18), by hand ln S = -0.15415, θ = ±1.1326.
        let first = hitting_curve(&freireich()).steps[0].interval.unwrap();
        assert!(
            (first.low - 0.0484).abs() < 1e-4 && (first.high - 0.3803).abs() < 1e-4,
            "{first:?}"
        );
    }

    #[test]
    fn nobody_watched_and_nobody_hit() {
        let empty = hitting_curve(&[]);
        assert_eq!(
            (empty.hit_by(0), empty.hit_by(1), empty.median()),
            (Some(0.0), None, None)
        );
        let censored = hitting_curve(&observations(&[(5, false), (9, false)]));
        assert_eq!((censored.hit_by(9), censored.median()), (Some(0.0), None));
    }

    #[test]
    fn where_all_have_hit_the_probability_is_one_without_an_interval() {
        let curve = hitting_curve(&observations(&[(0, true), (3, true)]));
        assert_eq!(
            (curve.hit_by(0), curve.hit_by(3), curve.median()),
            (Some(0.5), Some(1.0), Some(0))
        );
        assert_eq!(curve.steps[1].interval, None);
    }

    proptest! {
        #[test]
        fn without_censoring_the_curve_is_the_share_that_has_hit(times in proptest::collection::vec(0_u32..50, 1..40)) {
            let curve = hitting_curve(&times.iter().map(|&tokens| Observation { tokens, hit: true }).collect::<Vec<_>>());
            for tokens in 0..=curve.observed {
                let share = times.iter().filter(|&&time| time <= tokens).count() as f64 / times.len() as f64;
                prop_assert!((curve.hit_by(tokens).unwrap() - share).abs() < 1e-12);
            }
            let mut sorted = times.clone();
            sorted.sort_unstable();
            prop_assert_eq!(curve.median(), Some(sorted[times.len().div_ceil(2) - 1]));
        }

        #[test]
        fn it_rises_and_its_intervals_hold_it(of in proptest::collection::vec((0_u32..30, any::<bool>()), 0..60)) {
            let curve = hitting_curve(&observations(&of));
            let mut before = 0.0;
            for step in &curve.steps {
                prop_assert!(step.hit_by > before && step.hit_by <= 1.0 + 1e-12);
                before = step.hit_by;
                if let Some(Interval { low, high }) = step.interval {
                    prop_assert!(0.0 <= low && low <= step.hit_by && step.hit_by <= high && high <= 1.0);
                }
            }
        }
    }
}
