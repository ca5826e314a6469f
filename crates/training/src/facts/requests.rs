//! Requests: a wish for a story, and a story of the world that grants it.

use bundle::RequestTruth;
use serde::Serialize;

use crate::world::random::SplitMix64;
use crate::world::{Sentiment, Story, World};

/// Wordings of a request; KIND is the sentiment with its space, or nothing, and SUBJECT is what the story is about.
const WORDINGS: [&str; 4] = [
    "Tell a KINDstory about SUBJECT.",
    "Please tell me a KINDstory about SUBJECT.",
    "I want to hear a KINDstory about SUBJECT.",
    "Write a KINDstory about SUBJECT.",
];
/// Wordings held out from training.
const UNSEEN: [&str; 1] = ["Can you tell me a KINDstory about SUBJECT?"];
/// Requests in a hundred that ask for each sentiment; the rest leave it open and get any story.
const ASKED_PERCENT: usize = 40;
/// Keeps the stories of requests apart from those told unasked under the same seed.
const STREAM: u64 = 0x7265_7175_6573_7473;

/// How requests are worded, for the truth table.
pub(super) fn truth() -> RequestTruth {
    let owned = |wordings: &[&str]| wordings.iter().map(ToString::to_string).collect();
    RequestTruth {
            about: "KIND is \"happy \", \"sad \" or nothing, SUBJECT what the story is about; on the next line follows a story \
                    of that kind about that subject, or of any kind"
                .to_owned(),
            prompts: owned(&WORDINGS),
            unseen: owned(&UNSEEN),
            happy: ASKED_PERCENT as f64 / 100.0,
        }
}

/// A request for a story about `subject`, worded as in training: the wordings by turns of `number`.
///
/// # Panics
/// When the table has no wordings.
#[must_use]
pub fn ask(truth: &RequestTruth, number: usize, asked: Option<Sentiment>, subject: &str) -> String {
    word(&truth.prompts[number % truth.prompts.len()], asked, subject)
}

fn word(wording: &str, asked: Option<Sentiment>, subject: &str) -> String {
    let kind = asked.map_or_else(String::new, |asked| format!("{asked} "));
    wording.replace("KIND", &kind).replace("SUBJECT", subject)
}

/// A wish and what it got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// The wish, one line.
    pub prompt: String,
    /// The ending asked for; none where any would do.
    pub asked: Option<Sentiment>,
    /// What the story is to be about, such as "a lost dog".
    pub subject: String,
    /// The story, which begins on the next line.
    pub story: Story,
    /// How it ends: the last part of its text, beginning with a space or a newline.
    pub ending: String,
}

impl Request {
    /// The whole training document.
    #[must_use]
    pub fn document(&self) -> String {
        format!("{}\n{}", self.prompt, self.story.text)
    }
}

/// The first `count` requests of a seed.
pub fn requests(world: &World, seed: u64, count: u64) -> impl Iterator<Item = Request> {
    (0..count).map(move |index| request(world, seed ^ STREAM, index))
}

fn request(world: &World, seed: u64, index: u64) -> Request {
    let mut rng = SplitMix64::stream(seed, index);
    let asked = match rng.below(100) {
        roll if roll < ASKED_PERCENT => Some(Sentiment::Happy),
        roll if roll < 2 * ASKED_PERCENT => Some(Sentiment::Sad),
        _ => None,
    };
    let wording = WORDINGS[rng.below(WORDINGS.len())];
    // Rejection: the first story that ends as asked is distributed like all stories that end so.
    loop {
        let number = index << 32 | rng.below(1 << 32) as u64;
        let (story, subject) = world.story_with_subject(seed, number);
        if asked.is_none_or(|asked| asked == story.labels.sentiment) {
            return Request {
                prompt: word(wording, asked, &subject),
                asked,
                subject,
                story,
                ending: world.ending(seed, number),
            };
        }
    }
}
