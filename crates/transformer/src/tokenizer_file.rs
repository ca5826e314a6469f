//! What of `tokenizer.json` is used, and which of it is sound.
//!
//! The crate `tokenizers` trusts its file: some of its parts panic, and a few hundred bytes of others make millions of tokens of
//! one word. Here it gets a file that is written anew from the checked one: only the parts that turn text into tokens, and in
//! them only what the BPE tokenizers of Llama-type models do. No step makes a text longer than a small multiple, since each
//! comes once; those that may come again, `Replace` and `Split`, never lengthen it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::LoadError;
use crate::file_kind::{is_off, json_object_of_last};
use crate::template::tokens_before_text;

/// Parts that the crate reads.
const PARTS: [&str; 5] = [
    "version",
    "added_tokens",
    "normalizer",
    "pre_tokenizer",
    "model",
];

/// Parts that are read here, or that change no token: prompts are neither cut nor padded, and the bytes of tokens are known.
const OTHER_PARTS: [&str; 4] = ["truncation", "padding", "post_processor", "decoder"];

/// Decoders whose text is that of the tokens' bytes.
const DECODERS: [&str; 6] = [
    "ByteLevel",
    "Metaspace",
    "Replace",
    "ByteFallback",
    "Fuse",
    "Strip",
];

/// Parts of a model that are read or checked.
const MODEL_PARTS: [&str; 10] = [
    "type",
    "dropout",
    "unk_token",
    "continuing_subword_prefix",
    "end_of_word_suffix",
    "fuse_unk",
    "byte_fallback",
    "ignore_merges",
    "vocab",
    "merges",
];

/// Parts of an added token.
const TOKEN_PARTS: [&str; 7] = [
    "id",
    "content",
    "single_word",
    "lstrip",
    "rstrip",
    "normalized",
    "special",
];

/// Several times what any known tokenizer has; a regular expression may take megabytes.
const MOST_STEPS: usize = 32;

/// Steps that a text goes through, one after the other.
struct Steps {
    part: &'static str,
    /// Where a `Sequence` lists them.
    list: &'static str,
    kinds: &'static [&'static str],
    /// The kind that may come more than once.
    repeated: &'static str,
}

const NORMALIZER: Steps = Steps {
    part: "normalizer",
    list: "normalizers",
    kinds: &[
        "NFC",
        "NFD",
        "NFKC",
        "NFKD",
        "Lowercase",
        "Prepend",
        "Replace",
    ],
    repeated: "Replace",
};

const PRE_TOKENIZER: Steps = Steps {
    part: "pre_tokenizer",
    list: "pretokenizers",
    kinds: &[
        "ByteLevel",
        "Metaspace",
        "Digits",
        "Punctuation",
        "Whitespace",
        "WhitespaceSplit",
        "Split",
    ],
    repeated: "Split",
};

/// A checked `tokenizer.json`.
pub struct TokenizerFile {
    /// What `tokenizers` reads.
    pub json: Vec<u8>,
    /// Whether tokens spell bytes in GPT-2's alphabet, and not in SentencePiece's.
    pub byte_level: bool,
    /// What the template puts before a text.
    pub before_text: Vec<u32>,
}

impl TokenizerFile {
    /// Keeps what turns text into tokens.
    ///
    /// # Errors
    /// When the file is no JSON, or asks for what the tokenizers of Llama-type models do not do.
    pub fn parse(json: &[u8], vocab_size: usize) -> Result<Self, LoadError> {
        let mut file =
            json_object_of_last(json).map_err(|problem| LoadError::Tokenizer { problem })?;
        for (part, value) in &file {
            let known = PARTS.contains(&part.as_str()) || OTHER_PARTS.contains(&part.as_str());
            if !known && !is_off(value) {
                let found = format!("a part `{part}`");
                return Err(refuse(
                    "file",
                    found,
                    "the parts that `tokenizers` 0.23 writes",
                ));
            }
        }
        let null = Value::Null;
        let processor = file.get("post_processor").unwrap_or(&null);
        let before_text = tokens_before_text(processor, vocab_size)?;
        check_decoder(file.get("decoder").unwrap_or(&null))?;
        for token in file
            .get("added_tokens")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            check_fields("added_tokens", token, &TOKEN_PARTS)?;
        }
        file.retain(|part, _| PARTS.contains(&part.as_str()));
        for step in NORMALIZER.of(&file)? {
            check_growth(step)?;
        }
        let steps = PRE_TOKENIZER.of(&file)?;
        let byte_level = steps.iter().any(|step| step["type"] == "ByteLevel");
        if let Some(Value::Object(model)) = file.get_mut("model") {
            // Merges left out by chance are for training; two readers of a text would get other tokens.
            model.remove("dropout");
            check_model(model)?;
            check_fields("model", &Value::Object(without_tables(model)), &MODEL_PARTS)?;
        }
        Ok(Self {
            json: serde_json::to_vec(&file).map_err(|error| damaged(&error))?,
            byte_level,
            before_text,
        })
    }
}

/// The small fields of a model.
fn without_tables(model: &Map<String, Value>) -> Map<String, Value> {
    let small = model
        .iter()
        .filter(|(part, _)| !["vocab", "merges"].contains(&part.as_str()));
    small
        .map(|(part, value)| (part.clone(), value.clone()))
        .collect()
}

