//! How spread the answers of models are: the entropy of what they say to one prompt at a time, exactly.

use decoding::{LanguageModel, Shaping};

use crate::answers::{Spread, entropy_bits, score_answers};
use crate::bootstrap::{interval_of_mean, mean};
use crate::config::Size;
use crate::inputs::{Family, Inputs, Question};
use crate::progress::{ExperimentError, RunProgress};
use crate::results::{Axis, Figure, Point, Series};
use crate::table::{Row, Table, metrics};

/// Kinds of question: numbers that raters have tastes in, a die with none of them, and beliefs of which they like both.
pub(super) const FAMILIES: [&str; 3] = [NUMBER, "d6", "rain"];
/// The one that the claim is about.
pub(super) const NUMBER: &str = "number";

metrics! {
    pub(super) ENTROPY = bootstrap "entropy", "bits", "entropy of the answer to one prompt, mean";
    OUTCOMES = bootstrap "outcomes", "", "effective outcomes of that entropy";
    TOP = bootstrap "top", "%", "share of the likeliest answer, mean";
    FROM_TRUTH = bootstrap "from-truth", "", "total variation from the truth table, mean";
    ELSEWHERE = bootstrap "elsewhere", "%", "probability of anything that is no answer, mean";
}

/// A model's numbers of one kind of question.
pub(super) fn row(subject: &str, family: &str) -> Row {
    Row::of(subject).part(family, family)
}

/// Measures one model on one kind of question: an entry for each question, or where there is but one question for each wording.
pub(super) async fn ask<M: LanguageModel>(
    model: &M,
    family: &Family,
    (shaping, size): (&Shaping, Size),
    progress: &mut impl RunProgress,
) -> Result<Vec<Spread>, ExperimentError> {
    let one = family.questions.len() == 1;
    // Where there are many questions a wording of each will do.
    let wordings = if one { usize::MAX } else { size.of(1, 4) };
    let mut spreads = Vec::new();
    for question in &family.questions {
        let mut asked = Vec::new();
        for prompt in question
            .prompts
            .iter()
            .chain(&question.unseen)
            .take(wordings)
        {
            let logits = score_answers(model, prompt, &question.answers, progress).await?;
            asked.push(Spread::of(&logits.shaped(shaping), question));
        }
        if one {
            spreads.extend(asked);
        } else {
            let mean =
                |value: fn(&Spread) -> f64| mean(&asked.iter().map(value).collect::<Vec<_>>());
            spreads.push(Spread {
                entropy_bits: mean(|one| one.entropy_bits),
                top: mean(|one| one.top),
                from_truth: mean(|one| one.from_truth),
                elsewhere: mean(|one| one.elsewhere),
                shares: Vec::new(),
            });
        }
    }
    Ok(spreads)
}

/// Puts means over what was asked into the table, with intervals over it.
pub(super) fn add_to_table(table: &mut Table, row: &Row, spreads: &[Spread], seed: u64) {
    table.mean_of(row, &ENTROPY, spreads, seed, |one| one.entropy_bits);
    let bits: Vec<f64> = spreads.iter().map(|one| one.entropy_bits).collect();
    let interval = interval_of_mean(&bits, seed).map(|(low, high)| (low.exp2(), high.exp2()));
    table.put(row, &OUTCOMES, mean(&bits).exp2(), interval, bits.len());
    table.mean_of(row, &TOP, spreads, seed, |one| 100.0 * one.top);
    table.mean_of(row, &FROM_TRUTH, spreads, seed, |one| one.from_truth);
    table.mean_of(row, &ELSEWHERE, spreads, seed, |one| 100.0 * one.elsewhere);
}

/// Entropies of all models so far, beside those of the truth table.
///
/// # Errors
/// When the truth table lacks a kind of question.
pub(super) fn figure(
    table: &Table,
    subjects: &[String],
    inputs: &Inputs,
) -> Result<Figure, ExperimentError> {
    let asked = ["a number from 1 to 100", "a die", "rain, yes or no"];
    let mut figure = Figure::new(
        "answers",
        "How spread the answers are",
        Axis::of_names("asked for", asked),
        Axis::linear("entropy, bits"),
    );
    for subject in subjects {
        let families = FAMILIES.iter().enumerate();
        let points = families.filter_map(|(place, family)| {
            table.point(place as f64, &row(subject, family), &ENTROPY)
        });
        figure.series.push(Series::bars(subject, points));
    }
    let mut truth = Vec::new();
    for name in FAMILIES {
        let entropy = |question: &Question| {
            let shares = question.answers.iter().map(|answer| answer.probability);
            entropy_bits(&shares.collect::<Vec<_>>())
        };
        let questions = &inputs.family(name)?.questions;
        truth.push(mean(&questions.iter().map(entropy).collect::<Vec<_>>()));
    }
    let points = truth.into_iter().enumerate();
    let points = points.map(|(place, bits)| Point::at(place as f64, bits));
    figure.series.push(Series::dots("truth table", points));
    Ok(figure)
}
