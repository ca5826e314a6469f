//! `truth.json`: questions, and how often each answer was given in the training text.

use serde::{Deserialize, Serialize};

use crate::{BundleError, Parse, TRUTH};

/// How far the probabilities of a question may be from 1 in sum: they are written with twelve decimals.
const ROUNDING: f64 = 1e-6;

/// All questions of the fact documents, and how often each answer is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TruthTable {
    /// Kinds of question.
    pub families: Vec<Family>,
    /// How requests for stories are worded; absent where the training text has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<RequestTruth>,
}

/// One kind of question, such as the roll of a die.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// Short name: `d6`, `rain`, `arithmetic`, ...
    pub name: String,
    /// What is asked and what the answers follow.
    pub about: String,
    /// Its share of the fact documents, per thousand.
    #[serde(default)]
    pub per_mille: usize,
    /// The questions. Those with prompts share the family's documents evenly.
    pub questions: Vec<Question>,
}

/// One question in several wordings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Wordings in training documents; none where the whole question is held out.
    pub prompts: Vec<String>,
    /// Wordings held out from training.
    pub unseen: Vec<String>,
    /// What the right answer says, where one is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<String>,
    /// All answers with their probabilities, which sum to 1.
    pub answers: Vec<Answer>,
}

/// One answer to a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The text after the prompt, from its space to its full stop. The end of the text follows.
    pub text: String,
    /// What it means; several texts may mean the same.
    pub says: String,
    /// How often it is given.
    pub probability: f64,
}

/// How requests for stories are worded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestTruth {
    /// What is asked and what follows.
    pub about: String,
    /// Wordings in training documents: `KIND` is `happy `, `sad ` or nothing, `SUBJECT` what the story is about.
    pub prompts: Vec<String>,
    /// Wordings held out from training.
    pub unseen: Vec<String>,
    /// Share of the requests for a happy story. As many ask for a sad one, and the rest for any.
    pub happy: f64,
}

impl TruthTable {
    /// The file's text, with a line end.
    ///
    /// # Panics
    /// Never: a table is plain data.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).expect("a table is plain data");
        json.push('\n');
        json
    }
}

impl Question {
    /// The probability of the answers that mean this.
    pub fn truth(&self, meaning: &str) -> f64 {
        let saying = self.answers.iter().filter(|answer| answer.says == meaning);
        saying.map(|answer| answer.probability).sum()
    }
}

impl Parse for TruthTable {
    const FILE: &'static str = TRUTH;

    fn check(&self) -> Result<(), BundleError> {
        for family in &self.families {
            for (index, question) in family.questions.iter().enumerate() {
                let sum: f64 = question.answers.iter().map(|one| one.probability).sum();
                if sum.is_nan() || (sum - 1.0).abs() > ROUNDING {
                    return Err(BundleError::Value {
                        file: TRUTH,
                        field: format!("{}.questions[{index}].answers", family.name),
                        problem: format!("has probabilities that sum to {sum}, not to 1"),
                    });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(probability: &str) -> String {
        format!(
            r#"{{"families": [{{"name": "coin", "about": "a coin", "questions": [{{"prompts": ["Toss:"], "unseen": [],
               "answers": [{{"text": " heads.", "says": "heads", "probability": {probability}}},
                           {{"text": " tails.", "says": "tails", "probability": 0.5}}]}}]}}]}}"#
        )
    }

    #[test]
    fn a_table_without_requests_and_shares_opens() {
        let table = TruthTable::parse(&table("0.5")).unwrap();
        assert_eq!((&table.requests, table.families[0].per_mille), (&None, 0));
        let question = &table.families[0].questions[0];
        assert_eq!(question.truth("heads"), 0.5);
        assert_eq!(question.truth("edge"), 0.0);
    }

    #[test]
    fn probabilities_that_do_not_sum_to_one_are_named() {
        let error = TruthTable::parse(&table("0.75")).unwrap_err().to_string();
        assert_eq!(
            error,
            "truth.json: `coin.questions[0].answers` has probabilities that sum to 1.25, not to 1"
        );
    }

    #[test]
    fn a_missing_field_is_named_with_its_file() {
        let broken = table("0.5").replace("\"says\": \"tails\", ", "");
        let error = TruthTable::parse(&broken).unwrap_err().to_string();
        assert!(
            error.starts_with("truth.json") && error.contains("missing field `says`"),
            "{error}"
        );
    }
}
