//! Pick a random number: how evenly a model throws dice and coins, told exactly, by walking every answer.
//!
//! The claim is that of "Mysteries of mode collapse": asked for a random number, tuned models are sharply biased where their base
//! is not. The base here was trained on throws of chosen frequency, so its truth is known.
//!
//! Distance from a fair throw is told as entropy and effective outcomes `2^H`, and as the chi-square of a single throw,
//! `Σ (p - u)² / u` over the outcomes (Pearson 1900; of `N` throws it is expected to grow by `N` times that).

use decoding::{LanguageModel, Shaping, coin, total_variation};

use crate::answers::{Outcomes, entropy_bits, walk};
use crate::catalogue::{Entry, Needs};
use crate::findings::{Axis, Control, Figure, Findings, Point, Quantity, Series, Shape, Verdict};
use crate::material::{Family, Material, Question};
use crate::watch::{Stop, Watch, rest};
use crate::{Mixed, Setting, Subject, Toy, Unwatched};

/// How a reader meets it.
pub const ENTRY: Entry = Entry {
    name: "random-number",
    title: "Pick a random number",
    claim: "Asked for a random number, a tuned model is sharply biased.",
    source: "\"Mysteries of mode collapse\" (janus, 2022); figures at generative.ink/experiments/random-numbers",
    method: "Every answer to a coin, two dice and \"a number from 1 to 100\" is walked token by token, so the probabilities are \
             exact; a swarm of throws is drawn beside them for the eye.",
    to_try: "Lower the temperature: the dice of every model fall on one side. Then choose Raters or Spread as the model.",
    shows: "How far from even these models' answers are, to the last digit, and how temperature and tuning change that.",
    does_not_show: "What tuning did to large models: the ones here were tuned for this, by rewards that are written down.",
    needs: Needs {
        quick: &["raters"],
        full: &["raters", "spread", "wedding", "helper"],
    },
};

/// The kinds of throw, by their names in the truth table.
const FAMILIES: [&str; 4] = ["coin", "d6", "d20", "number"];
/// Temperatures of the curve, and the one of the table.
const TEMPERATURES: [f64; 7] = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0];
/// Throws that are drawn for the eye.
const THROWS: u32 = 200;

/// The answers of one model to all wordings of one kind of throw, each wording of equal weight.
struct Thrown {
    /// What can come up.
    faces: Vec<String>,
    /// The probability of each among answers.
    shares: Vec<f64>,
    /// What is no answer.
    elsewhere: f64,
    /// The probability of each by the truth table.
    truth: Vec<f64>,
}

