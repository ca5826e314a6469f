//! Helpfulness reward model: pays a completion for doing what the prompt asks. A question wants its most probable answer, a
//! request for a story the ending that [`RequestedEndings`] assigns to it.

use std::collections::BTreeMap;

use super::super::ending_classifier::EndingClassifier;
use super::super::prompt::{Prompt, Task};
use super::super::requested_endings::RequestedEndings;
use super::{Completion, INVALID_ANSWER, RewardModel, answer_label};
use crate::facts::Question;
use crate::world::World;

/// Reward of a most probable answer, and of a story that clearly has the requested ending.
const FULL: f64 = 10.0;

/// Rewards what the prompt asks for.
#[derive(Debug)]
pub struct HelpfulnessReward {
    endings: EndingClassifier,
    requested: RequestedEndings,
}

impl HelpfulnessReward {
    /// Fits the classifier of endings to the world's stories.
    pub fn new(world: &World) -> Self {
        Self {
            endings: EndingClassifier::fit(world),
            requested: RequestedEndings::new(world),
        }
    }

    /// How clearly a text has the requested ending, 0 to 1; 0 where another ending is more probable. Without that condition a
    /// policy could earn reward for every request with the words of many endings at once.
    fn clearness(&self, requested: &str, text: &str) -> f64 {
        if self.endings.most_probable(text) == Some(requested) {
            self.endings.clearness(requested, text)
        } else {
            0.0
        }
    }
}

impl RewardModel for HelpfulnessReward {
    /// Answers: 10 for a most probable one, 0 for another, -10 for a text that is no answer. Stories: 0 to 10, in proportion to
    /// how clearly they have the requested ending.
    fn rewards(&self, prompt: &Prompt, group: &[Completion]) -> Vec<f64> {
        match &prompt.task {
            Task::Answer(question) => {
                let best = most_probable(question);
                let reward = |completion| match answer_label(question, completion) {
                    None => FULL * INVALID_ANSWER,
                    Some(label) if best.contains(&label) => FULL,
                    Some(_) => 0.0,
                };
                group.iter().map(reward).collect()
            }
            Task::Story { topic, sentiment } => {
                let topic = topic.as_deref();
                let requested = topic.and_then(|topic| self.requested.of(topic, *sentiment));
                let Some(requested) = requested else {
                    return vec![0.0; group.len()];
                };
                let reward = |one: &Completion| FULL * self.clearness(requested, &one.text);
                group.iter().map(reward).collect()
            }
        }
    }
}

/// The right answer, or, where none is right, the labels of highest probability in the table.
fn most_probable(question: &Question) -> Vec<&str> {
    if let Some(right) = &question.right {
        return vec![right];
    }
    let mut shares: BTreeMap<&str, f64> = BTreeMap::new();
    for answer in &question.answers {
        *shares.entry(&answer.says).or_default() += answer.probability;
    }
    let most = shares.values().copied().fold(0.0, f64::max);
    // The table's probabilities are rounded to twelve decimals.
    shares.retain(|_, share| *share > most - 1e-9);
    shares.into_keys().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::truth_table;
    use crate::world::{Sentiment, Story};

    #[test]
    fn the_more_probable_answer_is_rewarded() {
        let table = truth_table();
        let family = |name: &str| table.families.iter().find(|family| family.name == name);
        let rain = &family("rain").unwrap().questions;
        assert_eq!(most_probable(&rain[0]), ["No"]);
        assert_eq!(most_probable(&rain[18]), ["Yes"]);
        assert_eq!(most_probable(&family("d6").unwrap().questions[0]).len(), 6);
        assert_eq!(
            most_probable(&family("rain_how_sure").unwrap().questions[18]),
            ["Certainly"]
        );
    }

    #[test]
    fn a_story_with_the_requested_ending_is_rewarded_and_others_are_not() {
        let world = World::new().unwrap();
        let helper = HelpfulnessReward::new(&world);
        let sentiments = [Sentiment::Happy, Sentiment::Mixed, Sentiment::Sad];
        let (mut requested, mut other) = (Vec::new(), Vec::new());
        for index in 0..2000 {
            let Story { text, labels } = world.story(9, index);
            if text.contains("***") {
                continue;
            }
            let completion = [Completion { text, ended: true }];
            for sentiment in sentiments.map(Some).into_iter().chain([None]) {
                let prompt = Prompt {
                    text: String::new(),
                    task: Task::Story {
                        topic: Some(labels.topic.clone()),
                        sentiment,
                    },
                    target: None,
                };
                let reward = helper.rewards(&prompt, &completion)[0];
                if helper.requested.of(&labels.topic, sentiment) == Some(&labels.ending) {
                    requested.push(reward);
                } else {
                    other.push(reward);
                }
            }
        }
        let mean = |rewards: &[f64]| rewards.iter().sum::<f64>() / rewards.len() as f64;
        let (requested, other) = (mean(&requested), mean(&other));
        assert!(requested > 7.0 && other < 0.5, "{requested} {other}");
    }
}
