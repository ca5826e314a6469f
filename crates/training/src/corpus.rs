//! The corpus: stories of the world, fact documents, requests, and files of openly licensed stories, as sequences of tokens.

use std::path::Path;

use sha2::{Digest, Sha256};
use tokenizers::Tokenizer;

use crate::epochs::Sequences;
use crate::error::{TrainingError, at};
use crate::facts::{Request, documents, requests, truth_table};
use crate::recipe::{Recipe, TextShare};
use crate::tokenizer::{END_OF_TEXT, END_OF_TEXT_ID};
use crate::world::World;

/// Documents, with the number of passes over each source.
pub struct Corpus {
    sources: Vec<Source>,
}

struct Source {
    documents: Vec<String>,
    passes: f64,
}

impl Corpus {
    /// Generates the world's stories, facts and requests, and reads the recipe's texts from a folder; `None` leaves the texts out.
    ///
    /// # Errors
    /// When a text is absent, unreadable, or has another hash than the recipe's.
    pub fn load(recipe: &Recipe, texts: Option<&Path>) -> Result<Self, TrainingError> {
        let world = World::new()?;
        let stories = (0..recipe.world.stories)
            .map(|index| world.story(recipe.world.seed, index).text)
            .collect();
        let mut sources = vec![Source {
            documents: stories,
            passes: 1.0,
        }];
        if let Some(share) = &recipe.facts {
            let mut documents = documents(&truth_table(), share.seed, share.documents);
            let requests = requests(&world, share.seed, share.requests);
            documents.extend(requests.map(|request| Request::document(&request)));
            sources.push(Source {
                documents,
                passes: 1.0,
            });
        }
        if let Some(folder) = texts {
            for share in &recipe.texts {
                sources.push(Source {
                    documents: read_text(share, folder)?,
                    passes: share.passes,
                });
            }
        }
        Ok(Self { sources })
    }

    /// Every document once.
    pub fn documents(&self) -> impl Iterator<Item = &str> {
        self.sources
            .iter()
            .flat_map(|source| source.documents.iter().map(String::as_str))
    }

    /// Every document as tokens. Long documents are split at line ends into sequences of at most `context` tokens, the end-of-text
    /// tokens around them included.
    ///
    /// # Errors
    /// When the tokenizer refuses a text.
    pub fn sequences(
        &self,
        tokenizer: &Tokenizer,
        context: usize,
    ) -> Result<Sequences, TrainingError> {
        let mut tokens = Vec::new();
        let mut sources = Vec::new();
        for source in &self.sources {
            let first = tokens.len();
            for document in &source.documents {
                tokens.extend(tokenize(document, tokenizer, context)?);
            }
            sources.push((first..tokens.len(), source.passes));
        }
        Ok(Sequences { tokens, sources })
    }
}

fn read_text(share: &TextShare, folder: &Path) -> Result<Vec<String>, TrainingError> {
    let path = folder.join(&share.file);
    if !path.is_file() {
        return Err(TrainingError::MissingText {
            file: share.file.clone(),
            origin: share.origin.clone(),
            folder: folder.to_owned(),
        });
    }
    let text = std::fs::read_to_string(&path).map_err(at(&path))?;
    let found = sha256(text.as_bytes());
    if found != share.sha256 {
        return Err(TrainingError::OtherText {
            path,
            found,
            expected: share.sha256.clone(),
        });
    }
    Ok(split(&text))
}

/// The documents of a file, without surrounding white space.
pub fn split(text: &str) -> Vec<String> {
    text.split(END_OF_TEXT)
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

/// The SHA-256 of some bytes, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A digest in lower-case hex.
fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// One document as sequences, each beginning with the end-of-text token; the last also ends with it.
fn tokenize(
    document: &str,
    tokenizer: &Tokenizer,
    context: usize,
) -> Result<Vec<Vec<u32>>, TrainingError> {
    let mut sequences = Vec::new();
    let mut current = vec![END_OF_TEXT_ID];
    for line in document.split_inclusive('\n') {
        let encoding = tokenizer
            .encode_fast(line, false)
            .map_err(|error| TrainingError::Tokenizer(error.to_string()))?;
        let ids = encoding.get_ids();
        if current.len() > 1 && current.len() + ids.len() >= context {
            sequences.push(std::mem::replace(&mut current, vec![END_OF_TEXT_ID]));
        }
        // Rare: a line longer than the context is truncated.
        current.extend(ids.iter().take(context - 2));
    }
    current.push(END_OF_TEXT_ID);
    sequences.push(current);
    Ok(sequences)
}
