//! "Probably": whether a model that is surer than it is right can still be read, and set right by one temperature.
//!
//! A model that believes in rain at 80 % has three ways to answer: to sample Yes four times in five, to say a hedge such as
//! "Probably", or to collapse to Yes. Whoever is paid for being right a place at a time collapses: the accuracy of sampled answers
//! rises from 0.68 to 0.80 while nothing is left in them of the belief. The places here have a known chance of rain, so all
//! scores are expectations under the truth (`forecast`), and beliefs are exact, read from the logits (`places`). What remains
//! to chance is which places were asked: intervals are by bootstrap over places.

mod controls;
mod curves;
mod forecast;
mod places;
mod repair;
mod scores;

use decoding::{LanguageModel, Shaping};

use crate::bootstrap::{interval_of_mean, mean};
use crate::info::{ExperimentInfo, Requires};
use crate::inputs::Inputs;
use crate::progress::{ExperimentError, RunProgress};
use crate::results::{ExperimentResults, Verdict};
use crate::{Policy, RunConfig, Subject, tristate};
use curves::{curve, reliability};
use forecast::Measure;
use places::Survey;
use scores::{Heard, of_the_truth, score};

/// How a reader meets it.
pub const INFO: ExperimentInfo = ExperimentInfo {
    name: "probably",
    title: "\"Probably\"",
    claim: "A model paid for the likelier answer no longer shows in its answers how sure it is, but one temperature gives its \
            confidence back.",
    source: "The comments below \"Mysteries of mode collapse\" (Paul Christiano: paid for a forced yes or no, the likelier \
             answer is always given, and that looks like bad calibration); GPT-4 Technical Report, figure 8; one temperature as \
             the repair: Kadavath et al., arXiv 2207.05221",
    method: "In nineteen places it rains with a known chance from 5 % to 95 %. Every model is asked for yes or no, openly, and \
             for how sure it is; its answers are walked token by token, so beliefs are exact. Sampling, hedging and collapsing \
             are scored under the run's knobs by accuracy, Brier score, log loss and calibration error; a temperature that sets the \
             logits at T = 1 right is found on half of the places and measured on the others.",
    to_try: "Lower the temperature: accuracy rises while calibration is lost. Then choose Raters, who like a plain yes or no, \
             and look at the open question.",
    shows: "How much of a known belief is left in these models' answers and logits, and what one temperature brings back on \
            places that it was not found on.",
    does_not_show: "Whether large models keep beliefs in their logits after tuning: the places and their chances were taught \
                    to these by name, and other wordings are not asked.",
    needs: Requires {
        quick: &["answers"],
        full: &["answers", "helper", "raters", "spread", "wedding"],
    },
};

/// Seeds of the bootstrap are parts of the config's own from here on.
const PARTS: usize = 1000;

