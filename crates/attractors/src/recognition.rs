//! Matches of a catalogue's phrases in a text, and the kind of ending that they decide.

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
    /// Whether it lies in the text's ending, its last sentences: only such a match can decide the
    /// kind of ending.
    pub in_ending: bool,
}

/// All matches of a catalogue in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recognition {
    /// In order; none overlap, but several attractors that claim the same words by phrases of one length match there together.
    pub matches: Vec<Match>,
    ends_in: Vec<usize>,
}

impl Recognition {
    /// Where an attractor is first hit: the end of its first match, bytes.
    pub fn first_hit(&self, attractor: usize) -> Option<usize> {
        let mut own = self.matches.iter().filter(|it| it.attractor == attractor);
        own.next().map(|it| it.at.end)
    }

    /// The attractors of the match that decides the ending: none, one, or several that claim the same words.
    pub fn ends_in(&self) -> &[usize] {
        &self.ends_in
    }

    /// The attractor of the match that decides the ending; `None` without one, or where several claim the same words.
    pub fn ends_in_one(&self) -> Option<usize> {
        match self.ends_in() {
            [one] => Some(*one),
            _ => None,
        }
    }
}

impl Catalogue {
    /// Finds all phrases in a text. Its last word counts as it stands, though more letters may follow; after the end of a sentence,
    /// later text changes no match before it, only whether the match lies in the ending.
    pub fn recognise(&self, text: &str) -> Recognition {
        let words = words(text);
        let ending = ending_start(without_formula(&words), self.ending_sentences());
        let mut matches = Vec::new();
        let mut next = 0;
        while next < words.len() {
            let found = self.phrases_at(&words[next..]);
            let Some(length) = found.first().map(|phrase| phrase.words.len()) else {
                next += 1;
                continue;
            };
            let at = words[next].at.start..words[next + length - 1].at.end;
            matches.extend(found.into_iter().map(|phrase| Match {
                at: at.clone(),
                attractor: phrase.attractor,
                in_ending: next >= ending,
            }));
            next += length;
        }
        let ends_in = self.deciding(&matches);
        Recognition { matches, ends_in }
    }

    /// The attractors of the last match in the ending that tells what happens, or else how it feels.
    fn deciding(&self, matches: &[Match]) -> Vec<usize> {
        let of = |mood: bool| {
            let such =
                move |it: &&Match| it.in_ending && self.attractors()[it.attractor].mood == mood;
            let last = matches.iter().rfind(such)?;
            let tied = matches.iter().filter(such).filter(|it| it.at == last.at);
            Some(tied.map(|it| it.attractor).collect())
        };
        of(false).or_else(|| of(true)).unwrap_or_default()
    }

    /// The longest phrases with which these words begin: one for each attractor that has a phrase of that length.
    fn phrases_at(&self, words: &[Word]) -> Vec<&Phrase> {
        let letter = words.first().and_then(|word| word.text.chars().next());
        let mut found: Vec<&Phrase> = Vec::new();
        let phrases = letter.and_then(|letter| self.phrases.get(&letter));
        for phrase in phrases.into_iter().flatten() {
            let longest = found.first().map_or(0, |first| first.words.len());
            let claimed = found.iter().any(|it| it.attractor == phrase.attractor);
            if phrase.words.len() >= longest && !claimed && phrase.begins(words) {
                found.push(phrase);
            }
        }
        found
    }
}

/// The words without a closing "The end.", which tells nothing of how a story ends.
pub(crate) fn without_formula(words: &[Word]) -> &[Word] {
    match words {
        [rest @ .., the, end] if the.starts_sentence && the.text == "the" && end.text == "end" => {
            rest
        }
        all => all,
    }
}

/// The index of the first word of the last `sentences` sentences.
fn ending_start(words: &[Word], sentences: usize) -> usize {
    let starts = words.iter().enumerate().rev();
    let mut starts = starts.filter(|(_, word)| word.starts_sentence);
    starts.nth(sentences - 1).map_or(0, |(at, _)| at)
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
