//! A prompt of a tuning run with what is known of it: the task that it sets, and the target text where it is fine-tuned on one.
//! `prompts` makes them, `reward_models` score the completions.

use crate::facts::Question;
use crate::world::Sentiment;

/// A prompt; rewards may depend on its task.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// The text to continue.
    pub text: String,
    /// What it asks for.
    pub task: Task,
    /// The continuation to imitate (SFT); none where completions are sampled and rewarded.
    pub target: Option<String>,
}

/// What a prompt asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// A story.
    Story {
        /// The story's topic, such as `search`, where the world knows it.
        topic: Option<String>,
        /// The sentiment of the ending, where one was requested.
        sentiment: Option<Sentiment>,
    },
    /// An answer to a question of the truth table.
    Answer(Question),
}
