//! Pick a random number: how evenly a model throws dice and coins, exactly, by the probability of every answer.
//!
//! The claim is that of "Mysteries of mode collapse": asked for a random number, tuned models are sharply biased where their base
//! is not. The base here was trained on throws of chosen frequency, so its truth is known.
//!
//! A question has several wordings, and a model may be sure of one number asked so and of another asked otherwise. So entropy `H`
//! is that of the answer to one wording, averaged over wordings, and effective outcomes are `2^H` of that mean, as in
//! `pointwise_reward`. The bars pool the wordings with equal weight; their distance from fair is the chi-square of a single throw,
//! `Σ (p - u)² / u` over the outcomes (Pearson 1900; for `N` throws it is expected to grow by `N` times that).
//!
//! Everything is under the run's sampling parameters, except the curve over temperature.

use decoding::{LanguageModel, Shaping, coin};

use crate::answers::{AnswerLogits, Spread, pick, score_answers};
use crate::bootstrap::mean;
use crate::config::{Stream, at_temperature};
use crate::info::{ExperimentInfo, Requires};
use crate::inputs::{Family, Inputs};
use crate::progress::{ExperimentError, RunProgress};
use crate::results::{Axis, Condition, Control, Figure, Point, Series};
use crate::study::{Conclusion, Experiment, Study};
use crate::table::{Row, Table, metrics};
use crate::{Toy, Unobserved};

/// The experiment.
#[derive(Debug)]
pub struct RandomNumber;

/// The kinds of throw, by their names in the truth table.
const FAMILIES: [&str; 4] = ["coin", "d6", "d20", NUMBER];
/// The one that the claim is about.
const NUMBER: &str = "number";
/// Temperatures of the curve.
const TEMPERATURES: [f64; 7] = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0];
/// Throws that are drawn as dots.
const THROWS: u32 = 200;

metrics! {
    ENTROPY = exact "entropy", "bits", "entropy of the answer to one wording, mean";
    OUTCOMES = exact "outcomes", "", "effective outcomes of that entropy";
    TOP = exact "top", "%", "share of the likeliest answer to one wording, mean";
    CHI_SQUARE = exact "chi-square", "", "chi-square of one throw against a fair one, wordings pooled";
    FROM_TRUTH = exact "from-truth", "", "total variation of the answer to one wording from the truth table, mean";
    ELSEWHERE = exact "elsewhere", "%", "probability of anything that is no answer, mean";
}

/// A model's numbers of one kind of throw.
fn row(subject: &str, family: &str) -> Row {
    Row::of(subject).part(family, family)
}

/// The answers of one model to one kind of throw, wording by wording.
struct Throws(Vec<Spread>);

impl Throws {
    fn of(family: &Family, logits: &[AnswerLogits], shaping: &Shaping) -> Self {
        let question = &family.questions[0];
        let dists = logits.iter().map(|one| one.shaped(shaping));
        Self(dists.map(|dist| Spread::of(&dist, question)).collect())
    }

    /// A number of the answer to one wording, averaged over wordings.
    fn mean(&self, number: impl Fn(&Spread) -> f64) -> f64 {
        mean(&self.0.iter().map(number).collect::<Vec<_>>())
    }

    fn entropy_bits(&self) -> f64 {
        self.mean(|one| one.entropy_bits)
    }

    /// The probability of each outcome over all wordings.
    fn pooled(&self) -> Vec<f64> {
        (0..self.0[0].shares.len())
            .map(|outcome| self.mean(|one| one.shares[outcome]))
            .collect()
    }

    /// `Σ (p - u)² / u` of the pooled shares against even ones.
    fn chi_square(&self) -> f64 {
        let pooled = self.pooled();
        let even = 1.0 / pooled.len() as f64;
        pooled.iter().map(|p| (p - even).powi(2) / even).sum()
    }

    fn add_to_table(self, table: &mut Table, row: &Row) {
        let entropy = self.entropy_bits();
        table.set(row, &ENTROPY, entropy);
        table.set(row, &OUTCOMES, entropy.exp2());
        table.set(row, &TOP, 100.0 * self.mean(|one| one.top));
        table.set(row, &CHI_SQUARE, self.chi_square());
        table.set(row, &FROM_TRUTH, self.mean(|one| one.from_truth));
        table.set(row, &ELSEWHERE, 100.0 * self.mean(|one| one.elsewhere));
    }
}