fn check_fields(part: &'static str, value: &Value, known: &[&str]) -> Result<(), LoadError> {
    let fields = value.as_object().into_iter().flatten();
    let mut unknown =
        fields.filter(|(field, value)| !known.contains(&field.as_str()) && !is_off(value));
    match unknown.next() {
        None => Ok(()),
        Some((field, _)) => {
            let found = format!("a field `{field}`");
            Err(refuse(
                part,
                found,
                format!("no others than {}", known.join(", ")),
            ))
        }
    }
}

/// Texts are shown by the bytes of their tokens; a decoder that would show them otherwise is refused.
fn check_decoder(decoder: &Value) -> Result<(), LoadError> {
    if decoder.is_null() {
        return Ok(());
    }
    if decoder["type"] == "Sequence" {
        let steps = decoder["decoders"].as_array().into_iter().flatten();
        return steps.into_iter().try_for_each(check_decoder);
    }
    let kind = decoder["type"].as_str().unwrap_or("a step without a type");
    if DECODERS.contains(&kind) {
        Ok(())
    } else {
        let expected = format!("none but {}", DECODERS.join(", "));
        Err(refuse("decoder", kind.to_owned(), expected))
    }
}

fn damaged(error: &serde_json::Error) -> LoadError {
    LoadError::Tokenizer {
        problem: error.to_string(),
    }
}

fn refuse(part: &'static str, found: String, expected: impl Into<String>) -> LoadError {
    LoadError::OtherTokenizer {
        part,
        found,
        expected: expected.into(),
    }
}

impl Steps {
    /// The steps of a file, each of a kind that is known, none too often.
    fn of<'a>(&self, file: &'a Map<String, Value>) -> Result<Vec<&'a Value>, LoadError> {
        let mut steps = Vec::new();
        self.flatten(file.get(self.part).unwrap_or(&Value::Null), &mut steps)?;
        if steps.len() > MOST_STEPS {
            let found = format!("{} steps", steps.len());
            return Err(refuse(self.part, found, format!("at most {MOST_STEPS}")));
        }
        let mut kinds = BTreeSet::new();
        for step in &steps {
            let kind = step["type"].as_str().unwrap_or("a step without a type");
            if !self.kinds.contains(&kind) {
                let expected = format!("none but {}", self.kinds.join(", "));
                return Err(refuse(self.part, kind.to_owned(), expected));
            }
            if !kinds.insert(kind) && kind != self.repeated {
                return Err(refuse(
                    self.part,
                    format!("{kind} twice"),
                    format!("each step once, but for {}", self.repeated),
                ));
            }
        }
        Ok(steps)
    }

    /// Takes sequences apart. JSON nests no deeper than its parser, which refuses 128 levels.
    fn flatten<'a>(&self, step: &'a Value, steps: &mut Vec<&'a Value>) -> Result<(), LoadError> {
        if step["type"] == "Sequence" {
            let list = step[self.list].as_array().ok_or_else(|| {
                let expected = format!("one with a list `{}`", self.list);
                refuse(self.part, "a Sequence".to_owned(), expected)
            })?;
            for step in list {
                self.flatten(step, steps)?;
            }
        } else if !step.is_null() {
            steps.push(step);
        }
        Ok(())
    }
}

/// A text may grow by the one sign that SentencePiece puts before it, and not where something is replaced.
fn check_growth(step: &Value) -> Result<(), LoadError> {
    let letters = |text: &Value| text.as_str().map(|text| text.chars().count());
    let grows = match step["type"].as_str() {
        Some("Prepend") => letters(&step["prepend"]) != Some(1),
        Some("Replace") => match (
            letters(&step["pattern"]["String"]),
            letters(&step["content"]),
        ) {
            (Some(old), Some(new)) => old == 0 || new > old,
            _ => true,
        },
        _ => false,
    };
    if grows {
        return Err(refuse(
            NORMALIZER.part,
            step.to_string(),
            "a Prepend of one letter, or a Replace of a `String` of one letter or more by no more letters than it has",
        ));
    }
    Ok(())
}

fn check_model(model: &Map<String, Value>) -> Result<(), LoadError> {
    let part = "model";
    // GPT-2's own file does not name the type.
    if let Some(kind) = model.get("type").filter(|kind| *kind != "BPE") {
        return Err(refuse(part, kind.to_string(), "BPE"));
    }
    for affix in ["continuing_subword_prefix", "end_of_word_suffix"] {
        if let Some(found) = model
            .get(affix)
            .filter(|affix| !affix.is_null() && *affix != "")
        {
            return Err(refuse(
                part,
                format!("the {affix} {found}"),
                "a BPE without one",
            ));
        }
    }
    let (vocabulary, merges) = (
        model.get("vocab").unwrap_or(&Value::Null),
        model.get("merges").unwrap_or(&Value::Null),
    );
    for merge in merges.as_array().into_iter().flatten() {
        let joined = match merge {
            // Lists of merges once began with their version.
            Value::String(pair) if pair.starts_with("#version") => continue,
            Value::String(pair) => pair.replacen(' ', "", 1),
            pair => [&pair[0], &pair[1]]
                .map(|part| part.as_str().unwrap_or_default())
                .concat(),
        };
        if vocabulary[&joined].is_null() {
            return Err(LoadError::Tokenizer {
                problem: format!(
                    "it merges {merge} into a token that its vocabulary does not have"
                ),
            });
        }
    }
    Ok(())
}
