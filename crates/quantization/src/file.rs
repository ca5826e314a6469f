//! `model.safetensors` in half the bytes: matrices as I8 with an F16 tensor `NAME_scale` of their rows' scales, all else as it is.
//!
//! The header of the f16 file is kept in the metadata, so [`expand`] gives that very file back, byte for byte: its fingerprint,
//! by which an adapter knows its base, stays the same.

use std::borrow::Cow;
use std::collections::HashMap;

use half::f16;
use safetensors::tensor::{Metadata, TensorView};
use safetensors::{Dtype, SafeTensors, serialize};
use thiserror::Error;

use crate::rows::integers;

/// Metadata key of the f16 file's header; only packed files have it.
const HEADER: &str = "int8_rows_of";
/// Suffix of the names of scales.
const SCALE: &str = "_scale";

/// Why a packed file cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExpandError {
    /// The stored header of the f16 file is not one.
    #[error("the header of its int8 weights: {0}")]
    Header(String),
    /// A tensor is absent or does not fit the header.
    #[error("its int8 weights have no tensor `{0}` that fits their header")]
    Tensor(String),
}

/// The packed form of an f16 file; none where it is no such file or its matrices are not rounded to int8 rows.
#[must_use]
pub fn pack(file: &[u8]) -> Option<Vec<u8>> {
    let tensors = SafeTensors::deserialize(file).ok()?;
    let (header_size, metadata) = SafeTensors::read_metadata(file).ok()?;
    let known = metadata.metadata().as_ref();
    if known.is_some_and(|known| known.contains_key(HEADER)) {
        return None;
    }
    let header = std::str::from_utf8(&file[8..8 + header_size]).ok()?;
    let mut packed: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for (name, view) in tensors.iter() {
        if view.dtype() != Dtype::F16 {
            return None;
        }
        let shape = view.shape().to_vec();
        let [rows, width] = shape[..] else {
            packed.push((name.to_owned(), Dtype::F16, shape, view.data().to_vec()));
            continue;
        };
        let mut values = Vec::with_capacity(rows * width);
        let mut scales = Vec::with_capacity(2 * rows);
        for row in view.data().chunks_exact(2 * width.max(1)) {
            let (integers, scale) = integers(&floats(row))?;
            values.extend(integers.into_iter().map(|integer| integer as u8));
            scales.extend(f16::from_f32(scale).to_le_bytes());
        }
        let scale_name = format!("{name}{SCALE}");
        packed.push((name.to_owned(), Dtype::I8, shape, values));
        packed.push((scale_name, Dtype::F16, vec![rows, 1], scales));
    }
    let views = packed.iter().map(|(name, dtype, shape, data)| {
        TensorView::new(*dtype, shape.clone(), data).map(|view| (name.as_str(), view))
    });
    let views: Vec<_> = views.collect::<Result<_, _>>().ok()?;
    // One entry: a hash map of several would be written in another order every time.
    let metadata = HashMap::from([(HEADER.to_owned(), header.to_owned())]);
    let bytes = serialize(views, Some(metadata)).ok()?;
    // Such as a negative zero, which int8 does not have.
    (expand(&bytes).ok()? == file).then_some(bytes)
}

