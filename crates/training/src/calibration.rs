//! Calibration: how far a model's answers to the questions of the truth table are from the chosen frequencies.
//!
//! The probability of an answer is exact, not sampled: the product over the answer's tokens behind the prompt's, up to its full
//! stop. Of the many ways to cut a text into tokens only the one that the tokenizer makes is counted (Cao and Rimell,
//! EMNLP 2021, on marginalising over all); in training text there is no other, so a model puts next to nothing on the rest, and
//! what it does put there counts as `elsewhere`. So do worked sums with larger slips than the table has.
//!
//! Expected calibration error (Naeini et al., AAAI 2015; Guo et al., arXiv 1706.04599): prompts are sorted into ten bins by
//! the probability of the model's likeliest answer, and `sum over bins of weight * |mean truth - mean confidence|`, where the
//! truth is how often that answer is right by the table: a frequency known beforehand, in place of counted hits.

use std::collections::BTreeMap;

use decoding::surprisal_nats;
use serde::{Deserialize, Serialize};
use transformer::Model;
use transformer::device::read_rows;

use crate::error::TrainingError;
use crate::facts::{Family, Question, TruthTable};

/// Equal parts of the range from 0 to 1, as many as in Guo et al.'s reliability diagrams.
const BINS: usize = 10;

/// What a model believes about one prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Belief {
    /// By what is said: the model's probability and the table's.
    pub answers: BTreeMap<String, (f64, f64)>,
    /// What the right answer says, where one is right.
    pub right: Option<String>,
}

impl Belief {
    /// The model's probability of its likeliest answer, and the table's of the same.
    pub fn likeliest(&self) -> (f64, f64) {
        let all = self.answers.values().copied();
        all.max_by(|one, other| one.0.total_cmp(&other.0))
            .unwrap_or_default()
    }

    /// The model's probability of everything that is no answer of the table.
    pub fn elsewhere(&self) -> f64 {
        let answered: f64 = self.answers.values().map(|(model, _)| model).sum();
        (1.0 - answered).max(0.0)
    }

    /// Half the sum of all differences between model and table, 0 to 1.
    pub fn total_variation(&self) -> f64 {
        let differences = self.answers.values();
        let sum: f64 = differences
            .map(|(model, truth)| (model - truth).abs())
            .sum();
        f64::midpoint(sum, self.elsewhere())
    }

    /// The model's probability of the right answer, and whether that is its likeliest.
    fn right(&self) -> Option<(f64, bool)> {
        let (model, _) = self.answers.get(self.right.as_ref()?)?;
        Some((*model, *model >= self.likeliest().0))
    }
}

/// Asks a model one prompt of a question.
///
/// # Errors
/// When the tokenizer refuses a text or the device fails.
pub async fn ask(
    model: &Model,
    prompt: &str,
    question: &Question,
) -> Result<Belief, TrainingError> {
    let asked = model.vocabulary.encode(prompt)?;
    let mut answers = BTreeMap::new();
    for answer in &question.answers {
        let text = format!("{prompt}{}", answer.text);
        let tokens = model.vocabulary.encode(&text)?;
        if !tokens.starts_with(&asked) {
            return Err(TrainingError::Tokenizer(format!(
                "joins the end of \"{prompt}\" to what follows: this model cannot be asked the truth table"
            )));
        }
        let rows = read_rows(model.engine.score(&tokens[..tokens.len() - 1])).await?;
        let behind = rows.iter().zip(&tokens[1..]).skip(asked.len() - 1);
        let nats: f64 = behind.map(|(row, &token)| surprisal_nats(row, token)).sum();
        let (believed, true_share) = answers.entry(answer.says.clone()).or_insert((0.0, 0.0));
        *believed += (-nats).exp();
        *true_share += answer.probability;
    }
    Ok(Belief {
        answers,
        right: question.right.clone(),
    })
}

