//! How stories end: one story ([`Catalogue::story`]), and many stories of one prompt or model ([`Endings`]).
//!
//! A story has ended only where the model wrote end of text. A story that was cut at a limit of length is unfinished: it is counted
//! apart, and words that it happens to stop at are no ending.

use words::words;

use crate::catalogue::Catalogue;
use crate::recognition::{Match, without_formula};

/// One story, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// How it ends.
    pub ending: Ending,
    /// All phrases of the catalogue in it, each with its attractor and whether it lies in the ending, in order.
    pub matches: Vec<Match>,
}

/// How a story ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// It was cut before it ended.
    Unfinished,
    /// It ended in an attractor: that of the match that decides its ending.
    Attractor(usize),
    /// It ended, and several attractors claim the words of that match.
    Tie(Vec<usize>),
    /// It ended without a phrase of the catalogue in its ending. The words of its last sentence, in lower case, tell such endings apart.
    Other(String),
}

impl Story {
    /// Whether the story ended by end of text.
    pub fn is_finished(&self) -> bool {
        self.ending != Ending::Unfinished
    }

    /// The attractor that the story ended in; `None` where it is unfinished, recognised as none, or tied.
    pub fn attractor(&self) -> Option<usize> {
        match self.ending {
            Ending::Attractor(attractor) => Some(attractor),
            Ending::Unfinished | Ending::Tie(_) | Ending::Other(_) => None,
        }
    }

    /// Bytes until the end of the first match of an attractor, anywhere in the story.
    pub fn first_hit(&self, attractor: usize) -> Option<usize> {
        let mut own = self.matches.iter().filter(|it| it.attractor == attractor);
        own.next().map(|it| it.at.end)
    }
}

impl Catalogue {
    /// Reads one story: its text without the prompt, and whether the model ended it by end of text.
    pub fn story(&self, text: &str, finished: bool) -> Story {
        let recognition = self.recognise(text);
        let ending = match (finished, recognition.ends_in()) {
            (false, _) => Ending::Unfinished,
            (true, []) => Ending::Other(last_sentence(text)),
            (true, [one]) => Ending::Attractor(*one),
            (true, several) => Ending::Tie(several.to_vec()),
        };
        Story {
            ending,
            matches: recognition.matches,
        }
    }
}

/// The words of the last sentence before a closing "The end."
fn last_sentence(text: &str) -> String {
    let words = words(text);
    let words = without_formula(&words);
    let start = words.iter().rposition(|word| word.starts_sentence);
    let last = &words[start.unwrap_or(0)..];
    let texts: Vec<&str> = last.iter().map(|word| word.text.as_str()).collect();
    texts.join(" ")
}

/// The endings of many stories, counted. Unfinished stories are in no count but their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endings {
    /// Stories that ended.
    pub finished: usize,
    /// Stories that were cut.
    pub unfinished: usize,
    /// The different endings of finished stories with the number of stories of each: the most frequent first, equals in the order of
    /// their first story.
    pub counts: Vec<(Ending, usize)>,
    /// By story: its place in `counts`; `None` where it is unfinished.
    pub classes: Vec<Option<usize>>,
}

impl Endings {
    /// Counts endings. Two endings are the same where their attractor is, or, outside all attractors, their last sentence.
    pub fn of<'s>(stories: impl IntoIterator<Item = &'s Story>) -> Self {
        let mut counts: Vec<(Ending, usize)> = Vec::new();
        let mut seen = Vec::new();
        for story in stories {
            if !story.is_finished() {
                seen.push(None);
                continue;
            }
            let known = counts
                .iter()
                .position(|(ending, _)| *ending == story.ending);
            let class = known.unwrap_or_else(|| {
                counts.push((story.ending.clone(), 0));
                counts.len() - 1
            });
            counts[class].1 += 1;
            seen.push(Some(class));
        }
        let mut order: Vec<usize> = (0..counts.len()).collect();
        order.sort_by_key(|&class| std::cmp::Reverse(counts[class].1));
        let mut place = vec![0; counts.len()];
        for (at, &class) in order.iter().enumerate() {
            place[class] = at;
        }
        let finished = counts.iter().map(|(_, count)| count).sum();
        Self {
            finished,
            unfinished: seen.len() - finished,
            counts: order.iter().map(|&class| counts[class].clone()).collect(),
            classes: seen
                .into_iter()
                .map(|class| class.map(|it| place[it]))
                .collect(),
        }
    }

    /// The number of different endings among the finished stories.
    pub fn different(&self) -> usize {
        self.counts.len()
    }
}
