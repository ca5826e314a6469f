//! Who rewards: a judge sees a prompt and all completions of its group.
//!
//! Most judge each completion alone; one that looks at the whole group can reward what depends on the policy's own
//! distribution.

mod endings;
mod gladness;
mod helper;
mod raters;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::prompts::Prompt;
use crate::error::TrainingError;
use crate::facts::Question;
use crate::world::World;
pub use endings::Endings;
pub use gladness::{Gladness, Unit};
pub use helper::Helper;
pub use raters::Raters;

/// What the policy gave to a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The text, without the prompt and the end-of-text token.
    pub text: String,
    /// Whether it ended by itself.
    pub ended: bool,
}

/// Rewards completions. A judge is a function of its arguments: the same group gets the same rewards.
pub trait Judge: Sync {
    /// The rewards of a group of completions of one prompt, one each.
    fn judge(&self, prompt: &Prompt, group: &[Completion]) -> Vec<f64>;
}

/// A judge by name, with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum RewardRecipe {
    /// How glad the completion sounds: see [`Gladness`].
    Sentiment {
        /// The predictor's weights, as seen from the recipe's folder.
        weights: PathBuf,
        /// What of its score is paid.
        unit: Unit,
    },
    /// What was asked for: see [`Helper`].
    Helper {},
    /// What raters prefer: see [`Raters`].
    Raters {},
    /// What raters prefer, and what the others of the group do not say: see [`Raters`].
    Spread {
        /// Reward of a preferred answer.
        preference: f64,
        /// Reward of an answer that nobody else of the group gives.
        novelty: f64,
    },
}

impl RewardRecipe {
    /// The judge itself; `folder` is the recipe's.
    ///
    /// # Errors
    /// When a parameter makes no sense, or a file cannot be read.
    pub fn open(&self, world: &World, folder: &Path) -> Result<Box<dyn Judge>, TrainingError> {
        match *self {
            Self::Sentiment { ref weights, unit } => {
                Ok(Box::new(Gladness::read(&folder.join(weights), unit)?))
            }
            Self::Helper {} => Ok(Box::new(Helper::new(world))),
            Self::Raters {} => Ok(Box::new(Raters {
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
                Ok(Box::new(Raters {
                    preference,
                    novelty,
                }))
            }
        }
    }
}

/// The reward of what is no answer to a question of the truth table, whoever judges.
const NO_ANSWER: f64 = -1.0;

/// What a completion says, if it is one of the question's answers and nothing more.
fn said<'a>(question: &'a Question, completion: &Completion) -> Option<&'a str> {
    let answers = question.answers.iter();
    let mut same = answers.filter(|answer| answer.text == completion.text.trim_end());
    same.next().map(|answer| answer.says.as_str())
}
