//! A recorded run, which the page replays until the weights have arrived.
//!
//! The file is `encode(&Recording)`. The command line makes it from a real run, and the page handles its events like live
//! ones; nothing in it is invented.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Event, MessageError, RunId, VERSION, decode};

/// Bytes that the page cannot replay.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// The bytes are not a recording.
    #[error("this is not a recording; make one with `collapse record`")]
    Unreadable(#[from] MessageError),
    /// The messages inside are of another version.
    #[error(
        "the recording is of version {found}, the page of {VERSION}; make a new one with `collapse record`"
    )]
    Version {
        /// What the recording says.
        found: u32,
    },
}

/// The run that every event of a recording belongs to.
pub const RECORDED_RUN: RunId = RunId(0);

/// Settings, and the worker's events while it decoded their swarm.
///
/// The frames hold, in this order: one `Ready` (the vocabulary), one `Prefilled` (the logits that the next-token panel
/// shows), `Step`s of [`RECORDED_RUN`], one `Done`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// [`VERSION`] of the messages inside.
    pub version: u32,
    /// The settings, as a link's hash ([`crate::write_link`]).
    pub link: String,
    /// The events, in order.
    pub frames: Vec<Frame>,
}

/// One event and its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Milliseconds since the start of the replay.
    pub at_ms: u32,
    /// What happened then.
    pub event: Event,
}

impl Recording {
    /// Reads a recording of this version.
    ///
    /// # Errors
    /// When the bytes are not a recording, or one of another version; the page then has none to replay.
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
    use crate::{Done, RunOutcome, encode};

    fn recording(version: u32) -> Recording {
        let event = Event::Done(Done {
            run: RECORDED_RUN,
            turn: 0,
            outcome: RunOutcome::Finished,
            tokens: 3,
            seconds: 0.5,
        });
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

    #[test]
    fn the_pages_recording_is_of_this_version_and_whole() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../www/recorded.bin");
        let recording = Recording::from_bytes(&std::fs::read(file).unwrap()).unwrap();
        let events: Vec<&Event> = recording.frames.iter().map(|frame| &frame.event).collect();
        assert!(matches!(
            events[..2],
            [Event::Ready(_), Event::Prefilled(_)]
        ));
        let Event::Done(done) = events[events.len() - 1] else {
            panic!("a recording ends with its run");
        };
        let steps = events[2..events.len() - 1].iter().map(|event| match event {
            Event::Step(step) => step.picks.len() as u32,
            other => panic!("{other:?} between the steps"),
        });
        assert_eq!(steps.sum::<u32>(), done.tokens);
    }
}
