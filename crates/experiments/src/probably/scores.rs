//! The numbers of one model: its ways to answer scored, and what one temperature gives back.

use decoding::Shaping;

use super::forecast::{Item, Measure, all, log_loss};
use super::places::{Asked, Place, Survey};
use super::repair;
use crate::bootstrap::{interval_95, mean};
use crate::config::{RunConfig, Stream, at_temperature};
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::table::{Metric, Row, Table, metrics};

metrics! {
    HEDGED = bootstrap "hedged", "%", "answers to the open question that are hedges";
    pub(super) EXCESS = bootstrap "excess", "bits", "log loss in excess of the truth's at T = 1, asked for yes or no";
    pub(super) OVER_TWICE_BASE = bootstrap "over-twice-base", "bits", "log loss in excess of the truth's, less twice that of the base";
    pub(super) TEMPERATURE = bootstrap "temperature", "", "the temperature of least log loss on half of the places";
    pub(super) SHARE = bootstrap "share", "%", "share of the excess log loss at T = 1 that the repair removes on the other half";
}

/// A model, asked about every place.
pub(super) struct Scored<'a> {
    pub name: &'a str,
    pub places: Vec<Place>,
    /// Log loss at temperature 1 in excess of the truth's, bits, by place; asked for yes or no.
    pub excess: Vec<f64>,
    /// Beliefs by place, for the figure: how the question was asked, whose they are, and what they are.
    pub beliefs: Vec<(Asked, String, Vec<f64>)>,
}

/// The numbers of a model's plain answers.
pub(super) fn sample_row(name: &str) -> Row {
    Row::of(name).part("sample", "yes or no, sampled")
}

/// The numbers of its repair.
pub(super) fn repair_row(name: &str, asked: Asked) -> Row {
    match asked {
        Asked::YesNo => Row::of(name).part("repair", "asked for yes or no"),
        Asked::Open => Row::of(name).part("open-repair", "asked openly"),
    }
}

/// Puts all numbers of one model into the table: its ways to answer under the run's sampling parameters, excess and repair from
/// temperature 1.
///
/// # Errors
/// When the run is cancelled.
pub(super) async fn score<'a>(
    name: &'a str,
    places: Vec<Place>,
    survey: &Survey<'_>,
    config: &RunConfig,
    table: &mut Table,
    progress: &mut impl RunProgress,
) -> Result<Scored<'a>, ExperimentError> {
    let (plain, yours) = (Shaping::default(), config.shaping);
    let seed = config.seed_of(Stream::Forecast(0));
    let sampled = |asked| move |place: &Place| place.sampled(asked, &yours);
    let hedged = |place: &Place| place.hedged(&survey.meaning, &yours);
    let collapsed = |place: &Place| place.collapsed(&yours);
    let open = Row::of(name).part("open", "yes or no to the open question, sampled");
    let ways: [(Row, Vec<Vec<Item>>); 4] = [
        (
            sample_row(name),
            items(&places, sampled(Asked::YesNo), progress).await?,
        ),
        (
            Row::of(name).part("hedge", "how sure it says it is"),
            items(&places, hedged, progress).await?,
        ),
        (
            Row::of(name).part("collapse", "the likelier of yes and no, said as certain"),
            items(&places, collapsed, progress).await?,
        ),
        (
            open.clone(),
            items(&places, sampled(Asked::Open), progress).await?,
        ),
    ];
    for (place, (row, items)) in ways.iter().enumerate() {
        for measure in Measure::ALL {
            // A certainty that is wrong once has no finite log loss.
            if place == 2 && measure == Measure::LogLoss {
                continue;
            }
            checkpoint(progress).await?;
            measure.add_to_table(table, row, &measure.metric(), items, seed);
        }
    }
    let mut hedges = Vec::new();
    for place in &places {
        checkpoint(progress).await?;
        hedges.push(100.0 * place.hedges_when_open(&yours));
    }
    table.mean(&open, &HEDGED, &hedges, seed);
    // What one temperature can give back is measured on the logits as they are.
    let unshaped = |asked| move |place: &Place| place.sampled(asked, &plain);
    let asked_plainly = items(&places, unshaped(Asked::YesNo), progress).await?;
    let asked_openly = items(&places, unshaped(Asked::Open), progress).await?;
    let excess = excess(&asked_plainly);
    table.mean(&sample_row(name), &EXCESS, &excess, seed);
    let temperature = mend(name, &places, Asked::YesNo, seed, table, progress).await?;
    mend(name, &places, Asked::Open, seed, table, progress).await?;
    let shaping = at_temperature(temperature);
    let mended = |place: &Place| place.sampled(Asked::YesNo, &shaping);
    let mended = items(&places, mended, progress).await?;
    let mended_name = format!("{name} at T = {temperature:.1}");
    Ok(Scored {
        name,
        beliefs: vec![
            (Asked::YesNo, name.to_owned(), beliefs(&asked_plainly)),
            (Asked::YesNo, mended_name, beliefs(&mended)),
            (Asked::Open, name.to_owned(), beliefs(&asked_openly)),
        ],
        places,
        excess,
    })
}

