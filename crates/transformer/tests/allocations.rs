//! What loading hostile files may allocate: no more than a few times their size.

#![allow(clippy::unwrap_used)] // a test that fails to unwrap has failed
#![allow(unsafe_code)] // an allocator that counts is one of the few things that Rust calls unsafe

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::checkpoint::{Checkpoint, small};
use safetensors::Dtype;
use serde_json::{Value, json};
use transformer::device::cpu;
use transformer::{LlamaConfig, ModelFiles, Pipeline};

/// The system's allocator, which remembers the largest request of every thread.
struct Watched;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.set(LARGEST.get().max(layout.size()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static WATCHED: Watched = Watched;

/// Bytes of the largest single allocation while the files were loaded.
fn largest_allocation(files: &ModelFiles) -> usize {
    LARGEST.set(0);
    drop(Pipeline::load(files, &cpu()));
    LARGEST.get()
}

fn files(config: &Value, weights: Vec<u8>) -> ModelFiles {
    let tokenizer = include_bytes!("fixtures/plain_untied_f32/tokenizer.json").to_vec();
    ModelFiles {
        config: config.to_string().into_bytes(),
        generation_config: None,
        tokenizer,
        tokenizer_config: None,
        weights,
        further_weights: Vec::new(),
    }
}

fn config() -> Value {
    serde_json::from_str(&small().to_json()).unwrap()
}

/// Room for the buffers of a JSON parser.
const SLACK: usize = 64 << 10;

#[test]
fn sizes_without_weights_allocate_nothing() {
    let weights = Checkpoint::random(small(), 1).weights(Dtype::F16);
    let fields = [
        ("vocab_size", 1 << 20),
        ("hidden_size", 1 << 15),
        ("intermediate_size", 1 << 18),
        ("num_hidden_layers", 1 << 10),
        ("num_attention_heads", 1 << 10),
        ("head_dim", 1 << 10),
    ];
    for (field, size) in fields {
        let mut config = config();
        config[field] = json!(size);
        let files = files(&config, weights.clone());
        let largest = largest_allocation(&files);
        assert!(
            largest < 8 * files.weights.len() + SLACK,
            "{field}: {largest} bytes at once"
        );
    }
}

#[test]
fn a_header_of_a_hundred_megabytes_in_a_small_file_allocates_nothing_for_it() {
    let weights = [&99_999_999u64.to_le_bytes()[..], b"{}"].concat();
    let largest = largest_allocation(&files(&config(), weights));
    assert!(largest < SLACK, "{largest} bytes at once");
}

#[test]
fn a_long_context_of_wide_heads_allocates_nothing_for_its_positions() {
    let config = LlamaConfig {
        hidden_size: 2,
        intermediate_size: 2,
        num_hidden_layers: 1,
        num_attention_heads: 1,
        num_key_value_heads: 1,
        head_dim: 1024,
        ..small()
    };
    let weights = Checkpoint::random(config.clone(), 1).weights(Dtype::F32);
    let mut config: Value = serde_json::from_str(&config.to_json()).unwrap();
    config["max_position_embeddings"] = json!(4_000_000_000u64);
    let files = files(&config, weights);
    let largest = largest_allocation(&files);
    assert!(
        largest < 2 * files.weights.len() + SLACK,
        "{largest} bytes at once for a file of {}",
        files.weights.len()
    );
    assert!(Pipeline::load(&files, &cpu()).is_ok(), "and opens");
}