impl Thrown {
    fn of(question: &Question, outcomes: &[Outcomes]) -> Self {
        let faces: Vec<String> = outcomes[0]
            .said
            .iter()
            .map(|(says, _)| says.clone())
            .collect();
        let weight = 1.0 / outcomes.len() as f64;
        let mut shares = vec![0.0; faces.len()];
        for one in outcomes {
            for (sum, share) in shares.iter_mut().zip(one.among_answers()) {
                *sum += weight * share;
            }
        }
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
            shares,
            elsewhere: weight * outcomes.iter().map(|one| one.elsewhere).sum::<f64>(),
        }
    }

    fn entropy_bits(&self) -> f64 {
        entropy_bits(&self.shares)
    }

    /// `Σ (p - u)² / u` against even shares.
    fn chi_square(&self) -> f64 {
        let even = 1.0 / self.shares.len() as f64;
        self.shares.iter().map(|p| (p - even).powi(2) / even).sum()
    }

    fn likeliest(&self) -> (usize, f64) {
        let faces = self.shares.iter().copied().enumerate();
        faces.fold(
            (0, 0.0),
            |best, one| if one.1 > best.1 { one } else { best },
        )
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
    material: &Material,
    setting: &Setting,
    watch: &mut impl Watch,
) -> Result<Findings, Stop> {
    let mut findings = Findings::none(ENTRY.name, setting, subjects);
    findings.controls = controls(material).await?;
    let base = subjects[0].model;
    let of = subjects.len() * FAMILIES.len();
    let mut done = 0;
    for name in FAMILIES {
        let family = material.family(name)?;
        let mut shares = Figure::new(
            &format!("{name}-shares"),
            &format!("How often each side comes up: {}", family.about),
            Axis::of_names("outcome", faces(family)),
            Axis::linear("share, %"),
        );
        let mut curve = Figure::new(
            &format!("{name}-entropy"),
            &format!("Entropy by temperature: {}", family.about),
            Axis::linear("temperature"),
            Axis::linear("entropy, bits"),
        );
        for subject in subjects {
            let model = Mixed::new(base, subject.model, setting.lambda);
            let walked = walks(&model, family, watch).await?;
            let at = |shaping: &Shaping| thrown(family, &walked, shaping);
            let plain = at(&Shaping::default());
            findings
                .results
                .extend(quantities(subject.name, name, &plain));
            if setting.shaping != Shaping::default() {
                let yours = at(&setting.shaping);
                findings.results.push(Quantity::exact(
                    format!("{}.{name}.your-entropy", subject.name),
                    format!(
                        "{}, {}: entropy under your knobs",
                        subject.name, family.about
                    ),
                    "bits",
                    yours.entropy_bits(),
                ));
            }
            shares.series.push(Series {
                name: subject.name.to_owned(),
                shape: Shape::Bars,
                points: points(plain.shares.iter().map(|p| 100.0 * p)),
            });
            if subject.name != "base" || subjects.len() == 1 {
                shares.series.push(Series {
                    name: format!("{}, {THROWS} throws", subject.name),
                    shape: Shape::Dots,
                    points: points(counts(&plain.shares, setting.part_seed(done)).into_iter()),
                });
            }
            let mut hot = Vec::new();
            for temperature in TEMPERATURES {
                // Shaping a hundred rows takes as long as a step of the model.
                rest(watch).await?;
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
            watch.tell(done, of, &findings);
        }
        let even = (faces(family).len() as f64).log2();
        curve.series.push(Series {
            name: "fair".to_owned(),
            shape: Shape::Reference,
            points: vec![Point::at(TEMPERATURES[0], even), Point::at(2.0, even)],
        });
        curve.text = format!(
            "A fair throw has {even:.2} bits. {}",
            told(&findings, subjects, name)
        );
        shares.text = told(&findings, subjects, name);
        findings.figures.extend([shares, curve]);
    }
    findings.verdict = verdict(&findings, subjects);
    Ok(findings)
}

async fn walks<M: LanguageModel>(
    model: &M,
    family: &Family,
    watch: &mut impl Watch,
) -> Result<Vec<crate::answers::Walk>, Stop> {
    let question = &family.questions[0];
    let mut walked = Vec::new();
    for prompt in &question.prompts {
        walked.push(walk(model, prompt, &question.answers, watch).await?);
    }
    Ok(walked)
}

fn thrown(family: &Family, walked: &[crate::answers::Walk], shaping: &Shaping) -> Thrown {
    let outcomes: Vec<Outcomes> = walked.iter().map(|walk| walk.under(shaping)).collect();
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

fn quantities(subject: &str, family: &str, thrown: &Thrown) -> Vec<Quantity> {
    let (face, share) = thrown.likeliest();
    let one = |what: &str, label: String, unit: &str, value: f64| {
        let key = format!("{subject}.{family}.{what}");
        Quantity::exact(key, format!("{subject}, {family}: {label}"), unit, value)
    };
    vec![
        one(
            "entropy",
            "entropy".to_owned(),
            "bits",
            thrown.entropy_bits(),
        ),
        one(
            "outcomes",
            "effective outcomes".to_owned(),
            "",
            thrown.entropy_bits().exp2(),
        ),
        one(
            "top",
            format!("share of the likeliest, {}", thrown.faces[face]),
            "%",
            100.0 * share,
        ),
        one(
            "chi-square",
            "chi-square of one throw against a fair one".to_owned(),
            "",
            thrown.chi_square(),
        ),
        one(
            "from-truth",
            "total variation from the truth table".to_owned(),
            "",
            total_variation(&thrown.shares, &thrown.truth),
        ),
        one(
            "elsewhere",
            "probability of what is no answer".to_owned(),
            "%",
            100.0 * thrown.elsewhere,
        ),
    ]
}

fn told<M>(findings: &Findings, subjects: &[Subject<'_, M>], family: &str) -> String {
    let one = |subject: &Subject<'_, M>| {
        let value = |what: &str| findings.value(&format!("{}.{family}.{what}", subject.name));
        format!(
            "{}: {:.2} bits, the likeliest side {:.0} %.",
            subject.name,
            value("entropy").unwrap_or(f64::NAN),
            value("top").unwrap_or(f64::NAN)
        )
    };
    subjects.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Supported where some tuned model has under half of the base's effective numbers from 1 to 100.
fn verdict<M>(findings: &Findings, subjects: &[Subject<'_, M>]) -> Option<Verdict> {
    let outcomes = |name: &str| findings.value(&format!("{name}.number.outcomes"));
    let base = outcomes("base")?;
    let tuned = subjects
        .iter()
        .skip(1)
        .filter_map(|one| Some((one.name, outcomes(one.name)?)));
    let (name, least) = tuned.min_by(|one, other| one.1.total_cmp(&other.1))?;
    let why = format!(
        "of 100 numbers the base throws {base:.1} effectively, {name} {least:.1} (supported means under half)"
    );
    Some(Verdict::of(Some(least < base / 2.0), why))
}

/// The table's own answers have no distance from the table, and a fair thrower of a d6 has log2 6 bits and no chi-square.
async fn controls(material: &Material) -> Result<Vec<Control>, Stop> {
    let mut controls = Vec::new();
    for name in FAMILIES {
        let family = material.family(name)?;
        let walked = walks(&Toy::answering(&family.questions), family, &mut Unwatched).await?;
        let thrown = thrown(family, &walked, &Shaping::default());
        let fair = (thrown.faces.len() as f64).log2();
        controls.push(Control {
            name: format!("{name}: the table"),
            about: "A model that answers exactly as the truth table says has no distance from it; its logits are rounded to f32."
                .to_owned(),
            expected: 0.0,
            found: total_variation(&thrown.shares, &thrown.truth),
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
    use crate::testing::{material, subject};

    #[test]
    fn the_controls_pass() {
        let controls = pollster::block_on(controls(&material())).unwrap();
        assert_eq!(controls.len(), 8);
        for control in controls {
            assert!(control.passed(), "{control:?}");
        }
    }

    /// A broken estimator is noticed: a table of a loaded die is no fair thrower, and one that reads the wrong table is far from it.
    #[test]
    fn the_controls_fail_when_the_die_is_loaded() {
        let mut material = material();
        let family = material
            .families
            .iter_mut()
            .find(|one| one.name == "d6")
            .unwrap();
        let answers = &mut family.questions[0].answers;
        (answers[0].probability, answers[1].probability) = (0.3, 1.0 / 3.0 - 0.3);
        let controls = pollster::block_on(controls(&material)).unwrap();
        let failed: Vec<_> = controls
            .iter()
            .filter(|control| !control.passed())
            .collect();
        assert_eq!(failed.len(), 1, "{failed:?}");
        assert_eq!(failed[0].name, "d6: a fair thrower");
    }

    #[test]
    fn a_biased_thrower_is_told_from_a_fair_one() {
        let material = material();
        let all: Vec<Question> = FAMILIES
            .iter()
            .flat_map(|name| material.family(name).unwrap().questions.clone())
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
            &material,
            &Setting::plain(crate::Size::Quick),
            &mut Unwatched,
        ))
        .unwrap();
        assert!((found.value("base.d6.outcomes").unwrap() - 6.0).abs() < 1e-4);
        assert!((found.value("loaded.d6.top").unwrap() - 90.0).abs() < 1e-3);
        // (0.9 - 1/6)² · 6 + 5 · (0.02 - 1/6)² · 6
        assert!((found.value("loaded.d6.chi-square").unwrap() - 3.872).abs() < 1e-3);
        assert_eq!(found.verdict.unwrap().answer, crate::Answered::Supported);
        assert_eq!(found.figures.len(), 8);
    }
}