/// What a perfectly informed answerer would score; exact.
pub(super) fn of_the_truth(table: &mut Table, survey: &Survey<'_>) {
    let says = |item: fn(f64) -> Vec<Item>| -> Vec<Vec<Item>> {
        survey.truth.iter().map(|&truth| item(truth)).collect()
    };
    let sampled = says(|truth| vec![Item::sampled(1.0, truth, truth)]);
    let collapsed = says(|truth| Item::collapsed(1.0, truth, truth).to_vec());
    let kinds = [
        ("sample", "answers at random in proportion", sampled),
        ("collapse", "says the likelier as certain", collapsed),
    ];
    for (what, label, items) in kinds {
        let label = format!("a perfectly informed answerer who {label}");
        let row = Row::named(&format!("truth.{what}"), &label);
        for measure in Measure::ALL {
            if (what, measure) != ("collapse", Measure::LogLoss) {
                let value = measure.of(&items, &all(items.len()));
                table.set(&row, &measure.metric(), value);
            }
        }
    }
}

/// Finds one temperature on half of the places and measures it on the others: puts the temperature, the scores before and after, and
/// the share of the excess log loss that it removes there, into the table. The interval of what is measured is over the places
/// measured on, at the temperature found; that of the temperature over the places found on.
async fn mend(
    name: &str,
    places: &[Place],
    asked: Asked,
    seed: u64,
    table: &mut Table,
    progress: &mut impl RunProgress,
) -> Result<f64, ExperimentError> {
    let row = repair_row(name, asked);
    let (found_on, measured_on) = repair::halves(places.len());
    let mut grid = Vec::new();
    for &place in &found_on {
        checkpoint(progress).await?;
        grid.push(losses(&places[place], asked));
    }
    checkpoint(progress).await?;
    let temperature = repair::best(&grid, &all(grid.len()));
    let sure = interval_95(grid.len(), seed, |drawn| repair::best(&grid, drawn));
    table.put(&row, &TEMPERATURE, temperature, sure, found_on.len());
    let at = |temperature: f64| -> Vec<Vec<Item>> {
        let shaping = at_temperature(temperature);
        let sampled = |&place: &usize| places[place].sampled(asked, &shaping);
        measured_on.iter().map(sampled).collect()
    };
    let (before, after) = (at(1.0), at(temperature));
    for (when, shaped, items) in [("before", 1.0, &before), ("after", temperature, &after)] {
        for measure in [Measure::LogLoss, Measure::Ece] {
            checkpoint(progress).await?;
            let title = measure.title();
            let label = format!("{title} on the other half, {when} the repair, at T = {shaped:.2}");
            let metric = Metric::of(format!("{}-{when}", measure.name()), label, measure.unit());
            measure.add_to_table(table, &row, &metric, items, seed);
        }
    }
    let (before, after) = (excess(&before), excess(&after));
    let share = |drawn: &[usize]| {
        let sum = |of: &[f64]| drawn.iter().map(|&place| of[place]).sum::<f64>();
        1.0 - sum(&after) / sum(&before)
    };
    let interval = interval_95(before.len(), seed, share);
    let interval = interval.map(|(low, high)| (100.0 * low, 100.0 * high));
    let value = 100.0 * share(&all(before.len()));
    table.put(&row, &SHARE, value, interval, before.len());
    Ok(temperature)
}

/// The mean log loss of a place at every temperature of the grid.
pub(super) fn losses(place: &Place, asked: Asked) -> Vec<f64> {
    let loss = |temperature: f64| {
        let items = [place.sampled(asked, &at_temperature(temperature))];
        Measure::LogLoss.of(&items, &[0])
    };
    repair::grid().into_iter().map(loss).collect()
}

/// What is said of every place.
///
/// # Errors
/// When the run is cancelled.
pub(super) async fn items(
    places: &[Place],
    of: impl Fn(&Place) -> Vec<Item>,
    progress: &mut impl RunProgress,
) -> Result<Vec<Vec<Item>>, ExperimentError> {
    let mut items = Vec::new();
    for place in places {
        checkpoint(progress).await?;
        items.push(of(place));
    }
    Ok(items)
}

/// The mean forecast of every place.
fn beliefs(places: &[Vec<Item>]) -> Vec<f64> {
    let one = |items: &Vec<Item>| mean(&items.iter().map(|item| item.forecast).collect::<Vec<_>>());
    places.iter().map(one).collect()
}

/// Log loss in excess of the truth's, bits, by place.
fn excess(places: &[Vec<Item>]) -> Vec<f64> {
    let of = |items: &Vec<Item>| -> f64 {
        let all: f64 = items.iter().map(|item| item.weight).sum();
        let over = items.iter().map(|item| {
            item.weight * (log_loss(item.forecast, item.truth) - log_loss(item.truth, item.truth))
        });
        over.sum::<f64>() / all
    };
    places.iter().map(of).collect()
}
