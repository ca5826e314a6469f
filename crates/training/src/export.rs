//! Writes a model as a Hugging Face folder's `model.safetensors`, and an adapter as PEFT's `adapter_model.safetensors`.

use std::collections::{BTreeMap, HashMap};

use half::f16;
use quantization::round_rows;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};
use serde::{Deserialize, Serialize};
use transformer::{Adapter, BASE_KEY, Llama, NamedTensor};

/// How a weight is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Two bytes: for distribution.
    F16,
    /// Four bytes: exact.
    F32,
}

/// How weights are rounded beyond their precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// Matrices to int8 with a power-of-two scale per row, exact in f16: the site's file of half the size has the same numbers.
    Int8Rows,
}

/// The bytes of `model.safetensors`.
pub fn to_safetensors(model: &Llama, precision: Precision, rounding: Option<Rounding>) -> Vec<u8> {
    write(model.named_tensors(), precision, rounding, None)
}

/// The bytes of `adapter_model.safetensors`, with the fingerprint of the adapter's base.
pub fn adapter_to_safetensors(
    adapter: &Adapter,
    precision: Precision,
    base: Option<&str>,
) -> Vec<u8> {
    in_order(&write(adapter.named_tensors(), precision, None, base))
}

/// The same file with a sorted header: `safetensors` writes the metadata in the order of a hash map, which differs by run.
fn in_order(file: &[u8]) -> Vec<u8> {
    let (length, rest) = file
        .split_first_chunk()
        .expect("a file begins with a length");
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let header: BTreeMap<String, BTreeMap<String, serde_json::Value>> =
        serde_json::from_slice(header).expect("it was just written");
    let mut header = serde_json::to_vec(&header).expect("it was just read");
    // The format aligns the data to eight bytes.
    header.resize(header.len().next_multiple_of(8), b' ');
    [&(header.len() as u64).to_le_bytes(), &header[..], data].concat()
}

fn write(
    tensors: Vec<NamedTensor>,
    precision: Precision,
    rounding: Option<Rounding>,
    base: Option<&str>,
) -> Vec<u8> {
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .into_iter()
        .map(|tensor| {
            let (name, data) = match tensor {
                NamedTensor::Vector(name, values) => (name, values.into_data()),
                NamedTensor::Matrix(name, values) => (name, values.into_data()),
            };
            let shape: Vec<usize> = data.shape().iter().copied().collect();
            let mut values: Vec<f32> = data.iter::<f32>().collect();
            if let (Some(Rounding::Int8Rows), [_, width]) = (rounding, &shape[..]) {
                round_rows(&mut values, *width);
            }
            let values = values.into_iter();
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
    // `transformers` refuses a file without the framework's name.
    let mut metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    metadata.extend(base.map(|base| (BASE_KEY.to_owned(), base.to_owned())));
    serialize(views, Some(metadata)).expect("names differ and lengths follow from shapes")
}
