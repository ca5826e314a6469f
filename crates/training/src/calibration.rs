//! Calibration: how far a model's answers to the questions of the truth table are from the table's frequencies.
//!
//! The probability of an answer is exact, not sampled: the product over the answer's tokens after the prompt, up to its full
//! stop. Of the many ways to cut a text into tokens only the one that the tokenizer makes is counted (Cao and Rimell,
//! EMNLP 2021, on marginalising over all); in training text there is no other, so a model puts next to nothing on the rest, and
//! what it does put there counts as `elsewhere`. So do worked sums with larger slips than the table has.
//!
//! Expected calibration error (Naeini et al., AAAI 2015; Guo et al., arXiv 1706.04599): prompts are sorted into ten bins by
//! the probability of the model's likeliest answer, and `sum over bins of weight * |mean truth - mean confidence|`, where the
//! truth is how often that answer is right by the table: a frequency known beforehand, in place of counted hits.

use std::collections::BTreeMap;

use decoding::{LanguageModel, surprisal_nats};
use serde::{Deserialize, Serialize};
use statistics::expected_calibration_error;
use transformer::InferenceError;

use crate::error::TrainingError;
use crate::facts::{Family, Question, TruthTable};

/// A model's distribution over the answers to one prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerDistribution {
    /// By label: the model's probability and the table's.
    pub answers: BTreeMap<String, (f64, f64)>,
    /// Label of the right answer, where one is right.
    pub right: Option<String>,
}

impl AnswerDistribution {
    /// The model's probability of its most probable answer, and the table's of the same.
    pub fn most_probable(&self) -> (f64, f64) {
        let all = self.answers.values().copied();
        all.max_by(|one, other| one.0.total_cmp(&other.0))
            .unwrap_or_default()
    }

    /// The most probable answer as a forecast `(weight, confidence, truth)`, for the calibration error.
    fn forecast(&self, weight: f64) -> (f64, f64, f64) {
        let (confidence, truth) = self.most_probable();
        (weight, confidence, truth)
    }

    /// The model's probability of everything that is not an answer of the table.
    pub fn elsewhere(&self) -> f64 {
        let answered: f64 = self.answers.values().map(|(model, _)| model).sum();
        (1.0 - answered).max(0.0)
    }

    /// Total variation distance between model and table, 0 to 1.
    pub fn total_variation(&self) -> f64 {
        let differences = self.answers.values();
        let sum: f64 = differences
            .map(|(model, truth)| (model - truth).abs())
            .sum();
        f64::midpoint(sum, self.elsewhere())
    }

    /// The model's probability of the right answer, and whether that is its most probable.
    fn right(&self) -> Option<(f64, bool)> {
        let (model, _) = self.answers.get(self.right.as_ref()?)?;
        Some((*model, *model >= self.most_probable().0))
    }
}

/// A model's distribution over a question's answers after one of its prompts.
///
/// # Errors
/// When the tokenizer refuses a text or the device fails.
pub async fn answer_distribution(
    model: &impl LanguageModel<Error = InferenceError>,
    prompt: &str,
    question: &Question,
) -> Result<AnswerDistribution, TrainingError> {
    let prompt_tokens = model.encode(prompt)?;
    let mut answers = BTreeMap::new();
    for answer in &question.answers {
        let text = format!("{prompt}{}", answer.text);
        let tokens = model.encode(&text)?;
        if !tokens.starts_with(&prompt_tokens) {
            return Err(TrainingError::Tokenizer(format!(
                "merges the end of \"{prompt}\" with the text after it: the truth table cannot be measured on this model"
            )));
        }
        let rows = model.logits(&tokens[..tokens.len() - 1]).await?;
        let answer_rows = rows.iter().zip(&tokens[1..]).skip(prompt_tokens.len() - 1);
        let nats: f64 = answer_rows
            .map(|(row, &token)| surprisal_nats(row, token))
            .sum();
        let (model_share, true_share) = answers.entry(answer.says.clone()).or_insert((0.0, 0.0));
        *model_share += (-nats).exp();
        *true_share += answer.probability;
    }
    Ok(AnswerDistribution {
        answers,
        right: question.right.clone(),
    })
}

/// Means over the prompts of a family, or of all families.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Number of prompts.
    pub prompts: usize,
    /// Expected calibration error of the most probable answer.
    pub ece: f64,
    /// Mean total variation distance between the model's answers and the table's.
    pub total_variation: f64,
    /// Mean probability of what is not an answer.
    pub elsewhere: f64,
    /// Where one answer is right: its mean probability, which is the accuracy of a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<f64>,
    /// And the accuracy of the most probable answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right_likeliest: Option<f64>,
}

impl Scores {
    /// Scores distributions of equal weight; not meaningful where there are none.
    pub fn of(distributions: &[AnswerDistribution]) -> Self {
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let rights: Vec<(f64, bool)> = distributions
            .iter()
            .filter_map(AnswerDistribution::right)
            .collect();
        let of_rights = |value: fn(&(f64, bool)) -> f64| {
            (!rights.is_empty()).then(|| mean(rights.iter().map(value).collect()))
        };
        let weight = 1.0 / distributions.len() as f64;
        Self {
            prompts: distributions.len(),
            ece: expected_calibration_error(distributions.iter().map(|one| one.forecast(weight)))
                .unwrap_or(f64::NAN),
            total_variation: mean(
                distributions
                    .iter()
                    .map(AnswerDistribution::total_variation)
                    .collect(),
            ),
            elsewhere: mean(
                distributions
                    .iter()
                    .map(AnswerDistribution::elsewhere)
                    .collect(),
            ),
            right: of_rights(|(right, _)| *right),
            right_likeliest: of_rights(|(_, likeliest)| f64::from(*likeliest)),
        }
    }
}

