//! Figures: belief against truth, and scores over temperature.

use super::forecast::{Item, Measure, all};
use super::places::{Asked, Place, Survey};
use super::scores::{Scored, items};
use crate::config::{RunConfig, Stream, at_temperature};
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::results::{Axis, Figure, Point, Series};

/// Temperatures of the curves.
const TEMPERATURES: [f64; 9] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0];

/// Belief against truth, asked for yes or no and asked openly.
pub(super) fn reliability(scored: &[Scored<'_>], survey: &Survey<'_>) -> Vec<Figure> {
    let kinds = [
        (Asked::YesNo, "reliability", "asked for yes or no"),
        (Asked::Open, "reliability-open", "asked openly"),
    ];
    let figure = |(asked, name, question): (Asked, &str, &str)| {
        let mut figure = Figure::new(
            name,
            &format!("Belief at T = 1 against the chance of rain, {question}"),
            Axis::linear("chance of rain, %"),
            Axis::linear("P(Yes) / (P(Yes) + P(No)), %"),
        );
        let all = scored.iter().flat_map(|one| &one.beliefs);
        for (_, name, beliefs) in all.filter(|(of, ..)| *of == asked) {
            let pairs = survey.truth.iter().zip(beliefs);
            let points: Vec<Point> = pairs
                .map(|(truth, belief)| Point::at(100.0 * truth, 100.0 * belief))
                .collect();
            figure.series.push(Series::dots(name, points));
        }
        let calibrated = [(0.0, 0.0), (100.0, 100.0)];
        figure
            .series
            .push(Series::reference("calibrated", calibrated));
        figure
    };
    kinds.map(figure).into()
}

/// One measure over temperature, of sampled answers and of hedges.
///
/// # Errors
/// When the run is cancelled.
pub(super) async fn curve(
    measure: Measure,
    scored: &[Scored<'_>],
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
    let seed = config.seed_of(Stream::Forecast(0));
    for one in scored {
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
            figure.series.push(Series::line(name, points));
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
        let line = ends.map(|x| (x, best));
        figure.series.push(Series::reference(
            "a perfectly informed guesser who answers at random in proportion",
            line,
        ));
    }
    Ok(figure)
}
