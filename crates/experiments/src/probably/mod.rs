//! "Probably": whether a model that is surer than it is right can still be read, and set right by one temperature.
//!
//! A model that believes in rain at 80 % has three ways to answer: to sample Yes four times in five, to say a hedge such as
//! "Probably", or to collapse to Yes. A model rewarded for being right about one place at a time collapses: the accuracy of sampled
//! answers rises from 0.68 to 0.80 while nothing is left in them of the belief. The places here have a known chance of rain, so all
//! scores are expectations under the truth (`forecast`), and beliefs are exact, read from the logits (`places`). What remains
//! to chance is which places were asked about: intervals are by bootstrap over places.

mod controls;
mod curves;
mod forecast;
mod places;
mod repair;
mod scores;

use decoding::LanguageModel;

use crate::config::{RunConfig, Stream};
use crate::info::{ExperimentInfo, Requires};
use crate::inputs::Inputs;
use crate::progress::{ExperimentError, RunProgress};
use crate::results::{Condition, Control};
use crate::study::{Conclusion, Experiment, Study};
use crate::table::Table;
use crate::tristate;
use curves::{curve, reliability};
use forecast::Measure;
use places::{Asked, Survey};
use scores::{
    EXCESS, OVER_TWICE_BASE, SHARE, Scored, TEMPERATURE, of_the_truth, repair_row, sample_row,
    score,
};

/// The experiment.
#[derive(Debug)]
pub struct Probably;

