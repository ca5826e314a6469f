//! Damaged, tampered and hostile model files give an error that names file, tensor or field, what was expected and found,
//! and what to do: never a panic, and never an allocation out of proportion to the files.

#![allow(clippy::unwrap_used)] // a test that fails to unwrap has failed

mod common;

use std::path::Path;

use common::checkpoint::{Checkpoint, small};
use proptest::prelude::*;
use safetensors::Dtype;
use serde_json::{Value, json};
use transformer::device::{cpu, read_logits};
use transformer::{
    LONGEST_CONTEXT, LlamaConfig, LlamaModel, LoadError, ModelFiles, Pipeline, Tokenizer,
};

/// A sound model with a tokenizer, about 55 kB in all.
fn sound() -> ModelFiles {
    ModelFiles::load_from_dir(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/grouped_tied_f16"),
    )
    .unwrap()
}

fn load(files: &ModelFiles) -> Result<Pipeline, LoadError> {
    Pipeline::load(files, &cpu())
}

/// What an error can ask of the reader.
const ACTIONS: [&str; 4] = ["fetch", "export", "save", "choose"];

/// The refusal, in words; fails where the words do not hold all that the reader needs, or ask nothing of her.
#[track_caller]
fn refused<T>(result: Result<T, LoadError>, needed: &[&str]) {
    let Err(error) = result else {
        panic!("accepted; should name {needed:?}")
    };
    let said = error.to_string();
    for word in needed {
        assert!(said.contains(word), "`{said}` does not say `{word}`");
    }
    assert!(
        ACTIONS.iter().any(|action| said.contains(action)),
        "`{said}` does not say what to do"
    );
}

// --- config.json -----------------------------------------------------------------------------------------------------------

fn with_field(path: &str, value: Value) -> ModelFiles {
    let mut files = sound();
    let mut config: Value = serde_json::from_slice(&files.config).unwrap();
    let fields = config.as_object_mut().unwrap();
    match path.split_once('.') {
        Some((outer, inner)) => fields[outer][inner] = value,
        None => drop(fields.insert(path.to_owned(), value)),
    }
    files.config = serde_json::to_vec(&config).unwrap();
    files
}

#[test]
fn the_sound_model_opens() {
    assert_eq!(load(&sound()).unwrap().model.config().vocab_size, 320);
}

#[test]
fn what_is_not_computed_here_is_refused_by_field() {
    let cases = [
        (
            "architectures",
            json!(["GPT2LMHeadModel"]),
            "GPT2LMHeadModel",
            "LlamaForCausalLM",
        ),
        ("model_type", json!("gemma"), "gemma", "llama"),
        ("hidden_act", json!("gelu"), "gelu", "silu"),
        ("attention_bias", json!(true), "true", "false"),
        ("mlp_bias", json!(true), "true", "false"),
        (
            "rope_scaling",
            json!({"rope_type": "llama3", "factor": 8.0}),
            "llama3",
            "null",
        ),
        (
            "rope_parameters.rope_type",
            json!("yarn"),
            "yarn",
            "default",
        ),
    ];
    for (field, value, found, expected) in cases {
        refused(
            load(&with_field(field, value)),
            &["config.json", field, found, expected, "plain Llama"],
        );
    }
    let old_name = json!({"type": "linear", "factor": 2.0, "rope_theta": 10000.0});
    refused(
        load(&with_field("rope_parameters", old_name)),
        &["rope_parameters.rope_type", "linear", "default"],
    );
}

#[test]
fn sizes_that_no_network_has_are_refused_by_field() {
    let sizes = [
        "vocab_size",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "head_dim",
    ];
    for field in sizes {
        refused(
            load(&with_field(field, json!(0))),
            &["config.json", field, "is 0", "at least 1"],
        );
        refused(
            load(&with_field(field, json!(10_000_000))),
            &["config.json", field, "10000000", "at most"],
        );
        for wrong in [
            json!(-1),
            json!(3.5),
            json!("32"),
            json!([32]),
            json!(1e300),
        ] {
            refused(
                load(&with_field(field, wrong)),
                &["config.json", "expected", "save the model again"],
            );
        }
    }
    refused(
        load(&with_field("max_position_embeddings", json!(0))),
        &["max_position_embeddings", "at least 1"],
    );
    refused(
        load(&with_field("num_key_value_heads", json!(3))),
        &["num_key_value_heads", "3", "divisor"],
    );
    refused(
        load(&with_field("head_dim", json!(7))),
        &["head_dim", "7", "even"],
    );
    for theta in [0.0, -1.0] {
        refused(
            load(&with_field("rope_parameters.rope_theta", json!(theta))),
            &["rope_theta", "positive"],
        );
    }
    refused(
        load(&with_field("rms_norm_eps", json!(0.0))),
        &["rms_norm_eps", "positive"],
    );
    refused(
        load(&with_field("bos_token_id", json!(320))),
        &["bos_token_id", "320", "below vocab_size"],
    );
    refused(
        load(&with_field("eos_token_id", json!([9999]))),
        &["eos_token_id", "9999", "below vocab_size"],
    );
}

