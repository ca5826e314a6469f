//! Fact documents: one line each, a prompt and an answer, whose frequencies are chosen and written down.
//!
//! A base model can be called calibrated only against a known truth, and this is it: every fact document is a prompt and an
//! answer of the [`truth_table`], drawn as often as the table says. `families` says what is asked, `arithmetic` works out sums
//! with their slips, `requests` puts the world's stories behind a wish for one. Comparing a model with the table is done in
//! `calibration`.

mod arithmetic;
mod families;
mod requests;
#[cfg(test)]
mod tests;

pub use bundle::{Answer, Family, Question, RequestTruth, TruthTable};

use crate::world::random::SplitMix64;
pub use requests::{Request, ask, requests};

/// Probabilities are rounded to twelve decimals, so that a file has them exactly.
const DECIMALS: f64 = 1e12;

/// The table by which fact documents are written.
#[must_use]
pub fn truth_table() -> TruthTable {
    let mut families = families::all();
    let questions = families.iter_mut().flat_map(|f| &mut f.questions);
    for answer in questions.flat_map(|question| &mut question.answers) {
        answer.probability = (answer.probability * DECIMALS).round() / DECIMALS;
    }
    TruthTable {
        families,
        requests: Some(requests::truth()),
    }
}

/// About `count` fact documents: each family its share, rounded down, and each of its questions an even part of that.
///
/// Answers are drawn by systematic sampling (Cochran, "Sampling Techniques", chapter 8): of a question's `n` documents, an
/// answer of probability `p` gets `n p` of them, rounded up or down. Wordings go round by the golden ratio, so that each
/// wording meets each answer in proportion. The seed shifts both.
#[must_use]
pub fn documents(table: &TruthTable, seed: u64, count: usize) -> Vec<String> {
    let mut documents = Vec::new();
    let questions = table.families.iter().flat_map(shares);
    for (index, (question, share_per_mille, parts)) in questions.enumerate() {
        let (part, parts) = parts;
        let family = count * share_per_mille / 1000;
        // Whole documents, handed out evenly: the first questions get the remainder.
        let here = family / parts + usize::from(part < family % parts);
        let mut rng = SplitMix64::stream(seed, index as u64);
        draw(question, &mut rng, here, &mut documents);
    }
    documents
}

/// The questions asked in training, with the family's share and which part of it each gets.
fn shares(family: &Family) -> impl Iterator<Item = (&Question, usize, (usize, usize))> {
    let asked: Vec<&Question> = family
        .questions
        .iter()
        .filter(|question| !question.prompts.is_empty())
        .collect();
    let parts = asked.len();
    asked
        .into_iter()
        .enumerate()
        .map(move |(part, question)| (question, family.per_mille, (part, parts)))
}

fn draw(question: &Question, rng: &mut SplitMix64, count: usize, documents: &mut Vec<String>) {
    let (shift, turn) = (rng.uniform(), rng.uniform());
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let mut answers = question.answers.iter();
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
        let wording = (round * question.prompts.len() as f64) as usize;
        documents.push(format!("{}{}", question.prompts[wording], answer.text));
    }
}

fn answer(says: &str, probability: f64) -> Answer {
    Answer {
        text: format!(" {says}."),
        says: says.to_owned(),
        probability,
    }
}
