//! Weights rounded to int8 rows: the Hugging Face folder in f16 and the site's file of half the size give the same logits.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    clippy::disallowed_methods,
    reason = "tests run natively, where waiting for a device is allowed"
)]

use burn::tensor::Device;
use half::f16;
use safetensors::SafeTensors;
use tests::tiny;
use training::export::{Precision, Rounding, to_safetensors};
use transformer::LlamaModel;

fn logits(weights: &[u8]) -> (Vec<u32>, Option<String>) {
    let model = LlamaModel::load(tiny::config(), weights, &Device::flex()).unwrap();
    let logits = model.forward_logits(&[0, 5, 9, 3]).into_data();
    let bits = logits.iter::<f32>().map(f32::to_bits).collect();
    (bits, model.fingerprint().map(str::to_owned))
}

#[test]
fn both_files_give_the_same_logits_and_fingerprint() {
    let network = tiny::network();
    let rounded = to_safetensors(&network, Precision::F16, Some(Rounding::Int8Rows));
    let packed = quantization::pack(&rounded).unwrap();
    assert!(packed.len() < rounded.len() * 7 / 10);
    assert_eq!(logits(&packed), logits(&rounded));
    // What is not rounded is not packed.
    let plain = to_safetensors(&network, Precision::F16, None);
    assert_eq!(quantization::pack(&plain), None);
    assert_ne!(logits(&plain), logits(&rounded));
}

#[test]
fn rounding_changes_a_weight_by_half_a_step_of_its_row_at_most() {
    let network = tiny::network();
    let exact = to_safetensors(&network, Precision::F32, None);
    let rounded = to_safetensors(&network, Precision::F16, Some(Rounding::Int8Rows));
    let (exact, rounded) = (
        SafeTensors::deserialize(&exact).unwrap(),
        SafeTensors::deserialize(&rounded).unwrap(),
    );
    for (name, view) in exact.iter() {
        let [_, width] = view.shape()[..] else {
            continue;
        };
        let values = view.data().as_chunks().0.iter();
        let values: Vec<f32> = values.map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let found = rounded.tensor(name).unwrap();
        let found = found.data().as_chunks().0.iter();
        let found: Vec<f32> = found
            .map(|bytes| f16::from_le_bytes(*bytes).to_f32())
            .collect();
        for (row, found) in values.chunks(width).zip(found.chunks(width)) {
            let largest = row
                .iter()
                .fold(0.0_f32, |most, value| most.max(value.abs()));
            // A power of two above largest / 127 is at most twice that.
            let half_step = largest / 127.0;
            for (value, found) in row.iter().zip(found) {
                assert!(
                    (value - found).abs() <= half_step,
                    "{name}: {value} {found}"
                );
            }
        }
    }
}
