//! The list of attractors, and the file that it is read from.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use words::words;

/// A kind of ending that chains fall into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attractor {
    /// Short name: small letters, digits and hyphens.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// What happens, in one line.
    pub about: String,
    /// The story world's own kinds of ending that it stands for; recognition is compared with these labels. None where the
    /// world has no such ending.
    #[serde(default)]
    pub endings: Vec<String>,
    /// Its own number of words that count as a text's ending, where that differs from the catalogue's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending_words: Option<usize>,
    /// Words and sequences of words that mark it.
    pub phrases: Vec<String>,
}

/// Attractors in the order in which they outweigh each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    ending_words: usize,
    attractors: Vec<Attractor>,
    /// By the letter that they begin with, so that a word is compared with few; those of most words first.
    pub(crate) phrases: BTreeMap<char, Vec<Phrase>>,
}

/// A phrase, ready to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phrase {
    pub(crate) attractor: usize,
    pub(crate) words: Vec<Pattern>,
}

/// What one word of a text must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    Whole(String),
    Stem(String),
}

/// A text that is no catalogue.
#[derive(Debug, Error)]
pub enum CatalogueError {
    /// Not JSON, or other fields.
    #[error(
        "not a catalogue of attractors (expected \"about\", \"ending_words\" and \"attractors\"): {0}"
    )]
    Json(#[from] serde_json::Error),
    /// Nothing to recognise, or nowhere to look.
    #[error("a catalogue needs at least one attractor, and an ending of at least one word")]
    Empty,
    /// A name that cannot be used.
    #[error(
        "the attractor \"{0}\" needs a name of small letters, digits and hyphens that no other has"
    )]
    Name(String),
    /// An attractor that no text could reach.
    #[error("the attractor \"{0}\" has no phrases")]
    NoPhrases(String),
    /// A phrase that no text could contain, or that two attractors claim.
    #[error(
        "the phrase \"{phrase}\" of \"{attractor}\" {problem}: write words in lower case, parted by one space, a * only at \
         the end of a word, and each phrase once"
    )]
    Phrase {
        /// Whose it is.
        attractor: String,
        /// As it is written.
        phrase: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "about")]
    _about: String,
    ending_words: usize,
    attractors: Vec<Attractor>,
}

impl Catalogue {
    /// Reads a catalogue's file.
    ///
    /// # Errors
    /// When it is no such file, a name or phrase is used twice, or a phrase could not be found in any text.
    pub fn from_json(json: &str) -> Result<Self, CatalogueError> {
        let File {
            ending_words,
            attractors,
            ..
        } = serde_json::from_str(json)?;
        let none = |attractor: &Attractor| attractor.ending_words == Some(0);
        if attractors.is_empty() || ending_words == 0 || attractors.iter().any(none) {
            return Err(CatalogueError::Empty);
        }
        let (mut names, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut phrases: BTreeMap<char, Vec<Phrase>> = BTreeMap::new();
        for (index, attractor) in attractors.iter().enumerate() {
            let name = &attractor.name;
            let plain = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '-');
            if name.is_empty() || !name.chars().all(plain) || !names.insert(name) {
                return Err(CatalogueError::Name(name.clone()));
            }
            if attractor.phrases.is_empty() {
                return Err(CatalogueError::NoPhrases(name.clone()));
            }
            for phrase in &attractor.phrases {
                let wrong = |problem| CatalogueError::Phrase {
                    attractor: name.clone(),
                    phrase: phrase.clone(),
                    problem,
                };
                let patterns: Option<Vec<Pattern>> = phrase.split(' ').map(Pattern::read).collect();
                let (Some(words), Some(letter)) = (patterns, phrase.chars().next()) else {
                    return Err(wrong("is not made of words"));
                };
                if !seen.insert(phrase) {
                    return Err(wrong("stands in the catalogue twice"));
                }
                phrases.entry(letter).or_default().push(Phrase {
                    attractor: index,
                    words,
                });
            }
        }
        // The longest first; a stable sort keeps the catalogue's order among equals.
        for list in phrases.values_mut() {
            list.sort_by_key(|phrase| Reverse(phrase.words.len()));
        }
        Ok(Self {
            ending_words,
            attractors,
            phrases,
        })
    }

    /// All attractors, in the catalogue's order.
    pub fn attractors(&self) -> &[Attractor] {
        &self.attractors
    }

    /// Among how many of a text's last words a mark of an attractor says that the text ends in it.
    ///
    /// # Panics
    /// When there is no such attractor.
    pub fn ending_words(&self, attractor: usize) -> usize {
        let own = self.attractors[attractor].ending_words;
        own.unwrap_or(self.ending_words)
    }

    /// Where the attractor of this name stands.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.attractors
            .iter()
            .position(|attractor| attractor.name == name)
    }
}

impl Pattern {
    /// One word of a phrase, if a word of a text can be like it.
    fn read(text: &str) -> Option<Self> {
        let (stem, open) = text
            .strip_suffix('*')
            .map_or((text, false), |stem| (stem, true));
        let found = words(stem);
        let [word] = found.as_slice() else {
            return None;
        };
        if word.text != stem {
            return None;
        }
        let stem = stem.to_owned();
        Some(if open {
            Self::Stem(stem)
        } else {
            Self::Whole(stem)
        })
    }

    pub(crate) fn fits(&self, word: &str) -> bool {
        match self {
            Self::Whole(whole) => word == whole,
            Self::Stem(stem) => word.starts_with(stem.as_str()),
        }
    }
}
