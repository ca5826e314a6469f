//! Answerers whose scores are known without asking: exactly calibrated ones, cooled ones and one that is sharpened by a known
//! factor.

use decoding::Shaping;

use super::forecast::all;
use super::forecast::{Item, Measure};
use super::places::{Asked, Place, Survey, YES_NO};
use super::repair;
use crate::answers::entropy_bits;
use crate::config::at_temperature;
use crate::inputs::{Answer, Family, Question};
use crate::progress::{ExperimentError, RunProgress};
use crate::{Control, Inputs, Toy};

/// Logits are rounded to f32, so probabilities are right to about 1e-7.
const ROUNDING: f64 = 1e-5;

/// What the controls are of, so that tests can break it.
pub(super) struct Estimators {
    pub measure: fn(Measure, &[Vec<Item>], &[usize]) -> f64,
    pub best: fn(&[Vec<f64>], &[usize]) -> f64,
}

pub(super) const ESTIMATORS: Estimators = Estimators {
    measure: Measure::of,
    best: repair::best,
};

/// All controls.
pub(super) async fn controls(
    inputs: &Inputs,
    with: &Estimators,
    progress: &mut impl RunProgress,
) -> Result<Vec<Control>, ExperimentError> {
    let mut controls = of_the_table(inputs, with, progress).await?;
    controls.extend(of_eighty_percent(inputs, with, progress).await?);
    controls.extend(of_a_sharpened_table(inputs, with, progress).await?);
    Ok(controls)
}

async fn places(
    questions: &[Question],
    survey: &Survey<'_>,
    progress: &mut impl RunProgress,
) -> Result<Vec<Place>, ExperimentError> {
    let toy = Toy::answering(questions);
    let mut places = Vec::new();
    for place in 0..survey.truth.len() {
        places.push(survey.ask(&toy, place, 1, progress).await?);
    }
    Ok(places)
}

/// All questions about rain.
fn of_rain(inputs: &Inputs) -> Vec<Question> {
    let families = inputs.families.iter();
    families
        .filter(|family| family.name.starts_with(YES_NO))
        .flat_map(|family| family.questions.clone())
        .collect()
}

fn control(name: &str, about: &str, expected: f64, found: f64, tolerance: f64) -> Control {
    Control {
        name: name.to_owned(),
        about: about.to_owned(),
        expected,
        found,
        tolerance,
    }
}

/// Whoever answers as the table does believes `t = k/20` of place `k` from 1 to 19.
///
/// `Σ k (20 - k) = 20 · 190 - 2470 = 1330`, so the mean of `t (1 - t)` is `1330 / (19 · 400) = 0.175`. That is the Brier score of
/// a forecast that is the truth, `t (1 - t)² + (1 - t) t² = t (1 - t)`; its sampled answers are right at
/// `t² + (1 - t)² = 1 - 2 t (1 - t)`, so 0.65 on average. The likelier is right at `max(t, 1 - t)`: twice
/// `Σ_{k<10} (20 - k)/20 = 6.75`, and 0.5 in the middle, so `14/19`; said as a certainty its Brier score is `1 - 14/19`.
async fn of_the_table(
    inputs: &Inputs,
    with: &Estimators,
    progress: &mut impl RunProgress,
) -> Result<Vec<Control>, ExperimentError> {
    let survey = Survey::of(inputs)?;
    let asked = places(&of_rain(inputs), &survey, progress).await?;
    let plain = Shaping::default();
    let drawn = all(asked.len());
    let sampled: Vec<_> = asked
        .iter()
        .map(|place| place.sampled(Asked::YesNo, &plain))
        .collect();
    let collapsed: Vec<_> = asked.iter().map(|place| place.collapsed(&plain)).collect();
    let hedged: Vec<_> = asked
        .iter()
        .map(|place| place.hedged(&survey.meaning, &plain))
        .collect();
    let found = |measure, items: &Vec<Vec<Item>>| (with.measure)(measure, items, &drawn);
    let one = |name: &str, about: &str, expected, found| {
        control(
            &format!("the table: {name}"),
            about,
            expected,
            found,
            ROUNDING,
        )
    };
    Ok(vec![
        one(
            "calibration error",
            "A model that answers as the truth table says believes the truth.",
            0.0,
            found(Measure::Ece, &sampled),
        ),
        one(
            "sampled accuracy",
            "Its sampled answers are right at t² + (1 - t)², at 0.65 on average over 5 % to 95 %.",
            0.65,
            found(Measure::Accuracy, &sampled),
        ),
        one(
            "Brier score",
            "The Brier score of a belief that is the truth is t (1 - t), on average 0.175.",
            0.175,
            found(Measure::Brier, &sampled),
        ),
        one(
            "collapsed accuracy",
            "The likelier answer is right at the larger of t and 1 - t, on average at 14/19.",
            14.0 / 19.0,
            found(Measure::Accuracy, &collapsed),
        ),
        one(
            "collapsed Brier score",
            "The likelier answer, taken for a certainty, has the Brier score of its errors, 5/19.",
            5.0 / 19.0,
            found(Measure::Brier, &collapsed),
        ),
        one(
            "calibration of hedges",
            "Each hedge stands for the mean chance of rain where the table has it said, so its speaker is calibrated.",
            0.0,
            found(Measure::Ece, &hedged),
        ),
    ])
}

