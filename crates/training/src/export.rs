//! Writes a model as a Hugging Face folder's `model.safetensors`.

use std::collections::HashMap;

use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};
use transformer::{Llama, NamedTensor};

/// How a weight is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Two bytes: what ships.
    F16,
    /// Four bytes: what a checkpoint keeps.
    F32,
}

/// The bytes of `model.safetensors`.
///
/// # Panics
/// Never for the tensors of a [`Llama`]: names differ and lengths follow from shapes.
pub fn to_safetensors(model: &Llama, precision: Precision) -> Vec<u8> {
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = model
        .named_tensors()
        .into_iter()
        .map(|tensor| {
            let (name, data) = match tensor {
                NamedTensor::Vector(name, values) => (name, values.into_data()),
                NamedTensor::Matrix(name, values) => (name, values.into_data()),
            };
            let shape: Vec<usize> = data.shape().iter().copied().collect();
            let values = data.iter::<f32>();
            let bytes = match precision {
                Precision::F16 => values
                    .flat_map(|value| f16::from_f32(value).to_le_bytes())
                    .collect(),
                Precision::F32 => values.flat_map(f32::to_le_bytes).collect(),
            };
            (name, shape, bytes)
        })
        .collect();
    let dtype = match precision {
        Precision::F16 => Dtype::F16,
        Precision::F32 => Dtype::F32,
    };
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(dtype, shape.clone(), bytes)
            .expect("bytes follow from shape and dtype");
        (name.as_str(), view)
    });
    // `transformers` refuses a file that does not say which framework's layout it has.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    serialize(views, Some(metadata)).expect("names differ and lengths follow from shapes")
}