#[test]
fn sizes_that_the_weights_do_not_have_are_refused_by_tensor() {
    let cases = [
        (
            "vocab_size",
            400,
            "model.embed_tokens.weight",
            "[320, 32]",
            "[400, 32]",
        ),
        (
            "hidden_size",
            16,
            "model.embed_tokens.weight",
            "[320, 32]",
            "[320, 16]",
        ),
        (
            "intermediate_size",
            41,
            "model.layers.0.mlp.gate_proj.weight",
            "[40, 32]",
            "[41, 32]",
        ),
        (
            "head_dim",
            16,
            "model.layers.0.self_attn.q_proj.weight",
            "[32, 32]",
            "[64, 32]",
        ),
        (
            "num_key_value_heads",
            1,
            "model.layers.0.self_attn.k_proj.weight",
            "[16, 32]",
            "[8, 32]",
        ),
    ];
    for (field, value, tensor, found, expected) in cases {
        refused(
            load(&with_field(field, json!(value))),
            &["model.safetensors", tensor, found, expected, "config.json"],
        );
    }
    let layers = load(&with_field("num_hidden_layers", json!(1000)));
    refused(
        layers,
        &[
            "model.safetensors",
            "model.layers.2.self_attn.q_proj.weight",
            "config.json",
        ],
    );
    let head = load(&with_field("tie_word_embeddings", json!(false)));
    refused(
        head,
        &["model.safetensors", "lm_head.weight", "config.json"],
    );
}

#[test]
fn a_config_that_is_not_one_is_refused_by_file() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let twice =
        String::from_utf8(sound().config)
            .unwrap()
            .replacen('{', "{\"hidden_size\": 32,", 1);
    for text in [
        "",
        "<!doctype html>",
        "[]",
        "{}",
        "null",
        "{\"vocab_size\":",
        &deep,
        &twice,
    ] {
        let files = ModelFiles {
            config: text.as_bytes().to_vec(),
            ..sound()
        };
        refused(
            load(&files),
            &[
                "config.json",
                "line",
                "save the model again",
                "fetch it again",
            ],
        );
    }
}

#[test]
fn a_context_beyond_reason_is_read_as_the_longest_that_is_read_here() {
    let pipeline = load(&with_field("max_position_embeddings", json!(1u64 << 31))).unwrap();
    assert_eq!(
        pipeline.model.config().max_position_embeddings,
        LONGEST_CONTEXT
    );
}

// --- tokenizer.json --------------------------------------------------------------------------------------------------------

#[test]
fn a_tokenizer_that_is_not_one_is_refused_by_file() {
    let deep = format!(
        "{{\"normalizer\":{}",
        "{\"type\":\"Sequence\",\"normalizers\":[".repeat(50_000)
    );
    // The decoder cut off: `tokenizers` 0.23 itself panics there.
    let cut = "{\"version\":\"1.0\",\"decoder\":{\"type\":";
    for text in ["", "<!doctype html>", "{}", "[]", cut, &deep] {
        let files = ModelFiles {
            tokenizer: text.as_bytes().to_vec(),
            ..sound()
        };
        refused(
            load(&files),
            &["tokenizer.json", "save the tokenizer again"],
        );
    }
}

#[test]
fn a_tokenizer_of_another_model_is_refused_with_both_sizes() {
    let config = LlamaConfig {
        vocab_size: 300,
        ..LlamaConfig::parse(&sound().config).unwrap()
    };
    refused(
        Tokenizer::parse(&sound().tokenizer, &config),
        &["tokenizer.json", "319", "vocab_size", "300"],
    );
}

