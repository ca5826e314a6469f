//! Folders and adapters as other programs write them: what means what is computed here opens with the logits of `transformers` and
//! PEFT, what does not is refused by the field or tensor that asks for more.

#![allow(clippy::unwrap_used)] // a test that fails to unwrap has failed

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use common::rows;
use decoding::{Shaping, shape};
use serde_json::{Value, json};
use transformer::device::cpu;
use transformer::{
    Adapter, AdapterError, AdapterFiles, LoadError, ModelFiles, Pipeline, Plan, Swarm,
};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/elsewhere")
}

/// A case's folder, with the files that it shares with another beside its own.
fn folder(case: &str, shared: &str) -> PathBuf {
    // Tests run side by side: each call has a folder of its own.
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let whole = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("elsewhere-{call}"));
    let _ = fs::remove_dir_all(&whole);
    fs::create_dir_all(&whole).unwrap();
    let own = fixtures().join(case);
    let is_sharded = own.join("model.safetensors.index.json").exists();
    for from in [fixtures().join(shared), own] {
        for file in fs::read_dir(from).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), whole.join(file.file_name())).unwrap();
        }
    }
    if is_sharded {
        fs::remove_file(whole.join("model.safetensors")).unwrap();
    }
    whole
}

fn open(case: &str) -> Result<Pipeline, LoadError> {
    Pipeline::load(&ModelFiles::load_from_dir(&folder(case, "base"))?, &cpu())
}

fn open_adapter(case: &str) -> Result<Pipeline, AdapterError> {
    let mut pipeline = open("base").unwrap();
    let files = AdapterFiles::load_from_dir(&folder(case, "plain-adapter"))?;
    let adapter = Adapter::load(&files, &pipeline.model)?;
    pipeline.model = pipeline.model.with_adapter(&adapter);
    Ok(pipeline)
}

/// The logits after a prompt.
fn logits(pipeline: &Pipeline, prompt: &str) -> Vec<f32> {
    let tokens = pipeline.encode_prompt(prompt, 0).unwrap();
    rows(pipeline.model.prefill(&tokens).logits).remove(0)
}

/// Compares the five top tokens with those of `expected.json`.
#[track_caller]
fn agrees(case: &str, pipeline: &Pipeline, key: &str, prompt: &str) {
    let expected: Value =
        serde_json::from_slice(&fs::read(fixtures().join("expected.json")).unwrap()).unwrap();
    let row = logits(pipeline, prompt);
    let distribution = shape(&row, &[], &Shaping::default());
    let listed = expected[key]
        .as_array()
        .unwrap_or_else(|| panic!("no `{key}`"));
    assert_eq!(listed.len(), 5);
    for (token, (id, p)) in listed.iter().zip(distribution.ranked(5)) {
        assert_eq!(token["id"], id, "{case}");
        let logit = f64::from(row[id as usize]);
        assert!(
            (token["logit"].as_f64().unwrap() - logit).abs() <= 1e-3,
            "{case}: {logit}"
        );
        assert!(
            (token["p"].as_f64().unwrap() - p).abs() <= 1e-4,
            "{case}: {p}"
        );
    }
}

const BASE: &str = "base, prompt 'ab' (with BOS 0)";

#[test]
fn other_spellings_of_the_same_model_open_as_it() {
    for case in [
        "base",
        "M3/sharded",
        "M3/compiled-names",
        "M3/bare-names",
        "M4/extra-empty",
        "M4/extra-f4",
        "M4/extra-f8-e8m0",
        "M4/extra-unknown-type",
        "M4/metadata-empty",
        "M4/metadata-null",
        "M4/no-metadata",
        "M5/bom",
        "M5/dtype-new-name",
        "M5/infinity-elsewhere",
        "M5/nulls",
        "M5/rope-scaling-default",
        "M5/rope-scaling-empty",
        "M5/rope-scaling-old-default",
        "M5/rope-theta-int",
        "M5/rope-theta-only-nested",
        "M5/swish",
    ] {
        let pipeline = open(case).unwrap_or_else(|error| panic!("{case}: {error}"));
        agrees(case, &pipeline, BASE, "ab");
    }
}

#[test]
fn the_nested_theta_counts() {
    let case = "M5/theta-500000-nested-10000-outside";
    agrees(
        case,
        &open(case).unwrap(),
        "M5 theta-500000-nested-10000-outside",
        "ab",
    );
}

#[test]
fn adapters_are_computed_as_peft_computes_them() {
    let plain = "base + plain-adapter (scale 2)";
    for (case, key) in [
        ("plain-adapter", plain),
        ("A3/regex-targets", plain),
        ("A3/full-paths", plain),
        ("A3/default-in-name", plain),
        ("A3/no-prefix", plain),
        ("A3/integer-as-float", plain),
        ("A2/rslora", "A2 rslora, if computed (scale 8/sqrt 4 = 4)"),
        ("A2/alpha-pattern", "A2 alpha-pattern, if computed"),
    ] {
        let pipeline = open_adapter(case).unwrap_or_else(|error| panic!("{case}: {error}"));
        agrees(case, &pipeline, key, "ab");
    }
}

