//! Voters whose majorities are known: independent ones, ones whose errors scatter, and ones who all say the same.

use decoding::Shaping;

use super::numbers;
use super::votes::{Ballot, VOTERS, ask, ballot, elect, majority};
use crate::config::at_temperature;
use crate::progress::{ExperimentError, RunProgress};
use crate::{Control, Inputs, Toy};

/// Committees behind a simulated control.
const COMMITTEES: u32 = 20_000;
/// Four standard errors of a share of so many: `4 · √(1/4 / 20,000)`.
const CHANCE: f64 = 0.0142;
/// Seed of the controls.
const SEED: u64 = 6;

/// What the controls are of, so that tests can break it.
pub(super) struct Estimators {
    pub best_of: numbers::BestOf,
    pub elect: fn(&Ballot, u32, u64) -> Vec<f64>,
}

pub(super) const ESTIMATORS: Estimators = Estimators {
    best_of: numbers::best_of,
    elect,
};

/// All controls.
pub(super) async fn controls(
    inputs: &Inputs,
    with: &Estimators,
    progress: &mut impl RunProgress,
) -> Result<Vec<Control>, ExperimentError> {
    let mut controls = numbers::controls(with.best_of);
    for p in [0.6, 0.8] {
        let voters = Ballot {
            shares: vec![p, 1.0 - p],
            right: 0,
        };
        let found = (with.elect)(&voters, COMMITTEES, SEED);
        for (&voters, found) in VOTERS.iter().zip(found) {
            controls.push(Control {
                name: format!("independent voters at {p}: {voters}"),
                about: format!(
                    "Most of {voters} independent voters are right by the binomial sum; {COMMITTEES} simulated committees are within four standard errors of it."
                ),
                expected: majority(p, voters),
                found,
                tolerance: CHANCE,
            });
        }
    }
    // Of three votes two or three are right at 0.648. One is at 3 · 0.6 · 0.16 = 0.288, and then is one of three equals.
    let scattered = Ballot {
        shares: vec![0.6],
        right: 0,
    };
    controls.push(Control {
        name: "errors that scatter: 3".to_owned(),
        about: "Where no two voters err alike, one right vote of three is an equal of two others: 0.648 + 0.288/3, by four standard errors."
            .to_owned(),
        expected: 0.648 + 0.096,
        found: (with.elect)(&scattered, COMMITTEES, SEED)[1],
        tolerance: CHANCE,
    });
    controls.extend(of_the_table(inputs, with, progress).await?);
    Ok(controls)
}

