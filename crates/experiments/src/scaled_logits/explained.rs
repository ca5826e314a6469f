//! The numbers of the fits, with intervals over openings.

use super::{Curve, FAR, Part, Unit};
use crate::inputs::Inputs;
use crate::results::Point;
use crate::table::{Metric, Row, Table, metrics};

/// What is explained where the claim holds, %. Fixed before anything was measured.
pub(super) const ENOUGH: f64 = 90.0;
/// Below so many nats per token there is no divergence to explain, only rounding.
const NOTHING: f64 = 1e-7;
/// Shares of tokens at which the curve of scales is drawn, %.
const SHARES: [u32; 21] = [
    1, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 99,
];

metrics! {
    pub(super) EXPLAINED_UNSEEN = bootstrap "explained.unseen", "%", "explained by the one scale on openings it was not fitted to";
    pub(super) EXPLAINED_FIT = bootstrap "explained.fit", "%", "explained by the one scale on the openings of its fit";
    pub(super) EXPLAINED_FAR = bootstrap "explained.far", "%", "explained by the one scale far from stories";
    EXPLAINED_BY_TOKEN = bootstrap "explained.by-position", "%", "explained by the best scale at every token";
    KL = bootstrap "kl", "nats", "KL divergence from the base, per token";
    RESIDUAL = bootstrap "residual", "nats", "residual KL per token at the one scale, openings of its fit";
    RESIDUAL_UNSEEN = bootstrap "residual.unseen", "nats", "residual KL per token at the one scale, openings it was not fitted to";
    RESIDUAL_BY_TOKEN = bootstrap "residual.by-position", "nats", "residual KL per token at the best scale for every token";
    pub(super) GAMMA = bootstrap "gamma", "", "the one scale of the base's logits that comes nearest";
    pub(super) GAMMA_LOW = bootstrap "gamma.low", "", "a tenth of tokens have a best scale below";
    pub(super) GAMMA_MEDIAN = bootstrap "gamma.median", "", "half of tokens have a best scale below";
    pub(super) GAMMA_HIGH = bootstrap "gamma.high", "", "a tenth of tokens have a best scale above";
    RANK_CORRELATION = bootstrap "rank-correlation", "", "rank correlation with the base's logits, mean over tokens";
    TO_BASE = bootstrap "temperature-to-base", "", "the temperature that brings it nearest to the base";
    TO_BASE_EXPLAINED = bootstrap "temperature-to-base.explained", "%", "share of the base's KL divergence from it that this temperature undoes";
}

/// What the figures show of one model.
#[derive(Debug, Default)]
pub(super) struct Fitted {
    /// What one scale explains: on the openings of the fit, then group by group on those it has not seen.
    pub(super) explained: Vec<Point>,
    /// The best scale by the share of tokens with a smaller one, %.
    pub(super) scales: Vec<Point>,
}

/// A model's row of a table, to be filled.
struct Filling<'a> {
    table: &'a mut Table,
    row: Row,
    seed: u64,
}

impl Filling<'_> {
    fn statistic(&mut self, metric: &Metric, units: &[&Unit], of: impl Fn(&[&Unit]) -> f64) {
        self.table
            .statistic(&self.row, metric, units, self.seed, of);
    }

    /// The sum of one part over the sum of another.
    fn ratio(&mut self, metric: &Metric, units: &[&Unit], parts: impl Fn(&Unit) -> (f64, f64)) {
        let parts: Vec<(f64, f64)> = units.iter().map(|unit| parts(unit)).collect();
        let parts: Vec<&(f64, f64)> = parts.iter().collect();
        self.table
            .statistic(&self.row, metric, &parts, self.seed, |drawn| {
                let (part, whole) = drawn
                    .iter()
                    .fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
                part / whole
            });
    }

    /// The share of divergence that something else than scale 1 explains, %. Not a number where there is no divergence.
    fn explained(&mut self, metric: &Metric, units: &[&Unit], nats: impl Fn(&Unit) -> [f64; 2]) {
        let positions: f64 = units.iter().map(|unit| unit.positions()).sum();
        let all: f64 = units.iter().map(|unit| nats(unit)[0]).sum();
        let something = all > NOTHING * positions;
        self.ratio(metric, units, |unit| {
            let [all, left] = nats(unit);
            if something {
                (100.0 * (all - left), all)
            } else {
                (f64::NAN, f64::NAN)
            }
        });
    }
}

