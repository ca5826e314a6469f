//! Why a pointwise reward cannot randomise, and what can: exact ascents on ten numbers, then two adapters.
//!
//! A reward that looks at one answer at a time is linear in the distribution of answers. Its maximum is at a single answer, and
//! what keeps more alive is the KL penalty alone: `q ~ p exp(r / beta)` (Korbak, Perez and Buckley, arXiv 2205.11275). A
//! reward that sees the distribution is not linear in it, and its maximum may be inside.
//!
//! The adapters are `raters`, rewarded for what raters like, and `spread`, with a bonus for differing from its own other answers.
//! That bonus is the Gini-Simpson index `1 - Σ q²` in expectation, of the same kind as entropy but not the same.

mod ascent;
mod controls;
mod spread;
mod toy;

use decoding::LanguageModel;

use crate::config::Stream;
use crate::info::{ExperimentInfo, Requires};
use crate::inputs::Inputs;
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::results::{Condition, Control};
use crate::study::{Conclusion, Experiment, Study};
use crate::table::{Metric, Table};
use ascent::gradient;
use spread::{ENTROPY, FAMILIES, NUMBER};
use toy::{Climb, LEAST, START, TAU, climbs, end};

/// The experiment.
#[derive(Debug)]
pub struct PointwiseReward;

/// The toy has lost its entropy where less than this share of the base's is left. Fixed before anything was measured, as is the
/// next.
const LOST: f64 = 0.1;
/// It has kept it where more than this share is left.
const KEPT: f64 = 0.5;

impl Experiment for PointwiseReward {
    const INFO: ExperimentInfo = ExperimentInfo {
        name: "pointwise-reward",
        title: "Why a pointwise reward cannot randomise",
        claim: "A reward that judges one answer at a time leaves a model no reason to answer at random; one that sees the distribution \
                does.",
        source: "Comments under \"Mysteries of mode collapse\" (janus, 2022); Korbak, Perez and Buckley, arXiv 2205.11275",
        method: "On ten numbers with fixed tastes, gradient ascent climbs both rewards exactly, under KL penalties from strong to none, \
                 and is compared with the closed forms. Then we compute the answers of raters and spread, two adapters tuned with the two \
                 kinds of reward, exactly: a number from 1 to 100, a die, and whether it will rain. Entropy is that of the answer to one \
                 prompt, averaged over wordings, one of which was not in training.",
        to_try: "Choose an adapter, then move λ beyond 1: the number of raters gets ever surer, that of spread much less so. At λ = 0 \
                 both are the base.",
        shows: "That the collapse follows from the form of the reward, not from a fault of training: on the toy by proof, and in a small \
                model as far as it was tuned. Where raters like both answers alike, as with rain, nothing collapses.",
        does_not_show: "Which of several numbers they like equally a tuned model ends at: the closed form keeps them all, and training on \
                        samples need not. Nor that a diversity bonus makes answers true: a model rewarded for variety may vary too much.",
        needs: Requires {
            quick: &["raters", "spread"],
            full: &["raters", "spread"],
        },
    };

    async fn controls(
        _inputs: &Inputs,
        progress: &mut impl RunProgress,
    ) -> Result<Vec<Control>, ExperimentError> {
        let mut climbed = Vec::new();
        for (beta, tau) in climbs() {
            checkpoint(progress).await?;
            climbed.push(Climb::up(beta, tau, gradient));
        }
        checkpoint(progress).await?;
        Ok(controls::controls(&climbed, gradient))
    }

    async fn measure<M: LanguageModel>(
        study: &mut Study<'_, M, impl RunProgress>,
    ) -> Result<(), ExperimentError> {
        let (inputs, config, policies) = (study.inputs, study.config, study.policies());
        study.expect(climbs().count() + policies.len() * FAMILIES.len());
        let mut climbed: Vec<Climb> = Vec::new();
        let mut toy = Table::default();
        for (beta, tau) in climbs() {
            study.checkpoint().await?;
            climbed.push(Climb::up(beta, tau, gradient));
            toy::add_to_table(&mut toy, &climbed);
            study.results.results = toy.clone();
            study.results.figures = toy::figures(&climbed);
            study.unit_done();
        }
        let mut answers = Table::default();
        let empty = spread::figure(&answers, &study.results.subjects, inputs)?;
        study.results.figures.insert(0, empty);
        for name in FAMILIES {
            let family = inputs.family(name)?;
            for policy in &policies {
                let how = (&config.shaping, config.size);
                let spreads = spread::ask(policy, family, how, study.progress).await?;
                let seed = config.seed_of(Stream::Run);
                spread::add_to_table(
                    &mut answers,
                    &spread::row(policy.name, name),
                    &spreads,
                    seed,
                );
                study.results.results = answers.clone();
                study.results.results.extend(toy.iter().cloned());
                let figure = spread::figure(&answers, &study.results.subjects, inputs)?;
                study.results.figures[0] = figure;
                study.unit_done();
            }
        }
        Ok(())
    }