#[test]
fn what_asks_for_more_or_is_damaged_is_refused_by_its_name() {
    for (case, words) in [
        (
            "M4/metadata-number",
            &["metadata `step` is 300", "text"][..],
        ),
        ("M4/trailing-bytes", &["bytes follow after its last tensor"]),
        (
            "M5/must-refuse-or-explain-eos-minus-one",
            &["config.json: `eos_token_id` is -1", "below vocab_size"],
        ),
        (
            "M5/must-refuse-or-explain-partial-rotary",
            &["`partial_rotary_factor` is 0.5"],
        ),
        (
            "M5/must-refuse-or-explain-quantized",
            &["`quantization_config`", "fp8"],
        ),
        // Python's `tokenizers` refuses it with the same words.
        (
            "T3/metaspace-old-false",
            &[
                "tokenizer.json",
                "add_prefix_space does not match declared prepend_scheme",
            ],
        ),
    ] {
        let error = match case.strip_prefix("T3/") {
            None => open(case).err(),
            Some(_) => tokenizer(case).err(),
        };
        let said = error.unwrap_or_else(|| panic!("{case} opens")).to_string();
        for word in words {
            assert!(
                said.contains(word),
                "{case}: `{said}` does not say `{word}`"
            );
        }
    }
}

#[test]
fn beginning_and_end_are_those_of_the_folder() {
    let without_end = open("M5/eos-null").unwrap();
    assert!(without_end.model.config().eos_token_id.is_empty());
    let without_beginning = open("M5/bos-null").unwrap();
    assert_eq!(without_beginning.model.config().bos_token_id, None);
    // Ids as Python's `tokenizers` gives them.
    assert_eq!(without_beginning.tokenizer.encode("ab").unwrap(), [98, 99]);
    assert_eq!(
        open("base").unwrap().tokenizer.encode("ab").unwrap(),
        [0, 98, 99]
    );
    assert_eq!(
        open("base")
            .unwrap()
            .tokenizer
            .encode("x <|endoftext|>y")
            .unwrap(),
        [0, 121, 33, 0, 122]
    );
}

#[test]
fn any_of_several_ends_ends_a_text_at_once() {
    for case in ["M6/list-in-config", "M6/list-in-generation-config"] {
        let pipeline = open(case).unwrap();
        assert_eq!(pipeline.model.config().eos_token_id, [1, 2], "{case}");
        let plan = Plan {
            shaping: serde_json::from_value(json!({"temperature": 0.0})).unwrap(),
            seed: 1,
            length: 20,
        };
        let prompt = pipeline.encode_prompt("a", 20).unwrap();
        let mut swarm = pollster::block_on(Swarm::start(&pipeline.model, prompt, 1, plan)).unwrap();
        while !swarm.is_done() {
            pollster::block_on(swarm.step()).unwrap();
        }
        let tokens: Vec<u32> = swarm.picked(0).iter().map(|picked| picked.token).collect();
        assert_eq!(tokens.len(), 1, "{case}");
        assert!(pipeline.model.config().ends_text(tokens[0]), "{case}");
    }
}

#[test]
fn ids_without_a_token_are_shown_as_such() {
    let pipeline = open("T2").unwrap();
    let vocabulary = pipeline.model.config().vocab_size as u32;
    assert!(vocabulary > 262);
    assert_eq!(pipeline.tokenizer.decode(&[98, 262]), "a⟨262⟩");
    assert_eq!(pipeline.tokenizer.bytes()[262], "⟨262⟩".as_bytes());
}

fn tokenizer(case: &str) -> Result<transformer::Tokenizer, LoadError> {
    let own = folder(case, "base");
    let config = transformer::LlamaConfig::parse(&fs::read(own.join("config.json")).unwrap())?;
    transformer::Tokenizer::parse(&fs::read(own.join("tokenizer.json")).unwrap(), &config)
}

#[test]
fn tokenizers_give_the_ids_of_tokenizers_in_python() {
    type Ids = &'static [(&'static str, &'static [u32])];
    let cases: [(&str, Ids); 5] = [
        (
            "T3/added-non-ascii",
            &[("a b", &[98, 33, 99]), ("đêm Ö x", &[260, 33, 121])],
        ),
        (
            "T3/merges-as-strings",
            &[("he the <s> x", &[258, 259, 33, 61, 116, 63, 33, 121])],
        ),
        (
            "T3/metaspace-always-no-old-field",
            &[
                ("a b", &[267, 259, 261]),
                (" ab", &[267, 261]),
                (
                    "he the <s> x",
                    &[266, 263, 259, 119, 262, 263, 259, 1, 259, 123],
                ),
            ],
        ),
        (
            "T3/metaspace-first",
            &[
                ("ab", &[267, 261]),
                (
                    "đêm Ö x",
                    &[259, 199, 148, 198, 173, 112, 259, 198, 153, 259, 123],
                ),
            ],
        ),
        (
            "T3/metaspace-never",
            &[
                ("ab", &[260, 261]),
                (" ab", &[267, 261]),
                ("a b", &[260, 259, 261]),
            ],
        ),
    ];
    for (case, texts) in cases {
        let tokenizer = tokenizer(case).unwrap_or_else(|error| panic!("{case}: {error}"));
        for (text, ids) in texts {
            assert_eq!(tokenizer.encode(text).unwrap(), *ids, "{case}, {text:?}");
        }
    }
}

