//! Reward models: each sees a prompt and all completions of its group.
//!
//! Most score each completion alone; one that sees the whole group can reward diversity, which depends on the policy's own
//! distribution.

mod helpfulness;
mod preference;
mod sentiment;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::prompt::Prompt;
use crate::error::TrainingError;
use crate::facts::Question;
use crate::world::World;
pub use helpfulness::HelpfulnessReward;
pub use preference::PreferenceReward;
pub use sentiment::{ScoreUnit, SentimentReward};

/// What the policy generated for a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The text, without the prompt and the end-of-text token.
    pub text: String,
    /// Whether it ended by itself.
    pub ended: bool,
}

/// Scores completions. A reward model is a function of its arguments: the same group gets the same rewards.
pub trait RewardModel: Sync {
    /// The rewards of a group of completions of one prompt, one per completion.
    fn rewards(&self, prompt: &Prompt, group: &[Completion]) -> Vec<f64>;
}

/// A reward model by name, with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum RewardRecipe {
    /// How positive the completion sounds: see [`SentimentReward`].
    Sentiment {
        /// The predictor's weights, relative to the recipe's folder.
        weights: PathBuf,
        /// The scale of the reward.
        unit: ScoreUnit,
    },
    /// Doing what the prompt asks: see [`HelpfulnessReward`].
    Helper {},
    /// Fixed preferences: see [`PreferenceReward`].
    Raters {},
    /// Fixed preferences and a diversity bonus: see [`PreferenceReward`].
    Spread {
        /// Reward of a preferred answer.
        preference: f64,
        /// Diversity bonus: reward of an answer that no other completion of the group gives.
        novelty: f64,
    },
}

impl RewardRecipe {
    /// Opens the reward model; `folder` is the recipe's.
    ///
    /// # Errors
    /// When a parameter makes no sense, or a file cannot be read.
    pub fn open(
        &self,
        world: &World,
        folder: &Path,
    ) -> Result<Box<dyn RewardModel>, TrainingError> {
        match *self {
            Self::Sentiment { ref weights, unit } => Ok(Box::new(SentimentReward::load(
                &folder.join(weights),
                unit,
            )?)),
            Self::Helper {} => Ok(Box::new(HelpfulnessReward::new(world))),
            Self::Raters {} => Ok(Box::new(PreferenceReward {
                preference: 1.0,
                novelty: 0.0,
            })),
            Self::Spread {
                preference,
                novelty,
            } => {
                if !(preference.is_finite() && novelty.is_finite()) {
                    return Err(TrainingError::Value {
                        field: "reward",
                        problem: "`preference` and `novelty` must be numbers".to_owned(),
                    });
                }
                Ok(Box::new(PreferenceReward {
                    preference,
                    novelty,
                }))
            }
        }
    }
}

/// The reward of a text that is no answer to its question of the truth table, in units of the model's full reward.
const INVALID_ANSWER: f64 = -1.0;

/// The label of the answer that a completion gives, if it is one of the question's answers and nothing more.
fn answer_label<'a>(question: &'a Question, completion: &Completion) -> Option<&'a str> {
    let answers = question.answers.iter();
    let mut same = answers.filter(|answer| answer.text == completion.text.trim_end());
    same.next().map(|answer| answer.says.as_str())
}