impl Experiment for RandomNumber {
    const INFO: ExperimentInfo = ExperimentInfo {
        name: "random-number",
        title: "Pick a random number",
        claim: "Asked for a random number, a tuned model is sharply biased.",
        source: "\"Mysteries of mode collapse\" (janus, 2022); figures at generative.ink/experiments/random-numbers",
        method: "We ask for a coin, two dice and \"a number from 1 to 100\", and compute the probability of every answer exactly, in \
                 every wording of the training texts. Entropy is that of the answer to one wording, averaged over wordings; effective \
                 outcomes are 2 to that entropy: how many equally likely answers would be as uncertain. Bars and chi-square pool the \
                 wordings; dots are 200 sample throws. Supported if some tuned model has under half of the base's effective numbers \
                 from 1 to 100.",
        to_try: "Lower the temperature: every model's die lands on one number. Then choose Raters or Spread as the model.",
        shows: "Exactly how far from even these models' answers are, and how temperature and tuning change that.",
        does_not_show: "What tuning did to large models: the ones here were tuned for this, by rewards that are written down.",
        needs: Requires {
            quick: &["raters"],
            full: &["raters", "spread", "wedding", "helper"],
        },
    };

    /// The table's own answers have no distance from the table, and a fair thrower of a d6 has log2 6 bits and no chi-square.
    async fn controls(
        inputs: &Inputs,
        _progress: &mut impl RunProgress,
    ) -> Result<Vec<Control>, ExperimentError> {
        let mut controls = Vec::new();
        for name in FAMILIES {
            let family = inputs.family(name)?;
            let logits = ask(&Toy::answering(&family.questions), family, &mut Unobserved).await?;
            let throws = Throws::of(family, &logits, &Shaping::default());
            let outcomes = throws.0[0].shares.len();
            controls.push(Control {
                name: format!("{name}: the table"),
                about: "A model that answers exactly as the truth table says has no distance from it; its logits are rounded to f32."
                    .to_owned(),
                expected: 0.0,
                found: throws.mean(|one| one.from_truth),
                tolerance: 1e-5,
            });
            controls.push(Control {
                name: format!("{name}: a fair thrower"),
                about: format!("The same model throws evenly, so its entropy is log2 {outcomes}."),
                expected: (outcomes as f64).log2(),
                found: throws.entropy_bits(),
                tolerance: 1e-5,
            });
        }
        Ok(controls)
    }

    async fn measure<M: LanguageModel>(
        study: &mut Study<'_, M, impl RunProgress>,
    ) -> Result<(), ExperimentError> {
        let (inputs, config, policies) = (study.inputs, study.config, study.policies());
        study.expect(policies.len() * FAMILIES.len());
        for (place, name) in FAMILIES.into_iter().enumerate() {
            let family = inputs.family(name)?;
            let (mut shares, mut curve) = empty_figures(family);
            for (number, policy) in policies.iter().enumerate() {
                let logits = ask(policy, family, study.progress).await?;
                let throws = Throws::of(family, &logits, &config.shaping);
                let pooled = throws.pooled();
                throws.add_to_table(&mut study.results.results, &row(policy.name, name));
                let percent = pooled.iter().map(|p| 100.0 * p);
                shares
                    .series
                    .push(Series::bars(policy.name, points(percent)));
                if number > 0 || policies.len() == 1 {
                    let seed = config.seed_of(Stream::Unit(place * policies.len() + number));
                    let name = format!("{}, {THROWS} throws", policy.name);
                    let drawn = counts(&pooled, seed);
                    shares
                        .series
                        .push(Series::dots(name, points(drawn.into_iter())));
                }
                let mut hot = Vec::new();
                for temperature in TEMPERATURES {
                    study.checkpoint().await?;
                    let throws = Throws::of(family, &logits, &at_temperature(temperature));
                    hot.push(Point::at(temperature, throws.entropy_bits()));
                }
                curve.series.push(Series::line(policy.name, hot));
                study.unit_done();
            }
            let fair = (shares.x.names.len() as f64).log2();
            curve.series.push(Series::reference(
                "fair",
                [(TEMPERATURES[0], fair), (2.0, fair)],
            ));
            study.results.figures.extend([shares, curve]);
        }
        Ok(())
    }

