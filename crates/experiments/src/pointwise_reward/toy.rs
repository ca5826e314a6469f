//! Ten numbers with fixed tastes: the ascents on both rewards, their numbers and figures.

use super::ascent::{Ascent, Gradient, Objective, ascend};
use crate::answers::entropy_bits;
use crate::results::{Axis, Figure, Point, Series};
use crate::table::{Metric, Row, Table, metrics};

/// Ten numbers as the base of the toy says them: almost evenly.
pub(super) const BASE: [f64; 10] = [0.09, 0.10, 0.11, 0.10, 0.10, 0.09, 0.12, 0.10, 0.10, 0.09];
/// How well raters like each: 7 most.
pub(super) const TASTES: [f64; 10] = [0.1, 0.3, 0.7, 0.4, 0.5, 0.4, 1.0, 0.5, 0.3, 0.1];
/// KL penalties, reward per nat of distance from the base, from strong to none.
pub(super) const BETAS: [f64; 6] = [1.0, 0.3, 0.1, 0.03, 0.01, 0.0];
/// The smallest that is not 0, by which the toy is judged.
pub(super) const LEAST: f64 = 0.01;
/// Bonuses, reward per nat of surprisal, where the reward sees the distribution.
pub(super) const TAU: f64 = 0.3;
pub(super) fn objective(beta: f64, tau: f64) -> Objective<'static> {
    Objective {
        base: &BASE,
        reward: &TASTES,
        beta,
        tau,
    }
}

/// All ascents: `(beta, tau)`.
pub(super) fn climbs() -> impl Iterator<Item = (f64, f64)> {
    let kinds = [0.0, TAU].into_iter();
    kinds.flat_map(|tau| BETAS.into_iter().map(move |beta| (beta, tau)))
}

/// One ascent.
#[derive(Clone, Debug)]
pub(super) struct Climb {
    /// Reward that a nat from the base costs.
    pub(super) beta: f64,
    /// Reward that a nat of surprise earns.
    pub(super) tau: f64,
    /// The way up.
    pub(super) ascent: Ascent,
}

impl Climb {
    /// From the base.
    pub(super) fn up(beta: f64, tau: f64, gradient: Gradient) -> Self {
        Self {
            beta,
            tau,
            ascent: ascend(&objective(beta, tau), &BASE, gradient),
        }
    }
}

/// The name of a reward in keys and legends.
fn kind(tau: f64) -> &'static str {
    if tau == 0.0 { "pointwise" } else { "seeing" }
}

/// The numbers of the toy.
pub(super) fn row() -> Row {
    Row::named("toy", "ten numbers")
}

metrics! {
    pub(super) START = exact "base.entropy", "bits", "entropy of the base";
}

/// The entropy that an ascent ends with.
pub(super) fn end(beta: f64, tau: f64) -> Metric {
    let reward = if tau == 0.0 {
        "a pointwise reward"
    } else {
        "a reward that sees the distribution"
    };
    Metric::of(
        format!("{}.entropy.beta-{beta}", kind(tau)),
        format!("entropy at the optimum of {reward}, KL penalty {beta} per nat"),
        "bits",
    )
}

/// Puts the entropies at the ends of ascents into the table.
pub(super) fn add_to_table(table: &mut Table, climbed: &[Climb]) {
    table.set(&row(), &START, entropy_bits(&BASE));
    for one in climbed {
        table.set(
            &row(),
            &end(one.beta, one.tau),
            entropy_bits(&one.ascent.end),
        );
    }
}

/// Entropy by step, entropy by penalty, and how often each number comes.
pub(super) fn figures(climbed: &[Climb]) -> Vec<Figure> {
    let mut by_step = Figure::new(
        "ascent",
        "Ten numbers: entropy along the ascent",
        Axis::log("step of gradient ascent"),
        Axis::linear("entropy, bits"),
    );
    let mut by_penalty = Figure::new(
        "penalty",
        "Ten numbers: entropy where ascent ends, by penalty",
        Axis::log("KL penalty, reward per nat from the base"),
        Axis::linear("entropy, bits"),
    );
    let mut shares = Figure::new(
        "shares",
        &format!("Ten numbers: where ascent ends at penalty {LEAST}"),
        Axis::of_names("number", (1..=BASE.len()).map(|number| number.to_string())),
        Axis::linear("share, %"),
    );
    let bars = |name: &str, shares: &[f64]| {
        let points = shares.iter().enumerate();
        Series::bars(
            name,
            points.map(|(place, share)| Point::at(place as f64, 100.0 * share)),
        )
    };
    shares.series.push(bars("base", &BASE));
    for tau in [0.0, TAU] {
        let closed = (0..=40).map(|place| {
            let beta = 10.0_f64.powf(f64::from(place - 40) / 20.0);
            (beta, entropy_bits(&objective(beta, tau).optimum()))
        });
        let name = format!("{}, closed form", kind(tau));
        by_penalty.series.push(Series::reference(name, closed));
        let own = climbed
            .iter()
            .filter(|one| one.tau == tau && one.beta > 0.0);
        let ends = own.map(|one| Point::at(one.beta, entropy_bits(&one.ascent.end)));
        by_penalty
            .series
            .push(Series::dots(format!("{}, ascent", kind(tau)), ends));
    }
    for Climb { beta, tau, ascent } in climbed {
        let steps = ascent.entropy.iter().filter(|(step, _)| *step > 0);
        let points = steps.map(|(step, entropy)| Point::at(f64::from(*step), *entropy));
        let name = format!("{}, penalty {beta}", kind(*tau));
        by_step.series.push(Series::line(name, points));
        if *beta == LEAST {
            shares.series.push(bars(kind(*tau), &ascent.end));
        }
    }
    vec![by_step, by_penalty, shares]
}