#[test]
fn a_tokenizer_that_cuts_or_pads_reads_prompts_whole_all_the_same() {
    let mut files = sound();
    let mut tokenizer: Value = serde_json::from_slice(&files.tokenizer).unwrap();
    tokenizer["truncation"] =
        json!({"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0});
    tokenizer["padding"] = json!({
        "strategy": {"Fixed": 1_000_000_000}, "direction": "Right", "pad_to_multiple_of": null,
        "pad_id": 0, "pad_type_id": 0, "pad_token": "<|endoftext|>",
    });
    files.tokenizer = serde_json::to_vec(&tokenizer).unwrap();
    let text = "Once upon a time there was a fox";
    assert_eq!(
        load(&files).unwrap().tokenizer.encode(text).unwrap(),
        load(&sound()).unwrap().tokenizer.encode(text).unwrap()
    );
}

// --- model.safetensors -----------------------------------------------------------------------------------------------------

fn load_weights(weights: &[u8]) -> Result<LlamaModel, LoadError> {
    LlamaModel::load(small(), weights, &cpu())
}

fn checkpoint() -> Checkpoint {
    Checkpoint::random(small(), 4)
}

/// The weights with their header changed and the data left as it is.
fn with_header(change: impl FnOnce(&str) -> String) -> Vec<u8> {
    let weights = checkpoint().weights(Dtype::F32);
    let length = u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize;
    let header = change(std::str::from_utf8(&weights[8..8 + length]).unwrap());
    [
        &(header.len() as u64).to_le_bytes(),
        header.as_bytes(),
        &weights[8 + length..],
    ]
    .concat()
}

fn with_tensor(name: &str, change: impl Fn(&mut Value)) -> Vec<u8> {
    with_header(|header| {
        let mut header: Value = serde_json::from_str(header).unwrap();
        change(&mut header[name]);
        header.to_string()
    })
}

const DAMAGED: [&str; 2] = ["model.safetensors is damaged", "export it again"];

#[test]
fn a_header_that_promises_more_than_the_file_is_refused() {
    let weights = checkpoint().weights(Dtype::F32);
    for length in [0, 1, weights.len() as u64, 99_999_999, 1 << 40, u64::MAX] {
        let weights = [&length.to_le_bytes(), &weights[8..]].concat();
        refused(load_weights(&weights), &DAMAGED);
    }
    refused(load_weights(b""), &DAMAGED);
    refused(load_weights(b"<!doctype html><title>404</title>"), &DAMAGED);
}

/// Other offsets in the place of two.
type Shift = fn(u64, u64) -> (u64, u64);

#[test]
fn offsets_that_overlap_leave_holes_or_leave_the_file_are_refused() {
    let name = "model.norm.weight";
    let shifts: [Shift; 5] = [
        |begin, end| (begin - 4, end - 4),
        |begin, end| (begin + 4, end + 4),
        |begin, end| (begin, end + (1 << 40)),
        |begin, _| (begin, begin - 4),
        |begin, _| (begin, u64::MAX),
    ];
    for shift in shifts {
        let weights = with_tensor(name, |tensor| {
            let offsets = &mut tensor["data_offsets"];
            let (begin, end) = shift(offsets[0].as_u64().unwrap(), offsets[1].as_u64().unwrap());
            *offsets = json!([begin, end]);
        });
        refused(load_weights(&weights), &DAMAGED);
    }
    // Two tensors on the same bytes.
    let weights = with_header(|header| {
        let mut header: Value = serde_json::from_str(header).unwrap();
        let twin = header["model.layers.0.input_layernorm.weight"]["data_offsets"].clone();
        header[name]["data_offsets"] = twin;
        header.to_string()
    });
    refused(load_weights(&weights), &DAMAGED);
}

#[test]
fn of_a_tensor_that_the_header_says_twice_the_last_one_must_be_sound() {
    let other = r#""model.norm.weight":{"dtype":"F32","shape":[24],"data_offsets":[0,96]}"#;
    let first = with_header(|header| header.replacen('{', &format!("{{{other},"), 1));
    let last =
        with_header(|header| format!("{},{other}}}", header.trim_end().strip_suffix('}').unwrap()));
    assert_eq!(
        common::rows(load_weights(&first).unwrap().forward_logits(&[1, 2])),
        common::rows(checkpoint().model().forward_logits(&[1, 2]))
    );
    refused(load_weights(&last), &DAMAGED);
}

#[test]
fn a_header_nested_without_end_is_refused() {
    refused(
        load_weights(&with_header(|_| "{\"a\":".repeat(100_000))),
        &DAMAGED,
    );
}

#[test]
fn shapes_whose_product_overflows_are_refused() {
    for shape in [
        json!([1u64 << 63, 2]),
        json!([1u64 << 32, 1u64 << 32]),
        json!([24, u64::MAX]),
    ] {
        let weights = with_tensor("model.norm.weight", |tensor| {
            tensor["shape"] = shape.clone();
        });
        refused(load_weights(&weights), &DAMAGED);
    }
}

#[test]
fn every_missing_tensor_is_named() {
    for name in checkpoint().tensors.keys() {
        let mut checkpoint = checkpoint();
        checkpoint.tensors.remove(name);
        refused(
            load_weights(&checkpoint.weights(Dtype::F32)),
            &["model.safetensors", name, "config.json"],
        );
    }
}

#[test]
fn every_tensor_of_another_shape_is_named_with_both_shapes() {
    for name in checkpoint().tensors.keys() {
        let mut checkpoint = checkpoint();
        let (shape, values) = checkpoint.tensors.get_mut(name).unwrap();
        let expected = format!("{shape:?}");
        *shape = vec![1, values.len()];
        let found = format!("{shape:?}");
        refused(
            load_weights(&checkpoint.weights(Dtype::F32)),
            &["model.safetensors", name, &found, &expected],
        );
    }
}

#[test]
fn whole_numbers_are_no_weights() {
    let needed = [
        "model.safetensors",
        "model.layers.0.self_attn.q_proj.weight",
        "I64",
        "F32, F16 or BF16",
        "in one of these types",
    ];
    refused(load_weights(&checkpoint().weights(Dtype::I64)), &needed);
}

#[test]
fn weights_that_are_no_numbers_are_counted_by_tensor() {
    for name in checkpoint().tensors.keys() {
        for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16] {
            let mut checkpoint = checkpoint();
            let values = &mut checkpoint.tensors.get_mut(name).unwrap().1;
            values[3] = f32::NAN;
            values[7] = f32::INFINITY;
            values[11] = f32::NEG_INFINITY;
            let needed = ["model.safetensors", name, "3 values", "not finite"];
            refused(load_weights(&checkpoint.weights(dtype)), &needed);
        }
    }
}

#[test]
fn sound_weights_that_overflow_give_an_error_and_no_logits() {
    let mut checkpoint = checkpoint();
    let norm = &mut checkpoint.tensors.get_mut("model.norm.weight").unwrap().1;
    norm.fill(3e38);
    let model = load_weights(&checkpoint.weights(Dtype::F32)).unwrap();
    let error = pollster::block_on(read_logits(model.forward_logits(&[1, 2, 3]))).unwrap_err();
    let said = error.to_string();
    for word in ["3 of 3 rows", "too large for f32", "export the model again"] {
        assert!(said.contains(word), "`{said}` does not say `{word}`");
    }
}

#[test]
fn tensors_that_nobody_asks_for_are_left_alone() {
    let mut checkpoint = checkpoint();
    let before = common::rows(checkpoint.model().forward_logits(&[1, 2, 3]));
    checkpoint.tensors.insert(
        "model.layers.0.self_attn.rotary_emb.inv_freq".into(),
        (vec![3], vec![f32::NAN; 3]),
    );
    // `transformers` ties a head that equals the embedding.
    let embedding = checkpoint.tensors["model.embed_tokens.weight"].clone();
    checkpoint
        .tensors
        .insert("lm_head.weight".into(), embedding);
    checkpoint
        .tensors
        .insert("marker".into(), (vec![0], vec![]));
    let model = checkpoint.model();
    assert_eq!(common::rows(model.forward_logits(&[1, 2, 3])), before);
    let [note] = model.notes() else {
        panic!("{:?}", model.notes())
    };
    assert!(note.contains("`marker`"), "{note}");
}

#[test]
fn a_tied_head_that_differs_is_used_as_transformers_does_and_said() {
    let mut checkpoint = checkpoint();
    checkpoint
        .tensors
        .insert("lm_head.weight".into(), (vec![61, 24], vec![0.0; 61 * 24]));
    let model = checkpoint.model();
    let rows = common::rows(model.forward_logits(&[1, 2, 3]));
    assert!(rows.concat().iter().all(|logit| *logit == 0.0));
    assert!(
        model.notes()[0].contains("lm_head.weight"),
        "{:?}",
        model.notes()
    );
}

#[test]
fn tensors_that_would_change_what_a_llama_computes_are_refused_by_name() {
    for name in [
        "model.layers.0.self_attn.q_proj.bias",
        "model.layers.0.self_attn.q_norm.weight",
        "model.layers.7.mlp.up_proj.weight",
        "model.embed_positions.weight",
        "lm_head.bias",
    ] {
        let mut checkpoint = checkpoint();
        checkpoint
            .tensors
            .insert(name.into(), (vec![24], vec![0.0; 24]));
        refused(
            load_weights(&checkpoint.weights(Dtype::F32)),
            &["model.safetensors", name, "config.json"],
        );
    }
}

#[test]
fn a_missing_file_is_named_with_what_belongs_in_the_folder() {
    let error = ModelFiles::load_from_dir(Path::new("/nowhere/at/all"))
        .err()
        .unwrap()
        .to_string();
    for word in [
        "/nowhere/at/all/config.json",
        "choose a folder",
        "tokenizer.json",
        "model.safetensors",
    ] {
        assert!(error.contains(word), "{error}");
    }
}

// --- any damage ------------------------------------------------------------------------------------------------------------

/// Loads damaged files and, where they still open, uses them: nothing of it may panic.
fn survive(files: &ModelFiles) {
    let Ok(pipeline) = load(files) else { return };
    let Ok(tokens) = pipeline.tokenizer.encode("Once upon a time, \u{1F98A}\n") else {
        return;
    };
    let text = pipeline.tokenizer.decode(&tokens);
    assert!(
        text.len() < 10_000,
        "{} bytes of text from {} tokens",
        text.len(),
        tokens.len()
    );
    if pipeline.model.remaining_context(&tokens).is_ok() {
        pipeline.model.prefill(&tokens);
    }
}

/// Bytes put in the place of others.
fn flips() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
}

