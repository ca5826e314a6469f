//! Pick a random number: how evenly a model throws dice and coins, told exactly, by walking every answer.
//!
//! The claim is that of "Mysteries of mode collapse": asked for a random number, tuned models are sharply biased where their base
//! is not. The base here was trained on throws of chosen frequency, so its truth is known.
//!
//! A question has several wordings, and a model may be sure of one number asked so and of another asked otherwise. So entropy `H`
//! is that of the answer to one wording, in the mean over wordings, and effective outcomes are `2^H` of that mean, as in
//! `pointwise_reward`. What throws come up over all wordings together, each as often, is drawn as bars; its distance from fair is
//! the chi-square of a single throw, `Σ (p - u)² / u` over the outcomes (Pearson 1900; of `N` throws it is expected to grow by `N`
//! times that).
//!
//! All is told under the reader's knobs, but for the curve over temperature, which is under no other knob.

use decoding::{LanguageModel, Shaping, coin, total_variation};

use crate::answers::{AnswerDist, entropy_bits, score_answers};
use crate::bootstrap::mean;
use crate::info::{ExperimentInfo, Requires};
use crate::inputs::{Family, Inputs, Question};
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::results::{
    Axis, Control, Estimate, ExperimentResults, Figure, Point, Series, Shape, Verdict,
};
use crate::{InterpolatedModel, RunConfig, Subject, Toy, Unobserved};

/// How a reader meets it.
pub const INFO: ExperimentInfo = ExperimentInfo {
    name: "random-number",
    title: "Pick a random number",
    claim: "Asked for a random number, a tuned model is sharply biased.",
    source: "\"Mysteries of mode collapse\" (janus, 2022); figures at generative.ink/experiments/random-numbers",
    method: "Every answer to a coin, two dice and \"a number from 1 to 100\" is walked token by token, so the probabilities are \
             exact. Each is asked for in the wordings of training: entropy is that of the answer to one wording, in the mean over \
             wordings, and effective outcomes are 2 to that mean; bars and chi-square pool the wordings. A swarm of throws is drawn \
             beside the bars for the eye. Supported where some tuned model has under half of the base's effective numbers from 1 to \
             100.",
    to_try: "Lower the temperature: the dice of every model fall on one side. Then choose Raters or Spread as the model.",
    shows: "How far from even these models' answers are, to the last digit, and how temperature and tuning change that.",
    does_not_show: "What tuning did to large models: the ones here were tuned for this, by rewards that are written down.",
    needs: Requires {
        quick: &["raters"],
        full: &["raters", "spread", "wedding", "helper"],
    },
};

/// The kinds of throw, by their names in the truth table.
const FAMILIES: [&str; 4] = ["coin", "d6", "d20", "number"];
/// Temperatures of the curve.
const TEMPERATURES: [f64; 7] = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0];
/// Throws that are drawn for the eye.
const THROWS: u32 = 200;

/// The answers of one model to one kind of throw.
struct Thrown {
    /// What can come up.
    faces: Vec<String>,
    /// Wording by wording: the probability of each among answers.
    wordings: Vec<Vec<f64>>,
    /// What is no answer, mean over wordings.
    elsewhere: f64,
    /// The probability of each by the truth table.
    truth: Vec<f64>,
}

impl Thrown {
    fn of(question: &Question, outcomes: &[AnswerDist]) -> Self {
        let faces: Vec<String> = outcomes[0]
            .said
            .iter()
            .map(|(says, _)| says.clone())
            .collect();
        let truth_of = |face: &String| {
            let answers = question
                .answers
                .iter()
                .filter(|answer| answer.says == *face);
            answers.map(|answer| answer.probability).sum()
        };
        Self {
            truth: faces.iter().map(truth_of).collect(),
            faces,
            wordings: outcomes.iter().map(AnswerDist::among_answers).collect(),
            elsewhere: mean(&outcomes.iter().map(|one| one.elsewhere).collect::<Vec<_>>()),
        }
    }

    /// The mean of a number of the answer to one wording.
    fn of_one_wording(&self, number: impl Fn(&[f64]) -> f64) -> f64 {
        let numbers: Vec<f64> = self.wordings.iter().map(|one| number(one)).collect();
        mean(&numbers)
    }

