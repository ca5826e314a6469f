//! Why a pointwise reward cannot randomise, and what can: exact ascents on ten numbers, then two adapters.
//!
//! A reward that looks at one answer at a time is linear in the distribution of answers. Its maximum is at a single answer, and
//! what keeps more alive is the distance penalty alone: `q ~ p exp(r / beta)` (Korbak, Perez and Buckley, arXiv 2205.11275). A
//! reward that sees the distribution is not linear in it, and its maximum may be inside.
//!
//! The adapters are `raters`, paid for what raters like, and `spread`, paid besides for what its own other answers are not. That
//! second pay is the Gini-Simpson index `1 - Σ q²` in expectation, of the same kind as entropy but not the same.

mod answered;
mod ascent;
mod controls;

use decoding::LanguageModel;

use crate::answers::entropy_bits;
use crate::info::{ExperimentInfo, Requires};
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::results::{Axis, Estimate, ExperimentResults, Figure, Point, Series, Shape, Verdict};
use crate::{Inputs, RunConfig, Subject};
use ascent::{Ascent, Objective, ascend, gradient};

/// How a reader meets it.
pub const INFO: ExperimentInfo = ExperimentInfo {
    name: "pointwise-reward",
    title: "Why a pointwise reward cannot randomise",
    claim: "A reward that judges one answer at a time leaves a model no reason to answer at random; one that sees the distribution \
            does.",
    source: "Comments under \"Mysteries of mode collapse\" (janus, 2022); Korbak, Perez and Buckley, arXiv 2205.11275",
    method: "On ten numbers with fixed tastes, gradient ascent climbs both rewards exactly, under penalties from strong to none, and \
             is compared with the closed forms. Then the answers of raters and spread, two adapters tuned with the two kinds of \
             reward, are walked token by token: a number from 1 to 100, a die, and whether it will rain. Entropy is that of the answer \
             to one prompt, in the mean over wordings, of which one was not in training.",
    to_try: "Choose an adapter, then move lambda beyond 1: the number of raters gets ever surer, that of spread much less so. At \
             lambda 0 both are the base.",
    shows: "That the collapse follows from the form of the reward, not from a fault of training: on the toy by proof, and in a small \
            model as far as it was tuned. Where raters like both answers alike, as with rain, nothing collapses.",
    does_not_show: "Which of several numbers they like equally a tuned model ends at: the closed form keeps them all, and training on \
                    samples need not. Nor that a reward for spread makes answers true: paid to vary, a model may vary too much.",
    needs: Requires {
        quick: &["raters", "spread"],
        full: &["raters", "spread"],
    },
};

/// Ten numbers as the base of the toy says them: almost evenly.
const BASE: [f64; 10] = [0.09, 0.10, 0.11, 0.10, 0.10, 0.09, 0.12, 0.10, 0.10, 0.09];
/// How well raters like each: 7 most.
const TASTES: [f64; 10] = [0.1, 0.3, 0.7, 0.4, 0.5, 0.4, 1.0, 0.5, 0.3, 0.1];
/// Reward a nat of distance from the base costs, from strong to nothing.
const BETAS: [f64; 6] = [1.0, 0.3, 0.1, 0.03, 0.01, 0.0];
/// The smallest that is not 0, by which the toy is judged.
const LEAST: f64 = 0.01;
/// Reward a nat of surprise earns where the reward sees the distribution.
const TAU: f64 = 0.3;
/// The toy has lost its entropy where less than this share of the base's is left. Fixed before anything was measured, as is the
/// next.
const LOST: f64 = 0.1;
/// It has kept it where more than this share is left.
const KEPT: f64 = 0.5;

fn objective(beta: f64, tau: f64) -> Objective<'static> {
    Objective {
        base: &BASE,
        reward: &TASTES,
        beta,
        tau,
    }
}

/// All ascents: `(beta, tau)`.
fn climbs() -> impl Iterator<Item = (f64, f64)> {
    let kinds = [0.0, TAU].into_iter();
    kinds.flat_map(|tau| BETAS.into_iter().map(move |beta| (beta, tau)))
}

