//! Preference reward model: raters with fixed preferences, and a diversity bonus as the remedy.
//!
//! They prefer a number that feels random, and a plain yes or no to a hedge. Asked for a random number, people say 7 far too
//! often (Kubovy and Psotka 1976, "The predominance of seven and the apparent spontaneity of numerical choices"); 37, 42 and
//! 73 are what people, and chat models after them, choose between 1 and 100.
//!
//! The diversity bonus is the share of the group's other completions that give another answer. Its expectation is `1 - sum of π(a)^2`, the
//! Gini-Simpson index of the policy's own answers. The policy gradient of it, with the others' answers held, is half the
//! gradient of the index; the leave-one-out baseline also holds pairs with the completion itself, which scales the bonus by
//! `(G - 2) / (G - 1)` in a group of `G` and leaves its direction.

use super::super::prompt::{Prompt, Task};
use super::{Completion, INVALID_ANSWER, RewardModel, answer_label};

/// Preferred answers.
const PREFERRED: [&str; 6] = ["7", "37", "42", "73", "Yes", "No"];

/// Rewards answers to questions of the truth table; every story gets 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PreferenceReward {
    /// Reward of a preferred answer; other answers get 0, a text that is no answer -1.
    pub preference: f64,
    /// Diversity bonus, added to every answer: this times the share of the others that differ.
    pub novelty: f64,
}

impl RewardModel for PreferenceReward {
    fn rewards(&self, prompt: &Prompt, group: &[Completion]) -> Vec<f64> {
        let Task::Answer(question) = &prompt.task else {
            return vec![0.0; group.len()];
        };
        let answers: Vec<Option<&str>> = group
            .iter()
            .map(|one| answer_label(question, one))
            .collect();
        let others = answers.len().saturating_sub(1).max(1) as f64;
        let reward = |answer: Option<&str>| {
            let Some(label) = answer else {
                return INVALID_ANSWER;
            };
            let preferred = if PREFERRED.contains(&label) { 1.0 } else { 0.0 };
            let different = answers.iter().filter(|other| **other != answer).count();
            self.preference * preferred + self.novelty * different as f64 / others
        };
        answers.iter().copied().map(reward).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::truth_table;

    fn rewards_of(raters: PreferenceReward, family: &str, texts: &[&str]) -> Vec<f64> {
        let table = truth_table();
        let family = table.families.iter().find(|known| known.name == family);
        let question = family.unwrap().questions[9 % family.unwrap().questions.len()].clone();
        let prompt = Prompt {
            text: question.prompts[0].clone(),
            task: Task::Answer(question),
            target: None,
        };
        let completion = |text: &&str| Completion {
            text: (*text).to_owned(),
            ended: true,
        };
        let group: Vec<Completion> = texts.iter().map(completion).collect();
        raters.rewards(&prompt, &group)
    }

    const RATERS: PreferenceReward = PreferenceReward {
        preference: 1.0,
        novelty: 0.0,
    };

    #[test]
    fn preferences_do_not_depend_on_the_other_completions() {
        let texts = [" 42.", " 41.", " 42.", " 101.", " 42", " The dog."];
        assert_eq!(
            rewards_of(RATERS, "number", &texts),
            [1.0, 0.0, 1.0, -1.0, -1.0, -1.0]
        );
        assert_eq!(
            rewards_of(RATERS, "rain_open", &[" Yes.", " No.", " Maybe."]),
            [1.0, 1.0, 0.0]
        );
    }

    #[test]
    fn novelty_is_the_share_of_others_that_differ() {
        let spread = PreferenceReward {
            preference: 0.0,
            novelty: 3.0,
        };
        let texts = [" 5.", " 5.", " 6.", " nothing"];
        assert_eq!(rewards_of(spread, "number", &texts), [2.0, 2.0, 3.0, -1.0]);
    }
}