/// The f16 file of a packed one; any other file as it is.
///
/// # Errors
/// When a packed file is damaged. The size of the result is bounded by twice that of the file and its header.
pub fn expand(file: &[u8]) -> Result<Cow<'_, [u8]>, ExpandError> {
    let Ok((_, metadata)) = SafeTensors::read_metadata(file) else {
        return Ok(Cow::Borrowed(file));
    };
    let header = metadata.metadata().as_ref().and_then(|it| it.get(HEADER));
    let Some(header) = header else {
        return Ok(Cow::Borrowed(file));
    };
    let damaged = |problem: String| ExpandError::Header(problem);
    let packed = SafeTensors::deserialize(file).map_err(|error| damaged(error.to_string()))?;
    let original: Metadata =
        serde_json::from_str(header).map_err(|error| damaged(error.to_string()))?;
    let infos = original.tensors();
    let size = infos
        .values()
        .map(|info| info.data_offsets.1)
        .max()
        .unwrap_or(0);
    if size > 2 * file.len() {
        return Err(damaged("it promises more than the file holds".to_owned()));
    }
    let mut bytes = Vec::with_capacity(8 + header.len() + size);
    bytes.extend((header.len() as u64).to_le_bytes());
    bytes.extend(header.as_bytes());
    let start = bytes.len();
    bytes.resize(start + size, 0);
    for (name, info) in infos {
        let unfit = || ExpandError::Tensor(name.clone());
        let (from, to) = info.data_offsets;
        let out = bytes[start..].get_mut(from..to).ok_or_else(unfit)?;
        let view = packed.tensor(&name).map_err(|_| unfit())?;
        if view.shape() != info.shape || info.dtype != Dtype::F16 {
            return Err(unfit());
        }
        match (view.dtype(), view.shape()) {
            (Dtype::F16, _) if view.data().len() == out.len() => out.copy_from_slice(view.data()),
            (Dtype::I8, &[rows, width]) if 2 * rows * width == out.len() => {
                let scales = packed
                    .tensor(&format!("{name}{SCALE}"))
                    .map_err(|_| unfit())?;
                if scales.dtype() != Dtype::F16 || scales.shape() != [rows, 1] {
                    return Err(unfit());
                }
                let scales = floats(scales.data());
                let values = view.data().chunks_exact(width.max(1));
                let outs = out.chunks_exact_mut(2 * width.max(1));
                for ((values, scale), out) in values.zip(scales).zip(outs) {
                    for (value, out) in values.iter().zip(out.chunks_exact_mut(2)) {
                        let value = f16::from_f32(f32::from(*value as i8) * scale);
                        out.copy_from_slice(&value.to_le_bytes());
                    }
                }
            }
            _ => return Err(unfit()),
        }
    }
    Ok(Cow::Owned(bytes))
}

fn floats(data: &[u8]) -> Vec<f32> {
    let pairs = data.as_chunks().0.iter();
    pairs
        .map(|bytes| f16::from_le_bytes(*bytes).to_f32())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::round_rows;

    /// An f16 file of a matrix and a vector.
    fn file(matrix: &[f32], width: usize) -> Vec<u8> {
        let bytes = |values: &[f32]| -> Vec<u8> {
            let values = values
                .iter()
                .map(|value| f16::from_f32(*value).to_le_bytes());
            values.flatten().collect()
        };
        let (matrix, shape) = (bytes(matrix), vec![matrix.len() / width, width]);
        let vector = bytes(&[0.3, 1.7, -2.0]);
        let views = [
            (
                "m.weight",
                TensorView::new(Dtype::F16, shape, &matrix).unwrap(),
            ),
            (
                "norm.weight",
                TensorView::new(Dtype::F16, vec![3], &vector).unwrap(),
            ),
        ];
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        serialize(views, Some(metadata)).unwrap()
    }

    fn weights() -> Vec<f32> {
        (0..2048)
            .map(|place| ((place * 7919) % 1000) as f32 / 1000.0 - 0.5)
            .collect()
    }

    #[test]
    fn a_packed_file_is_smaller_and_expands_to_the_same_bytes() {
        let mut values = weights();
        round_rows(&mut values, 64);
        let whole = file(&values, 64);
        let packed = pack(&whole).unwrap();
        assert!(packed.len() < whole.len() * 2 / 3, "{}", packed.len());
        assert_eq!(*expand(&packed).unwrap(), *whole);
        assert_eq!(pack(&packed), None);
        assert_eq!(pack(&whole), Some(packed));
    }

    #[test]
    fn other_files_are_neither_packed_nor_changed() {
        let whole = file(&weights(), 64);
        assert_eq!(pack(&whole), None);
        for file in [&whole[..], b"not safetensors"] {
            assert!(matches!(expand(file), Ok(Cow::Borrowed(same)) if same == file));
        }
        assert_eq!(pack(b""), None);
        // No int8 is a negative zero.
        assert_eq!(pack(&file(&[-0.0, 1.0], 2)), None);
    }

    #[test]
    fn damaged_files_are_refused() {
        let mut values = weights();
        round_rows(&mut values, 64);
        let packed = pack(&file(&values, 64)).unwrap();
        let swap = |from: &str, to: &str| {
            assert_eq!(from.len(), to.len());
            let at = packed
                .windows(from.len())
                .position(|part| part == from.as_bytes())
                .unwrap();
            let mut file = packed.clone();
            file[at..at + to.len()].copy_from_slice(to.as_bytes());
            expand(&file).map(Cow::into_owned)
        };
        assert!(
            matches!(swap("weight_scale", "weight_scald"), Err(ExpandError::Tensor(name)) if name == "m.weight")
        );
        assert!(matches!(
            swap("\\\"F16\\\"", "\\\"F99\\\""),
            Err(ExpandError::Header(_))
        ));
    }
}
