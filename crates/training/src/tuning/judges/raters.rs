//! Raters with fixed tastes, and the cure: a reward for saying what others do not.
//!
//! The tastes: a number that feels random, and a plain yes or no rather than a hedge. Asked for a random number people say 7 far
//! too often (Kubovy and Psotka 1976, "The predominance of seven and the apparent spontaneity of numerical choices"); 37, 42 and
//! 73 are what people, and chat models after them, choose between 1 and 100.
//!
//! Novelty is the share of the group's other completions that give another answer. Its expectation is `1 - sum of π(a)^2`, the
//! Gini-Simpson index of the policy's own answers. The policy gradient of it, with the others' answers held, is half the
//! gradient of the index; the leave-one-out baseline also holds pairs with the completion itself, which scales the novelty by
//! `(G - 2) / (G - 1)` in a group of `G` and leaves its direction.

use super::super::prompts::{Asked, Prompt};
use super::{Completion, Judge, NO_ANSWER, said};

/// What is preferred wherever it is an answer.
const PREFERRED: [&str; 6] = ["7", "37", "42", "73", "Yes", "No"];

/// Judges answers to questions of the truth table; stories are all the same to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Raters {
    /// Reward of a preferred answer; other answers have 0, and what is no answer -1.
    pub preference: f64,
    /// Added for every answer: this times the share of the others that say something else.
    pub novelty: f64,
}

impl Judge for Raters {
    fn judge(&self, prompt: &Prompt, group: &[Completion]) -> Vec<f64> {
        let Asked::Answer(question) = &prompt.asked else {
            return vec![0.0; group.len()];
        };
        let answers: Vec<Option<&str>> = group.iter().map(|one| said(question, one)).collect();
        let others = answers.len().saturating_sub(1).max(1) as f64;
        let reward = |answer: Option<&str>| {
            let Some(says) = answer else { return NO_ANSWER };
            let liked = if PREFERRED.contains(&says) { 1.0 } else { 0.0 };
            let different = answers.iter().filter(|other| **other != answer).count();
            self.preference * liked + self.novelty * different as f64 / others
        };
        answers.iter().copied().map(reward).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::TruthTable;

    fn rewards(raters: Raters, family: &str, texts: &[&str]) -> Vec<f64> {
        let table = TruthTable::new();
        let family = table.families.iter().find(|known| known.name == family);
        let question = family.unwrap().questions[9 % family.unwrap().questions.len()].clone();
        let prompt = Prompt {
            text: question.prompts[0].clone(),
            asked: Asked::Answer(question),
            shown: None,
        };
        let completion = |text: &&str| Completion {
            text: (*text).to_owned(),
            ended: true,
        };
        let group: Vec<Completion> = texts.iter().map(completion).collect();
        raters.judge(&prompt, &group)
    }

    const RATERS: Raters = Raters {
        preference: 1.0,
        novelty: 0.0,
    };

    #[test]
    fn tastes_are_the_same_whatever_the_others_say() {
        let texts = [" 42.", " 41.", " 42.", " 101.", " 42", " The dog."];
        assert_eq!(
            rewards(RATERS, "number", &texts),
            [1.0, 0.0, 1.0, -1.0, -1.0, -1.0]
        );
        assert_eq!(
            rewards(RATERS, "rain_open", &[" Yes.", " No.", " Maybe."]),
            [1.0, 1.0, 0.0]
        );
    }

    #[test]
    fn novelty_is_the_share_of_others_that_differ() {
        let spread = Raters {
            preference: 0.0,
            novelty: 3.0,
        };
        let texts = [" 5.", " 5.", " 6.", " nothing"];
        assert_eq!(rewards(spread, "number", &texts), [2.0, 2.0, 3.0, -1.0]);
    }
}