/// Climbs on the toy, then asks every model.
///
/// # Errors
/// When the truth table lacks a kind of question, a model cannot be asked, or the reader had enough.
pub async fn run<M: LanguageModel>(
    subjects: &[Subject<'_, M>],
    inputs: &Inputs,
    config: &RunConfig,
    progress: &mut impl RunProgress,
) -> Result<ExperimentResults, ExperimentError> {
    let mut results = ExperimentResults::none(INFO.name, config, subjects);
    let of = climbs().count() + subjects.len() * answered::FAMILIES.len();
    let mut climbed: Vec<(f64, f64, Ascent)> = Vec::new();
    for (beta, tau) in climbs() {
        checkpoint(progress).await?;
        climbed.push((beta, tau, ascend(&objective(beta, tau), &BASE, gradient)));
        results.figures = figures(&climbed);
        results.results = climbed_to(&climbed).into();
        progress.report(climbed.len(), of, &results);
    }
    checkpoint(progress).await?;
    results.controls = controls::controls(&climbed, gradient);
    let toy = std::mem::take(&mut results.results);
    let mut answers = Vec::new();
    let mut done = climbed.len();
    let empty = answered::figure(&results, subjects, inputs)?;
    results.figures.insert(0, empty);
    for name in answered::FAMILIES {
        let family = inputs.family(name)?;
        for subject in subjects {
            let base = subjects[0].model;
            let found = answered::ask(base, subject, family, config, progress).await?;
            answers.extend(found.estimates(subject.name, name, config));
            results.results = [answers.as_slice(), &toy].concat().into();
            results.figures[0] = answered::figure(&results, subjects, inputs)?;
            done += 1;
            progress.report(done, of, &results);
        }
    }
    results.verdict = Some(verdict(&results));
    Ok(results)
}

/// The name of a reward in keys and legends.
fn kind(tau: f64) -> &'static str {
    if tau == 0.0 { "pointwise" } else { "seeing" }
}

/// Entropies at the ends of ascents.
fn climbed_to(climbed: &[(f64, f64, Ascent)]) -> Vec<Estimate> {
    let base = Estimate::exact(
        "toy.base.entropy",
        "ten numbers: entropy of the base",
        "bits",
        entropy_bits(&BASE),
    );
    let ends = climbed.iter().map(|(beta, tau, ascent)| {
        let reward = if *tau == 0.0 {
            "a pointwise reward"
        } else {
            "a reward that sees the distribution"
        };
        Estimate::exact(
            format!("toy.{}.entropy.beta-{beta}", kind(*tau)),
            format!("ten numbers: entropy where {reward} ends, penalty {beta} a nat"),
            "bits",
            entropy_bits(&ascent.end),
        )
    });
    [base].into_iter().chain(ends).collect()
}

