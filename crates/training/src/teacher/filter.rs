//! Which of a teacher's stories become training text: those that end, in words that exist, without loops, unlike the ones
//! before them and unlike the held-out stories.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::{Deserialize, Serialize};

use super::sample::RawStory;

/// Words per shingle: long enough that two stories share one by copying rather than by chance, as in data sets that are
/// cleaned of test text (Brown et al. 2020, arXiv 2005.14165, appendix C).
const SHINGLE: usize = 13;
/// Words per loop: a run of so many words that comes again and again.
const LOOP: usize = 6;

/// What is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Fewest bytes of a story.
    pub bytes: usize,
    /// How often the same six words may stand in one story.
    pub repeats: usize,
    /// Largest share of a story's 13-word shingles that stand in earlier stories, 0 to 1.
    pub seen: f64,
    /// Largest share that stands in the held-out stories, 0 to 1.
    pub held_out: f64,
}

/// Why a story was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Cut at the end of the context, or ends without a closing mark.
    NoEnd,
    /// Shorter than asked.
    Short,
    /// Has a word that stands in no known text, or a character that is not plain English.
    UnknownWord,
    /// Says the same again and again.
    Loop,
    /// Shares too much with an earlier story, or equals one.
    Seen,
    /// Shares too much with the held-out stories.
    HeldOut,
}

/// Reads stories one by one and remembers what it kept.
pub struct Filter {
    limits: Limits,
    known: HashSet<String>,
    held_out: HashSet<u64>,
    seen: HashSet<u64>,
    texts: HashSet<u64>,
    counts: BTreeMap<Reason, u64>,
    kept: u64,
}

impl Filter {
    /// Takes the words of `known` texts for the words that exist.
    pub fn new<'a>(
        limits: Limits,
        known: impl Iterator<Item = &'a str>,
        held_out: impl Iterator<Item = &'a str>,
    ) -> Self {
        let mut words_known = HashSet::new();
        for text in known {
            words_known.extend(words(text));
        }
        let held_out = held_out
            .flat_map(|text| shingles(&words(text), SHINGLE))
            .collect();
        Self {
            limits,
            known: words_known,
            held_out,
            seen: HashSet::new(),
            texts: HashSet::new(),
            counts: BTreeMap::new(),
            kept: 0,
        }
    }

    /// Keeps a story and remembers it, or says why it is left out.
    ///
    /// # Errors
    /// The first reason that holds.
    pub fn judge(&mut self, story: &RawStory) -> Result<(), Reason> {
        let judged = self.find(story);
        match &judged {
            Ok(shingles) => {
                self.kept += 1;
                self.seen.extend(shingles);
            }
            Err(reason) => *self.counts.entry(*reason).or_default() += 1,
        }
        judged.map(|_| ())
    }

    /// Stories kept, and left out by reason.
    pub fn counts(&self) -> (u64, &BTreeMap<Reason, u64>) {
        (self.kept, &self.counts)
    }

    fn find(&mut self, story: &RawStory) -> Result<Vec<u64>, Reason> {
        let text = story.text.as_str();
        let closed = text.trim_end_matches('"').ends_with(['.', '!', '?']);
        let quotes = text.matches('"').count();
        if !story.ended || !closed || !quotes.is_multiple_of(2) {
            return Err(Reason::NoEnd);
        }
        if text.len() < self.limits.bytes {
            return Err(Reason::Short);
        }
        let plain = |mark: char| mark.is_ascii_graphic() || mark == ' ' || mark == '\n';
        let words = words(text);
        if !text.chars().all(plain) || words.iter().any(|word| !self.exists(word)) {
            return Err(Reason::UnknownWord);
        }
        let mut times = HashMap::new();
        for run in shingles(&words, LOOP) {
            *times.entry(run).or_insert(0) += 1;
        }
        if times.values().any(|&times| times > self.limits.repeats) {
            return Err(Reason::Loop);
        }
        let shingles = shingles(&words, SHINGLE);
        let share = |of: &HashSet<u64>| {
            let shared = shingles
                .iter()
                .filter(|shingle| of.contains(shingle))
                .count();
            shared as f64 / shingles.len().max(1) as f64
        };
        if !self.texts.insert(hash(&words)) || share(&self.seen) > self.limits.seen {
            return Err(Reason::Seen);
        }
        if share(&self.held_out) > self.limits.held_out {
            return Err(Reason::HeldOut);
        }
        Ok(shingles)
    }

    fn exists(&self, word: &str) -> bool {
        self.known.contains(word)
            || word
                .strip_suffix("'s")
                .is_some_and(|stem| self.known.contains(stem))
    }
}

/// Runs of letters and inner apostrophes, in lower case.
fn words(text: &str) -> Vec<String> {
    text.split(|mark: char| !mark.is_alphabetic() && mark != '\'')
        .map(|word| word.trim_matches('\'').to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

fn shingles(words: &[String], length: usize) -> Vec<u64> {
    words.windows(length).map(hash).collect()
}

/// Of this run alone: nothing of it is kept on disk.
fn hash(words: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::*;

    const GOOD: &str = "The cat sat on the mat and looked at the dog. The dog ran to the tree and did not come back.";

    fn judged(texts: &[&str], held_out: &str) -> Vec<Result<(), Reason>> {
        let limits = Limits {
            bytes: 40,
            repeats: 2,
            seen: 0.4,
            held_out: 0.2,
        };
        let known = [
            GOOD,
            "the cat was glad when a ball fell and it took the ball home",
        ];
        let mut filter = Filter::new(limits, known.into_iter(), [held_out].into_iter());
        let judge = |text: &&str| {
            filter.judge(&RawStory {
                number: 0,
                opening: Source::None,
                text: (*text).to_owned(),
                ended: true,
            })
        };
        texts.iter().map(judge).collect()
    }

    #[test]
    fn each_fault_is_named() {
        let repeated = "The cat sat on the mat. The cat sat on the mat. The cat sat on the mat.";
        let close = GOOD.replace("did not come back", "was glad");
        assert_eq!(judged(&[GOOD], ""), [Ok(())]);
        assert_eq!(
            judged(&[GOOD, GOOD, &close], "")[1..],
            [Err(Reason::Seen); 2]
        );
        assert_eq!(judged(&[GOOD], GOOD), [Err(Reason::HeldOut)]);
        assert_eq!(judged(&[repeated], ""), [Err(Reason::Loop)]);
        assert_eq!(judged(&["The cat sat."], ""), [Err(Reason::Short)]);
        assert_eq!(judged(&[&GOOD[..GOOD.len() - 1]], ""), [Err(Reason::NoEnd)]);
        let invented = GOOD.replace("tree", "treeb");
        assert_eq!(judged(&[&invented], ""), [Err(Reason::UnknownWord)]);
    }
}
