//! How spread the answers of models are: the entropy of what they say to one prompt at a time, exactly.

use decoding::{LanguageModel, total_variation};

use crate::answers::{entropy_bits, score_answers};
use crate::bootstrap::{interval_of_mean, mean};
use crate::inputs::{Family, Question};
use crate::progress::{ExperimentError, RunProgress};
use crate::results::{Axis, Estimate, ExperimentResults, Figure, Point, Series, Shape};
use crate::{Inputs, Policy, RunConfig, Subject};

/// Kinds of question: numbers that raters have tastes in, a die with none of them, and beliefs of which they like both.
pub(super) const FAMILIES: [&str; 3] = ["number", "d6", "rain"];

/// One model's answers to one prompt, or the means over the wordings of one question.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    entropy: f64,
    top: f64,
    from_truth: f64,
    elsewhere: f64,
}

/// One model's answers to one kind of question, one info for each thing that is asked: questions, or where there is but one
/// question its wordings.
#[derive(Clone, Debug)]
pub(super) struct Answers(Vec<Asked>);

/// Asks one model one kind of question, under the reader's knobs.
pub(super) async fn ask<M: LanguageModel>(
    base: &M,
    subject: &Subject<'_, M>,
    family: &Family,
    config: &RunConfig,
    progress: &mut impl RunProgress,
) -> Result<Answers, ExperimentError> {
    let mixed = Policy::of(base, subject, config.lambda);
    let one = family.questions.len() == 1;
    let mut answers = Vec::new();
    for question in &family.questions {
        let wordings = question.prompts.iter().chain(&question.unseen);
        // Where there are many questions a wording of each will do.
        let wordings = wordings.take(if one {
            usize::MAX
        } else {
            config.size.of(1, 4)
        });
        let mut asked = Vec::new();
        for prompt in wordings {
            let walked = if config.lambda == 1.0 {
                // The same as mixed, at half the reading.
                score_answers(subject.model, prompt, &question.answers, progress).await?
            } else {
                score_answers(&mixed, prompt, &question.answers, progress).await?
            };
            let outcomes = walked.shaped(&config.shaping);
            let truth: Vec<f64> = outcomes
                .said
                .iter()
                .map(|(says, _)| truth(question, says))
                .collect();
            let shares = outcomes.among_answers();
            asked.push(Asked {
                entropy: entropy_bits(&shares),
                top: shares.iter().copied().fold(0.0, f64::max),
                from_truth: total_variation(&shares, &truth),
                elsewhere: outcomes.elsewhere,
            });
        }
        if one {
            answers.extend(asked);
        } else {
            let mean =
                |value: fn(&Asked) -> f64| mean(&asked.iter().map(value).collect::<Vec<_>>());
            answers.push(Asked {
                entropy: mean(|one| one.entropy),
                top: mean(|one| one.top),
                from_truth: mean(|one| one.from_truth),
                elsewhere: mean(|one| one.elsewhere),
            });
        }
    }
    Ok(Answers(answers))
}

/// How often the table says it.
fn truth(question: &Question, says: &str) -> f64 {
    let answers = question.answers.iter();
    let saying = answers.filter(|answer| answer.says == says);
    saying.map(|answer| answer.probability).sum()
}

impl Answers {
    /// Means over what was asked, with intervals over it.
    pub(super) fn estimates(
        &self,
        subject: &str,
        family: &str,
        config: &RunConfig,
    ) -> Vec<Estimate> {
        let told = |what: &str, label: &str, unit: &str, value: fn(&Asked) -> f64| {
            let values: Vec<f64> = self.0.iter().map(value).collect();
            Estimate::exact(
                format!("{subject}.{family}.{what}"),
                format!("{subject}, {family}: {label}"),
                unit,
                mean(&values),
            )
            .within(interval_of_mean(&values, config.seed), values.len())
        };
        let entropy = told(
            "entropy",
            "entropy of the answer to one prompt, mean",
            "bits",
            |one| one.entropy,
        );
        let mut outcomes = Estimate {
            key: format!("{subject}.{family}.outcomes"),
            label: format!("{subject}, {family}: effective outcomes of that entropy"),
            unit: String::new(),
            ..entropy.clone()
        };
        for bits in [&mut outcomes.value, &mut outcomes.low, &mut outcomes.high] {
            *bits = bits.map(f64::exp2);
        }
        vec![
            entropy,
            outcomes,
            told("top", "share of the likeliest answer, mean", "%", |one| {
                100.0 * one.top
            }),
            told(
                "from-truth",
                "total variation from the truth table, mean",
                "",
                |one| one.from_truth,
            ),
            told(
                "elsewhere",
                "probability of what is no answer, mean",
                "%",
                |one| 100.0 * one.elsewhere,
            ),
        ]
    }
}

/// Entropies of all models so far, beside those of the truth table.
///
/// # Errors
/// When the truth table lacks a kind of question.
pub(super) fn figure<M>(
    results: &ExperimentResults,
    subjects: &[Subject<'_, M>],
    inputs: &Inputs,
) -> Result<Figure, ExperimentError> {
    let mut figure = Figure::new(
        "answers",
        "How spread the answers are",
        Axis::of_names(
            "asked for",
            ["a number from 1 to 100", "a die", "rain, yes or no"],
        ),
        Axis::linear("entropy, bits"),
    );
    let (mut table, mut told) = (Vec::new(), Vec::new());
    for name in FAMILIES {
        let questions = &inputs.family(name)?.questions;
        let entropy = |question: &Question| {
            let shares = question.answers.iter().map(|answer| answer.probability);
            entropy_bits(&shares.collect::<Vec<_>>())
        };
        table.push(mean(&questions.iter().map(entropy).collect::<Vec<_>>()));
    }
    for subject in subjects {
        let found = FAMILIES.iter().enumerate().filter_map(|(place, family)| {
            let key = format!("{}.{family}.entropy", subject.name);
            let found = results.results.iter().find(|one| one.key == key)?;
            let point = Point::at(place as f64, found.value?);
            Some(point.within(found.low.zip(found.high)))
        });
        let points: Vec<Point> = found.collect();
        let said: Vec<String> = points
            .iter()
            .map(|point| format!("{} {:.2} bits", FAMILIES[point.x as usize], point.y))
            .collect();
        if !said.is_empty() {
            told.push(format!("{}: {}.", subject.name, said.join(", ")));
        }
        figure.series.push(Series {
            name: subject.name.to_owned(),
            shape: Shape::Bars,
            points,
        });
    }
    told.push(format!(
        "The truth table: number {:.2}, d6 {:.2}, rain {:.2} bits.",
        table[0], table[1], table[2]
    ));
    figure.text = told.join(" ");
    figure.series.push(Series {
        name: "truth table".to_owned(),
        shape: Shape::Dots,
        points: table
            .into_iter()
            .enumerate()
            .map(|(place, bits)| Point::at(place as f64, bits))
            .collect(),
    });
    Ok(figure)
}
