//! Classifies how a text ends: naive Bayes over word counts of the world's labelled stories (Maron 1961).
//!
//! Only positive evidence counts: the score of a kind is the sum of the positive `ln P(word | kind) / P(word)` over the distinct
//! words at the end. Most words of a story belong to its topic and say nothing about its ending, so negative evidence is dropped.
//! A kind's frequencies are shrunk towards those of all stories (an m-estimate, Cestnik 1990), so that a word which no story of
//! the kind ends with is never evidence for it. (With add-one smoothing it would be: a kind has fewer words than all stories.)

use std::collections::{BTreeMap, BTreeSet};

use crate::world::{Story, World};

/// Words at the end of a story that are counted: an ending has one to four sentences.
const LAST_WORDS: usize = 40;
/// Stories to fit to; about a hundred of each kind.
const STORIES: u64 = 6000;
/// Their seed, apart from those of training.
const SEED: u64 = 0x65_6E64_696E_6773;

/// The m-estimate's weight in words: as many as a dozen endings have.
const PRIOR_WORDS: f64 = 500.0;

/// Word counts by kind of ending.
#[derive(Debug)]
pub struct EndingClassifier {
    by_kind: BTreeMap<String, Counts>,
    all: Counts,
    /// By kind: the mean score of its own stories, nats.
    mean_score: BTreeMap<String, f64>,
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

impl EndingClassifier {
    /// Fits to stories of the world.
    pub fn fit(world: &World) -> Self {
        let mut endings = Self {
            by_kind: BTreeMap::new(),
            all: Counts::default(),
            mean_score: BTreeMap::new(),
        };
        // After a section break a new story begins.
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
            *sum += endings.score(&labels.ending, text);
            *count += 1.0;
        }
        let means = sums.into_iter();
        endings.mean_score = means
            .map(|(kind, (sum, count))| (kind.to_owned(), sum / count))
            .collect();
        endings
    }

    /// How clearly a text has this kind of ending, 0 to 1: its score relative to the mean score of the kind's own stories, capped
    /// at 1. So no kind is worth more than another because its words are rarer.
    pub fn clearness(&self, kind: &str, text: &str) -> f64 {
        let mean = self.mean_score.get(kind).copied().unwrap_or(f64::INFINITY);
        (self.score(kind, text) / mean).min(1.0)
    }

    /// The evidence of a text's last words for this kind of ending, nats; 0 where there is none, and for an unknown kind.
    pub fn score(&self, kind: &str, text: &str) -> f64 {
        let counts = self.by_kind.get(kind);
        counts.map_or(0.0, |counts| {
            self.positive_evidence(counts, &distinct_words(text))
        })
    }

    fn positive_evidence(&self, kind: &Counts, words: &BTreeSet<String>) -> f64 {
        let ratios = words.iter().map(|word| self.log_ratio(kind, word));
        ratios.map(|ratio| ratio.max(0.0)).sum()
    }

    /// `ln P(word | kind) / P(word)`; an unknown word counts as one that the kind lacks.
    fn log_ratio(&self, kind: &Counts, word: &str) -> f64 {
        let vocabulary = self.all.words.len() as f64;
        let of_all = (self.all.of(word) + 1.0) / (f64::from(self.all.total) + vocabulary);
        let of_kind =
            (kind.of(word) + PRIOR_WORDS * of_all) / (f64::from(kind.total) + PRIOR_WORDS);
        (of_kind / of_all).ln()
    }

    /// The kind of ending with the highest score.
    pub fn most_probable(&self, text: &str) -> Option<&str> {
        let words = distinct_words(text);
        let kinds = self.by_kind.iter();
        let scored = kinds.map(|(kind, counts)| (kind, self.positive_evidence(counts, &words)));
        let best = scored.max_by(|(_, one), (_, other)| one.total_cmp(other));
        best.map(|(kind, _)| kind.as_str())
    }
}

fn distinct_words(text: &str) -> BTreeSet<String> {
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
    fn most_stories_of_another_seed_are_classified_by_their_last_words() {
        let world = World::new().unwrap();
        let endings = EndingClassifier::fit(&world);
        let stories = (0..300).map(|index| world.story(5, index));
        let whole: Vec<_> = stories
            .filter(|story| !story.text.contains("***"))
            .collect();
        let right = whole
            .iter()
            .filter(|story| endings.most_probable(&story.text) == Some(&story.labels.ending));
        let share = right.count() as f64 / whole.len() as f64;
        assert!(share > 0.8, "{share}");
    }

    #[test]
    fn a_kinds_own_stories_end_clearly_and_others_do_not() {
        let world = World::new().unwrap();
        let endings = EndingClassifier::fit(&world);
        let (mut own, mut other, mut count) = (0.0, 0.0, 0.0);
        for index in 0..300 {
            let story = world.story(5, index);
            if story.labels.ending.starts_with("happy") && !story.text.contains("***") {
                own += endings.clearness(&story.labels.ending, &story.text);
                other += endings.clearness("sad_rain", &story.text);
                count += 1.0;
            }
        }
        assert!(own / count > 0.75, "{}", own / count);
        assert!(other / count < 0.25, "{}", other / count);
        assert_eq!(endings.clearness("no such kind", "They danced."), 0.0);
    }

    #[test]
    fn words_that_no_ending_has_are_evidence_for_none() {
        let endings = EndingClassifier::fit(&World::new().unwrap());
        for kind in endings.by_kind.keys() {
            assert_eq!(endings.score(kind, "quux zzyzx"), 0.0, "{kind}");
            assert_eq!(endings.score(kind, "53"), 0.0, "{kind}");
        }
    }

    #[test]
    fn a_text_without_words_has_no_evidence() {
        let endings = EndingClassifier::fit(&World::new().unwrap());
        assert_eq!(endings.score("wedding", " ... "), 0.0);
        assert_eq!(endings.score("no such ending", "a dog"), 0.0);
    }
}
