//! What the tests of this crate share: random checkpoints as the bytes of Hugging Face's files, and a plain-loop forward
//! pass over them that knows nothing of burn.

#![allow(dead_code)] // every test links this file and uses its part

pub mod checkpoint;
pub mod plain;

/// Largest difference of a row's logits, relative to the reference row's spread.
pub fn relative_difference(ours: &[f32], reference: &[f64]) -> f64 {
    assert_eq!(ours.len(), reference.len());
    let lowest = reference.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = reference.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    assert!(highest > lowest, "a row without spread compares nothing");
    ours.iter()
        .zip(reference)
        .map(|(a, b)| (f64::from(*a) - b).abs())
        .fold(0.0, |largest: f64, difference| {
            if difference.is_nan() {
                f64::INFINITY
            } else {
                largest.max(difference)
            }
        })
        / (highest - lowest)
}

/// Rows of a matrix, through the crate's own read-back.
pub fn rows(matrix: burn::tensor::Tensor<2>) -> Vec<Vec<f32>> {
    pollster::block_on(transformer::device::read_logits(matrix)).unwrap()
}
