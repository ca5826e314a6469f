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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Command, Event, Failed, FailureCause, GenerateRequest, RunId, RunSpec, SamplingParams,
        Settings,
    };

    #[test]
    fn messages_survive_their_bytes_and_cut_ones_are_refused() {
        let settings = Settings::default();
        let command = Command::Generate(GenerateRequest {
            run: RunId(7),
            spec: RunSpec::of(&settings),
            params: SamplingParams::of(&settings),
        });
        let bytes = encode(&command).unwrap();
        assert_eq!(decode::<Command>(&bytes).unwrap(), command);
        assert!(decode::<Command>(&bytes[..bytes.len() - 1]).is_err());
        let event = Event::Failed(Failed {
            run: None,
            cause: FailureCause::Network,
            message: "no answer".to_owned(),
        });
        assert_eq!(decode::<Event>(&encode(&event).unwrap()).unwrap(), event);
    }
}
