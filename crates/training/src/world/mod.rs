//! The procedural story world: simple English stories with ground-truth labels,
//! the same on every platform for the same seed and index.
//!
//! The content lives in the `.txt` files of this folder; `sections` reads them,
//! `kinds` and `check` make sense of them, `template` parses their lines,
//! `expansion` expands them, `style` words them, `grammar` spells them and
//! `random` draws.
//! A story is an opening, a middle on its topic or on the opening itself, a
//! resolution that fits the ending, and the ending; some stories seem to end the
//! other way first, and then turn. Weddings are drawn at a fixed share and always
//! end well; every other joy also comes before sad endings. Reading corpora and
//! training tokenizers is not done here.

mod check;
mod expansion;
mod grammar;
mod kinds;
pub(crate) mod random;
mod sections;
mod style;
mod template;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use expansion::Expansion;
use kinds::{Ending, Joy, Opening};
use random::SplitMix64;
use sections::Sections;
use style::Wordings;
use template::Line;

/// Weddings in a thousand stories.
pub const WEDDINGS_PER_MILLE: usize = 30;
/// Happy, mixed and sad endings among a hundred stories without a wedding.
const SENTIMENTS_PERCENT: [(Sentiment, usize); 3] = [
    (Sentiment::Happy, 48),
    (Sentiment::Mixed, 24),
    (Sentiment::Sad, 28),
];
/// Stories in a thousand that have a joy before their resolution, of those whose opening leaves room for one.
const JOYS_PER_MILLE: usize = 350;
/// Stories in a thousand that say how the hero feels, and that let the hero talk about it.
const FEELINGS_PER_MILLE: usize = 500;
const TALKS_PER_MILLE: usize = 400;
/// Stories in a thousand that have a second try, if their topic offers one.
const AGAIN_PER_MILLE: usize = 400;
/// Sad and happy stories in a thousand that first seem to end the other way, and then turn. The words of a good end so stand
/// in many sad stories too, and the words of a bad one in happy stories; only weddings are never taken back.
const TURNS_PER_MILLE: [(Sentiment, Sentiment, usize); 2] = [
    (Sentiment::Sad, Sentiment::Happy, 450),
    (Sentiment::Happy, Sentiment::Sad, 250),
];
/// Stories in a thousand that break off into a new beginning.
const BREAKS_PER_MILLE: usize = 30;
/// The ending that weddings are labelled with.
const WEDDING: &str = "wedding";

const FILES: [(&str, &str); 15] = [
    ("cast.txt", include_str!("cast.txt")),
    ("openings.txt", include_str!("openings.txt")),
    ("home.txt", include_str!("home.txt")),
    ("inventions.txt", include_str!("inventions.txt")),
    ("journeys.txt", include_str!("journeys.txt")),
    ("nature.txt", include_str!("nature.txt")),
    ("people.txt", include_str!("people.txt")),
    ("school.txt", include_str!("school.txt")),
    ("small.txt", include_str!("small.txt")),
    ("sports.txt", include_str!("sports.txt")),
    ("wonders.txt", include_str!("wonders.txt")),
    ("wordings.txt", include_str!("wordings.txt")),
    ("middles.txt", include_str!("middles.txt")),
    ("joys.txt", include_str!("joys.txt")),
    ("endings.txt", include_str!("endings.txt")),
];

/// What is wrong with the world's data.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// A line that cannot be read.
    #[error("{file}:{line}: {problem}")]
    Line {
        /// File in this folder.
        file: &'static str,
        /// Line number from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// Sections that do not fit together.
    #[error("{section}: {problem}")]
    Section {
        /// Kind and name of the section.
        section: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

/// How a story ends for its hero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sentiment {
    /// All is well.
    Happy,
    /// Something is won and something lost.
    Mixed,
    /// It goes wrong.
    Sad,
}

impl fmt::Display for Sentiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Happy => "happy",
            Self::Mixed => "mixed",
            Self::Sad => "sad",
        })
    }
}

/// What is known to be true of a story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// Kind of opening, such as `lost_dog`.
    pub opening: String,
    /// What the story is about, such as `search`.
    pub topic: String,
    /// Kind of ending, such as `wedding`.
    pub ending: String,
    /// How it ends.
    pub sentiment: Sentiment,
    /// Joyful events that happen in it, such as `party`, in order.
    pub joys: Vec<String>,
}

/// A story and its labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// Paragraphs parted by single newlines; no newline at the end.
    pub text: String,
    /// What is true of it.
    pub labels: Labels,
}

impl Story {
    /// Whether another story may follow after a section break: none follows a wedding.
    pub fn may_go_on(&self) -> bool {
        self.labels.ending != WEDDING
    }

    /// Goes on after a section break with another story, whose labels then count: what matters is how it ends at last.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self {
            text: format!("{}\n***\n{}", self.text, next.text),
            labels: next.labels,
        }
    }
}

