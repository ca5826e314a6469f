//! The figures: everything against divergence.

use super::judges::{Judge, SHOWN};
use super::points::{MEASURES, Point};
use crate::results::{Axis, Figure, Series, Shape};

/// Reward, truth and variety against divergence, then what each judge gets.
pub fn figures(points: &[Point]) -> Vec<Figure> {
    let mut figures: Vec<Figure> = Vec::new();
    for (name, title, label, _) in MEASURES {
        let title = format!("{title} by divergence from the base");
        let mut figure = Figure::new(name, &title, nats_axis(), Axis::linear(label));
        figure.series = along(points, name);
        figure.text = told(points, name);
        figures.push(figure);
    }
    for judge in Judge::ALL {
        let mut figure = Figure::new(
            &format!("judge-{}", judge.name()),
            &format!("What a judge gets who wants {}", judge.wants()),
            nats_axis(),
            Axis::linear("worth of the kept sample, 0 to 1"),
        );
        let mut texts = Vec::new();
        for k in SHOWN {
            let what = format!("{}.v{k}", judge.name());
            figure.series.push(Series {
                name: format!("best of {k}"),
                shape: Shape::Line,
                points: line(points.iter(), &what),
            });
            texts.push(format!("Best of {k}: {}", told(points, &what)));
        }
        figure.text = texts.join(" ");
        figures.push(figure);
    }
    figures
}

fn nats_axis() -> Axis {
    Axis::linear("divergence from the base, nats a completion")
}

/// One line through the models as they are, one from the base to the last of them through the realigned ones.
fn along(points: &[Point], what: &str) -> Vec<Series> {
    let plain: Vec<&Point> = points.iter().filter(|point| !point.realigned).collect();
    let realigned: Vec<&Point> = points.iter().filter(|point| point.realigned).collect();
    let mut series = vec![Series {
        name: "tuned".to_owned(),
        shape: Shape::Line,
        points: line(plain.iter().copied(), what),
    }];
    if !realigned.is_empty() {
        let ends = plain.first().into_iter().chain(plain.last()).copied();
        series.push(Series {
            name: "realigned".to_owned(),
            shape: Shape::Line,
            points: line(realigned.iter().copied().chain(ends), what),
        });
    }
    series
}

/// By divergence, from the least; a number that is not defined is left out.
fn line<'a>(points: impl Iterator<Item = &'a Point>, what: &str) -> Vec<crate::Point> {
    let place = |point: &Point| {
        let (nats, own) = (point.estimate("kl")?.value?, point.estimate(what)?);
        let interval = own.low.zip(own.high);
        Some(crate::Point::at(nats, own.value?).within(interval))
    };
    let mut line: Vec<crate::Point> = points.filter_map(place).collect();
    line.sort_by(|one, other| one.x.total_cmp(&other.x));
    line
}

fn told(points: &[Point], what: &str) -> String {
    let one = |point: &Point| {
        let value = |what: &str| point.estimate(what)?.value;
        let (nats, value) = (value("kl")?, value(what)?);
        Some(format!("{} ({nats:.1} nats) {value:.2}", point.label))
    };
    format!(
        "{}.",
        points.iter().filter_map(one).collect::<Vec<_>>().join("; ")
    )
}
