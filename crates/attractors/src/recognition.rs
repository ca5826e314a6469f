//! What a catalogue finds in a text.

use std::ops::Range;

use words::{Word, words};

use crate::catalogue::{Catalogue, Phrase};

/// A place where a phrase of an attractor stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Its bytes in the text.
    pub at: Range<usize>,
    /// The attractor's position in the catalogue.
    pub attractor: usize,
}

/// All that a catalogue finds in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recognition {
    /// The matches, in order; no two overlap.
    pub matches: Vec<Match>,
    /// The attractor that the text ends in, by its position in the catalogue; none where no mark is near the end.
    pub ends_in: Option<usize>,
}

impl Recognition {
    /// Where an attractor is first hit: behind the last byte of its first found.
    pub fn first_hit(&self, attractor: usize) -> Option<usize> {
        let mut own = self
            .matches
            .iter()
            .filter(|found| found.attractor == attractor);
        own.next().map(|found| found.at.end)
    }
}

impl Catalogue {
    /// Reads a text. Its last word counts as it stands, though more letters may follow; behind a sentence's end nothing that comes
    /// later changes the matches.
    pub fn recognise(&self, text: &str) -> Recognition {
        let words = words(text);
        let mut recognition = Recognition::default();
        let mut next = 0;
        while next < words.len() {
            let Some(phrase) = self.phrase_at(&words[next..]) else {
                next += 1;
                continue;
            };
            let last = next + phrase.words.len() - 1;
            let attractor = phrase.attractor;
            recognition.matches.push(Match {
                at: words[next].at.start..words[last].at.end,
                attractor,
            });
            let to_end = words.len() - last;
            if to_end <= self.ending_words(attractor)
                && recognition.ends_in.is_none_or(|other| attractor < other)
            {
                recognition.ends_in = Some(attractor);
            }
            next = last + 1;
        }
        recognition
    }

    /// The phrase with which these words begin.
    fn phrase_at(&self, words: &[Word]) -> Option<&Phrase> {
        let letter = words.first()?.text.chars().next()?;
        let mut phrases = self.phrases.get(&letter)?.iter();
        phrases.find(|phrase| phrase.begins(words))
    }
}

impl Phrase {
    /// Whether these words begin with the phrase, in one sentence.
    fn begins(&self, words: &[Word]) -> bool {
        let Some(first) = words.get(..self.words.len()) else {
            return false;
        };
        let mut pairs = self.words.iter().zip(first);
        pairs.all(|(pattern, word)| pattern.fits(&word.text))
            && first[1..].iter().all(|word| !word.starts_sentence)
    }
}
