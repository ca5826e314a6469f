//! What the page and its engine worker say to each other, and how an experiment becomes a link.
//!
//! Values only: no browser, no tensors, no I/O. Page and worker are two wasm files that a browser may cache apart,
//! so both carry [`VERSION`] and the worker says it first.

mod command;
mod event;
mod link;
mod link_repair;
mod message;
mod recording;
mod settings;

pub use command::{Asked, Command, Forced, RunId};
pub use decoding::Pick;
pub use event::{
    DeviceKind, DeviceReport, Ending, Event, Prompted, Rows, SelfTest, Speed, Stage, TokenBytes,
};
pub use link::{LinkNote, read_address, read_link, write_link};
pub use message::{MessageError, decode, encode};
pub use recording::{Frame, RECORDED_RUN, Recording, RecordingError};
pub use settings::{Chains, DeviceChoice, Lambda, LambdaError, Length, RangeError, Settings, View};

/// Raised whenever a message changes its shape: a page never talks to a worker of another version.
pub const VERSION: u32 = 4;
