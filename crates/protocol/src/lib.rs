//! The messages between the page and its engine workers, and an experiment's settings as a link.
//!
//! Values only: no browser, no tensors, no I/O. Page and worker are two wasm files that a browser may cache apart, so both
//! carry [`VERSION`], and it is the worker's first message.

mod command;
mod device;
mod event;
mod failure;
mod link;
mod link_repair;
mod message;
mod recording;
mod sampling;
mod settings;

pub use command::{
    Command, ExperimentAdapter, ExperimentRequest, ForceRequest, ForcedToken, GenerateRequest,
    LoadRequest, LogitsRequest, PrefillRequest, ResampleRequest, RunId,
};
pub use decoding::Pick;
pub use device::{DeviceKind, DeviceReport, SelfTest, Speed};
pub use event::{
    Done, Event, ExperimentDone, ExperimentProgress, Hello, Logits, NO_TOKEN, Prefilled, Progress,
    Ready, Rewound, RunOutcome, Stage, Step, TokenBytes, TokenLogits,
};
pub use failure::{Failed, FailureCause, Unavailable};
pub use link::{LinkNote, read_address, read_link, write_link};
pub use message::{MessageError, decode, encode};
pub use recording::{Frame, RECORDED_RUN, Recording, RecordingError};
pub use sampling::{RunSpec, SamplingParams, Side};
pub use settings::{Chains, DeviceChoice, Lambda, LambdaError, Length, RangeError, Settings, View};

/// Raised whenever a message changes its shape: a page never talks to a worker of another version.
pub const VERSION: u32 = 5;
