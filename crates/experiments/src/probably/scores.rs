//! The numbers of one subject: its behaviours scored, and what one temperature gives back.

use decoding::Shaping;

use super::forecast::{Item, Measure, log_loss};
use super::places::{Asked, Place, Survey};
use super::{PARTS, all, at_temperature, repair};
use crate::RunConfig;
use crate::bootstrap::{interval_95, interval_of_mean, mean};
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::results::Estimate;

/// A way to answer: its part of a key, its name, what was said and what is measured of it.
type Behaviour<'a> = (&'a str, &'a str, &'a [Vec<Item>], &'a [Measure]);

/// A subject, asked of every place.
pub(super) struct Heard<'a> {
    pub name: &'a str,
    pub places: Vec<Place>,
    /// Log loss at temperature 1 over that of the truth, bits, by place; asked for yes or no.
    pub excess: Vec<f64>,
    /// The share of it that one temperature takes away on the other half of the places, with its interval.
    pub repaired: (f64, Option<(f64, f64)>),
    /// That temperature.
    pub temperature: f64,
    /// Beliefs by place, for the eye: how the question was asked, whose they are, and what they are.
    pub beliefs: Vec<(Asked, String, Vec<f64>)>,
}

/// All numbers of one subject: the behaviours under the reader's knobs, excess and repair from temperature 1.
///
/// # Errors
/// When the reader had enough.
pub(super) async fn score<'a>(
    name: &'a str,
    places: Vec<Place>,
    survey: &Survey<'_>,
    config: &RunConfig,
    estimates: &mut Vec<Estimate>,
    progress: &mut impl RunProgress,
) -> Result<Heard<'a>, ExperimentError> {
    let (plain, yours) = (Shaping::default(), config.shaping);
    let seed = config.part_seed(PARTS);
    let sampled = items(
        &places,
        |place| place.sampled(Asked::YesNo, &yours),
        progress,
    )
    .await?;
    let hedged = items(
        &places,
        |place| place.hedged(&survey.meaning, &yours),
        progress,
    )
    .await?;
    let collapsed = items(&places, |place| place.collapsed(&yours), progress).await?;
    let opened = items(
        &places,
        |place| place.sampled(Asked::Open, &yours),
        progress,
    )
    .await?;
    // A certainty that is wrong once has no finite log loss.
    let finite = [Measure::Accuracy, Measure::Brier, Measure::Ece];
    let all = &Measure::ALL;
    let behaviours: [Behaviour<'_>; 4] = [
        ("sample", "yes or no, sampled", &sampled, all),
        ("hedge", "how sure it says it is", &hedged, all),
        (
            "collapse",
            "the likelier of yes and no, said as certain",
            &collapsed,
            &finite,
        ),
        (
            "open",
            "yes or no of the open question, sampled",
            &opened,
            all,
        ),
    ];
    for (what, label, items, measures) in behaviours {
        for &measure in measures {
            checkpoint(progress).await?;
            estimates.push(scored(name, (what, label), measure, items, seed));
        }
    }
    let mut hedges = Vec::new();
    for place in &places {
        checkpoint(progress).await?;
        hedges.push(100.0 * place.hedges_when_open(&yours));
    }
    estimates.push(
        Estimate::exact(
            format!("{name}.open.hedged"),
            format!("{name}: answers to the open question that are hedges"),
            "%",
            mean(&hedges),
        )
        .within(interval_of_mean(&hedges, seed), hedges.len()),
    );
    // What one temperature can give back is asked of the logits as they are.
    let unshaped = |asked| move |place: &Place| place.sampled(asked, &plain);
    let asked_plainly = items(&places, unshaped(Asked::YesNo), progress).await?;
    let asked_openly = items(&places, unshaped(Asked::Open), progress).await?;
    let excess = excess(&asked_plainly);
    estimates.push(
        Estimate::exact(
            format!("{name}.sample.excess"),
            format!("{name}: log loss over that of the truth at T = 1, asked for yes or no"),
            "bits",
            mean(&excess),
        )
        .within(interval_of_mean(&excess, seed), excess.len()),
    );
    let (repaired, temperature) =
        mend(name, &places, Asked::YesNo, seed, estimates, progress).await?;
    mend(name, &places, Asked::Open, seed, estimates, progress).await?;
    let shaping = at_temperature(temperature);
    let mended = |place: &Place| place.sampled(Asked::YesNo, &shaping);
    let mended = items(&places, mended, progress).await?;
    let mended_name = format!("{name} at T = {temperature:.1}");
    Ok(Heard {
        name,
        beliefs: vec![
            (Asked::YesNo, name.to_owned(), beliefs(&asked_plainly)),
            (Asked::YesNo, mended_name, beliefs(&mended)),
            (Asked::Open, name.to_owned(), beliefs(&asked_openly)),
        ],
        places,
        excess,
        repaired,
        temperature,
    })
}