fn flip(bytes: &mut [u8], flips: &[(prop::sample::Index, u8)]) {
    for (index, byte) in flips {
        bytes[index.index(bytes.len())] = *byte;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn flipped_bytes_of_the_header_never_panic(flips in flips()) {
        let mut files = sound();
        let header = u64::from_le_bytes(files.weights[..8].try_into().unwrap()) as usize;
        flip(&mut files.weights[..8 + header], &flips);
        survive(&files);
    }

    #[test]
    fn flipped_bytes_of_the_weights_never_panic(flips in flips()) {
        let mut files = sound();
        flip(&mut files.weights, &flips);
        survive(&files);
    }

    #[test]
    fn flipped_bytes_of_the_config_never_panic(flips in flips()) {
        let mut files = sound();
        flip(&mut files.config, &flips);
        survive(&files);
    }

    #[test]
    fn changed_digits_of_the_config_never_panic(digits in prop::collection::vec((any::<prop::sample::Index>(), b'0'..=b'9'), 1..4)) {
        let mut files = sound();
        let places: Vec<usize> = (0..files.config.len()).filter(|&at| files.config[at].is_ascii_digit()).collect();
        for (index, digit) in digits {
            files.config[places[index.index(places.len())]] = digit;
        }
        survive(&files);
    }

    #[test]
    fn flipped_bytes_of_the_tokenizer_never_panic(flips in flips()) {
        let mut files = sound();
        flip(&mut files.tokenizer, &flips);
        survive(&files);
    }

    #[test]
    fn a_file_cut_anywhere_is_refused(file in 0..3usize, end in any::<prop::sample::Index>()) {
        let mut files = sound();
        let cut = match file {
            0 => &mut files.config,
            1 => &mut files.tokenizer,
            _ => &mut files.weights,
        };
        // Without its last byte that counts none is whole; the line end after a JSON text does not count.
        let whole = if file == 2 { cut.len() } else { cut.trim_ascii_end().len() };
        cut.truncate(end.index(whole));
        prop_assert!(load(&files).is_err());
    }
}