/// The question at 80 %: the table with every other place left out.
fn eighty(inputs: &Inputs) -> Result<Inputs, ExperimentError> {
    let truth = Survey::of(inputs)?.truth;
    let place = truth.iter().position(|truth| (truth - 0.8).abs() < 1e-9);
    let place = place.ok_or_else(|| {
        ExperimentError::Missing(
            "truth.json has no place where it rains with a chance of 80 %".to_owned(),
        )
    })?;
    let only = |family: &Family| {
        let mut family = family.clone();
        if family.name.starts_with(YES_NO) {
            family.questions = vec![family.questions.swap_remove(place)];
        }
        family
    };
    let mut eighty = inputs.clone();
    eighty.families = inputs.families.iter().map(only).collect();
    Ok(eighty)
}

/// A belief of 0.8 at temperature `T` is said as `p = 0.8^(1/T) / (0.8^(1/T) + 0.2^(1/T))`.
///
/// `T = 1`: `p = 4/5`; right at `0.64 + 0.04 = 0.68`; Brier `0.8 · 0.04 + 0.2 · 0.64 = 0.16`; no gap.
/// `T = 1/2`: `p = 0.64 / 0.68 = 16/17`; right at `(0.8 · 16 + 0.2) / 17 = 13/17 = 0.765`; Brier
/// `(0.8 · 1 + 0.2 · 256) / 289 = 52/289 = 0.180`; gap `16/17 - 4/5 = 12/85 = 0.141`.
/// `T = 0`: `p = 1`; right at 0.8; Brier and gap 0.2.
/// Saying "Probably", where that stands for 0.8: Brier 0.16, log loss `-0.8 log2 0.8 - 0.2 log2 0.2 = 0.722` bits.
async fn of_eighty_percent(
    inputs: &Inputs,
    with: &Estimators,
    progress: &mut impl RunProgress,
) -> Result<Vec<Control>, ExperimentError> {
    let mut inputs = eighty(inputs)?;
    for family in &mut inputs.families {
        if family.name == super::places::HOW_SURE {
            let answers = &mut family.questions[0].answers;
            answers.retain(|answer| answer.says == "Probably");
            for one in answers {
                one.probability = 1.0;
            }
        }
    }
    let survey = Survey::of(&inputs)?;
    let asked = places(&of_rain(&inputs), &survey, progress).await?;
    let mut controls = Vec::new();
    let known = [
        (1.0, [0.68, 0.16, 0.0]),
        (0.5, [13.0 / 17.0, 52.0 / 289.0, 12.0 / 85.0]),
        (0.0, [0.8, 0.2, 0.2]),
    ];
    for (temperature, expected) in known {
        let items = [asked[0].sampled(Asked::YesNo, &at_temperature(temperature))];
        let measures = [Measure::Accuracy, Measure::Brier, Measure::Ece];
        for (measure, expected) in measures.into_iter().zip(expected) {
            controls.push(control(
                &format!("80 % at T = {temperature}: {}", measure.name()),
                "An exactly calibrated answerer of one question at 80 %, its answers sampled at this temperature.",
                expected,
                (with.measure)(measure, &items, &[0]),
                ROUNDING,
            ));
        }
    }
    let items = [asked[0].hedged(&survey.meaning, &Shaping::default())];
    let bits = -0.8 * 0.8_f64.log2() - 0.2 * 0.2_f64.log2();
    for (measure, expected) in [(Measure::Brier, 0.16), (Measure::LogLoss, bits)] {
        controls.push(control(
            &format!("\"Probably\" for 80 %: {}", measure.name()),
            "A hedge that stands for the truth has the scores of the truth.",
            expected,
            (with.measure)(measure, &items, &[0]),
            ROUNDING,
        ));
    }
    Ok(controls)
}

