//! What is told of the fits: numbers with intervals, figures, and the verdict.

use super::{Curve, FAR, Part, Unit};
use crate::bootstrap::interval_95;
use crate::results::{Estimate, ExperimentResults, Point, Verdict};
use crate::{Inputs, RunConfig, Subject};

/// What is explained where the claim holds, %. Fixed before anything was measured.
pub(super) const ENOUGH: f64 = 90.0;
/// Below so many nats a token there is no divergence to explain, only rounding.
const NOTHING: f64 = 1e-7;
/// Names the coins of intervals among the parts of a run.
const INTERVALS: usize = 1 << 20;
/// Shares of positions at which the curve of scales is drawn, %.
const SHARES: [u32; 21] = [
    1, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 99,
];

/// What is told of one model.
pub(super) struct Told {
    pub(super) results: Vec<Estimate>,
    /// What one scale explains: on the openings of the fit, then group by group on those it has not seen.
    pub(super) explained: Vec<Point>,
    /// The best scale by the share of positions with a smaller one, %.
    pub(super) scales: Vec<Point>,
    /// The one scale.
    pub(super) gamma: f64,
}

/// Numbers of some openings of one model.
struct Teller<'a> {
    subject: &'a str,
    seed: u64,
}

impl Teller<'_> {
    fn estimate(
        &self,
        (key, label, unit): (&str, &str, &str),
        units: &[&Unit],
        statistic: impl Fn(&[&Unit]) -> f64,
    ) -> Estimate {
        let value = statistic(units);
        let interval = interval_95(units.len(), self.seed, |drawn| {
            let drawn: Vec<&Unit> = drawn.iter().map(|&unit| units[unit]).collect();
            statistic(&drawn)
        });
        let (key, label) = (
            format!("{}.{key}", self.subject),
            format!("{}: {label}", self.subject),
        );
        Estimate::exact(key, label, unit, value).within(interval, units.len())
    }

    /// The sum of one part over the sum of another.
    fn ratio(
        &self,
        names: (&str, &str, &str),
        units: &[&Unit],
        parts: impl Fn(&Unit) -> (f64, f64),
    ) -> Estimate {
        let parts: Vec<(f64, f64)> = units.iter().map(|unit| parts(unit)).collect();
        let ratio = |drawn: &mut dyn Iterator<Item = usize>| {
            let (part, whole) = drawn.fold((0.0, 0.0), |sum, unit| {
                (sum.0 + parts[unit].0, sum.1 + parts[unit].1)
            });
            part / whole
        };
        let value = ratio(&mut (0..parts.len()));
        let interval = interval_95(parts.len(), self.seed, |drawn| {
            ratio(&mut drawn.iter().copied())
        });
        let key = format!("{}.{}", self.subject, names.0);
        let label = format!("{}: {}", self.subject, names.1);
        Estimate::exact(key, label, names.2, value).within(interval, units.len())
    }

    /// The share of divergence that something else than scale 1 explains, %. Not a number where there is no divergence.
    fn explained(
        &self,
        (key, label): (&str, &str),
        units: &[&Unit],
        nats: impl Fn(&Unit) -> [f64; 2],
    ) -> Estimate {
        let positions: f64 = units.iter().map(|unit| unit.positions()).sum();
        let all: f64 = units.iter().map(|unit| nats(unit)[0]).sum();
        let something = all > NOTHING * positions;
        self.ratio((key, label, "%"), units, |unit| {
            let [all, left] = nats(unit);
            if something {
                (100.0 * (all - left), all)
            } else {
                (f64::NAN, f64::NAN)
            }
        })
    }
}

/// What so many openings say of one model.
pub(super) fn told(subject: &str, inputs: &Inputs, units: &[Unit], config: &RunConfig) -> Told {
    let teller = Teller {
        subject,
        seed: config.part_seed(INTERVALS),
    };
    let of = |part: Part| -> Vec<&Unit> { units.iter().filter(|unit| unit.part == part).collect() };
    let (fit, unseen, far) = (of(Part::Fit), of(Part::Unseen), of(Part::Far));
    let gamma = best(&fit, |unit| &unit.there);
    let mut estimates = shares(&teller, gamma, [&fit, &unseen, &far]);
    let mut explained = vec![point(0, &estimates[1])];
    estimates.extend(scales(&teller, &fit));
    for (group, of) in inputs.openings.iter().enumerate() {
        let units: Vec<&Unit> = [&unseen, &far]
            .into_iter()
            .flatten()
            .filter(|unit| unit.group == group)
            .copied()
            .collect();
        let key = format!("explained.{}", of.name);
        let label = format!("explained by the one scale, {}", of.title);
        let found = teller.explained((&key, &label), &units, by_scale(gamma));
        explained.push(point(group + 1, &found));
        if of.name != FAR {
            estimates.push(found);
        }
    }
    let scales = SHARES.map(|share| {
        let share = f64::from(share);
        Point::at(share, quantile(&fit, share / 100.0))
    });
    Told {
        results: estimates,
        // A bar that is not known is not drawn.
        explained: explained.into_iter().flatten().collect(),
        scales: scales.into_iter().filter(|at| at.y.is_finite()).collect(),
        gamma,
    }
}

/// Divergence as it is, and what one scale leaves of it.
fn by_scale(scale: f64) -> impl Fn(&Unit) -> [f64; 2] {
    move |unit| [unit.nats(1.0), unit.nats(scale)]
}

