//! Tensor data as slices of f32, without a copy: data of a tensor that nothing else shares moves in and out of it.

use burn::tensor::TensorData;

/// The values.
///
/// # Panics
/// When they are not f32.
pub fn slice(data: &TensorData) -> &[f32] {
    data.as_slice().expect("networks are computed in f32")
}

/// The values, to change.
///
/// # Panics
/// When they are not f32.
pub fn slice_mut(data: &mut TensorData) -> &mut [f32] {
    data.as_mut_slice().expect("networks are computed in f32")
}
