//! How much a text ends like each kind of ending: word counts of the world's labelled stories.
//!
//! Naive Bayes (Maron 1961), what speaks for a kind only: the sum of the positive `ln P(word | kind) / P(word)` over the
//! different words at the end. What speaks against it is left out, for most words of a story are of its topic and say nothing
//! of its ending. A kind's shares are drawn towards those of all stories (an m-estimate, Cestnik 1990), so that a word which no
//! story of the kind ends with never speaks for it. (With add-one smoothing it would: the kind has fewer words than all stories.)

use std::collections::{BTreeMap, BTreeSet};

use crate::world::{Story, World};

/// Words at the end of a story that tell how it ends: an ending has one to four sentences.
const LAST_WORDS: usize = 40;
/// Stories that are counted; about a hundred of each kind.
const STORIES: u64 = 6000;
/// Names the dice of these stories, away from those of training.
const SEED: u64 = 0x65_6E64_696E_6773;

/// Words of all stories that a kind's own are mixed with: as many as a dozen endings have.
const PRIOR_WORDS: f64 = 500.0;

/// Word counts by kind of ending.
#[derive(Debug)]
pub struct Endings {
    by_kind: BTreeMap<String, Counts>,
    all: Counts,
    /// By kind: the mean likeness of its own stories, nats.
    typical: BTreeMap<String, f64>,
}

#[derive(Debug, Default)]
struct Counts {
    words: BTreeMap<String, u32>,
    total: u32,
}

impl Counts {
    fn add(&mut self, text: &str) {
        for word in last_words(text) {
            *self.words.entry(word).or_default() += 1;
            self.total += 1;
        }
    }

    fn of(&self, word: &str) -> f64 {
        f64::from(self.words.get(word).copied().unwrap_or(0))
    }
}

impl Endings {
    /// Counts the words of stories that the world tells.
    pub fn fit(world: &World) -> Self {
        let mut endings = Self {
            by_kind: BTreeMap::new(),
            all: Counts::default(),
            typical: BTreeMap::new(),
        };
        // Behind a section break there is a new beginning, not the ending.
        let stories: Vec<Story> = (0..STORIES)
            .map(|index| world.story(SEED, index))
            .filter(|story| !story.text.contains("***"))
            .collect();
        for Story { text, labels } in &stories {
            let kind = endings.by_kind.entry(labels.ending.clone()).or_default();
            kind.add(text);
            endings.all.add(text);
        }
        let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for Story { text, labels } in &stories {
            let (sum, count) = sums.entry(&labels.ending).or_default();
            *sum += endings.likeness(&labels.ending, text);
            *count += 1.0;
        }
        let means = sums.into_iter();
        endings.typical = means
            .map(|(kind, (sum, count))| (kind.to_owned(), sum / count))
            .collect();
        endings
    }

    /// How clearly a text ends in this way, 0 to 1: its likeness as a share of that of the kind's own stories, on whose mean it is
    /// 1, and above it no more. So no kind is worth more than another because its words are rarer.
    pub fn clearness(&self, kind: &str, text: &str) -> f64 {
        let typical = self.typical.get(kind).copied().unwrap_or(f64::INFINITY);
        (self.likeness(kind, text) / typical).min(1.0)
    }

    /// How much a text's last words say that a story ends in this way, nats; 0 where nothing does, and of a kind that does not
    /// exist.
    pub fn likeness(&self, kind: &str, text: &str) -> f64 {
        let counts = self.by_kind.get(kind);
        counts.map_or(0.0, |counts| {
            self.speaking_for(counts, &different_words(text))
        })
    }

    fn speaking_for(&self, kind: &Counts, words: &BTreeSet<String>) -> f64 {
        let ratios = words.iter().map(|word| self.log_ratio(kind, word));
        ratios.map(|ratio| ratio.max(0.0)).sum()
    }

    /// `ln P(word | kind) / P(word)`; of a word that occurs nowhere as of one that this kind lacks.
    fn log_ratio(&self, kind: &Counts, word: &str) -> f64 {
        let vocabulary = self.all.words.len() as f64;
        let of_all = (self.all.of(word) + 1.0) / (f64::from(self.all.total) + vocabulary);
        let of_kind =
            (kind.of(word) + PRIOR_WORDS * of_all) / (f64::from(kind.total) + PRIOR_WORDS);
        (of_kind / of_all).ln()
    }

    /// The kind that a text's last words are most like.
    pub fn likeliest(&self, text: &str) -> Option<&str> {
        let words = different_words(text);
        let kinds = self.by_kind.iter();
        let scored = kinds.map(|(kind, counts)| (kind, self.speaking_for(counts, &words)));
        let best = scored.max_by(|(_, one), (_, other)| one.total_cmp(other));
        best.map(|(kind, _)| kind.as_str())
    }
}

fn different_words(text: &str) -> BTreeSet<String> {
    last_words(text).into_iter().collect()
}

fn last_words(text: &str) -> Vec<String> {
    let letters = |word: &str| -> String {
        let kept = word.chars().filter(|letter| letter.is_alphanumeric());
        kept.flat_map(char::to_lowercase).collect()
    };
    let words: Vec<String> = text
        .split_whitespace()
        .map(letters)
        .filter(|word| !word.is_empty())
        .collect();
    words[words.len().saturating_sub(LAST_WORDS)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_stories_of_other_dice_are_told_apart_by_their_last_words() {
        let world = World::new().unwrap();
        let endings = Endings::fit(&world);
        let stories = (0..300).map(|index| world.story(5, index));
        let whole: Vec<_> = stories
            .filter(|story| !story.text.contains("***"))
            .collect();
        let right = whole
            .iter()
            .filter(|story| endings.likeliest(&story.text) == Some(&story.labels.ending));
        let share = right.count() as f64 / whole.len() as f64;
        assert!(share > 0.8, "{share}");
    }

    #[test]
    fn a_kinds_own_stories_end_clearly_and_others_do_not() {
        let world = World::new().unwrap();
        let endings = Endings::fit(&world);
        let (mut own, mut other, mut told) = (0.0, 0.0, 0.0);
        for index in 0..300 {
            let story = world.story(5, index);
            if story.labels.ending.starts_with("happy") && !story.text.contains("***") {
                own += endings.clearness(&story.labels.ending, &story.text);
                other += endings.clearness("sad_rain", &story.text);
                told += 1.0;
            }
        }
        assert!(own / told > 0.75, "{}", own / told);
        assert!(other / told < 0.25, "{}", other / told);
        assert_eq!(endings.clearness("no such kind", "They danced."), 0.0);
    }

    #[test]
    fn words_that_no_ending_has_speak_for_none() {
        let endings = Endings::fit(&World::new().unwrap());
        for kind in endings.by_kind.keys() {
            assert_eq!(endings.likeness(kind, "quux zzyzx"), 0.0, "{kind}");
            assert_eq!(endings.likeness(kind, "53"), 0.0, "{kind}");
        }
    }

    #[test]
    fn a_text_without_words_is_like_nothing() {
        let endings = Endings::fit(&World::new().unwrap());
        assert_eq!(endings.likeness("wedding", " ... "), 0.0);
        assert_eq!(endings.likeness("no such ending", "a dog"), 0.0);
    }
}
