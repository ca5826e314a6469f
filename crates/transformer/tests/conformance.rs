//! Models written by Hugging Face's `transformers` open here and give its logits, its greedy continuations and its token
//! ids. The fixtures, and what is expected of them, come from `tests/python/make_llama_fixtures.py`.

#![allow(clippy::unwrap_used)] // a test that fails to unwrap has failed

mod common;

use std::path::Path;

use common::{relative_difference, rows};
use serde::Deserialize;
use transformer::{ModelFiles, Pipeline, Tokenizer};

const MODELS: [&str; 3] = ["grouped_tied_f16", "plain_untied_f32", "odd_untied_bf16"];

#[derive(Deserialize)]
struct Expected {
    sequences: Vec<Sequence>,
    greedy: Greedy,
    texts: Vec<Text>,
}

#[derive(Deserialize)]
struct Sequence {
    tokens: Vec<u32>,
    last_rows: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Greedy {
    prompt: Vec<u32>,
    tokens: Vec<u32>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
    ids: Vec<u32>,
}

fn open(name: &str) -> (Pipeline, Expected) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    let files = ModelFiles::load_from_dir(&folder).unwrap();
    let expected = std::fs::read(folder.join("expected.json")).unwrap();
    let pipeline = Pipeline::load(&files, &transformer::device::cpu()).unwrap();
    (pipeline, serde_json::from_slice(&expected).unwrap())
}

#[test]
fn logits_agree_with_transformers_to_a_ten_thousandth_of_the_spread() {
    for name in MODELS {
        let (pipeline, expected) = open(name);
        assert!(expected.sequences.len() > 2);
        for Sequence { tokens, last_rows } in expected.sequences {
            let ours = rows(pipeline.model.forward_logits(&tokens));
            let ours = &ours[tokens.len() - last_rows.len()..];
            for (ours, theirs) in ours.iter().zip(&last_rows) {
                let difference = relative_difference(ours, theirs);
                assert!(
                    difference <= 1e-4,
                    "{name}, {} tokens: {difference:e} of the spread",
                    tokens.len()
                );
            }
        }
    }
}

#[test]
fn greedy_continuations_are_those_of_transformers() {
    for name in MODELS {
        let (pipeline, Expected { greedy, .. }) = open(name);
        let prefix = pipeline.model.prefill(&greedy.prompt);
        let mut batch = pipeline.model.start_batch(&prefix, 1, greedy.tokens.len());
        let mut row = rows(prefix.logits).remove(0);
        for (index, &expected) in greedy.tokens.iter().enumerate() {
            let best = (0..row.len())
                .max_by(|&a, &b| row[a].total_cmp(&row[b]))
                .unwrap() as u32;
            assert_eq!(best, expected, "{name}, token {index}");
            row = rows(pipeline.model.step(&mut batch, &[best])).remove(0);
        }
    }
}

#[test]
fn texts_become_the_ids_of_tokenizers() {
    for name in MODELS {
        let (pipeline, expected) = open(name);
        assert!(expected.texts.len() > 10);
        for Text { text, ids } in expected.texts {
            assert_eq!(
                pipeline.tokenizer.encode(&text).unwrap(),
                ids,
                "{name}, {text:?}"
            );
        }
    }
}

/// A tokenizer that keeps every byte of a text, and what it puts before a text.
fn lossless() -> [(Tokenizer, Vec<Text>, &'static str); 2] {
    [("grouped_tied_f16", ""), ("odd_untied_bf16", " ")].map(|(name, before)| {
        let (pipeline, expected) = open(name);
        (pipeline.tokenizer, expected.texts, before)
    })
}

#[test]
fn decoding_gives_the_text_back() {
    for (vocabulary, texts, before) in lossless() {
        for Text { text, ids } in texts {
            let expected = if ids.is_empty() {
                String::new()
            } else {
                format!("{before}{text}")
            };
            assert_eq!(vocabulary.decode(&ids), expected);
        }
    }
}

#[test]
fn the_bytes_of_tokens_are_the_bytes_of_the_text() {
    for (vocabulary, texts, before) in lossless() {
        for Text { text, ids } in texts.iter().filter(|text| !text.ids.is_empty()) {
            let bytes: Vec<u8> = ids
                .iter()
                .flat_map(|&id| vocabulary.bytes()[id as usize].clone())
                .collect();
            assert_eq!(bytes, format!("{before}{text}").as_bytes());
        }
    }
}

#[test]
fn half_a_letter_decodes_to_the_replacement_character() {
    let [(vocabulary, texts, _), _] = lossless();
    let fox = texts
        .iter()
        .find(|text| text.text.starts_with('🦊'))
        .unwrap();
    // Four bytes, none of which the small vocabulary merges.
    assert_eq!(vocabulary.decode(&fox.ids[..4]), "🦊");
    assert_eq!(vocabulary.decode(&fox.ids[..3]), "\u{FFFD}");
    assert_eq!(
        vocabulary.decode(&[1_000_000]),
        "",
        "an unknown id is left out"
    );
}
