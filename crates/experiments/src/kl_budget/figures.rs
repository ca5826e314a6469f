//! The figures: everything against divergence.

use super::budget::{Budget, KL, MEASURES, best_of};
use super::judges::{Judge, SHOWN};
use crate::results::{Axis, Figure, Point, Series};
use crate::table::Metric;

/// Reward, happy endings and variety against divergence, then what each judge gets.
pub fn figures(budgets: &[Budget]) -> Vec<Figure> {
    let mut figures: Vec<Figure> = Vec::new();
    for (metric, title, _) in MEASURES {
        let unit = if metric.unit.is_empty() { "" } else { ", %" };
        let title = format!("{title}, by divergence from the base");
        let axis = format!("{}{unit}", metric.label);
        let mut figure = Figure::new(&metric.key, &title, nats_axis(), Axis::linear(&axis));
        figure.series = along(budgets, &metric);
        figures.push(figure);
    }
    for judge in Judge::ALL {
        let mut figure = Figure::new(
            &format!("judge-{}", judge.name()),
            &format!("What a judge gets who wants {}", judge.wants()),
            nats_axis(),
            Axis::linear("worth of the kept story, 0 to 1"),
        );
        for k in SHOWN {
            let metric = best_of(judge, k);
            let line = line(budgets.iter(), &metric);
            let name = format!("best of {k}");
            figure.series.push(Series::line(name, line));
        }
        figures.push(figure);
    }
    figures
}

fn nats_axis() -> Axis {
    Axis::linear("KL divergence from the base, nats per completion")
}

/// One line through the models as they are, one from the base to the last of them through the realigned ones.
fn along(budgets: &[Budget], metric: &Metric) -> Vec<Series> {
    let (realigned, plain): (Vec<&Budget>, Vec<&Budget>) =
        budgets.iter().partition(|one| one.realigned);
    let mut series = vec![Series::line("tuned", line(plain.iter().copied(), metric))];
    if !realigned.is_empty() {
        let ends = plain.first().into_iter().chain(plain.last()).copied();
        let points = line(realigned.iter().copied().chain(ends), metric);
        series.push(Series::line("realigned", points));
    }
    series
}

/// By divergence, from the least; a number that is not defined is left out.
fn line<'a>(budgets: impl Iterator<Item = &'a Budget>, metric: &Metric) -> Vec<Point> {
    let place = |one: &Budget| {
        let nats = one.table.value(&one.row, &KL)?;
        one.table.point(nats, &one.row, metric)
    };
    let mut line: Vec<Point> = budgets.filter_map(place).collect();
    line.sort_by(|one, other| one.x.total_cmp(&other.x));
    line
}