#[test]
fn every_filter_keeps_what_the_ladder_of_halves_says() {
    let pipeline = open("S2").unwrap();
    agrees("S2", &pipeline, "S2 ladder, no knobs", "x");
    let row = logits(&pipeline, "x");
    let text = |id: u32| pipeline.tokenizer.decode(&[id]);
    for (knobs, kept) in [
        (json!({"top_p": 0.74}), "ab"),
        (json!({"top_p": 0.76}), "abc"),
        (json!({"top_k": 4}), "abcde"),
        (json!({"min_p": 0.13}), "abc"),
        (json!({"min_p": 1.0}), "a"),
        (json!({"typical_p": 0.2}), "b"),
        (json!({"typical_p": 0.3}), "ab"),
        (json!({"typical_p": 0.76}), "abc"),
        (json!({"typical_p": 0.9}), "abcde"),
        (json!({"temperature": 0.5, "top_p": 0.9}), "ab"),
    ] {
        let shaping: Shaping = serde_json::from_value(knobs.clone()).unwrap();
        let distribution = shape(&row, &[], &shaping);
        let left = distribution
            .ranked(row.len())
            .into_iter()
            .filter(|(_, p)| *p > 0.0);
        let mut left: Vec<String> = left.map(|(id, _)| text(id)).collect();
        left.sort();
        assert_eq!(left.concat(), kept, "{knobs}");
    }
    let even = Shaping::default()
        .with_temperature(f64::INFINITY)
        .unwrap()
        .with_top_k(3);
    let distribution = shape(&row, &[], &even);
    let top = distribution.ranked(3);
    assert_eq!(
        top.iter().map(|(id, _)| text(*id)).collect::<String>(),
        "abc"
    );
    assert!(top.iter().all(|(_, p)| (p - 1.0 / 3.0).abs() < 1e-12));
}

#[test]
fn files_that_are_something_else_are_named_with_what_to_do() {
    let whole = folder("base", "base");
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 34400\n";
    let weights = fs::read(whole.join("model.safetensors")).unwrap();
    let cut = &weights[..weights.len() - 1000];
    let count = format!("cut: {} of {} bytes", cut.len(), weights.len());
    for (name, bytes, words) in [
        (
            "model.safetensors",
            &lfs[..],
            &[
                "model.safetensors is damaged",
                "Git LFS pointer",
                "git lfs pull",
            ][..],
        ),
        ("config.json", lfs, &["config.json", "Git LFS pointer"]),
        (
            "tokenizer.json",
            lfs,
            &["tokenizer.json", "Git LFS pointer"],
        ),
        (
            "model.safetensors",
            b"<!DOCTYPE html><html>",
            &["web page", "download link"],
        ),
        (
            "model.safetensors",
            b"PK\x03\x04archive",
            &["zip archive", "save_pretrained"],
        ),
        ("model.safetensors", cut, &[&count]),
        (
            "config.json",
            b"\xFF\xFE{\0}\0",
            &["UTF-16", "save it as UTF-8"],
        ),
    ] {
        let mut files = ModelFiles::load_from_dir(&whole).unwrap();
        let place = match name {
            "config.json" => &mut files.config,
            "tokenizer.json" => &mut files.tokenizer,
            _ => &mut files.weights,
        };
        *place = bytes.to_vec();
        let said = Pipeline::load(&files, &cpu()).err().unwrap().to_string();
        for word in words {
            assert!(
                said.contains(word),
                "{name}: `{said}` does not say `{word}`"
            );
        }
    }
    fs::rename(
        whole.join("model.safetensors"),
        whole.join("pytorch_model.bin"),
    )
    .unwrap();
    let said = ModelFiles::load_from_dir(&whole).err().unwrap().to_string();
    assert!(
        said.contains("pytorch_model.bin") && said.contains("save_pretrained"),
        "{said}"
    );
    fs::remove_file(whole.join("pytorch_model.bin")).unwrap();
    fs::write(
        whole.join("model.safetensors.index.json"),
        "{\"weight_map\": {\"a\": \"../b\"}}",
    )
    .unwrap();
    let said = ModelFiles::load_from_dir(&whole).err().unwrap().to_string();
    assert!(said.contains("no file of this folder"), "{said}");
}