/// A model whose log-odds are twice those of the truth is repaired by `T = 2`, and then as good as the truth.
async fn of_a_sharpened_table(
    inputs: &Inputs,
    with: &Estimators,
    progress: &mut impl RunProgress,
) -> Result<Vec<Control>, ExperimentError> {
    let survey = Survey::of(inputs)?;
    let mut questions = inputs.family(YES_NO)?.questions.clone();
    for answers in questions.iter_mut().map(|question| &mut question.answers) {
        let squares: f64 = answers.iter().map(|one| one.probability.powi(2)).sum();
        let sharpen = |one: &mut Answer| one.probability = one.probability.powi(2) / squares;
        answers.iter_mut().for_each(sharpen);
    }
    let asked = places(&questions, &survey, progress).await?;
    let (found_on, measured_on) = repair::halves(asked.len());
    let losses: Vec<Vec<f64>> = (0..asked.len())
        .map(|place| super::scores::losses(&asked[place], Asked::YesNo))
        .collect();
    let temperature = (with.best)(&losses, &found_on);
    let items = |temperature: f64| -> Vec<Vec<Item>> {
        let shaping = at_temperature(temperature);
        let sampled = |place: &Place| place.sampled(Asked::YesNo, &shaping);
        asked.iter().map(sampled).collect()
    };
    // The entropy of the truth, bits.
    let least = measured_on
        .iter()
        .map(|&place| entropy_bits(&[survey.truth[place], 1.0 - survey.truth[place]]));
    let least = least.sum::<f64>() / measured_on.len() as f64;
    Ok(vec![
        control(
            "twice the log-odds: temperature",
            "A model with twice the log-odds of the truth is repaired by T = 2; the grid's parabola is right to about one part in a hundred.",
            2.0,
            temperature,
            0.02,
        ),
        control(
            "twice the log-odds: loss after repair",
            "At that temperature, on places that it was not found on, nothing is lost over the truth's own entropy; an error of one part in a hundred in the temperature costs less than 0.0001 bits.",
            least,
            (with.measure)(Measure::LogLoss, &items(temperature), &measured_on),
            1e-4,
        ),
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Unobserved;
    use crate::testing::inputs;

    fn failed(with: &Estimators) -> Vec<String> {
        let controls = pollster::block_on(controls(&inputs(), with, &mut Unobserved)).unwrap();
        assert_eq!(controls.len(), 19);
        let failed = controls.into_iter().filter(|control| !control.passed());
        failed.map(|control| control.name).collect()
    }

    #[test]
    fn the_controls_pass() {
        assert_eq!(failed(&ESTIMATORS), Vec::<String>::new());
    }

    /// A measure replaced by a wrong one, the others as they are.
    macro_rules! broken {
        ($measure:ident, $wrong:expr) => {
            failed(&Estimators {
                measure: |measure, items, drawn| {
                    if measure == Measure::$measure {
                        let wrong: fn(&[Vec<Item>], &[usize]) -> f64 = $wrong;
                        wrong(items, drawn)
                    } else {
                        measure.of(items, drawn)
                    }
                },
                ..ESTIMATORS
            })
        };
    }

    /// Every control notices one of these errors, and none notices one that it is not about.
    #[test]
    fn the_controls_fail_when_an_estimator_is_broken() {
        // Half of what is said is taken for right, whatever comes.
        let accuracy = broken!(Accuracy, |_, _| 0.5);
        // The squared distance from the truth, in place of that from the weather.
        let brier = broken!(Brier, |items, drawn| {
            let item = items[drawn[0]][0];
            (item.forecast - item.truth).powi(2)
        });
        // Nats in place of bits.
        let loss = broken!(LogLoss, |items, drawn| {
            Measure::LogLoss.of(items, drawn) * std::f64::consts::LN_2
        });
        // How far a forecast is from a toss-up, in place of from the truth.
        let ece = broken!(Ece, |items, drawn| {
            (items[drawn[0]][0].forecast - 0.5).abs()
        });
        let never = failed(&Estimators {
            best: |_, _| 1.0,
            ..ESTIMATORS
        });
        let about = |names: &[String], words: &[&str]| {
            let named = |name: &String| words.iter().any(|word| name.contains(word));
            assert!(names.iter().all(named), "{names:?}");
        };
        about(&accuracy, &["accuracy"]);
        about(&brier, &["Brier", "brier"]);
        about(&loss, &["log-loss", "loss after"]);
        about(&ece, &["calibration", "ece"]);
        about(&never, &["twice"]);
        let noticed: BTreeSet<String> = [accuracy, brier, loss, ece, never]
            .concat()
            .into_iter()
            .collect();
        assert_eq!(noticed.len(), 19, "{noticed:?}");
    }
}