    /// Supported where some tuned model has under half of the base's effective numbers from 1 to 100.
    fn conclude(table: &Table, subjects: &[String]) -> Option<Conclusion> {
        let outcomes = |name: &String| table.value(&row(name, NUMBER), &OUTCOMES);
        let (base, tuned) = subjects.split_first()?;
        let base = outcomes(base)?;
        let mut tuned: Vec<(&String, f64)> = tuned
            .iter()
            .filter_map(|name| Some((name, outcomes(name)?)))
            .collect();
        tuned.sort_by(|one, other| one.1.total_cmp(&other.1));
        let &(name, least) = tuned.first()?;
        let biased = least < base / 2.0;
        let among = format!(
            "the base answers as if it chose among {base:.1} numbers, {name} as if among {least:.1}"
        );
        let all: Vec<String> = tuned
            .iter()
            .map(|(name, effective)| format!("{name} {effective:.1}"))
            .collect();
        Some(Conclusion {
            answer: if biased {
                format!("asked for a number from 1 to 100, {among}.")
            } else {
                format!("no tuned model here is biased so sharply; {among}.")
            },
            conditions: vec![Condition::new(
                "a tuned model has under half of the base's effective numbers",
                Some(biased),
            )],
            why: format!(
                "Effective numbers from 1 to 100, asked in one wording: base {base:.1}, {}. The claim counts as supported if some tuned \
                 model has under half of the base's.",
                all.join(", ")
            ),
        })
    }
}

/// The logits of all answers to every wording.
async fn ask<M: LanguageModel>(
    model: &M,
    family: &Family,
    progress: &mut impl RunProgress,
) -> Result<Vec<AnswerLogits>, ExperimentError> {
    let question = &family.questions[0];
    let mut logits = Vec::new();
    for prompt in &question.prompts {
        logits.push(score_answers(model, prompt, &question.answers, progress).await?);
    }
    Ok(logits)
}

/// Shares of the outcomes, and entropy by temperature, with nothing in them yet.
fn empty_figures(family: &Family) -> (Figure, Figure) {
    let question = &family.questions[0];
    let mut outcomes: Vec<&str> = Vec::new();
    for answer in &question.answers {
        if !outcomes.contains(&answer.says.as_str()) {
            outcomes.push(&answer.says);
        }
    }
    let shares = Figure::new(
        &format!("{}-shares", family.name),
        &format!(
            "How often each outcome comes up, {} wordings pooled: {}",
            question.prompts.len(),
            family.about
        ),
        Axis::of_names("outcome", outcomes),
        Axis::linear("share, %"),
    );
    let curve = Figure::new(
        &format!("{}-entropy", family.name),
        &format!(
            "Entropy by temperature, averaged over wordings: {}",
            family.about
        ),
        Axis::linear("temperature"),
        Axis::linear("entropy, bits"),
    );
    (shares, curve)
}

fn points(values: impl Iterator<Item = f64>) -> impl Iterator<Item = Point> {
    values.enumerate().map(|(x, y)| Point::at(x as f64, y))
}

