//! Adapters change what the definition says that they change, agree with PEFT, and say what is wrong where they do not fit.

#![allow(clippy::unwrap_used)] // a test that fails to unwrap has failed

mod common;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use common::checkpoint::{Checkpoint, Numbers, small};
use common::{relative_difference, rows};
use half::f16;
use proptest::prelude::*;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};
use serde::Deserialize;
use transformer::device::cpu;
use transformer::{
    Adapter, AdapterConfig, AdapterFiles, BASE_KEY, LlamaModel, LoraRules, ModelFiles, Pipeline,
    Projection,
};

const TARGETS: [Projection; 3] = [Projection::Key, Projection::Output, Projection::Gate];

fn config(rank: usize) -> AdapterConfig {
    AdapterConfig {
        rank,
        alpha: 5.0,
        targets: TARGETS.to_vec(),
        base: String::new(),
        rules: LoraRules::default(),
    }
}

/// Random factors of every target, in PEFT's names and layout.
fn factors(rank: usize) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let mut numbers = Numbers(4);
    let mut matrix = |rows: usize, columns: usize| {
        let values = (0..rows * columns).map(|_| (0.3 * numbers.next()) as f32);
        (vec![rows, columns], values.collect())
    };
    let mut factors = BTreeMap::new();
    for layer in 0..small().num_hidden_layers {
        for (path, target) in ["self_attn.k_proj", "self_attn.o_proj", "mlp.gate_proj"]
            .iter()
            .zip(TARGETS)
        {
            let (from, to) = target.widths(&small());
            let name = |factor| {
                format!("base_model.model.model.layers.{layer}.{path}.lora_{factor}.weight")
            };
            factors.insert(name("A"), matrix(rank, from));
            factors.insert(name("B"), matrix(to, rank));
        }
    }
    factors
}

fn files(
    config: &AdapterConfig,
    factors: &BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    base: Option<&str>,
) -> AdapterFiles {
    let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> = factors
        .iter()
        .map(|(name, (shape, values))| {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes());
            (name, shape, bytes.collect())
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, (*shape).clone(), bytes).unwrap();
        (name.as_str(), view)
    });
    let notes = base.map(|base| HashMap::from([(BASE_KEY.to_owned(), base.to_owned())]));
    AdapterFiles {
        config: config.to_json().into_bytes(),
        weights: serialize(views, notes).unwrap(),
    }
}

fn base() -> (Checkpoint, LlamaModel) {
    let checkpoint = Checkpoint::random(small(), 8);
    let model = checkpoint.model();
    (checkpoint, model)
}

#[test]
fn merged_weights_are_the_base_plus_the_scaled_product() {
    let (mut checkpoint, model) = base();
    let factors = factors(3);
    let adapter = Adapter::load(&files(&config(3), &factors, None), &model).unwrap();
    // By hand, in the file's layout: W[out, in] += 5 / 3 * sum over r of B[out, r] A[r, in].
    for (name, (shape, a)) in &factors {
        let Some(weight) = name.strip_suffix(".lora_A.weight") else {
            continue;
        };
        let (_, b) = &factors[&format!("{weight}.lora_B.weight")];
        let weight = weight.strip_prefix("base_model.model.").unwrap();
        let (_, values) = checkpoint
            .tensors
            .get_mut(&format!("{weight}.weight"))
            .unwrap();
        for (place, value) in values.iter_mut().enumerate() {
            let (to, from) = (place / shape[1], place % shape[1]);
            let product: f32 = (0..3).map(|r| b[to * 3 + r] * a[r * shape[1] + from]).sum();
            *value += 5.0 / 3.0 * product;
        }
    }
    let tokens = Numbers(1).tokens(20, small().vocab_size);
    let reference = checkpoint.logits(&tokens);
    let before = rows(model.forward_logits(&tokens));
    for ((ours, base), theirs) in rows(model.with_adapter(&adapter).forward_logits(&tokens))
        .iter()
        .zip(&before)
        .zip(&reference)
    {
        assert!(relative_difference(ours, theirs) < 1e-4);
        assert!(
            relative_difference(base, theirs) > 0.01,
            "the adapter does nothing"
        );
    }
}

#[test]
fn a_fresh_adapter_changes_nothing() {
    let (_, model) = base();
    let adapter = Adapter::fresh(config(3), model.config(), 1, &cpu());
    let tokens = Numbers(1).tokens(20, small().vocab_size);
    assert_eq!(
        rows(model.with_adapter(&adapter).forward_logits(&tokens)),
        rows(model.forward_logits(&tokens))
    );
}

#[derive(Deserialize)]
struct Expected {
    sequences: Vec<Sequence>,
}

#[derive(Deserialize)]
struct Sequence {
    tokens: Vec<u32>,
    last_rows: Vec<Vec<f64>>,
}

#[test]
fn an_adapter_that_peft_wrote_gives_the_logits_of_peft() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let files = ModelFiles::load_from_dir(&fixtures.join("grouped_tied_f16")).unwrap();
    let base = Pipeline::load(&files, &cpu()).unwrap().model;
    let folder = fixtures.join("grouped_tied_f16_adapter");
    let adapter = Adapter::load(&AdapterFiles::load_from_dir(&folder).unwrap(), &base).unwrap();
    let tuned = base.with_adapter(&adapter);
    let expected = std::fs::read(folder.join("expected.json")).unwrap();
    let expected: Expected = serde_json::from_slice(&expected).unwrap();
    for Sequence { tokens, last_rows } in expected.sequences {
        for (ours, theirs) in rows(tuned.forward_logits(&tokens)).iter().zip(&last_rows) {
            let difference = relative_difference(ours, theirs);
            assert!(difference <= 1e-4, "{difference:e} of the spread");
        }
    }
}

