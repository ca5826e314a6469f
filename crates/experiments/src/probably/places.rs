//! Places with a known chance of rain, and what a model says of them.

use decoding::{LanguageModel, Shaping};

use super::forecast::Item;
use crate::Inputs;
use crate::answers::{AnswerDist, AnswerLogits, score_answers};
use crate::inputs::{Answer, Family, Question};
use crate::progress::{ExperimentError, RunProgress};

/// Asked for a yes or a no.
pub(super) const YES_NO: &str = "rain";
/// Asked openly: a yes, a no and a hedge are all answers.
pub(super) const OPEN: &str = "rain_open";
/// Asked for how sure it is.
pub(super) const HOW_SURE: &str = "rain_how_sure";

/// What is asked of every place, and what a hedge means.
#[derive(Debug)]
pub(super) struct Survey<'a> {
    families: [&'a Family; 3],
    /// All answers to each family: a model may give one where the table does not.
    answers: [Vec<Answer>; 3],
    /// The chance of rain of each place, as the table has it.
    pub truth: Vec<f64>,
    /// The forecast that each hedge stands for: the mean chance of rain of the places, each weighted by how often the table has
    /// the hedge said there. So a speaker who follows the table is calibrated in every word.
    pub meaning: Vec<(String, f64)>,
}

/// The logits of a model's answers about one place, by wording.
#[derive(Debug)]
pub(super) struct Place {
    truth: f64,
    yes_no: Vec<AnswerLogits>,
    open: Vec<AnswerLogits>,
    how_sure: Vec<AnswerLogits>,
}

/// Which question a belief is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// "Yes or no: will it rain?"
    YesNo,
    /// "Will it rain?"
    Open,
}

impl<'a> Survey<'a> {
    /// Of the truth table's places.
    ///
    /// # Errors
    /// When it lacks a family, or the families do not ask of the same places in the same order.
    pub(super) fn of(inputs: &'a Inputs) -> Result<Self, ExperimentError> {
        let families = [
            inputs.family(YES_NO)?,
            inputs.family(OPEN)?,
            inputs.family(HOW_SURE)?,
        ];
        let names = families.map(|family| family.questions.iter().map(place_name).collect());
        let [asked, open, how_sure]: [Vec<_>; 3] = names;
        if asked != open || asked != how_sure {
            return Err(ExperimentError::Missing(
                "truth.json does not ask the questions about rain of the same places in the same order"
                    .to_owned(),
            ));
        }
        let truth: Vec<f64> = families[0]
            .questions
            .iter()
            .map(|question| question.truth("Yes"))
            .collect();
        Ok(Self {
            families,
            answers: families.map(answers),
            meaning: meaning(&families[2].questions, &truth),
            truth,
        })
    }

    /// Asks a model of one place, in the first so many wordings of training.
    ///
    /// # Errors
    /// When the run is cancelled or the model fails.
    pub(super) async fn ask<M: LanguageModel>(
        &self,
        model: &M,
        place: usize,
        wordings: usize,
        progress: &mut impl RunProgress,
    ) -> Result<Place, ExperimentError> {
        let mut logits: [Vec<AnswerLogits>; 3] = Default::default();
        for (family, own) in logits.iter_mut().enumerate() {
            let question = &self.families[family].questions[place];
            for prompt in question.prompts.iter().take(wordings) {
                own.push(score_answers(model, prompt, &self.answers[family], progress).await?);
            }
        }
        let [yes_no, open, how_sure] = logits;
        Ok(Place {
            truth: self.truth[place],
            yes_no,
            open,
            how_sure,
        })
    }
}

impl Place {
    /// Yes or no, sampled, a forecast per wording: the belief `P(Yes) / (P(Yes) + P(No))` under the sampling parameters.
    pub(super) fn sampled(&self, asked: Asked, shaping: &Shaping) -> Vec<Item> {
        self.beliefs(asked, shaping)
            .map(|(weight, belief)| Item::sampled(weight, belief, self.truth))
            .collect()
    }

    /// The likelier of yes and no, said as if it were certain.
    pub(super) fn collapsed(&self, shaping: &Shaping) -> Vec<Item> {
        self.beliefs(Asked::YesNo, shaping)
            .flat_map(|(weight, belief)| Item::collapsed(weight, belief, self.truth))
            .collect()
    }

