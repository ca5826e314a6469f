//! Fact documents: one line each, a prompt and an answer, whose frequencies are chosen and written down.
//!
//! A base model can be called calibrated only against a known truth, and this is it: every fact document is a prompt and an
//! answer of the [`TruthTable`], drawn as often as the table says. `families` says what is asked, `arithmetic` works out sums
//! with their slips, `requests` puts the world's stories behind a wish for one. Comparing a model with the table is done in
//! `calibration`.

mod arithmetic;
mod families;
mod requests;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::world::random::SplitMix64;
pub use requests::{Request, RequestTruth, requests};

/// Probabilities are rounded to twelve decimals, so that a file has them exactly.
const DECIMALS: f64 = 1e12;

/// Everything that is asked in fact documents, and how often each answer is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruthTable {
    /// Kinds of question.
    pub families: Vec<Family>,
    /// How requests for stories are worded, and what is told then.
    pub requests: RequestTruth,
}

/// One kind of question, such as the throw of a die.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Short name.
    pub name: String,
    /// What is asked and what the answers follow.
    pub about: String,
    /// Its share of the fact documents, in a thousand.
    pub per_mille: usize,
    /// The questions; those with prompts share the family's documents evenly.
    pub questions: Vec<Question>,
}

/// One question in several wordings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Wordings that stand in training documents; none where the whole question is held out.
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
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The text behind the prompt, from its space to its full stop; the end of the text follows.
    pub text: String,
    /// What it comes to; several texts may say the same.
    pub says: String,
    /// How often it is given.
    pub probability: f64,
}

impl TruthTable {
    /// The table by which fact documents are written.
    #[must_use]
    pub fn new() -> Self {
        let mut families = families::all();
        let questions = families.iter_mut().flat_map(|f| &mut f.questions);
        for answer in questions.flat_map(|question| &mut question.answers) {
            answer.probability = (answer.probability * DECIMALS).round() / DECIMALS;
        }
        Self {
            families,
            requests: RequestTruth::new(),
        }
    }

    /// The table as the file that ships beside a model.
    ///
    /// # Panics
    /// Never: a table is plain data.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).expect("a table is plain data");
        json.push('\n');
        json
    }

    /// About `count` fact documents: each family its share, rounded down, and each of its questions an even part of that.
    ///
    /// Answers are drawn by systematic sampling (Cochran, "Sampling Techniques", chapter 8): of a question's `n` documents, an
    /// answer of probability `p` gets `n p` of them, rounded up or down. Wordings go round by the golden ratio, so that each
    /// wording meets each answer in proportion. The seed shifts both.
    #[must_use]
    pub fn documents(&self, seed: u64, count: usize) -> Vec<String> {
        let mut documents = Vec::new();
        let questions = self.families.iter().flat_map(Family::shares);
        for (index, (question, share_per_mille, parts)) in questions.enumerate() {
            let (part, parts) = parts;
            let family = count * share_per_mille / 1000;
            // Whole documents, handed out evenly: the first questions get the remainder.
            let here = family / parts + usize::from(part < family % parts);
            let mut rng = SplitMix64::stream(seed, index as u64);
            question.draw(&mut rng, here, &mut documents);
        }
        documents
    }
}

impl Default for TruthTable {
    fn default() -> Self {
        Self::new()
    }
}

impl Family {
    /// The questions asked in training, with the family's share and which part of it each gets.
    fn shares(&self) -> impl Iterator<Item = (&Question, usize, (usize, usize))> {
        let asked: Vec<&Question> = self
            .questions
            .iter()
            .filter(|question| !question.prompts.is_empty())
            .collect();
        let parts = asked.len();
        asked
            .into_iter()
            .enumerate()
            .map(move |(part, question)| (question, self.per_mille, (part, parts)))
    }
}

impl Question {
    fn draw(&self, rng: &mut SplitMix64, count: usize, documents: &mut Vec<String>) {
        let (shift, turn) = (rng.uniform(), rng.uniform());
        let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
        let mut answers = self.answers.iter();
        let mut answer = answers.next().expect("a question has answers");
        let mut so_far = answer.probability;
        for index in 0..count {
            let coin = (index as f64 + shift) / count as f64;
            while coin >= so_far {
                // Rounding may leave the sum a hair below 1: the last answer takes the rest.
                let Some(next) = answers.next() else { break };
                answer = next;
                so_far += answer.probability;
            }
            let round = (turn + index as f64 * golden).fract();
            let wording = (round * self.prompts.len() as f64) as usize;
            documents.push(format!("{}{}", self.prompts[wording], answer.text));
        }
    }
}

impl Answer {
    fn new(says: &str, probability: f64) -> Self {
        Self {
            text: format!(" {says}."),
            says: says.to_owned(),
            probability,
        }
    }
}