/// Whoever slips at each of two steps with chance 0.2, up as often as down, is right where neither slips, 0.64, or both do and make
/// up for it, 2 · 0.01. At temperature 0 the worked steps are always the same, and a vote of any number is one vote.
async fn of_the_table(
    inputs: &Inputs,
    with: &Estimators,
    progress: &mut impl RunProgress,
) -> Result<Vec<Control>, ExperimentError> {
    let family = inputs.family("arithmetic")?;
    let question = family
        .questions
        .first()
        .ok_or_else(|| ExperimentError::Missing("truth.json has no sums to solve".to_owned()))?;
    let toy = Toy::answering(std::slice::from_ref(question));
    let logits = ask(&toy, question, progress).await?;
    let plain = ballot(question, &logits.shaped(&Shaping::default()))?;
    let cold = ballot(question, &logits.shaped(&at_temperature(0.0)))?;
    let elected = (with.elect)(&cold, 100, SEED);
    Ok(vec![
        Control {
            name: "the table's sums: one answer".to_owned(),
            about: "A model that answers as the truth table says is right where no step slips or both slips cancel, 0.64 + 0.02; its logits are rounded to f32."
                .to_owned(),
            expected: 0.66,
            found: plain.shares[plain.right],
            tolerance: 1e-5,
        },
        Control {
            name: "the table's sums at T = 0: gain".to_owned(),
            about: "At temperature 0 all votes are alike, so a vote of 31 gains nothing over one.".to_owned(),
            expected: 0.0,
            found: elected[VOTERS.len() - 1] - elected[0],
            tolerance: 0.0,
        },
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Unobserved;
    use crate::testing::inputs;

    fn failed(with: &Estimators, inputs: &Inputs) -> Vec<String> {
        let controls = pollster::block_on(controls(inputs, with, &mut Unobserved)).unwrap();
        assert_eq!(controls.len(), 16);
        let failed = controls.into_iter().filter(|control| !control.passed());
        failed.map(|control| control.name).collect()
    }

    #[test]
    fn the_controls_pass() {
        assert_eq!(failed(&ESTIMATORS, &inputs()), Vec::<String>::new());
    }

    /// Every control notices one of these errors, and none notices one that it is not about.
    #[test]
    fn the_controls_fail_when_an_estimator_is_broken() {
        let mut inputs = inputs();
        let broken = |elect| Estimators {
            elect,
            ..ESTIMATORS
        };
        // Voters who copy the first gain nothing.
        let copied = failed(
            &broken(|ballot, committees, seed| {
                vec![elect(ballot, committees, seed)[0]; VOTERS.len()]
            }),
            &inputs,
        );
        assert_eq!(copied.len(), 9, "{copied:?}");
        // Votes that are alone are piled up as if they were for one answer.
        let piled = failed(
            &broken(|ballot, committees, seed| {
                let mut piled = ballot.clone();
                piled.shares.push(1.0 - ballot.shares.iter().sum::<f64>());
                elect(&piled, committees, seed)
            }),
            &inputs,
        );
        assert_eq!(piled, ["errors that scatter: 3"]);
        // Three votes in ten are cast blindly, cold or not.
        let blind = failed(
            &broken(|ballot, committees, seed| {
                let even = 1.0 / ballot.shares.len() as f64;
                let mut blind = ballot.clone();
                for share in &mut blind.shares {
                    *share = 0.7 * *share + 0.3 * even;
                }
                elect(&blind, committees, seed)
            }),
            &inputs,
        );
        let more = failed(
            &Estimators {
                best_of: |p, r, n| numbers::best_of(p, r, n + 1),
                ..ESTIMATORS
            },
            &inputs,
        );
        assert_eq!(more.len(), 2, "{more:?}");
        let first = failed(
            &Estimators {
                best_of: |p, r, n| {
                    let parted = r.iter().zip(0_u8..).map(|(r, at)| r - 1e-6 * f64::from(at));
                    numbers::best_of(p, &parted.collect::<Vec<_>>(), n)
                },
                ..ESTIMATORS
            },
            &inputs,
        );
        assert_eq!(first, ["best of 16, all alike: KL"]);
        // A table whose speaker slips otherwise.
        let family = inputs
            .families
            .iter_mut()
            .find(|one| one.name == "arithmetic")
            .unwrap();
        let answers = &mut family.questions[0].answers;
        answers[0].probability -= 0.1;
        answers[1].probability += 0.1;
        let slips = failed(&ESTIMATORS, &inputs);
        assert_eq!(slips, ["the table's sums: one answer"]);
        let noticed: BTreeSet<String> = [copied, piled, blind, more, first, slips]
            .concat()
            .into_iter()
            .collect();
        assert_eq!(noticed.len(), 16, "{noticed:?}");
    }

    #[test]
    fn majorities_are_those_of_the_binomial() {
        for (voters, known) in VOTERS.into_iter().zip([0.600, 0.648, 0.683, 0.787, 0.872]) {
            assert!((majority(0.6, voters) - known).abs() < 5e-4);
        }
        for (voters, known) in VOTERS.into_iter().zip([0.800, 0.896, 0.942, 0.996, 1.0]) {
            assert!((majority(0.8, voters) - known).abs() < 5e-4);
        }
    }
}