/// A family's scores on the wordings of training and on held-out ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FamilyScores {
    /// Its name in the table.
    pub name: String,
    /// On the wordings of training.
    pub seen: Scores,
    /// On held-out wordings and questions.
    pub unseen: Scores,
}

/// A model's calibration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Expected calibration error over the wordings of training: one set of bins for all families, each family of equal weight.
    pub ece: f64,
    /// The same over held-out wordings and questions.
    pub unseen_ece: f64,
    /// By family, in the table's order.
    pub families: Vec<FamilyScores>,
}

/// Number of prompts in a table.
pub fn prompts(table: &TruthTable) -> usize {
    let questions = table.families.iter().flat_map(|family| &family.questions);
    questions.map(|q| q.prompts.len() + q.unseen.len()).sum()
}

/// A model's answers to a family's prompts.
#[derive(Clone, Debug, PartialEq)]
pub struct FamilyDistributions {
    /// Its name in the table.
    pub name: String,
    /// To the wordings of training.
    pub seen: Vec<AnswerDistribution>,
    /// To held-out wordings and questions.
    pub unseen: Vec<AnswerDistribution>,
}

/// Measures a model on all prompts of a family; calls `watch` after each.
///
/// # Errors
/// When the tokenizer refuses a text or the device fails.
pub async fn family_distributions(
    model: &impl LanguageModel<Error = InferenceError>,
    family: &Family,
    mut watch: impl FnMut(),
) -> Result<FamilyDistributions, TrainingError> {
    Ok(FamilyDistributions {
        name: family.name.clone(),
        seen: distributions(model, family, |q| &q.prompts, &mut watch).await?,
        unseen: distributions(model, family, |q| &q.unseen, &mut watch).await?,
    })
}

impl Calibration {
    /// Scores the answers to all families of a table.
    pub fn of(families: &[FamilyDistributions]) -> Self {
        let all = |list: fn(&FamilyDistributions) -> &Vec<AnswerDistribution>| {
            expected_calibration_error(families.iter().map(list).flat_map(|distributions| {
                let weight = 1.0 / (distributions.len() * families.len()) as f64;
                distributions.iter().map(move |one| one.forecast(weight))
            }))
            .unwrap_or(f64::NAN)
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

/// Measures a model on the whole table; calls `watch` after each prompt.
///
/// # Errors
/// When the tokenizer refuses a text or the device fails.
pub async fn calibration(
    model: &impl LanguageModel<Error = InferenceError>,
    table: &TruthTable,
    mut watch: impl FnMut(),
) -> Result<Calibration, TrainingError> {
    let mut families = Vec::new();
    for family in &table.families {
        families.push(family_distributions(model, family, &mut watch).await?);
    }
    Ok(Calibration::of(&families))
}

async fn distributions(
    model: &impl LanguageModel<Error = InferenceError>,
    family: &Family,
    wordings: impl Fn(&Question) -> &Vec<String>,
    watch: &mut impl FnMut(),
) -> Result<Vec<AnswerDistribution>, TrainingError> {
    let mut distributions = Vec::new();
    for question in &family.questions {
        for prompt in wordings(question) {
            distributions.push(answer_distribution(model, prompt, question).await?);
            watch();
        }
    }
    Ok(distributions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::truth_table;

    fn distribution(answers: &[(&str, f64, f64)]) -> AnswerDistribution {
        let pair = |&(says, model, truth): &(&str, f64, f64)| (says.to_owned(), (model, truth));
        AnswerDistribution {
            answers: answers.iter().map(pair).collect(),
            right: Some("yes".to_owned()),
        }
    }

    #[test]
    fn the_table_itself_is_perfectly_calibrated() {
        let table = truth_table();
        let mut all = Vec::new();
        for question in table.families.iter().flat_map(|family| &family.questions) {
            let mut answers: BTreeMap<String, (f64, f64)> = BTreeMap::new();
            for answer in &question.answers {
                let (model, truth) = answers.entry(answer.says.clone()).or_default();
                *model += answer.probability;
                *truth += answer.probability;
            }
            all.push(AnswerDistribution {
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
    fn a_collapsed_model_is_off_by_its_overconfidence() {
        let collapsed = Scores::of(&[distribution(&[("yes", 1.0, 0.8), ("no", 0.0, 0.2)])]);
        assert!((collapsed.ece - 0.2).abs() < 1e-12);
        assert!((collapsed.total_variation - 0.2).abs() < 1e-12);
        assert_eq!(
            (collapsed.right, collapsed.right_likeliest),
            (Some(1.0), Some(1.0))
        );
    }

    #[test]
    fn mass_outside_the_answers_counts_as_distance() {
        let vague = distribution(&[("yes", 0.5, 0.8), ("no", 0.2, 0.2)]);
        assert!((vague.elsewhere() - 0.3).abs() < 1e-12);
        assert!((vague.total_variation() - 0.3).abs() < 1e-12);
        assert_eq!(vague.most_probable(), (0.5, 0.8));
    }
}