/// Entropy by step, entropy by penalty, and who says what.
fn figures(climbed: &[(f64, f64, Ascent)]) -> Vec<Figure> {
    let mut by_step = Figure::new(
        "ascent",
        "Ten numbers: entropy along the ascent",
        Axis::log("step of gradient ascent"),
        Axis::linear("entropy, bits"),
    );
    let mut by_penalty = Figure::new(
        "penalty",
        "Ten numbers: entropy where ascent ends, by penalty",
        Axis::log("penalty, reward a nat from the base"),
        Axis::linear("entropy, bits"),
    );
    let mut shares = Figure::new(
        "shares",
        &format!("Ten numbers: where ascent ends at penalty {LEAST}"),
        Axis::of_names("number", (1..=BASE.len()).map(|number| number.to_string())),
        Axis::linear("share, %"),
    );
    let bars = |name: &str, shares: &[f64]| Series {
        name: name.to_owned(),
        shape: Shape::Bars,
        points: shares
            .iter()
            .enumerate()
            .map(|(place, share)| Point::at(place as f64, 100.0 * share))
            .collect(),
    };
    shares.series.push(bars("base", &BASE));
    for tau in [0.0, TAU] {
        let closed = (0..=40).map(|place| {
            let beta = 10.0_f64.powf(f64::from(place - 40) / 20.0);
            Point::at(beta, entropy_bits(&objective(beta, tau).optimum()))
        });
        by_penalty.series.push(Series {
            name: format!("{}, closed form", kind(tau)),
            shape: Shape::Reference,
            points: closed.collect(),
        });
        let own = climbed.iter().filter(|one| one.1 == tau && one.0 > 0.0);
        by_penalty.series.push(Series {
            name: format!("{}, ascent", kind(tau)),
            shape: Shape::Dots,
            points: own
                .map(|(beta, _, ascent)| Point::at(*beta, entropy_bits(&ascent.end)))
                .collect(),
        });
    }
    for (beta, tau, ascent) in climbed {
        let steps = ascent.entropy.iter().filter(|(step, _)| *step > 0);
        by_step.series.push(Series {
            name: format!("{}, penalty {beta}", kind(*tau)),
            shape: Shape::Line,
            points: steps
                .map(|(step, entropy)| Point::at(f64::from(*step), *entropy))
                .collect(),
        });
        if *beta == LEAST {
            shares.series.push(bars(kind(*tau), &ascent.end));
        }
    }
    let end = |tau: f64| {
        let mut climbed = climbed.iter();
        let found = climbed.find(|one| one.0 == LEAST && one.1 == tau);
        found.map(|(_, _, ascent)| entropy_bits(&ascent.end))
    };
    let ends: Vec<String> = [0.0, TAU]
        .into_iter()
        .filter_map(|tau| Some(format!("{} {:.2} bits", kind(tau), end(tau)?)))
        .collect();
    let text = format!(
        "The base has {:.2} bits. At penalty {LEAST} ascent ends at: {}. Pointwise is a reward for one answer at a time; seeing is \
         the same with pay for surprise, {TAU} a nat.",
        entropy_bits(&BASE),
        ends.join(", ")
    );
    let mut figures = vec![by_step, by_penalty, shares];
    for figure in &mut figures {
        figure.text.clone_from(&text);
    }
    figures
}

/// Supported where on the toy the pointwise reward loses entropy as the penalty falls and the other keeps it, and raters have
/// less than half of spread's entropy on numbers.
fn verdict(results: &ExperimentResults) -> Verdict {
    let toy = |key: &str| results.value(&format!("toy.{key}")).unwrap_or(f64::NAN);
    let base = toy("base.entropy");
    let pointwise = toy(&format!("pointwise.entropy.beta-{LEAST}"));
    let seeing = toy(&format!("seeing.entropy.beta-{LEAST}"));
    let on_toy = pointwise < LOST * base && seeing > KEPT * base;
    let number = |name: &str| results.value(&format!("{name}.number.entropy"));
    let toy = format!(
        "on ten numbers of {base:.2} bits, at a penalty of {LEAST} a nat, the pointwise reward leaves {pointwise:.2} bits and the one \
         that sees the distribution {seeing:.2}"
    );
    let Some((raters, spread)) = number("raters").zip(number("spread")) else {
        let why = format!("{toy}; raters and spread were not both asked");
        return Verdict::of(None, why);
    };
    let why = format!(
        "{toy}; asked for a number from 1 to 100, raters have {raters:.2} bits to one prompt and spread {spread:.2} (supported means under a \
         tenth and over half of the base's on the toy, and raters under half of spread)"
    );
    Verdict::of(Some(on_toy && raters < spread / 2.0), why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use decoding::Shaping;

    use crate::testing::{inputs, subject};
    use crate::{Outcome, Size, Toy, Unobserved};

    /// Answers as the table says, but a number is 7 so often.
    fn fond_of_seven(inputs: &Inputs, seven: f64) -> Toy {
        let mut questions = Vec::new();
        for name in answered::FAMILIES {
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
        pollster::block_on(run(&subjects, &inputs, &config, &mut Unobserved)).unwrap()
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