/// Divergence, and how much of it scales explain.
fn shares(teller: &Teller<'_>, gamma: f64, [fit, unseen, far]: [&[&Unit]; 3]) -> Vec<Estimate> {
    let by_gamma = by_scale(gamma);
    let by_own = |unit: &Unit| unit.own.iter().map(|(_, left)| left).sum::<f64>();
    vec![
        teller.explained(
            (
                "explained.unseen",
                "explained by the one scale on openings it was not fitted to",
            ),
            unseen,
            &by_gamma,
        ),
        teller.explained(
            (
                "explained.fit",
                "explained by the one scale on the openings of its fit",
            ),
            fit,
            &by_gamma,
        ),
        teller.explained(
            (
                "explained.far",
                "explained by the one scale far from stories",
            ),
            far,
            &by_gamma,
        ),
        teller.explained(
            (
                "explained.by-position",
                "explained by the best scale of every position",
            ),
            fit,
            |unit| [unit.nats(1.0), by_own(unit)],
        ),
        teller.ratio(
            ("kl", "divergence from the base a token", "nats"),
            fit,
            |unit| (unit.nats(1.0), unit.positions()),
        ),
        teller.ratio(
            (
                "residual",
                "what the one scale leaves a token, on the openings of its fit",
                "nats",
            ),
            fit,
            |unit| (unit.nats(gamma), unit.positions()),
        ),
        teller.ratio(
            (
                "residual.unseen",
                "what the one scale leaves a token, on openings it was not fitted to",
                "nats",
            ),
            unseen,
            |unit| (unit.nats(gamma), unit.positions()),
        ),
        teller.ratio(
            (
                "residual.by-position",
                "what the best scale of every position leaves a token",
                "nats",
            ),
            fit,
            |unit| (by_own(unit), unit.positions()),
        ),
    ]
}

/// The scales themselves, and the way back.
fn scales(teller: &Teller<'_>, fit: &[&Unit]) -> Vec<Estimate> {
    let at = |share: f64| move |units: &[&Unit]| quantile(units, share);
    let back = best(fit, |unit| &unit.back);
    vec![
        teller.estimate(
            (
                "gamma",
                "the one scale of the base's logits that comes nearest",
                "",
            ),
            fit,
            |units| best(units, |unit| &unit.there),
        ),
        teller.estimate(
            (
                "gamma.low",
                "a tenth of positions have a best scale below",
                "",
            ),
            fit,
            at(0.1),
        ),
        teller.estimate(
            (
                "gamma.median",
                "half of positions have a best scale below",
                "",
            ),
            fit,
            at(0.5),
        ),
        teller.estimate(
            (
                "gamma.high",
                "a tenth of positions have a best scale above",
                "",
            ),
            fit,
            at(0.9),
        ),
        teller.ratio(
            (
                "rank-correlation",
                "rank correlation with the base's logits, mean over positions",
                "",
            ),
            fit,
            |unit| (unit.ranks.0, unit.ranks.1 as f64),
        ),
        teller.estimate(
            (
                "temperature-to-base",
                "the temperature that brings it nearest to the base",
                "",
            ),
            fit,
            |units| 1.0 / best(units, |unit| &unit.back),
        ),
        teller.explained(
            (
                "temperature-to-base.explained",
                "share of the base's divergence from it that this temperature undoes",
            ),
            fit,
            |unit| [1.0, back].map(|scale| unit.back.kl_nats(scale)),
        ),
    ]
}

/// The one scale that is best for all of some openings.
fn best<'a>(units: &[&'a Unit], curve: impl Fn(&'a Unit) -> &'a Curve) -> f64 {
    Curve::sum(units.iter().map(|unit| curve(unit))).best()
}

/// The best scale of a position, of which so many positions have a smaller one.
fn quantile(units: &[&Unit], share: f64) -> f64 {
    let own = units.iter().flat_map(|unit| &unit.own);
    let mut scales: Vec<f64> = own.map(|(scale, _)| *scale).collect();
    let Some(last) = scales.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = (share * last as f64).round() as usize;
    *scales.select_nth_unstable_by(place, f64::total_cmp).1
}

/// A number with one decimal, and no sign where that leaves nothing.
pub(super) fn tenths(value: f64) -> String {
    format!("{:.1}", (10.0 * value).round() / 10.0 + 0.0)
}

fn point(place: usize, estimate: &Estimate) -> Option<Point> {
    let point = Point::at(place as f64, estimate.value?);
    Some(point.within(estimate.low.zip(estimate.high)))
}

/// Supported where one scale explains enough on unseen openings for every tuned model, by the interval's low end; not where it
/// does not for some, by the high end.
pub(super) fn verdict<M>(results: &ExperimentResults, subjects: &[Subject<'_, M>]) -> Verdict {
    let mut told = Vec::new();
    let mut ends = Vec::new();
    for subject in subjects.iter().skip(1) {
        let key = format!("{}.explained.unseen", subject.name);
        let found = results.results.iter().find(|one| one.key == key);
        let Some((value, low, high)) =
            found.and_then(|one| Some((one.value?, one.low?, one.high?)))
        else {
            ends.push(None);
            continue;
        };
        let [told_value, told_low, told_high] = [value, low, high].map(tenths);
        told.push(format!(
            "{} {told_value} % ({told_low} to {told_high})",
            subject.name
        ));
        ends.push(Some((low, high)));
    }
    let some_below = ends.iter().flatten().any(|(_, high)| *high < ENOUGH);
    let all_above = !ends.is_empty()
        && ends
            .iter()
            .all(|ends| ends.is_some_and(|(low, _)| low >= ENOUGH));
    let holds = if some_below {
        Some(false)
    } else {
        all_above.then_some(true)
    };
    if told.is_empty() {
        return Verdict::of(None, "no tuned model differs from the base here".to_owned());
    }
    let why = format!(
        "on openings not fitted to, one scale explains of the divergence: {} (supported means at least {ENOUGH:.0} % of every one, \
         by the interval's low end)",
        told.join(", ")
    );
    Verdict::of(holds, why)
}