/// Puts the numbers of one model into the table, those that answer the claim first.
pub(super) fn add_to_table(
    table: &mut Table,
    subject: &str,
    inputs: &Inputs,
    units: &[Unit],
    seed: u64,
) -> Fitted {
    let of = |part: Part| -> Vec<&Unit> { units.iter().filter(|unit| unit.part == part).collect() };
    let (fit, unseen, far) = (of(Part::Fit), of(Part::Unseen), of(Part::Far));
    let gamma = best(&fit, |unit| &unit.there);
    let back = best(&fit, |unit| &unit.back);
    let by_gamma = |unit: &Unit| [unit.nats(1.0), unit.nats(gamma)];
    let by_own = |unit: &Unit| unit.own.iter().map(|(_, left)| left).sum::<f64>();
    let mut to = Filling {
        table,
        row: Row::of(subject),
        seed,
    };
    to.explained(&EXPLAINED_UNSEEN, &unseen, by_gamma);
    to.explained(&EXPLAINED_FIT, &fit, by_gamma);
    to.explained(&EXPLAINED_FAR, &far, by_gamma);
    to.explained(&EXPLAINED_BY_TOKEN, &fit, |unit| {
        [unit.nats(1.0), by_own(unit)]
    });
    to.ratio(&KL, &fit, |unit| (unit.nats(1.0), unit.positions()));
    to.ratio(&RESIDUAL, &fit, |unit| (unit.nats(gamma), unit.positions()));
    to.ratio(&RESIDUAL_UNSEEN, &unseen, |unit| {
        (unit.nats(gamma), unit.positions())
    });
    to.ratio(&RESIDUAL_BY_TOKEN, &fit, |unit| {
        (by_own(unit), unit.positions())
    });
    to.statistic(&GAMMA, &fit, |units| best(units, |unit| &unit.there));
    for (metric, share) in [(GAMMA_LOW, 0.1), (GAMMA_MEDIAN, 0.5), (GAMMA_HIGH, 0.9)] {
        to.statistic(&metric, &fit, |units| quantile(units, share));
    }
    to.ratio(&RANK_CORRELATION, &fit, |unit| {
        (unit.ranks.0, unit.ranks.1 as f64)
    });
    to.statistic(&TO_BASE, &fit, |units| 1.0 / best(units, |unit| &unit.back));
    to.explained(&TO_BASE_EXPLAINED, &fit, |unit| {
        [1.0, back].map(|scale| unit.back.kl_nats(scale))
    });
    let mut explained = vec![to.table.point(0.0, &to.row, &EXPLAINED_FIT)];
    for (group, of) in inputs.openings.iter().enumerate() {
        let metric = if of.name == FAR {
            EXPLAINED_FAR
        } else {
            let label = format!("explained by the one scale, {}", of.title);
            let metric = Metric::of(format!("explained.{}", of.name), label, "%");
            let units: Vec<&Unit> = unseen
                .iter()
                .filter(|one| one.group == group)
                .copied()
                .collect();
            to.explained(&metric, &units, by_gamma);
            metric
        };
        explained.push(to.table.point((group + 1) as f64, &to.row, &metric));
    }
    let scales = SHARES.map(|share| {
        let share = f64::from(share);
        Point::at(share, quantile(&fit, share / 100.0))
    });
    Fitted {
        // A bar that is not known is not drawn.
        explained: explained.into_iter().flatten().collect(),
        scales: scales.into_iter().filter(|at| at.y.is_finite()).collect(),
    }
}

/// The one scale that is best for all of some openings.
fn best<'a>(units: &[&'a Unit], curve: impl Fn(&'a Unit) -> &'a Curve) -> f64 {
    Curve::sum(units.iter().map(|unit| curve(unit))).best()
}

/// The best scale of a token, of which so many tokens have a smaller one.
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