/// Asks every model of every place and scores what it says.
///
/// # Errors
/// When the truth table lacks the questions about rain, a model cannot be asked, or the reader had enough.
///
/// # Panics
/// Never: the temperatures of the curves are allowed.
pub async fn run<M: LanguageModel>(
    subjects: &[Subject<'_, M>],
    inputs: &Inputs,
    config: &RunConfig,
    progress: &mut impl RunProgress,
) -> Result<ExperimentResults, ExperimentError> {
    let mut results = ExperimentResults::none(INFO.name, config, subjects);
    let survey = Survey::of(inputs)?;
    results.controls = controls::controls(inputs, &controls::ESTIMATORS, progress).await?;
    results.results = of_the_truth(&survey).into();
    let wordings = config.size.of(1, usize::MAX);
    let each = survey.truth.len();
    let of = subjects.len() * each;
    let mut heard: Vec<Heard<'_>> = Vec::new();
    for (part, subject) in subjects.iter().enumerate() {
        let model = Policy::of(subjects[0].model, subject, config.lambda);
        let mut places = Vec::new();
        for place in 0..each {
            places.push(survey.ask(&model, place, wordings, progress).await?);
            if place + 1 < each {
                progress.report(part * each + place + 1, of, &results);
            }
        }
        let one = score(
            subject.name,
            places,
            &survey,
            config,
            &mut results.results.0,
            progress,
        )
        .await?;
        heard.push(one);
        results.figures = reliability(&heard, &survey);
        progress.report((part + 1) * each, of, &results);
    }
    for measure in Measure::ALL {
        let curve = curve(measure, &heard, &survey, config, progress).await?;
        results.figures.push(curve);
    }
    results.verdict = verdict(&heard, config);
    progress.report(of, of, &results);
    Ok(results)
}

fn all(places: usize) -> Vec<usize> {
    (0..places).collect()
}

fn at_temperature(temperature: f64) -> Shaping {
    let shaping = Shaping::default().with_temperature(temperature);
    shaping.expect("temperatures of this experiment are finite and not negative")
}

/// Of the tuned model with the largest excess log loss: supported where it is over twice the base's, and one temperature takes away
/// over half of it on places that it was not found on, each with its interval on one side.
fn verdict(heard: &[Heard<'_>], config: &RunConfig) -> Option<Verdict> {
    let (base, tuned) = heard.split_first()?;
    let worst = tuned
        .iter()
        .max_by(|one, other| mean(&one.excess).total_cmp(&mean(&other.excess)))?;
    let over: Vec<f64> = worst
        .excess
        .iter()
        .zip(&base.excess)
        .map(|(tuned, base)| tuned - 2.0 * base)
        .collect();
    let lost = tristate::above(interval_of_mean(&over, config.part_seed(PARTS + 1)), 0.0);
    let (share, interval) = worst.repaired;
    let given_back = tristate::above(interval, 0.5);
    let why = format!(
        "asked for yes or no, the log loss of {} at T = 1 is {:.3} bits over that of the truth and the base's {:.3}; T = {:.2}, found on half \
         of the places, takes away {:.0} % of it on the others (supported means over twice the base's and over half, by the 95 % \
         intervals)",
        worst.name,
        mean(&worst.excess),
        mean(&base.excess),
        worst.temperature,
        100.0 * share
    );
    Some(Verdict::of(tristate::all(&[lost, given_back]), why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::Question;
    use crate::testing::{inputs, subject};
    use crate::{Outcome, Size, Toy, Unobserved};

    /// The table's questions about rain with the chance of every answer changed.
    fn changed(of: impl Fn(f64) -> f64) -> Vec<Question> {
        let inputs = inputs();
        let mut questions: Vec<Question> = inputs
            .families
            .iter()
            .filter(|family| family.name.starts_with("rain"))
            .flat_map(|family| family.questions.clone())
            .collect();
        for question in &mut questions {
            let all: f64 = question.answers.iter().map(|one| of(one.probability)).sum();
            for answer in &mut question.answers {
                answer.probability = of(answer.probability) / all;
            }
        }
        questions
    }

    #[test]
    fn a_sharpened_model_is_repaired() {
        let (base, tuned) = (changed(|p| p), changed(|p| p.powi(8)));
        let (base, tuned) = (Toy::answering(&base), Toy::answering(&tuned));
        let subjects = [subject("base", &base), subject("tuned", &tuned)];
        let config = RunConfig::plain(Size::Quick);
        let found =
            pollster::block_on(run(&subjects, &inputs(), &config, &mut Unobserved)).unwrap();
        let value = |key: &str| found.value(key).unwrap();
        assert!((value("base.sample.accuracy") - 0.65).abs() < 1e-5);
        assert!((value("truth.collapse.accuracy") - 14.0 / 19.0).abs() < 1e-9);
        assert!(value("tuned.sample.accuracy") > 0.7);
        assert!((value("tuned.repair.temperature") - 8.0).abs() < 0.1);
        assert!(value("tuned.repair.share") > 99.0);
        assert!(value("tuned.repair.ece-after") < 0.01);
        assert!(value("tuned.repair.ece-before") > 0.1);
        assert_eq!(found.verdict.unwrap().answer, Outcome::Supported);
        let mut keys: Vec<_> = found.results.iter().map(|one| &one.key).collect();
        let all = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all);
        assert_eq!(found.figures.len(), 6);
    }

    /// Sampled answers sharpen under the reader's knobs; what one temperature gives back is still counted from 1.
    #[test]
    fn the_readers_knobs_shape_what_is_said_and_not_the_repair() {
        let toy = Toy::answering(&changed(|p| p));
        let subjects = [subject("base", &toy)];
        let under = |temperature| {
            let config = RunConfig {
                shaping: at_temperature(temperature),
                ..RunConfig::plain(Size::Quick)
            };
            pollster::block_on(run(&subjects, &inputs(), &config, &mut Unobserved)).unwrap()
        };
        let (plain, cold) = (under(1.0), under(0.25));
        let more = |key: &str| cold.value(key).unwrap() - plain.value(key).unwrap();
        assert!(more("base.sample.accuracy") > 0.03);
        assert!(more("base.sample.ece") > 0.05);
        for key in ["base.sample.excess", "base.repair.temperature"] {
            assert_eq!(cold.value(key), plain.value(key));
        }
        assert_eq!(cold.results.len(), plain.results.len());
    }

    fn heard(name: &str, excess: Vec<f64>, repaired: (f64, f64)) -> Heard<'_> {
        Heard {
            name,
            places: Vec::new(),
            excess,
            repaired: (mean(&[repaired.0, repaired.1]), Some(repaired)),
            temperature: 2.0,
            beliefs: Vec::new(),
        }
    }

    /// Where nothing is lost nothing can be given back, and what is lost for good is no support either.
    #[test]
    fn the_verdict_needs_a_loss_and_its_repair() {
        let base = || heard("base", vec![0.01, 0.02, 0.015], (-1.0, 1.0));
        let lost = || vec![0.5, 0.6, 0.7];
        let answer = |tuned: Heard<'_>| {
            let verdict = verdict(&[base(), tuned], &RunConfig::plain(Size::Quick));
            verdict.unwrap().answer
        };
        let calibrated = heard("tuned", vec![0.01, 0.02, 0.015], (0.9, 1.0));
        assert_eq!(answer(calibrated), Outcome::NotSupported);
        assert_eq!(
            answer(heard("tuned", lost(), (0.9, 1.0))),
            Outcome::Supported
        );
        assert_eq!(
            answer(heard("tuned", lost(), (0.1, 0.2))),
            Outcome::NotSupported
        );
        assert_eq!(
            answer(heard("tuned", lost(), (0.1, 0.9))),
            Outcome::Undecided
        );
    }
}
