//! The catalogue of attractors, and the JSON file it is loaded from.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use words::words;

/// The last sentences of a story that are its ending, where the file does not say: the longest endings of the story world have as
/// many from the first word that tells the kind.
const ENDING_SENTENCES: usize = 5;

/// An attractor: a kind of ending that many stories share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attractor {
    /// Short name: small letters, digits and hyphens.
    pub name: String,
    /// Display name.
    pub title: String,
    /// What happens, in one line.
    pub about: String,
    /// The story world's labels that it stands for; recognition is validated against them. Empty where the world has no such ending.
    #[serde(default)]
    pub endings: Vec<String>,
    /// Of an earlier version, read and not used.
    #[serde(default, skip_serializing)]
    ending_words: Option<usize>,
    /// Whether it tells only how a story feels as it closes ("everyone was happy"), and not what happens in it: it decides the ending
    /// where nothing that happens does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mood: bool,
    /// Words and sequences of words that tell it.
    pub phrases: Vec<String>,
}

/// Attractors with their phrases. Their order decides nothing but the order of display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    ending_sentences: usize,
    attractors: Vec<Attractor>,
    /// By first letter, so that a word is compared with few; those of most words first.
    pub(crate) phrases: BTreeMap<char, Vec<Phrase>>,
}

/// A parsed phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phrase {
    pub(crate) attractor: usize,
    pub(crate) words: Vec<Pattern>,
}

/// Pattern of one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    Whole(String),
    Stem(String),
}

/// Why a text is not a catalogue.
#[derive(Debug, Error)]
pub enum CatalogueError {
    /// Not JSON, or other fields.
    #[error(
        "not a catalogue of attractors (expected \"about\", \"ending_sentences\" and \"attractors\"): {0}"
    )]
    Json(#[from] serde_json::Error),
    /// Nothing to recognise, or nowhere to look.
    #[error("a catalogue needs at least one attractor, and an ending of at least one sentence")]
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
    #[serde(default = "default_ending_sentences")]
    ending_sentences: usize,
    /// Of an earlier version, read and not used.
    #[serde(default, rename = "ending_words")]
    _ending_words: Option<usize>,
    attractors: Vec<Attractor>,
}

fn default_ending_sentences() -> usize {
    ENDING_SENTENCES
}

impl Catalogue {
    /// Parses a catalogue's file.
    ///
    /// # Errors
    /// When it is no such file, a name or phrase is used twice, or a phrase could not be found in any text.
    pub fn from_json(json: &str) -> Result<Self, CatalogueError> {
        let File {
            ending_sentences,
            attractors,
            ..
        } = serde_json::from_str(json)?;
        if attractors.is_empty() || ending_sentences == 0 {
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
        // The longest first.
        for list in phrases.values_mut() {
            list.sort_by_key(|phrase| Reverse(phrase.words.len()));
        }
        Ok(Self {
            ending_sentences,
            attractors,
            phrases,
        })
    }

    /// All attractors, in the catalogue's order.
    pub fn attractors(&self) -> &[Attractor] {
        &self.attractors
    }

    /// How many of a story's last sentences are its ending.
    pub fn ending_sentences(&self) -> usize {
        self.ending_sentences
    }

    /// The position of the attractor of this name.
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