    /// Hedges, as often as the model gives each, with the forecasts that they stand for.
    pub(super) fn hedged(&self, meaning: &[(String, f64)], shaping: &Shaping) -> Vec<Item> {
        let weight = 1.0 / self.how_sure.len() as f64;
        let mut items = Vec::new();
        for logits in &self.how_sure {
            let outcomes = logits.shaped(shaping);
            for ((says, _), share) in outcomes.said.iter().zip(outcomes.among_answers()) {
                let means = meaning.iter().find(|(word, _)| word == says);
                let (_, forecast) = means.expect("the words asked for are those with a meaning");
                items.push(Item::stated(weight * share, *forecast, self.truth));
            }
        }
        items
    }

    /// The share of answers to the open question that are neither a plain yes nor a plain no.
    pub(super) fn hedges_when_open(&self, shaping: &Shaping) -> f64 {
        let share = |logits: &AnswerLogits| {
            let outcomes = logits.shaped(shaping);
            let plain = ["Yes", "No"].map(|says| outcomes.of(says));
            let answered: f64 = outcomes.said.iter().map(|(_, p)| p).sum();
            1.0 - plain.iter().sum::<f64>() / answered.max(f64::MIN_POSITIVE)
        };
        self.open.iter().map(share).sum::<f64>() / self.open.len() as f64
    }

    fn beliefs(&self, asked: Asked, shaping: &Shaping) -> impl Iterator<Item = (f64, f64)> {
        let wordings = match asked {
            Asked::YesNo => &self.yes_no,
            Asked::Open => &self.open,
        };
        let weight = 1.0 / wordings.len() as f64;
        wordings
            .iter()
            .map(move |logits| (weight, belief(&logits.shaped(shaping))))
    }
}

/// The belief in a yes, from yes and no alone; one half where neither has any probability.
fn belief(outcomes: &AnswerDist) -> f64 {
    let (yes, no) = (outcomes.of("Yes"), outcomes.of("No"));
    if yes + no > 0.0 {
        yes / (yes + no)
    } else {
        0.5
    }
}

/// The last word of the first wording names the place.
fn place_name(question: &Question) -> &str {
    let first = question.prompts.first();
    first
        .and_then(|prompt| prompt.split(' ').next_back())
        .unwrap_or_default()
}

/// All answers of a family, each once.
fn answers(family: &Family) -> Vec<Answer> {
    let mut all: Vec<Answer> = Vec::new();
    for answer in family.questions.iter().flat_map(|one| &one.answers) {
        if !all.iter().any(|known| known.text == answer.text) {
            all.push(answer.clone());
        }
    }
    all
}

fn meaning(how_sure: &[Question], truth: &[f64]) -> Vec<(String, f64)> {
    let mut words: Vec<(String, f64, f64)> = Vec::new();
    for (question, truth) in how_sure.iter().zip(truth) {
        for answer in &question.answers {
            let p = answer.probability;
            match words.iter_mut().find(|(word, ..)| *word == answer.says) {
                Some((_, often, rain)) => (*often, *rain) = (*often + p, *rain + p * truth),
                None => words.push((answer.says.clone(), p, p * truth)),
            }
        }
    }
    let means = words
        .into_iter()
        .filter(|(_, often, _)| *often > 0.0)
        .map(|(word, often, rain)| (word, rain / often));
    means.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::inputs;

    /// By hand: "Certainly" is said by 0.1 of speakers where it rains at 65 to 85 %, and by 0.8 where at 90 and 95 %.
    #[test]
    fn a_hedge_means_the_mean_chance_where_it_is_said() {
        let inputs = inputs();
        let survey = Survey::of(&inputs).unwrap();
        let means = |word: &str| {
            let mut words = survey.meaning.iter();
            words.find(|(known, _)| known == word).unwrap().1
        };
        let certainly = (0.1 * 3.75 + 0.8 * 1.85) / (0.1 * 5.0 + 0.8 * 2.0);
        assert!((means("Certainly") - certainly).abs() < 1e-9);
        assert!((means("Maybe") - 0.5).abs() < 1e-9);
        assert!((means("No") - (1.0 - certainly)).abs() < 1e-9);
        assert_eq!(survey.meaning.len(), 5);
    }

    #[test]
    fn places_in_another_order_are_noticed() {
        let mut inputs = inputs();
        let family = inputs
            .families
            .iter_mut()
            .find(|one| one.name == OPEN)
            .unwrap();
        family.questions.swap(0, 1);
        assert!(matches!(
            Survey::of(&inputs),
            Err(ExperimentError::Missing(_))
        ));
    }
}