    /// On the toy the pointwise reward loses entropy as the penalty falls and the other keeps it, and raters have less than half of
    /// spread's entropy on numbers.
    fn conclude(table: &Table, _subjects: &[String]) -> Option<Conclusion> {
        let toy = |metric: &Metric| table.value(&toy::row(), metric);
        let base = toy(&START)?;
        let (pointwise, seeing) = (toy(&end(LEAST, 0.0))?, toy(&end(LEAST, TAU))?);
        let number = |name: &str| table.value(&spread::row(name, NUMBER), &ENTROPY);
        let adapters = number("raters").zip(number("spread"));
        let answers = adapters.map(|(raters, spread)| {
            format!("asked for a number, raters keep {raters:.2} bits and spread {spread:.2}")
        });
        let answers =
            answers.unwrap_or_else(|| "raters and spread were not both measured".to_owned());
        let on_toy = format!(
            "of {base:.2} bits on ten numbers a pointwise reward leaves {pointwise:.2}, one that sees the distribution {seeing:.2}"
        );
        Some(Conclusion {
            answer: format!("{on_toy}; {answers}."),
            conditions: vec![
                Condition::new(
                    "a pointwise reward loses the entropy",
                    Some(pointwise < LOST * base),
                ),
                Condition::new(
                    "one that sees the distribution keeps it",
                    Some(seeing > KEPT * base),
                ),
                Condition::new(
                    "raters have under half of spread's",
                    adapters.map(|(raters, spread)| raters < spread / 2.0),
                ),
            ],
            why: format!(
                "At a KL penalty of {LEAST} per nat, {on_toy}; {answers} (from 1 to 100, entropy of the answer to one prompt). The claim \
                 counts as supported if under a tenth and over half of the base's entropy are left on the toy, and raters have under half \
                 of spread's."
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decoding::Shaping;

    use crate::results::{ExperimentResults, Outcome};
    use crate::testing::{self, inputs, subject};
    use crate::{RunConfig, Size, Toy};

    /// Answers as the table says, but a number is 7 so often.
    fn fond_of_seven(inputs: &Inputs, seven: f64) -> Toy {
        let mut questions = Vec::new();
        for name in FAMILIES {
            questions.extend(inputs.family(name).unwrap().questions.clone());
        }
        for question in &mut questions {
            if question.answers.len() == 100 {
                for answer in &mut question.answers {
                    let is_seven = answer.says == "7";
                    answer.probability = if is_seven {
                        seven
                    } else {
                        (1.0 - seven) / 99.0
                    };
                }
            }
        }
        Toy::answering(&questions)
    }

    fn found(names: [&str; 3]) -> ExperimentResults {
        under(names, Shaping::default())
    }

    fn under(names: [&str; 3], shaping: Shaping) -> ExperimentResults {
        let inputs = inputs();
        let fair = fond_of_seven(&inputs, 0.01);
        let collapsed = fond_of_seven(&inputs, 0.97);
        let [base, raters, spread] = names;
        let subjects = [
            subject(base, &fair),
            subject(raters, &collapsed),
            subject(spread, &fair),
        ];
        let config = RunConfig {
            shaping,
            ..RunConfig::plain(Size::Quick)
        };
        testing::found::<PointwiseReward>(&subjects, &inputs, &config)
    }

    /// At T = 0 a number that comes at 97 % comes always.
    #[test]
    fn the_readers_knobs_shape_the_answers() {
        let shaping = Shaping::default().with_temperature(0.0).unwrap();
        let found = under(["base", "raters", "spread"], shaping);
        assert_eq!(found.value("raters.number.top"), Some(100.0));
        assert_eq!(found.value("raters.number.entropy"), Some(0.0));
    }

    #[test]
    fn a_collapsed_thrower_is_told_from_a_spread_one() {
        let found_all = found(["base", "raters", "spread"]);
        let value = |key: &str| found_all.value(key).unwrap();
        assert!((value("spread.number.entropy") - 100.0_f64.log2()).abs() < 1e-4);
        assert!((value("base.number.outcomes") - 100.0).abs() < 1e-2);
        let left: f64 = 0.03;
        let raters = -0.97 * 0.97_f64.log2() - left * (left / 99.0).log2();
        assert!((value("raters.number.entropy") - raters).abs() < 1e-4);
        assert!((value("raters.d6.entropy") - 6.0_f64.log2()).abs() < 1e-4);
        assert!(value("base.rain.from-truth") < 1e-4);
        assert_eq!(found_all.controls.len(), 15);
        assert_eq!(found_all.figures.len(), 4);
        assert_eq!(found_all.verdict.unwrap().answer, Outcome::Supported);

        let exchanged = found(["base", "spread", "raters"]);
        assert_eq!(exchanged.verdict.unwrap().answer, Outcome::NotSupported);
        let others = found(["base", "one", "other"]);
        assert_eq!(others.verdict.unwrap().answer, Outcome::Undecided);
    }
}