impl Experiment for Probably {
    const INFO: ExperimentInfo = ExperimentInfo {
        name: "probably",
        title: "\"Probably\"",
        claim: "A model rewarded for the likelier answer no longer shows in its answers how sure it is, but one temperature gives its \
                confidence back.",
        source: "The comments below \"Mysteries of mode collapse\" (Paul Christiano: rewarded for a forced yes or no, the likelier \
                 answer is always given, and that looks like bad calibration); GPT-4 Technical Report, figure 8; one temperature as \
                 the repair: Kadavath et al., arXiv 2207.05221",
        method: "In nineteen places it rains with a known chance from 5 % to 95 %. Every model is asked for yes or no, openly, and \
                 for how sure it is; the probability of every answer is exact. Sampling, hedging and collapsing are scored under the \
                 run's settings by accuracy, Brier score, log loss and calibration error. A temperature that sets the logits right is \
                 found on half of the places and measured on the others.",
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

    async fn controls(
        inputs: &Inputs,
        progress: &mut impl RunProgress,
    ) -> Result<Vec<Control>, ExperimentError> {
        controls::controls(inputs, &controls::ESTIMATORS, progress).await
    }

    async fn measure<M: LanguageModel>(
        study: &mut Study<'_, M, impl RunProgress>,
    ) -> Result<(), ExperimentError> {
        let (config, policies) = (study.config, study.policies());
        let survey = Survey::of(study.inputs)?;
        of_the_truth(&mut study.results.results, &survey);
        let wordings = config.size.of(1, usize::MAX);
        let each = survey.truth.len();
        study.expect(policies.len() * each);
        let mut scored: Vec<Scored<'_>> = Vec::new();
        for policy in &policies {
            let mut places = Vec::new();
            for place in 0..each {
                places.push(survey.ask(policy, place, wordings, study.progress).await?);
                if place + 1 < each {
                    study.unit_done();
                }
            }
            let table = &mut study.results.results;
            let progress = &mut *study.progress;
            scored.push(score(policy.name, places, &survey, config, table, progress).await?);
            study.results.figures = reliability(&scored, &survey);
            study.unit_done();
        }
        for measure in Measure::ALL {
            let curve = curve(measure, &scored, &survey, config, study.progress).await?;
            study.results.figures.push(curve);
        }
        let excess: Vec<(&str, &[f64])> = scored
            .iter()
            .map(|one| (one.name, one.excess.as_slice()))
            .collect();
        compare(&mut study.results.results, &excess, config);
        Ok(())
    }

    /// Of the tuned model with the largest excess log loss: it is over twice the base's, and one temperature removes over half of it
    /// on places that it was not found on, each with its interval on one side.
    fn conclude(table: &Table, subjects: &[String]) -> Option<Conclusion> {
        let (base, tuned) = subjects.split_first()?;
        let excess = |name: &String| table.value(&sample_row(name), &EXCESS);
        let worst = tuned.iter().filter_map(|name| Some((name, excess(name)?)));
        let (worst, loss) = worst.max_by(|one, other| one.1.total_cmp(&other.1))?;
        let over = table.over_twice(
            (&sample_row(worst), &EXCESS),
            (&sample_row(base), &EXCESS),
            &OVER_TWICE_BASE,
        );
        let base = excess(base)?;
        let repair = repair_row(worst, Asked::YesNo);
        let share = table.value(&repair, &SHARE)?;
        let temperature = table.value(&repair, &TEMPERATURE)?;
        let conditions = vec![
            Condition::new("the loss is over twice the base's", over),
            Condition::new(
                "one temperature removes over half of it",
                tristate::above(table.interval(&repair, &SHARE), 50.0),
            ),
        ];
        Some(Conclusion {
            answer: format!(
                "{worst} is overconfident: it loses {loss:.2} bits per answer against the true odds (base: {base:.3}). Setting T to \
                 {temperature:.1} removes {share:.0} % of that."
            ),
            why: format!(
                "Of the tuned models {worst} loses most when asked for yes or no: {loss:.3} bits over the truth's log loss at T = 1, the \
                 base {base:.3}. T = {temperature:.2}, found on half of the places, removes {share:.0} % of it on the others. Both \
                 conditions are needed, by their 95 % intervals."
            ),
            conditions,
        })
    }
}

/// By how much the loss of every tuned model, by place, is over twice the base's, which comes first.
fn compare(table: &mut Table, excess: &[(&str, &[f64])], config: &RunConfig) {
    let Some(((_, base), tuned)) = excess.split_first() else {
        return;
    };
    for (name, own) in tuned {
        let pairs = own.iter().zip(*base);
        let over: Vec<f64> = pairs.map(|(tuned, base)| tuned - 2.0 * base).collect();
        let seed = config.seed_of(Stream::Forecast(1));
        table.mean(&sample_row(name), &OVER_TWICE_BASE, &over, seed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::at_temperature;
    use crate::inputs::Question;
    use crate::results::Outcome;
    use crate::testing::{found, inputs, subject};
    use crate::{RunConfig, Size, Toy};

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
        let found = found::<Probably>(&subjects, &inputs(), &config);
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

    /// Sampled answers sharpen under the run's sampling parameters; what one temperature gives back is still counted from 1.
    #[test]
    fn the_readers_knobs_shape_what_is_said_and_not_the_repair() {
        let toy = Toy::answering(&changed(|p| p));
        let subjects = [subject("base", &toy)];
        let under = |temperature| {
            let config = RunConfig {
                shaping: at_temperature(temperature),
                ..RunConfig::plain(Size::Quick)
            };
            found::<Probably>(&subjects, &inputs(), &config)
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

    /// A model whose places lose so many bits, of which the repair removes a share within an interval.
    fn loses(table: &mut Table, name: &str, excess: &[f64], (low, high): (f64, f64)) {
        table.mean(&sample_row(name), &EXCESS, excess, 1);
        let row = repair_row(name, Asked::YesNo);
        let interval = Some((100.0 * low, 100.0 * high));
        table.put(&row, &SHARE, 50.0 * (low + high), interval, 9);
        table.set(&row, &TEMPERATURE, 2.0);
    }

    /// Where nothing is lost nothing can be given back, and what is lost for good is no support either.
    #[test]
    fn the_verdict_needs_a_loss_and_its_repair() {
        let calibrated = [0.01, 0.02, 0.015];
        let lost = [0.5, 0.6, 0.7];
        let answer = |excess: &[f64], repaired| {
            let mut table = Table::default();
            loses(&mut table, "base", &calibrated, (-1.0, 1.0));
            loses(&mut table, "tuned", excess, repaired);
            let pair = [("base", &calibrated[..]), ("tuned", excess)];
            compare(&mut table, &pair, &RunConfig::plain(Size::Quick));
            let names = ["base".to_owned(), "tuned".to_owned()];
            Probably::conclude(&table, &names).unwrap().outcome()
        };
        assert_eq!(answer(&calibrated, (0.9, 1.0)), Outcome::NotSupported);
        assert_eq!(answer(&lost, (0.9, 1.0)), Outcome::Supported);
        assert_eq!(answer(&lost, (0.1, 0.2)), Outcome::NotSupported);
        assert_eq!(answer(&lost, (0.1, 0.9)), Outcome::Undecided);
    }
}