/// What whoever believes the truth would score, by the behaviours; exact.
pub(super) fn of_the_truth(survey: &Survey<'_>) -> Vec<Estimate> {
    let says = |item: fn(f64) -> Vec<Item>| -> Vec<Vec<Item>> {
        survey.truth.iter().map(|&truth| item(truth)).collect()
    };
    let sampled = says(|truth| vec![Item::sampled(1.0, truth, truth)]);
    let collapsed = says(|truth| Item::collapsed(1.0, truth, truth).to_vec());
    let kinds = [
        ("sample", "samples yes and no", sampled),
        ("collapse", "says the likelier as certain", collapsed),
    ];
    let mut estimates = Vec::new();
    for (what, label, items) in kinds {
        for measure in Measure::ALL {
            if (what, measure) != ("collapse", Measure::LogLoss) {
                estimates.push(Estimate::exact(
                    format!("truth.{what}.{}", measure.name()),
                    format!("who believes the truth and {label}: {}", measure.title()),
                    measure.unit(),
                    measure.of(&items, &all(items.len())),
                ));
            }
        }
    }
    estimates
}

/// Finds one temperature on half of the places and measures it on the others. Gives the share of the excess log loss that it takes
/// away there, with its interval, and the temperature. The interval of what is measured is over the places measured on, at the
/// temperature found; that of the temperature over the places found on.
async fn mend(
    name: &str,
    places: &[Place],
    asked: Asked,
    seed: u64,
    estimates: &mut Vec<Estimate>,
    progress: &mut impl RunProgress,
) -> Result<((f64, Option<(f64, f64)>), f64), ExperimentError> {
    let (key, question) = match asked {
        Asked::YesNo => ("repair", "asked for yes or no"),
        Asked::Open => ("open-repair", "asked openly"),
    };
    let (found_on, measured_on) = repair::halves(places.len());
    let mut table = Vec::new();
    for &place in &found_on {
        checkpoint(progress).await?;
        table.push(losses(&places[place], asked));
    }
    checkpoint(progress).await?;
    let temperature = repair::best(&table, &all(table.len()));
    let sure = interval_95(table.len(), seed, |drawn| repair::best(&table, drawn));
    estimates.push(
        Estimate::exact(
            format!("{name}.{key}.temperature"),
            format!("{name}, {question}: the temperature of least log loss on half of the places"),
            "",
            temperature,
        )
        .within(sure, found_on.len()),
    );
    let at = |temperature: f64| -> Vec<Vec<Item>> {
        let shaping = at_temperature(temperature);
        let sampled = |&place: &usize| places[place].sampled(asked, &shaping);
        measured_on.iter().map(sampled).collect()
    };
    let (before, after) = (at(1.0), at(temperature));
    for (when, shaped, items) in [("before", 1.0, &before), ("after", temperature, &after)] {
        for measure in [Measure::LogLoss, Measure::Ece] {
            checkpoint(progress).await?;
            let label =
                format!("{question}, on the other half, {when} the repair, at T = {shaped:.2}");
            let mut one = scored(name, ("", &label), measure, items, seed);
            one.key = format!("{name}.{key}.{}-{when}", measure.name());
            estimates.push(one);
        }
    }
    let (before, after) = (excess(&before), excess(&after));
    let share = |drawn: &[usize]| {
        let sum = |of: &[f64]| drawn.iter().map(|&place| of[place]).sum::<f64>();
        1.0 - sum(&after) / sum(&before)
    };
    let value = share(&all(before.len()));
    let interval = interval_95(before.len(), seed, share);
    estimates.push(
        Estimate::exact(
            format!("{name}.{key}.share"),
            format!("{name}, {question}: share of the log loss over that of the truth at T = 1 that the repair takes away"),
            "%",
            100.0 * value,
        )
        .within(
            interval.map(|(low, high)| (100.0 * low, 100.0 * high)),
            before.len(),
        ),
    );
    Ok(((value, interval), temperature))
}

/// The mean log loss of a place at every temperature of the grid.
pub(super) fn losses(place: &Place, asked: Asked) -> Vec<f64> {
    let loss = |temperature: f64| {
        let items = [place.sampled(asked, &at_temperature(temperature))];
        Measure::LogLoss.of(&items, &[0])
    };
    repair::grid().into_iter().map(loss).collect()
}

fn scored(
    name: &str,
    (what, label): (&str, &str),
    measure: Measure,
    items: &[Vec<Item>],
    seed: u64,
) -> Estimate {
    Estimate::exact(
        format!("{name}.{what}.{}", measure.name()),
        format!("{name}, {label}: {}", measure.title()),
        measure.unit(),
        measure.of(items, &all(items.len())),
    )
    .within(measure.interval(items, seed), items.len())
}

/// What is said of every place.
///
/// # Errors
/// When the reader had enough.
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
    let one = |items: &Vec<Item>| {
        items.iter().map(|item| item.forecast).sum::<f64>() / items.len() as f64
    };
    places.iter().map(one).collect()
}

/// Log loss over that of the truth, bits, by place.
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
