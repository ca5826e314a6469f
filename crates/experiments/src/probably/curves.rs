//! Figures: belief against truth, and scores over temperature.

use super::forecast::{Item, Measure};
use super::places::{Asked, Place, Survey};
use super::scores::{Heard, items};
use super::{PARTS, all, at_temperature};
use crate::RunConfig;
use crate::bootstrap::mean;
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::results::{Axis, Figure, Point, Series, Shape};

/// Temperatures of the curves.
const TEMPERATURES: [f64; 9] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0];

/// Belief against truth, asked for yes or no and asked openly.
pub(super) fn reliability(heard: &[Heard<'_>], survey: &Survey<'_>) -> Vec<Figure> {
    let kinds = [
        (Asked::YesNo, "reliability", "asked for yes or no"),
        (Asked::Open, "reliability-open", "asked openly"),
    ];
    let figure = |(asked, name, question): (Asked, &str, &str)| {
        let mut figure = Figure::new(
            name,
            &format!("The belief in the logits, at T = 1, against the chance of rain, {question}"),
            Axis::linear("chance of rain, %"),
            Axis::linear("P(Yes) / (P(Yes) + P(No)), %"),
        );
        let all = heard.iter().flat_map(|one| &one.beliefs);
        for (_, name, beliefs) in all.filter(|(of, ..)| *of == asked) {
            let pairs = survey.truth.iter().zip(beliefs);
            figure.series.push(Series {
                name: name.clone(),
                shape: Shape::Dots,
                points: pairs
                    .map(|(truth, belief)| Point::at(100.0 * truth, 100.0 * belief))
                    .collect(),
            });
        }
        figure.series.push(Series {
            name: "calibrated".to_owned(),
            shape: Shape::Reference,
            points: vec![Point::at(0.0, 0.0), Point::at(100.0, 100.0)],
        });
        let off = figure
            .series
            .iter()
            .take(figure.series.len() - 1)
            .map(|one| {
                let off: Vec<f64> = one.points.iter().map(|at| (at.y - at.x).abs()).collect();
                format!(
                    "{}: {:.0} points from the truth in the mean.",
                    one.name,
                    mean(&off)
                )
            });
        figure.text = off.collect::<Vec<_>>().join(" ");
        figure
    };
    kinds.map(figure).into()
}

/// One measure over temperature, of sampled answers and of hedges.
///
/// # Errors
/// When the reader had enough.
pub(super) async fn curve(
    measure: Measure,
    heard: &[Heard<'_>],
    survey: &Survey<'_>,
    config: &RunConfig,
    progress: &mut impl RunProgress,
) -> Result<Figure, ExperimentError> {
    let (label, axis): (_, fn(&str) -> Axis) = match measure {
        Measure::LogLoss => ("expected log loss, bits", Axis::log),
        _ => (measure.title(), Axis::linear),
    };
    let title = format!("By temperature, sampled and hedged: {}", measure.title());
    let mut figure = Figure::new(
        measure.name(),
        &title,
        Axis::linear("temperature"),
        axis(label),
    );
    let seed = config.part_seed(PARTS);
    let mut told = Vec::new();
    for one in heard {
        let mut lines = [Vec::new(), Vec::new()];
        for temperature in TEMPERATURES {
            // A certainty that is wrong once has no finite log loss.
            if temperature == 0.0 && measure == Measure::LogLoss {
                continue;
            }
            let shaping = at_temperature(temperature);
            let sampled = |place: &Place| place.sampled(Asked::YesNo, &shaping);
            let hedged = |place: &Place| place.hedged(&survey.meaning, &shaping);
            let behaviours = [
                items(&one.places, sampled, progress).await?,
                items(&one.places, hedged, progress).await?,
            ];
            for (line, items) in lines.iter_mut().zip(behaviours) {
                checkpoint(progress).await?;
                let value = measure.of(&items, &all(items.len()));
                let interval = measure.interval(&items, seed);
                line.push(Point::at(temperature, value).within(interval));
            }
        }
        for (points, how) in lines.into_iter().zip(["", ", hedging"]) {
            let name = format!("{}{how}", one.name);
            if let (Some(cold), Some(one)) =
                (points.first(), points.iter().find(|point| point.x == 1.0))
            {
                told.push(format!(
                    "{name}: {:.3} at T = {}, {:.3} at T = 1.",
                    cold.y, cold.x, one.y
                ));
            }
            figure.series.push(Series {
                name,
                shape: Shape::Line,
                points,
            });
        }
    }
    let truth: Vec<Vec<Item>> = survey
        .truth
        .iter()
        .map(|&truth| vec![Item::sampled(1.0, truth, truth)])
        .collect();
    let best = measure.of(&truth, &all(truth.len()));
    // The calibration error of the truth is the axis itself.
    if measure != Measure::Ece {
        let ends = [TEMPERATURES[0], TEMPERATURES[TEMPERATURES.len() - 1]];
        figure.series.push(Series {
            name: "the truth, sampled".to_owned(),
            shape: Shape::Reference,
            points: ends.map(|x| Point::at(x, best)).into(),
        });
    }
    told.push(format!("Who believes the truth and samples: {best:.3}."));
    figure.text = told.join(" ");
    Ok(figure)
}
