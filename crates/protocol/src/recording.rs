//! A run that was written down: what the page plays until the weights have arrived.
//!
//! The file is `encode(&Recording)`. It is made by the command line from a real run and replayed through the same
//! `reduce` as live events; nothing in it is invented.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Event, MessageError, RunId, VERSION, decode};

/// Bytes that the page cannot replay.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// The bytes are no recording.
    #[error("this is no recording; make it anew with `collapse record`")]
    Unreadable(#[from] MessageError),
    /// The messages inside are of another version.
    #[error(
        "the recording is of version {found}, the page of {VERSION}; make it anew with `collapse record`"
    )]
    Version {
        /// What the recording says.
        found: u32,
    },
}

/// The run that every event of a recording belongs to.
pub const RECORDED_RUN: RunId = RunId(0);

/// One experiment, and what the worker said while it ran.
///
/// The frames hold, in this order: one `Ready` (the vocabulary), one `Prompted` (the row that the next-token panel
/// shows), `Step`s of [`RECORDED_RUN`], one `Done`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// [`VERSION`] of the messages inside.
    pub version: u32,
    /// The settings, as a link's hash ([`crate::write_link`]).
    pub link: String,
    /// What was said, in order.
    pub frames: Vec<Frame>,
}

/// One event and its moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Milliseconds since the start of the replay.
    pub at_ms: u32,
    /// What was said then.
    pub event: Event,
}

impl Recording {
    /// Reads a recording of this version.
    ///
    /// # Errors
    /// When the bytes are no recording, or one of another version; the page then simply has none to play.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordingError> {
        let recording: Self = decode(bytes)?;
        if recording.version == VERSION {
            Ok(recording)
        } else {
            Err(RecordingError::Version {
                found: recording.version,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ending, encode};

    fn recording(version: u32) -> Recording {
        let event = Event::Done {
            run: RECORDED_RUN,
            turn: 0,
            ending: Ending::Finished,
            tokens: 3,
            seconds: 0.5,
        };
        Recording {
            version,
            link: "t=1".to_owned(),
            frames: vec![Frame { at_ms: 40, event }],
        }
    }

    #[test]
    fn a_recording_survives_its_bytes() {
        let bytes = encode(&recording(VERSION)).unwrap();
        assert_eq!(Recording::from_bytes(&bytes).unwrap(), recording(VERSION));
    }

    #[test]
    fn a_recording_of_another_version_is_refused() {
        let bytes = encode(&recording(VERSION + 1)).unwrap();
        assert!(matches!(
            Recording::from_bytes(&bytes),
            Err(RecordingError::Version { .. })
        ));
    }

    #[test]
    fn a_cut_recording_is_refused() {
        let bytes = encode(&recording(VERSION)).unwrap();
        assert!(Recording::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    }
}