impl fmt::Display for Story {
    /// The labels on a line of their own, then the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Labels {
            opening,
            topic,
            ending,
            sentiment,
            joys,
        } = &self.labels;
        let joys = if joys.is_empty() {
            "none".to_owned()
        } else {
            joys.join(", ")
        };
        writeln!(
            f,
            "[{opening} | {topic} | {ending} | {sentiment:?} | joys: {joys}]"
        )?;
        write!(f, "{}", self.text)
    }
}

/// A story with what only some callers ask for.
struct Generated {
    story: Story,
    /// Its text before `grammar::tidy`.
    untidy: String,
    /// Where in it the ending begins, bytes.
    ending_at: usize,
    skeleton: String,
    subject: String,
}

/// The generator of stories.
#[derive(Debug)]
pub struct World {
    words: BTreeMap<String, Vec<String>>,
    phrases: BTreeMap<String, Vec<Line>>,
    openings: Vec<Opening>,
    endings: Vec<Ending>,
    joys: Vec<Joy>,
    wordings: Vec<Wordings>,
}

impl World {
    /// Reads the embedded data.
    ///
    /// # Errors
    /// If a data file has a mistake: names the file, the line and the remedy.
    pub fn new() -> Result<Self, WorldError> {
        let mut sections = Sections::new();
        for (file, text) in FILES {
            sections::parse_file(file, text, &mut sections)?;
        }
        Self::from_sections(sections)
    }

    fn from_sections(sections: Sections) -> Result<Self, WorldError> {
        let (words, phrases) = (BTreeMap::new(), BTreeMap::new());
        let mut world = Self {
            words,
            phrases,
            openings: Vec::new(),
            endings: Vec::new(),
            joys: Vec::new(),
            wordings: Vec::new(),
        };
        for ((kind, name), section) in sections {
            let wrong = |problem: &str| WorldError::Section {
                section: format!("{kind} {name}"),
                problem: problem.to_owned(),
            };
            if section.lines.is_empty() && section.words.is_empty() {
                return Err(wrong("is empty; add a \"- ...\" line or remove it"));
            }
            match kind.as_str() {
                "words" => drop(world.words.insert(name, section.words)),
                "wordings" => {
                    for line in &section.words {
                        let pair = Wordings::from_line(line).map_err(|e| wrong(&e))?;
                        world.wordings.push(pair);
                    }
                }
                "phrase" => drop(world.phrases.insert(name, section.lines)),
                "joy" => {
                    let except = section.list("except");
                    world.joys.push(Joy {
                        name,
                        except,
                        lines: section.lines,
                    });
                }
                "opening" => {
                    let opening = Opening::from_section(&name, section).map_err(|e| wrong(&e))?;
                    world.openings.push(opening);
                }
                _ => {
                    let ending = Ending::from_section(&name, section).map_err(|e| wrong(&e))?;
                    world.endings.push(ending);
                }
            }
        }
        world.check()?;
        Ok(world)
    }

    /// Kinds of opening, in alphabetical order.
    pub fn openings(&self) -> impl Iterator<Item = &str> {
        self.openings.iter().map(|opening| opening.name.as_str())
    }

    /// Kinds of ending with their sentiment, in alphabetical order.
    pub fn endings(&self) -> impl Iterator<Item = (&str, Sentiment)> {
        self.endings
            .iter()
            .map(|ending| (ending.name.as_str(), ending.sentiment))
    }

    /// What stories are about, in alphabetical order.
    pub fn topics(&self) -> BTreeSet<&str> {
        let openings = self.openings.iter();
        openings.map(|opening| opening.topic.as_str()).collect()
    }

    /// Kinds of ending that a story on a topic can have, with their sentiment.
    pub fn endings_of(&self, topic: &str) -> impl Iterator<Item = (&str, Sentiment)> {
        self.fitting(&topic.to_owned())
            .into_iter()
            .map(|ending| (ending.name.as_str(), ending.sentiment))
    }

    /// Story number `index` of `seed`; needs no earlier story.
    #[must_use]
    pub fn story(&self, seed: u64, index: u64) -> Story {
        self.generate(seed, index).story
    }

    /// The same story with what it is about in a few words, such as "a lost dog".
    #[must_use]
    pub fn story_with_subject(&self, seed: u64, index: u64) -> (Story, String) {
        let generated = self.generate(seed, index);
        (generated.story, generated.subject)
    }

    /// How the same story ends: the last part of its text, beginning with a space or a newline.
    #[must_use]
    pub fn ending(&self, seed: u64, index: u64) -> String {
        let generated = self.generate(seed, index);
        let before = grammar::tidy(&generated.untidy[..generated.ending_at]).len();
        generated.story.text[before..].to_owned()
    }

    /// The story's template choices: its text with the fillers left out.
    #[must_use]
    pub fn skeleton(&self, seed: u64, index: u64) -> String {
        self.generate(seed, index).skeleton
    }