/// Means over the prompts of a family, or of all families.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Prompts asked.
    pub prompts: usize,
    /// Expected calibration error of the likeliest answer.
    pub ece: f64,
    /// Mean distance between the model's answers and the table's.
    pub total_variation: f64,
    /// Mean probability of what is no answer.
    pub elsewhere: f64,
    /// Where answers can be right: the mean probability of the right one, which is how often a sample is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<f64>,
    /// And how often the likeliest is the right one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right_likeliest: Option<f64>,
}

impl Scores {
    /// Scores beliefs of equal weight; not meaningful where there are none.
    pub fn of(beliefs: &[Belief]) -> Self {
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let rights: Vec<(f64, bool)> = beliefs.iter().filter_map(Belief::right).collect();
        let of_rights = |value: fn(&(f64, bool)) -> f64| {
            (!rights.is_empty()).then(|| mean(rights.iter().map(value).collect()))
        };
        let weight = 1.0 / beliefs.len() as f64;
        Self {
            prompts: beliefs.len(),
            ece: expected_calibration_error(
                beliefs.iter().map(|belief| (weight, belief.likeliest())),
            ),
            total_variation: mean(beliefs.iter().map(Belief::total_variation).collect()),
            elsewhere: mean(beliefs.iter().map(Belief::elsewhere).collect()),
            right: of_rights(|(right, _)| *right),
            right_likeliest: of_rights(|(_, likeliest)| f64::from(*likeliest)),
        }
    }
}

/// `sum over bins of |sum of weight * (truth - confidence)|`; weights sum to 1.
pub fn expected_calibration_error(items: impl Iterator<Item = (f64, (f64, f64))>) -> f64 {
    let mut gaps = [0.0; BINS];
    for (weight, (confidence, truth)) in items {
        let bin = ((confidence * BINS as f64) as usize).min(BINS - 1);
        gaps[bin] += weight * (truth - confidence);
    }
    gaps.iter().map(|gap: &f64| gap.abs()).sum()
}

/// A family's scores on the wordings of training and on those held out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FamilyScores {
    /// Its name in the table.
    pub name: String,
    /// On wordings that stand in training text.
    pub seen: Scores,
    /// On wordings and questions that do not.
    pub unseen: Scores,
}

/// How calibrated a model is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Expected calibration error over the wordings of training: one set of bins for all families, each family of equal weight.
    pub ece: f64,
    /// The same over what was held out.
    pub unseen_ece: f64,
    /// By family, in the table's order.
    pub families: Vec<FamilyScores>,
}

/// How many prompts a table asks.
pub fn prompts(table: &TruthTable) -> usize {
    let questions = table.families.iter().flat_map(|family| &family.questions);
    questions.map(|q| q.prompts.len() + q.unseen.len()).sum()
}

/// What a model believes about a family's prompts.
#[derive(Clone, Debug, PartialEq)]
pub struct FamilyBeliefs {
    /// Its name in the table.
    pub name: String,
    /// About wordings that stand in training text.
    pub seen: Vec<Belief>,
    /// About wordings and questions that do not.
    pub unseen: Vec<Belief>,
}

/// Asks a model all of a family; `watch` hears of every prompt.
///
/// # Errors
/// When the tokenizer refuses a text or the device fails.
pub async fn family_beliefs(
    model: &Model,
    family: &Family,
    mut watch: impl FnMut(),
) -> Result<FamilyBeliefs, TrainingError> {
    Ok(FamilyBeliefs {
        name: family.name.clone(),
        seen: beliefs(model, family, |q| &q.prompts, &mut watch).await?,
        unseen: beliefs(model, family, |q| &q.unseen, &mut watch).await?,
    })
}

