//! What the event loop needs from its surroundings: a channel to the page, a clock, HTTP, a device.
//!
//! In a Web Worker this is [`crate::browser::Browser`]; the native tests have one of their own.

use protocol::{DeviceKind, Event};
use transformer::DeviceError;
pub use transformer::device::Device;

/// The surroundings of the event loop.
#[allow(async_fn_in_trait, reason = "everything runs on one thread")]
pub trait Host {
    /// The body of an HTTP response.
    type Body: Body;

    /// Sends an event to the page.
    fn send(&self, event: Event);

    /// Milliseconds of a clock that never goes back.
    fn now_ms(&self) -> f64;

    /// Lets pending messages be delivered to the inbox.
    async fn yield_now(&self);

    /// Waits.
    async fn sleep(&self, ms: u32);

    /// Sends a GET request, for the bytes from `resume` on where it is given.
    ///
    /// # Errors
    /// When no answer comes.
    async fn get(
        &self,
        address: &str,
        resume: Option<Resume<'_>>,
    ) -> Result<Response<Self::Body>, NoAnswer>;

    /// Starts the device of this kind.
    ///
    /// # Errors
    /// When there is none.
    async fn start_device(&self, kind: DeviceKind) -> Result<Device, DeviceError>;

    /// The first error that the device's driver has logged since the start. A GPU program that the browser refused is *only*
    /// logged: its launch seems to succeed and leaves wrong numbers behind.
    fn device_error(&self) -> Option<String>;
}

/// From where a broken download goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume<'a> {
    /// The first byte that is still missing.
    pub from: u64,
    /// The version of the file that the bytes before it came from, as the server named it.
    pub version: &'a str,
}

/// The head of an HTTP response, and the body that follows.
#[derive(Clone, Debug)]
pub struct Response<B> {
    /// Status code.
    pub status: u16,
    /// Bytes of the file, where known.
    pub total: Option<u64>,
    /// Whether the server compresses on the way: then `total` is an estimate, and byte ranges mean something else.
    pub compressed: bool,
    /// The server's name for this version of the file (`ETag` or `Last-Modified`).
    pub version: Option<String>,
    /// The bytes.
    pub body: B,
}

/// A body that comes in chunks.
#[allow(async_fn_in_trait, reason = "everything runs on one thread")]
pub trait Body {
    /// Appends the next chunk to `bytes`. False at the end.
    ///
    /// # Errors
    /// When the connection breaks.
    async fn read(&mut self, bytes: &mut Vec<u8>) -> Result<bool, BrokenOff>;
}

/// The server does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAnswer;

/// The connection broke before the end of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenOff;
