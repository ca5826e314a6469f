//! The transformer as experiments ask it: what it cannot read is an error, as the trait promises, and never a panic.

#![allow(clippy::unwrap_used)] // a test that fails to unwrap has failed

use std::path::Path;

use decoding::LanguageModel;
use pollster::block_on;
use transformer::device::cpu;
use transformer::{InferenceError, ModelFiles, Pipeline};

fn model() -> Pipeline {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/grouped_tied_f16");
    Pipeline::load(&ModelFiles::load_from_dir(&folder).unwrap(), &cpu()).unwrap()
}

#[test]
fn a_step_gives_the_row_of_the_whole_text() {
    let model = model();
    let (mut batch, row) = block_on(model.prefill(&[0, 5], 2, 2)).unwrap();
    let stepped = block_on(model.step(&mut batch, &[1], &[7])).unwrap();
    let whole = block_on(model.logits(&[0, 5, 7])).unwrap();
    for (ours, theirs) in [row, stepped[0].clone()].iter().zip(&whole[1..]) {
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!((ours - theirs).abs() < 1e-4, "{ours} is not {theirs}");
        }
    }
}

#[test]
fn tokens_that_cannot_be_read_are_an_error_and_leave_the_chains_as_they_were() {
    let model = model();
    let (mut batch, _) = block_on(model.prefill(&[0, 5], 2, 1)).unwrap();
    let mut error = |chains: &[usize], tokens: &[u32]| {
        block_on(model.step(&mut batch, chains, tokens)).unwrap_err()
    };
    let unknown = error(&[0, 1], &[1, 320]);
    assert!(
        matches!(
            unknown,
            InferenceError::UnknownToken {
                token: 320,
                vocabulary: 320
            }
        ),
        "{unknown}"
    );
    for (chains, tokens) in [
        (&[0, 0][..], &[1, 2][..]),
        (&[2], &[1]),
        (&[0, 1], &[1]),
        (&[], &[1]),
    ] {
        let unpaired = error(chains, tokens);
        assert!(
            matches!(unpaired, InferenceError::Unpaired { all: 2, .. }),
            "{unpaired}"
        );
    }
    block_on(model.step(&mut batch, &[], &[])).unwrap();
    block_on(model.step(&mut batch, &[0, 1], &[1, 2])).unwrap();
    let full = block_on(model.step(&mut batch, &[1], &[1])).unwrap_err();
    assert!(matches!(full, InferenceError::Full { chain: 1 }), "{full}");
}

#[test]
fn a_chain_is_full_at_the_end_of_the_context() {
    let model = model();
    let context = model.context();
    let prompt = vec![1; context - 1];
    let (mut batch, _) = block_on(model.prefill(&prompt, 1, 2)).unwrap();
    block_on(model.step(&mut batch, &[0], &[1])).unwrap();
    let full = block_on(model.step(&mut batch, &[0], &[1])).unwrap_err();
    assert!(matches!(full, InferenceError::Full { chain: 0 }), "{full}");
}
