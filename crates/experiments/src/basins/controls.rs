//! The controls: chains whose ends and returns are known beforehand.
//!
//! A gambler who wins each round with probability `p` and stops at nothing or at six leaves with six, from `i`, with probability
//! `(1 - (q / p)^i) / (1 - (q / p)^6)`, `q = 1 - p` (Feller, "An Introduction to Probability Theory and Its Applications", volume 1,
//! chapter XIV.2). Texts that know their way come back to it after any push; texts that follow their last turn never do.

use attractors::Catalogue;
use decoding::Shaping;
use statistics::ContingencyTable;

use super::Opening;
use super::ending::same_sentence;
use super::ends::{contingency, globality, sample_ends};
use super::perturbation::{Estimators, Returned, perturb};
use crate::Toy;
use crate::progress::{ExperimentError, RunProgress};
use crate::results::Control;
use crate::sampling::{SampledChain, SamplingPlan};

/// The gambler wins a round so often.
const WINS: f64 = 0.45;
/// Where the gambler begins.
const PURSES: [&str; 3] = ["2", "3", "4"];
/// Where the gambler stops, beside nothing.
const ENOUGH: i32 = 6;
/// Games from each purse, and chains behind each prompt of the others.
const CHAINS: usize = 200;

/// A text with a wedding, and one of the same length with tears; no eight letters in a row are in both.
const KNOWN: &str =
    "One day the rain fell on the town and on the old mill. Then there was a wedding.";
const OTHER: &str =
    "Far off, in his dark house, Uncle Bo sat by himself for years, until he cried. !";

/// What the controls check; a test may break it.
#[derive(Clone, Copy)]
pub struct Checked {
    /// How often the gambler really wins.
    pub wins: f64,
    /// Information of prompt about end.
    pub information: fn(&ContingencyTable) -> f64,
    /// Share of the largest attractor.
    pub globality: fn(&ContingencyTable, usize) -> f64,
    /// What decides whether a perturbed chain came back.
    pub estimators: Estimators,
}

impl Checked {
    /// As the experiment uses them.
    pub const RIGHT: Self = Self {
        wins: WINS,
        information: ContingencyTable::mutual_information_corrected_bits,
        globality,
        estimators: Estimators {
            ends_in: |catalogue, text| catalogue.recognise(text).ends_in_one(),
            same_sentence,
        },
    };
}

/// All controls.
///
/// # Errors
/// When the run is cancelled.
///
/// # Panics
/// Never: the catalogue of this file can be read.
pub async fn controls(
    checked: &Checked,
    progress: &mut impl RunProgress,
) -> Result<Vec<Control>, ExperimentError> {
    let mut controls = ruin(checked, progress).await?;
    controls.extend(ends(checked, progress).await?);
    controls.extend(returns(checked, progress).await?);
    Ok(controls)
}

/// Chains behind each prompt, classified by their last letter.
async fn openings(
    toy: &Toy,
    prompts: &[&str],
    read: &dyn Fn(char) -> Option<usize>,
    progress: &mut impl RunProgress,
) -> Result<Vec<Opening>, ExperimentError> {
    let mut openings = Vec::new();
    for (place, prompt) in prompts.iter().enumerate() {
        let plan = SamplingPlan {
            shaping: Shaping::default(),
            seed: place as u64,
            chains: CHAINS,
            length: 200,
        };
        let read = |chain: &SampledChain| read(chain.text.chars().next_back()?);
        openings.push(Opening {
            group: 0,
            ends: sample_ends(toy, prompt, &plan, &read, progress).await?,
            returns: Vec::new(),
        });
    }
    Ok(openings)
}

/// Gambler's ruin.
async fn ruin(
    checked: &Checked,
    progress: &mut impl RunProgress,
) -> Result<Vec<Control>, ExperimentError> {
    let wins = checked.wins;
    let gambler = Toy::new(move |text| match text.last() {
        Some(&purse @ b'1'..=b'5') => vec![(Some(purse + 1), wins), (Some(purse - 1), 1.0 - wins)],
        _ => Vec::new(),
    });
    let read = |last: char| {
        last.to_digit(10)
            .filter(|purse| [0, 6].contains(purse))
            .map(|purse| purse as usize / 6)
    };
    let openings = openings(&gambler, &PURSES, &read, progress).await?;
    let odds: f64 = (1.0 - WINS) / WINS;
    let controls = PURSES.iter().zip(openings).map(|(purse, opening)| {
        let begin: i32 = purse.parse().expect("a purse is a digit");
        let known = (1.0 - odds.powi(begin)) / (1.0 - odds.powi(ENOUGH));
        let counts = contingency(&[&opening], 2).column_sums();
        Control {
            name: format!("gambler's ruin from {purse}"),
            about: format!(
                "Share of {CHAINS} games, won {WINS} of the time, that end at {ENOUGH} and not at 0, against the closed form, within four \
                 standard errors."
            ),
            expected: known,
            found: counts.get(1).copied().unwrap_or(0) as f64 / CHAINS as f64,
            tolerance: 4.0 * (known * (1.0 - known) / CHAINS as f64).sqrt(),
        }
    });
    Ok(controls.collect())
}