/// The refusal, in words; fails where the words do not hold all that the reader needs.
#[track_caller]
fn refused(files: &AdapterFiles, model: &LlamaModel, needed: &[&str]) {
    let Err(error) = Adapter::load(files, model) else {
        panic!("accepted; should name {needed:?}")
    };
    let said = error.to_string();
    for word in needed {
        assert!(said.contains(word), "`{said}` does not say `{word}`");
    }
    let actions = ["fetch", "save", "choose"];
    assert!(
        actions.iter().any(|action| said.contains(action)),
        "`{said}` does not say what to do"
    );
}

#[test]
fn an_adapter_that_does_not_fit_is_refused_by_what_differs() {
    let (_, model) = base();
    let sound = factors(3);
    let first = "base_model.model.model.layers.0.mlp.gate_proj.lora_A.weight";
    assert!(Adapter::load(&files(&config(3), &sound, None), &model).is_ok());

    // Another rank than the config's.
    let other_rank = files(&config(4), &sound, None);
    refused(&other_rank, &model, &["[3, 24]", "[4, 24]", "rank", "`r`"]);

    let mut missing = sound.clone();
    missing.remove(first);
    let missing = files(&config(3), &missing, None);
    refused(&missing, &model, &[first, "no tensor", "own base"]);

    let mut surplus = sound.clone();
    let odd = "base_model.model.model.layers.2.mlp.gate_proj.lora_A.weight";
    surplus.insert(odd.to_owned(), sound[first].clone());
    refused(
        &files(&config(3), &surplus, None),
        &model,
        &[odd, "2 layers"],
    );

    let mut wider = sound.clone();
    wider.insert(first.to_owned(), (vec![3, 32], vec![0.0; 96]));
    let wider = files(&config(3), &wider, None);
    refused(
        &wider,
        &model,
        &[first, "[3, 32]", "[3, 24]", "other sizes"],
    );

    let mut broken = sound.clone();
    broken.get_mut(first).unwrap().1[5] = f32::NAN;
    let broken = files(&config(3), &broken, None);
    refused(&broken, &model, &[first, "1 values", "not finite"]);

    let mut cut = files(&config(3), &sound, None);
    cut.weights.truncate(cut.weights.len() - 3);
    refused(&cut, &model, &["adapter_model.safetensors is damaged"]);
}

#[test]
fn an_adapter_of_other_weights_of_the_same_sizes_is_refused() {
    let (_, model) = base();
    let other = Checkpoint::random(small(), 9).model();
    let own = model.fingerprint().unwrap();
    let adapter = files(&config(3), &factors(3), Some(own));
    assert!(Adapter::load(&adapter, &model).is_ok());
    let found = other.fingerprint().unwrap();
    refused(&adapter, &other, &[own, found, "other weights"]);
}

#[test]
fn half_precision_factors_are_read() {
    let (_, model) = base();
    let name = "base_model.model.model.layers.0.self_attn.k_proj.lora_A.weight";
    let file = |dtype, bytes: &[u8]| {
        let view = TensorView::new(dtype, vec![1, 24], bytes).unwrap();
        let config = AdapterConfig {
            targets: vec![Projection::Key],
            ..config(1)
        };
        AdapterFiles {
            config: config.to_json().into_bytes(),
            weights: serialize([(name, view)], None).unwrap(),
        }
    };
    let halves: Vec<u8> = [f16::from_f32(0.5); 24]
        .iter()
        .flat_map(|half| half.to_le_bytes())
        .collect();
    // The first tensor is read, and the next one missed.
    refused(&file(Dtype::F16, &halves), &model, &["lora_B", "no tensor"]);
    refused(&file(Dtype::I16, &halves), &model, &["I16", "F16 or BF16"]);
}

/// Bytes put in the place of others.
fn flips() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
}

/// Loads damaged files and, where they still open, computes with them: nothing of it may panic.
fn survive(files: &AdapterFiles, model: &LlamaModel) {
    if let Ok(adapter) = Adapter::load(files, model) {
        model.with_adapter(&adapter).prefill(&[1, 2]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn flipped_bytes_of_an_adapter_never_panic(config_flips in flips(), weight_flips in flips(), which in 0..3usize) {
        let (_, model) = base();
        let mut damaged = files(&config(3), &factors(3), None);
        if which != 1 {
            for (index, byte) in &config_flips {
                let place = index.index(damaged.config.len());
                damaged.config[place] = *byte;
            }
        }
        if which != 0 {
            // Most of the file is numbers, which are sound whatever they are: the header is what can be misread.
            for (index, byte) in &weight_flips {
                let place = index.index(damaged.weights.len().min(2000));
                damaged.weights[place] = *byte;
            }
        }
        survive(&damaged, &model);
    }

    #[test]
    fn any_pattern_over_module_names_is_matched_in_bounded_time(pattern in "[a-z_.*+?()|\\\\\\[\\]{}0-9^$]{0,24}") {
        let (_, model) = base();
        let mut json: serde_json::Value = serde_json::from_str(&config(3).to_json()).unwrap();
        json["target_modules"] = pattern.as_str().into();
        json["rank_pattern"] = serde_json::json!({pattern: 2});
        let damaged = AdapterFiles {
            config: json.to_string().into_bytes(),
            ..files(&config(3), &factors(3), None)
        };
        survive(&damaged, &model);
    }
}