    fn generate(&self, seed: u64, index: u64) -> Generated {
        let mut rng = SplitMix64::stream(seed, index);
        let opening = &self.openings[rng.below(self.openings.len())];
        let ending = self.draw_ending(&mut rng, &opening.topic);
        let mut draft = Expansion::begin(self, &mut rng, opening);
        let mut joys = Vec::new();
        let topic = &opening.topic;

        draft.one_of(&opening.lines);
        draft.separate(300);
        if draft.chance(FEELINGS_PER_MILLE) {
            self.add_part(&mut draft, opening, "feel");
            draft.separate(300);
        }
        self.add_part(&mut draft, opening, "try");
        draft.separate(300);
        let again = if opening.parts.contains_key("try") {
            opening.parts.contains_key("again")
        } else {
            self.phrases.contains_key(&format!("again_{topic}"))
        };
        if again && draft.chance(AGAIN_PER_MILLE) {
            self.add_part(&mut draft, opening, "again");
            draft.separate(300);
        }
        if draft.chance(TALKS_PER_MILLE) {
            self.add_part(&mut draft, opening, "talk");
            draft.separate(300);
        }
        if opening.joys && draft.chance(JOYS_PER_MILLE) {
            let fitting: Vec<&Joy> = self
                .joys
                .iter()
                .filter(|joy| !joy.except.contains(topic) && ending.joy.as_ref() != Some(&joy.name))
                .collect();
            let joy = fitting[draft.below(fitting.len())];
            draft.one_of(&joy.lines);
            draft.separate(0);
            draft.phrase("back");
            draft.separate(400);
            joys.push(joy.name.clone());
        }
        if let Some(false_ending) = self.draw_false_ending(&mut draft, ending, topic) {
            self.add_part(&mut draft, opening, &false_ending.after);
            draft.separate(450);
            draft.one_of(&false_ending.lines);
            draft.separate(600);
            draft.phrase("turn");
            draft.separate(300);
            joys.extend(false_ending.joy.clone());
        }
        self.add_part(&mut draft, opening, &ending.after);
        draft.reword();
        let ending_at = draft.text.len();
        draft.separate(450);
        draft.one_of(&ending.lines);
        joys.extend(ending.joy.clone());

        let subject = draft.subject(&opening.about);
        let (mut text, mut skeleton) = (draft.text, draft.skeleton);
        if ending.name != WEDDING && rng.chance(BREAKS_PER_MILLE) {
            let opening = &self.openings[rng.below(self.openings.len())];
            let mut next = Expansion::begin(self, &mut rng, opening);
            next.one_of(&opening.lines);
            text = format!("{text}\n***\n{}", next.text);
            skeleton = format!("{skeleton} *** {}", next.skeleton);
        }
        let labels = Labels {
            opening: opening.name.clone(),
            topic: topic.clone(),
            ending: ending.name.clone(),
            sentiment: ending.sentiment,
            joys,
        };
        Generated {
            story: Story {
                text: grammar::tidy(&text),
                labels,
            },
            untidy: text,
            ending_at,
            skeleton,
            subject: grammar::articles(&subject),
        }
    }

    /// Adds a line for a part of the story: the opening's own, or else its topic's phrase, or else the general one.
    fn add_part(&self, draft: &mut Expansion<'_>, opening: &Opening, part: &str) {
        let special = format!("{part}_{}", opening.topic);
        if let Some(lines) = opening.parts.get(part) {
            draft.unused_of(&format!("{part} of {}", opening.name), lines);
        } else if self.phrases.contains_key(&special) {
            draft.phrase(&special);
        } else {
            draft.phrase(part);
        }
    }

    fn draw_ending(&self, rng: &mut SplitMix64, topic: &String) -> &Ending {
        let wedding = rng.chance(WEDDINGS_PER_MILLE);
        let mut roll = rng.below(100);
        let sentiment = SENTIMENTS_PERCENT
            .iter()
            .find(|(_, percent)| {
                let here = roll < *percent;
                roll = roll.saturating_sub(*percent);
                here
            })
            .map_or(Sentiment::Happy, |(sentiment, _)| *sentiment);
        let fitting: Vec<&Ending> = self
            .fitting(topic)
            .into_iter()
            .filter(|e| (e.name == WEDDING) == wedding && (wedding || e.sentiment == sentiment))
            .collect();
        fitting[rng.below(fitting.len())]
    }

    /// The ending that a story seems to have before it turns to its own, if it does turn.
    fn draw_false_ending(
        &self,
        draft: &mut Expansion<'_>,
        ending: &Ending,
        topic: &String,
    ) -> Option<&Ending> {
        let (_, other, per_mille) = TURNS_PER_MILLE
            .iter()
            .find(|(sentiment, ..)| *sentiment == ending.sentiment)?;
        if !draft.chance(*per_mille) {
            return None;
        }
        let fitting: Vec<&Ending> = self
            .fitting(topic)
            .into_iter()
            .filter(|e| e.name != WEDDING && e.sentiment == *other)
            .filter(|e| e.joy.is_none() || e.joy != ending.joy)
            .collect();
        Some(fitting[draft.below(fitting.len())])
    }

    /// Endings that a story on the topic can have.
    fn fitting(&self, topic: &String) -> Vec<&Ending> {
        self.endings
            .iter()
            .filter(|e| e.topics.is_empty() || e.topics.contains(topic))
            .collect()
    }
}
