//! Commands and events as bytes: what `postMessage` carries, as a transferred `ArrayBuffer`.

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

/// Bytes that are not a message of this version.
#[derive(Debug, Error)]
#[error("page and worker are of different versions ({0}); reload the page to fetch both again")]
pub struct MessageError(#[from] postcard::Error);

/// A message as bytes.
///
/// # Errors
/// None for the messages of this crate: every value of them can be written.
pub fn encode<M: Serialize>(message: &M) -> Result<Vec<u8>, MessageError> {
    Ok(postcard::to_allocvec(message)?)
}

/// The message that some bytes hold.
///
/// # Errors
/// When the bytes are cut short, or hold a value out of range.
pub fn decode<M: DeserializeOwned>(bytes: &[u8]) -> Result<M, MessageError> {
    Ok(postcard::from_bytes(bytes)?)
}