    /// Entropy of the answer to one wording, bits, mean over wordings.
    fn entropy_bits(&self) -> f64 {
        self.of_one_wording(entropy_bits)
    }

    /// The share of the likeliest answer to one wording, mean over wordings.
    fn top(&self) -> f64 {
        self.of_one_wording(|shares| shares.iter().copied().fold(0.0, f64::max))
    }

    /// Total variation of the answer to one wording from the truth table, mean over wordings.
    fn distance_from_truth(&self) -> f64 {
        self.of_one_wording(|shares| total_variation(shares, &self.truth))
    }

    /// The probability of each face over all wordings, each asked as often.
    fn pooled(&self) -> Vec<f64> {
        let of_face = |face: usize| self.of_one_wording(|shares| shares[face]);
        (0..self.faces.len()).map(of_face).collect()
    }

    /// `Σ (p - u)² / u` of the pooled shares against even ones.
    fn chi_square(&self) -> f64 {
        let pooled = self.pooled();
        let even = 1.0 / pooled.len() as f64;
        pooled.iter().map(|p| (p - even).powi(2) / even).sum()
    }
}

/// Throws with every model at every temperature.
///
/// # Errors
/// When the truth table lacks a kind of throw, a model cannot be asked, or the reader had enough.
///
/// # Panics
/// Never: the temperatures of the curve are allowed.
pub async fn run<M: LanguageModel>(
    subjects: &[Subject<'_, M>],
    inputs: &Inputs,
    config: &RunConfig,
    progress: &mut impl RunProgress,
) -> Result<ExperimentResults, ExperimentError> {
    let mut results = ExperimentResults::none(INFO.name, config, subjects);
    results.controls = controls(inputs).await?;
    let base = subjects[0].model;
    let of = subjects.len() * FAMILIES.len();
    let mut done = 0;
    for name in FAMILIES {
        let family = inputs.family(name)?;
        let mut shares = Figure::new(
            &format!("{name}-shares"),
            &format!(
                "How often each side comes up, {}: {}",
                pooled_over(family.questions[0].prompts.len()),
                family.about
            ),
            Axis::of_names("outcome", faces(family)),
            Axis::linear("share, %"),
        );
        let mut curve = Figure::new(
            &format!("{name}-entropy"),
            &format!(
                "Entropy by temperature, in the mean over wordings: {}",
                family.about
            ),
            Axis::linear("temperature"),
            Axis::linear("entropy, bits"),
        );
        for subject in subjects {
            let model = InterpolatedModel::new(base, subject.model, config.lambda);
            let walked = walks(&model, family, progress).await?;
            let at = |shaping: &Shaping| thrown(family, &walked, shaping);
            let throw = at(&config.shaping);
            results
                .results
                .extend(estimates(subject.name, name, &throw));
            let pooled = throw.pooled();
            shares.series.push(Series {
                name: subject.name.to_owned(),
                shape: Shape::Bars,
                points: points(pooled.iter().map(|p| 100.0 * p)),
            });
            if subject.name != "base" || subjects.len() == 1 {
                shares.series.push(Series {
                    name: format!("{}, {THROWS} throws", subject.name),
                    shape: Shape::Dots,
                    points: points(counts(&pooled, config.part_seed(done)).into_iter()),
                });
            }
            let mut hot = Vec::new();
            for temperature in TEMPERATURES {
                // Shaping a hundred rows takes as long as a step of the model.
                checkpoint(progress).await?;
                let shaping = Shaping::default().with_temperature(temperature);
                let shaping = shaping.expect("temperatures of this file are allowed");
                hot.push(Point::at(temperature, at(&shaping).entropy_bits()));
            }
            curve.series.push(Series {
                name: subject.name.to_owned(),
                shape: Shape::Line,
                points: hot,
            });
            done += 1;
            progress.report(done, of, &results);
        }
        let even = (faces(family).len() as f64).log2();
        curve.series.push(Series {
            name: "fair".to_owned(),
            shape: Shape::Reference,
            points: vec![Point::at(TEMPERATURES[0], even), Point::at(2.0, even)],
        });
        curve.text = format!("A fair throw has {even:.2} bits. {}", along(&curve));
        shares.text = told(&results, subjects, name);
        results.figures.extend([shares, curve]);
    }
    results.verdict = verdict(&results, subjects);
    Ok(results)
}

async fn walks<M: LanguageModel>(
    model: &M,
    family: &Family,
    progress: &mut impl RunProgress,
) -> Result<Vec<crate::answers::AnswerLogits>, ExperimentError> {
    let question = &family.questions[0];
    let mut walked = Vec::new();
    for prompt in &question.prompts {
        walked.push(score_answers(model, prompt, &question.answers, progress).await?);
    }
    Ok(walked)
}

fn thrown(family: &Family, walked: &[crate::answers::AnswerLogits], shaping: &Shaping) -> Thrown {
    let outcomes: Vec<AnswerDist> = walked.iter().map(|walk| walk.shaped(shaping)).collect();
    Thrown::of(&family.questions[0], &outcomes)
}

fn faces(family: &Family) -> Vec<String> {
    let mut faces: Vec<String> = Vec::new();
    for answer in &family.questions[0].answers {
        if !faces.contains(&answer.says) {
            faces.push(answer.says.clone());
        }
    }
    faces
}

fn points(values: impl Iterator<Item = f64>) -> Vec<Point> {
    values
        .enumerate()
        .map(|(x, y)| Point::at(x as f64, y))
        .collect()
}

/// Shares in % of so many throws, drawn from the exact probabilities.
fn counts(shares: &[f64], seed: u64) -> Vec<f64> {
    let mut counts = vec![0.0; shares.len()];
    for throw in 0..THROWS {
        let coin = coin(seed, throw, 0).value();
        let mut passed = 0.0;
        let face = shares.iter().position(|share| {
            passed += share;
            passed > coin
        });
        counts[face.unwrap_or(shares.len() - 1)] += 100.0 / f64::from(THROWS);
    }
    counts
}

fn estimates(subject: &str, family: &str, thrown: &Thrown) -> Vec<Estimate> {
    let pooled = pooled_over(thrown.wordings.len());
    let one = |what: &str, label: String, unit: &str, value: f64| {
        let key = format!("{subject}.{family}.{what}");
        Estimate::exact(key, format!("{subject}, {family}: {label}"), unit, value)
    };
    vec![
        one(
            "entropy",
            "entropy of the answer to one wording, mean".to_owned(),
            "bits",
            thrown.entropy_bits(),
        ),
        one(
            "outcomes",
            "effective outcomes of that entropy".to_owned(),
            "",
            thrown.entropy_bits().exp2(),
        ),
        one(
            "top",
            "share of the likeliest answer to one wording, mean".to_owned(),
            "%",
            100.0 * thrown.top(),
        ),
        one(
            "chi-square",
            format!("chi-square of one throw against a fair one, {pooled}"),
            "",
            thrown.chi_square(),
        ),
        one(
            "from-truth",
            "total variation of the answer to one wording from the truth table, mean".to_owned(),
            "",
            thrown.distance_from_truth(),
        ),
        one(
            "elsewhere",
            "probability of what is no answer, mean".to_owned(),
            "%",
            100.0 * thrown.elsewhere,
        ),
    ]
}

/// How a number of all wordings together says so.
fn pooled_over(wordings: usize) -> String {
    format!("pooled over {wordings} wordings")
}

/// A curve over temperature in words: its ends and its middle.
fn along(curve: &Figure) -> String {
    let lines = curve
        .series
        .iter()
        .filter(|one| one.shape == Shape::Line)
        .map(|line| {
            let told = line.points.iter().filter(|point| {
                [TEMPERATURES[0], 1.0, TEMPERATURES[TEMPERATURES.len() - 1]].contains(&point.x)
            });
            let told: Vec<String> = told
                .map(|point| format!("{:.2} bits at T = {}", point.y, point.x))
                .collect();
            format!("{}: {}.", line.name, told.join(", "))
        });
    lines.collect::<Vec<_>>().join(" ")
}

fn told<M>(results: &ExperimentResults, subjects: &[Subject<'_, M>], family: &str) -> String {
    let one = |subject: &Subject<'_, M>| {
        let value = |what: &str| results.value(&format!("{}.{family}.{what}", subject.name));
        format!(
            "{}: {:.2} bits asked in one wording, its likeliest side {:.0} %.",
            subject.name,
            value("entropy").unwrap_or(f64::NAN),
            value("top").unwrap_or(f64::NAN)
        )
    };
    subjects.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Supported where some tuned model has under half of the base's effective numbers from 1 to 100.
fn verdict<M>(results: &ExperimentResults, subjects: &[Subject<'_, M>]) -> Option<Verdict> {
    let outcomes = |name: &str| results.value(&format!("{name}.number.outcomes"));
    let base = outcomes("base")?;
    let mut tuned: Vec<(&str, f64)> = subjects
        .iter()
        .skip(1)
        .filter_map(|one| Some((one.name, outcomes(one.name)?)))
        .collect();
    tuned.sort_by(|one, other| one.1.total_cmp(&other.1));
    let ((name, least), others) = tuned.split_first()?;
    let others: Vec<String> = others
        .iter()
        .map(|(name, effective)| format!("{name} {effective:.1}"))
        .collect();
    let why = format!(
        "of 100 numbers, asked in one wording, the base throws {base:.1} effectively; the most biased tuned model, {name}, {least:.1}{}{} \
         (supported means that some tuned model has under half of the base's)",
        if others.is_empty() { "" } else { "; " },
        others.join(", ")
    );
    Some(Verdict::of(Some(*least < base / 2.0), why))
}

/// The table's own answers have no distance from the table, and a fair thrower of a d6 has log2 6 bits and no chi-square.
async fn controls(inputs: &Inputs) -> Result<Vec<Control>, ExperimentError> {
    let mut controls = Vec::new();
    for name in FAMILIES {
        let family = inputs.family(name)?;
        let walked = walks(&Toy::answering(&family.questions), family, &mut Unobserved).await?;
        let thrown = thrown(family, &walked, &Shaping::default());
        let fair = (thrown.faces.len() as f64).log2();
        controls.push(Control {
            name: format!("{name}: the table"),
            about: "A model that answers exactly as the truth table says has no distance from it; its logits are rounded to f32."
                .to_owned(),
            expected: 0.0,
            found: thrown.distance_from_truth(),
            tolerance: 1e-5,
        });
        controls.push(Control {
            name: format!("{name}: a fair thrower"),
            about: format!(
                "The same model throws evenly, so its entropy is log2 {}.",
                thrown.faces.len()
            ),
            expected: fair,
            found: thrown.entropy_bits(),
            tolerance: 1e-5,
        });
    }
    Ok(controls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{inputs, subject};

    #[test]
    fn the_controls_pass() {
        let controls = pollster::block_on(controls(&inputs())).unwrap();
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
        let controls = pollster::block_on(controls(&inputs)).unwrap();
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
        let found = pollster::block_on(run(
            &subjects,
            &inputs,
            &RunConfig::plain(crate::Size::Quick),
            &mut Unobserved,
        ))
        .unwrap();
        assert!((found.value("base.d6.outcomes").unwrap() - 6.0).abs() < 1e-4);
        assert!((found.value("loaded.d6.top").unwrap() - 90.0).abs() < 1e-3);
        // (0.9 - 1/6)² · 6 + 5 · (0.02 - 1/6)² · 6
        assert!((found.value("loaded.d6.chi-square").unwrap() - 3.872).abs() < 1e-3);
        assert_eq!(found.verdict.unwrap().answer, crate::Outcome::Supported);
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
        let thrown = Thrown::of(&question, &[said(1.0), said(0.0)]);
        assert_eq!((thrown.entropy_bits(), thrown.top()), (0.0, 1.0));
        assert_eq!(thrown.pooled(), [0.5, 0.5]);
        assert_eq!(thrown.chi_square(), 0.0);
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
        let found = pollster::block_on(run(&subjects, &inputs, &config, &mut Unobserved)).unwrap();
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
            why.contains(&format!("the base throws {outcomes:.1} ")),
            "{why}"
        );
    }
}