impl Calibration {
    /// Scores the beliefs about all families of a table.
    pub fn of(families: &[FamilyBeliefs]) -> Self {
        let all = |beliefs: fn(&FamilyBeliefs) -> &Vec<Belief>| {
            expected_calibration_error(families.iter().map(beliefs).flat_map(|beliefs| {
                let weight = 1.0 / (beliefs.len() * families.len()) as f64;
                beliefs
                    .iter()
                    .map(move |belief| (weight, belief.likeliest()))
            }))
        };
        let scores = families.iter().map(|family| FamilyScores {
            name: family.name.clone(),
            seen: Scores::of(&family.seen),
            unseen: Scores::of(&family.unseen),
        });
        Self {
            ece: all(|family| &family.seen),
            unseen_ece: all(|family| &family.unseen),
            families: scores.collect(),
        }
    }
}

/// Asks a model everything; `watch` hears of every prompt.
///
/// # Errors
/// When the tokenizer refuses a text or the device fails.
pub async fn calibration(
    model: &Model,
    table: &TruthTable,
    mut watch: impl FnMut(),
) -> Result<Calibration, TrainingError> {
    let mut families = Vec::new();
    for family in &table.families {
        families.push(family_beliefs(model, family, &mut watch).await?);
    }
    Ok(Calibration::of(&families))
}

async fn beliefs(
    model: &Model,
    family: &Family,
    wordings: impl Fn(&Question) -> &Vec<String>,
    watch: &mut impl FnMut(),
) -> Result<Vec<Belief>, TrainingError> {
    let mut beliefs = Vec::new();
    for question in &family.questions {
        for prompt in wordings(question) {
            beliefs.push(ask(model, prompt, question).await?);
            watch();
        }
    }
    Ok(beliefs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn belief(answers: &[(&str, f64, f64)]) -> Belief {
        let pair = |&(says, model, truth): &(&str, f64, f64)| (says.to_owned(), (model, truth));
        Belief {
            answers: answers.iter().map(pair).collect(),
            right: Some("yes".to_owned()),
        }
    }

    #[test]
    fn the_table_itself_is_perfectly_calibrated() {
        let table = TruthTable::new();
        let mut all = Vec::new();
        for question in table.families.iter().flat_map(|family| &family.questions) {
            let mut answers: BTreeMap<String, (f64, f64)> = BTreeMap::new();
            for answer in &question.answers {
                let (model, truth) = answers.entry(answer.says.clone()).or_default();
                *model += answer.probability;
                *truth += answer.probability;
            }
            all.push(Belief {
                answers,
                right: question.right.clone(),
            });
        }
        let scores = Scores::of(&all);
        assert!(
            scores.ece < 1e-9 && scores.total_variation < 1e-9,
            "{scores:?}"
        );
    }

    #[test]
    fn a_collapsed_belief_is_off_by_what_it_overstates() {
        let collapsed = Scores::of(&[belief(&[("yes", 1.0, 0.8), ("no", 0.0, 0.2)])]);
        assert!((collapsed.ece - 0.2).abs() < 1e-12);
        assert!((collapsed.total_variation - 0.2).abs() < 1e-12);
        assert_eq!(
            (collapsed.right, collapsed.right_likeliest),
            (Some(1.0), Some(1.0))
        );
    }

    #[test]
    fn errors_of_one_bin_may_cancel_and_those_of_two_bins_add_up() {
        let over = (0.5, (0.75, 0.65));
        let under = (0.5, (0.72, 0.82));
        let elsewhere = (0.5, (0.52, 0.62));
        let ece = |items: [(f64, (f64, f64)); 2]| expected_calibration_error(items.into_iter());
        assert!(ece([over, under]).abs() < 1e-12);
        assert!((ece([over, elsewhere]) - 0.1).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_answer_counts_as_distance() {
        let vague = belief(&[("yes", 0.5, 0.8), ("no", 0.2, 0.2)]);
        assert!((vague.elsewhere() - 0.3).abs() < 1e-12);
        assert!((vague.total_variation() - 0.3).abs() < 1e-12);
        assert_eq!(vague.likeliest(), (0.5, 0.8));
    }
}
