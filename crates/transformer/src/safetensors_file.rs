//! Names and damages of safetensors files, said of models and adapters alike.

use std::cmp::Ordering;

use safetensors::{Dtype, SafeTensorError};
use serde::Deserialize as _;
use serde_json::Value;

use crate::file_kind;

/// A tensor's name without what `torch.compile` (`_orig_mod.`) and data-parallel wrappers (`module.`) put into it.
pub fn plain_name(name: &str) -> String {
    let name = name.strip_prefix("module.").unwrap_or(name);
    name.replace("_orig_mod.", "")
}

/// What is wrong with a file that could not be read, as exactly as it can be said.
pub fn damage(bytes: &[u8], error: &SafeTensorError) -> String {
    file_kind::describe(bytes)
        .or_else(|| header_damage(bytes))
        .unwrap_or_else(|| error.to_string())
}

/// Longest header that the crate reads, bytes.
const LONGEST: u64 = 100_000_000;

fn header_damage(bytes: &[u8]) -> Option<String> {
    let all = bytes.len() as u64;
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Some(format!(
            "it has {all} bytes, fewer than its header's length alone"
        ));
    };
    let length = u64::from_le_bytes(*length);
    if length > LONGEST {
        return Some(format!(
            "it begins with the length {length} of a header, more than any has: it is no safetensors file"
        ));
    }
    if length > rest.len() as u64 {
        let least = 8 + length;
        return Some(format!(
            "it is cut: {all} of more than {least} bytes; its header alone is longer"
        ));
    }
    let (header, data) = rest.split_at(length as usize);
    let header: Value = match serde_json::from_slice(header) {
        Ok(header) => header,
        Err(error) => return Some(format!("its header is no JSON: {error}")),
    };
    let header = header.as_object()?;
    let mut end = 0;
    for (name, tensor) in header {
        if name == "__metadata__" {
            let notes = tensor.as_object().into_iter().flatten();
            if let Some((key, value)) = notes.into_iter().find(|(_, value)| !value.is_string()) {
                return Some(format!(
                    "its metadata `{key}` is {value}, but only text is allowed there: save it again with \"{key}\" as a string"
                ));
            }
            continue;
        }
        if Dtype::deserialize(&tensor["dtype"]).is_err() {
            return Some(format!(
                "`{name}` is of the type {}, which safetensors does not have",
                tensor["dtype"]
            ));
        }
        end = end.max(tensor["data_offsets"][1].as_u64()?);
    }
    let whole = end.checked_add(8 + length)?;
    let data = data.len() as u64;
    match end.cmp(&data) {
        Ordering::Greater => Some(format!("it is cut: {all} of {whole} bytes")),
        Ordering::Less => Some(format!(
            "{} bytes follow after its last tensor: {all} of {whole} bytes",
            data - end
        )),
        Ordering::Equal => None,
    }
}