/// An end for each prompt, and one for all.
async fn ends(
    checked: &Checked,
    progress: &mut impl RunProgress,
) -> Result<Vec<Control>, ExperimentError> {
    let prompts = ["a", "b", "c", "d"];
    let letter = |last: char| "abcd".find(last);
    let mut tables = Vec::new();
    for local in [true, false] {
        let toy = Toy::new(move |text| match text {
            [prompt] => vec![(Some(if local { *prompt } else { b'a' }), 1.0)],
            _ => Vec::new(),
        });
        let openings = openings(&toy, &prompts, &letter, progress).await?;
        let openings: Vec<&Opening> = openings.iter().collect();
        tables.push(contingency(&openings, prompts.len()));
    }
    let mut controls = Vec::new();
    for (table, name, bits, share) in [
        (&tables[0], "an end for each of four prompts", 2.0, 0.25),
        (&tables[1], "one end for four prompts", 0.0, 1.0),
    ] {
        controls.push(Control {
            name: format!("information: {name}"),
            about: "Log2 of the number of ends that the prompt decides between; the correction of sampling alone is under a \
                    hundredth of a bit here."
                .to_owned(),
            expected: bits,
            found: (checked.information)(table),
            tolerance: 0.01,
        });
        controls.push(Control {
            name: format!("globality: {name}"),
            about: "The share of the largest end, exactly.".to_owned(),
            expected: share,
            found: (checked.globality)(table, prompts.len()),
            tolerance: 1e-12,
        });
    }
    Ok(controls)
}

/// A text that keeps to its way, or one that leaves it for another at the first wrong letter.
fn writer(keeps: bool) -> Toy {
    Toy::new(move |text| {
        // Behind a prompt of one letter.
        let said = text.get(1..).unwrap_or_default();
        let on_the_way = keeps || KNOWN.as_bytes().starts_with(said);
        let way = if on_the_way { KNOWN } else { OTHER };
        let Some(&right) = way.as_bytes().get(said.len()) else {
            return Vec::new();
        };
        let wrong = b"qxzjvkQXZJ"
            .iter()
            .copied()
            .filter(move |&letter| letter != right);
        let mut next = vec![(Some(right), 0.91)];
        next.extend(wrong.take(9).map(|letter| (Some(letter), 0.01)));
        next
    })
}

/// Perturbed chains of both writers.
async fn returns(
    checked: &Checked,
    progress: &mut impl RunProgress,
) -> Result<Vec<Control>, ExperimentError> {
    let catalogue = Catalogue::from_json(
        r#"{ "about": "two ends", "ending_sentences": 2, "attractors": [
            { "name": "wedding", "title": "Wedding", "about": "two marry", "phrases": ["wedding"] },
            { "name": "tears", "title": "Tears", "about": "someone cries", "phrases": ["cried"] } ] }"#,
    )
    .expect("a catalogue of two");
    let mut controls = Vec::new();
    for (keeps, name, share) in [
        (true, "a text that keeps to its way", 1.0),
        (false, "a text that leaves its way", 0.0),
    ] {
        let toy = writer(keeps);
        let length = KNOWN.len() + 1;
        let returns = perturb(&toy, ":", length, &catalogue, &checked.estimators, progress).await?;
        let all = returns.len() as f64;
        let of = |holds: &dyn Fn(&Returned) -> bool| {
            returns.iter().filter(|one| holds(one)).count() as f64 / all
        };
        let parts = [
            ("same ending", of(&|one| one.same_ending())),
            ("same last sentence", of(&|one| one.same_sentence)),
            ("back in its words at once", of(&|one| one.lag == Some(1))),
        ];
        for (what, found) in parts {
            controls.push(Control {
                name: format!("{name}: {what}"),
                about: "Perturbed by each of nine letters: the share that comes back is all or none by construction.".to_owned(),
                expected: share,
                found,
                tolerance: 0.0,
            });
        }
    }
    Ok(controls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unobserved;

    fn failed(checked: Checked) -> Vec<String> {
        let controls = pollster::block_on(controls(&checked, &mut Unobserved)).unwrap();
        assert_eq!(controls.len(), 13);
        let failed = controls.iter().filter(|control| !control.passed());
        failed
            .map(|control| format!("{}, found {}", control.name, control.found))
            .collect()
    }

    #[test]
    fn the_controls_pass() {
        assert_eq!(failed(Checked::RIGHT), Vec::<String>::new());
        assert_eq!(KNOWN.len(), OTHER.len());
    }

    /// Each broken estimator fails the controls that are about it, and no other.
    #[test]
    fn the_controls_fail_when_an_estimator_is_broken() {
        let right = Checked::RIGHT;
        let estimators = right.estimators;
        let broken = [
            (
                "gambler",
                Checked {
                    wins: 0.55,
                    ..right
                },
            ),
            (
                "information",
                Checked {
                    information: ContingencyTable::conditional_entropy_bits,
                    ..right
                },
            ),
            (
                "globality",
                Checked {
                    globality: |_, _| 0.5,
                    ..right
                },
            ),
            (
                "same ending",
                Checked {
                    estimators: Estimators {
                        ends_in: |_, _| Some(0),
                        ..estimators
                    },
                    ..right
                },
            ),
            (
                "same last sentence",
                Checked {
                    estimators: Estimators {
                        same_sentence: |one, other| one == other,
                        ..estimators
                    },
                    ..right
                },
            ),
        ];
        for (about, checked) in broken {
            let failed = failed(checked);
            assert!(!failed.is_empty(), "{about}");
            assert!(
                failed.iter().all(|one| one.contains(about)),
                "{about}: {failed:?}"
            );
        }
    }
}