/// Shares in % of [`THROWS`] throws, sampled from the exact probabilities.
fn counts(shares: &[f64], seed: u64) -> Vec<f64> {
    let mut counts = vec![0.0; shares.len()];
    for throw in 0..THROWS {
        let outcome = pick(shares, coin(seed, throw, 0).value());
        counts[outcome.unwrap_or(shares.len() - 1)] += 100.0 / f64::from(THROWS);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::AnswerDist;
    use crate::config::RunConfig;
    use crate::inputs::Question;
    use crate::results::Outcome;
    use crate::testing::{controls, found, inputs, subject};

    #[test]
    fn the_controls_pass() {
        let controls = controls::<RandomNumber>(&inputs());
        assert_eq!(controls.len(), 8);
        for control in controls {
            assert!(control.passed(), "{control:?}");
        }
    }

    /// A broken estimator is noticed: a table of a loaded die is no fair thrower, and one that reads the wrong table is far from it.
    #[test]
    fn the_controls_fail_when_the_die_is_loaded() {
        let mut inputs = inputs();
        let family = inputs
            .families
            .iter_mut()
            .find(|one| one.name == "d6")
            .unwrap();
        let answers = &mut family.questions[0].answers;
        (answers[0].probability, answers[1].probability) = (0.3, 1.0 / 3.0 - 0.3);
        let controls = controls::<RandomNumber>(&inputs);
        let failed: Vec<_> = controls
            .iter()
            .filter(|control| !control.passed())
            .collect();
        assert_eq!(failed.len(), 1, "{failed:?}");
        assert_eq!(failed[0].name, "d6: a fair thrower");
    }

    #[test]
    fn a_biased_thrower_is_told_from_a_fair_one() {
        let inputs = inputs();
        let all: Vec<Question> = FAMILIES
            .iter()
            .flat_map(|name| inputs.family(name).unwrap().questions.clone())
            .collect();
        let fair = Toy::answering(&all);
        let mut loaded = all.clone();
        for question in &mut loaded {
            let faces = question.answers.len() as f64;
            for (place, answer) in question.answers.iter_mut().enumerate() {
                answer.probability = if place == 0 { 0.9 } else { 0.1 / (faces - 1.0) };
            }
        }
        let loaded = Toy::answering(&loaded);
        let subjects = [subject("base", &fair), subject("loaded", &loaded)];
        let config = RunConfig::plain(crate::Size::Quick);
        let found = found::<RandomNumber>(&subjects, &inputs, &config);
        assert!((found.value("base.d6.outcomes").unwrap() - 6.0).abs() < 1e-4);
        assert!((found.value("loaded.d6.top").unwrap() - 90.0).abs() < 1e-3);
        // (0.9 - 1/6)² · 6 + 5 · (0.02 - 1/6)² · 6
        assert!((found.value("loaded.d6.chi-square").unwrap() - 3.872).abs() < 1e-3);
        let verdict = found.verdict.unwrap();
        assert_eq!(verdict.answer, Outcome::Supported);
        assert_eq!(
            verdict.sentence,
            "Yes: asked for a number from 1 to 100, the base answers as if it chose among 100.0 numbers, loaded as if among 2.2."
        );
        assert_eq!(found.figures.len(), 8);
    }

    /// Surely 1 in one wording and surely 2 in another: no entropy in either, though of both together there is a bit.
    #[test]
    fn wordings_are_not_mixed_into_the_entropy() {
        let said = |first: f64| AnswerDist {
            said: vec![("1".to_owned(), first), ("2".to_owned(), 1.0 - first)],
            elsewhere: 0.0,
        };
        let question = Question {
            prompts: Vec::new(),
            unseen: Vec::new(),
            right: None,
            answers: Vec::new(),
        };
        let throws = Throws(
            [1.0, 0.0]
                .map(|first| Spread::of(&said(first), &question))
                .into(),
        );
        assert_eq!(
            (throws.entropy_bits(), throws.mean(|one| one.top)),
            (0.0, 1.0)
        );
        assert_eq!(throws.pooled(), [0.5, 0.5]);
        assert_eq!(throws.chi_square(), 0.0);
    }

    /// A die that comes up 1 at a half, the rest evenly: at T = 1/2 shares are squared, so 1 has 25 of 30 parts.
    #[test]
    fn the_readers_knobs_shape_bars_numbers_and_verdict() {
        let inputs = inputs();
        let mut questions: Vec<Question> = FAMILIES
            .iter()
            .flat_map(|name| inputs.family(name).unwrap().questions.clone())
            .collect();
        for question in &mut questions {
            let others = question.answers.len() as f64 - 1.0;
            for (place, answer) in question.answers.iter_mut().enumerate() {
                answer.probability = if place == 0 { 0.5 } else { 0.5 / others };
            }
        }
        let toy = Toy::answering(&questions);
        let shaping = Shaping::default().with_temperature(0.5).unwrap();
        let config = RunConfig {
            shaping,
            ..RunConfig::plain(crate::Size::Quick)
        };
        let subjects = [subject("base", &toy), subject("same", &toy)];
        let found = found::<RandomNumber>(&subjects, &inputs, &config);
        let one = 100.0 * 25.0 / 30.0;
        assert!((found.value("base.d6.top").unwrap() - one).abs() < 1e-3);
        let figure = |name: &str| found.figures.iter().find(|one| one.name == name).unwrap();
        assert!((figure("d6-shares").series[0].points[0].y - one).abs() < 1e-3);
        let entropy = found.value("base.d6.entropy").unwrap();
        let mut curve = figure("d6-entropy").series[0].points.iter();
        assert!((curve.find(|at| at.x == 0.5).unwrap().y - entropy).abs() < 1e-12);
        let outcomes = found.value("base.number.outcomes").unwrap();
        let why = found.verdict.unwrap().why;
        assert!(
            why.contains(&format!("base {outcomes:.1}, same {outcomes:.1}.")),
            "{why}"
        );
    }
}
