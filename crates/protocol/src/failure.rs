//! What could not be done, and what is to blame, so that the page need not guess from the words.

use serde::{Deserialize, Serialize};

use crate::RunId;

/// What a failure is due to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FailureCause {
    /// The prompt: empty, too long, or not encodable. Another prompt works.
    Prompt,
    /// The adapter: it cannot be fetched, does not fit the base, or its logits are not finite. The base works.
    Adapter,
    /// A file of the model: missing, not what its name says, or damaged. Every engine fails alike.
    File,
    /// The connection: no answer, or it broke off. Trying again may work.
    Network,
    /// The device or its program: lost, out of memory, or computing wrongly. Another engine works.
    Device,
    /// The request itself: no model is loaded, or there is no such chain, token or experiment.
    Request,
}

/// A request that failed. The worker goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The run that could not begin, or that broke off; absent where the request names no run.
    pub run: Option<RunId>,
    /// What is to blame.
    pub cause: FailureCause,
    /// What failed and what to do, in words for the reader.
    pub message: String,
}

/// This worker does not serve, or no longer. Its run ends without a `Done`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unavailable {
    /// What is to blame.
    pub cause: FailureCause,
    /// Why, in words for the reader.
    pub message: String,
}

impl Unavailable {
    /// The device, or the program on it, is to blame.
    pub fn device(message: impl Into<String>) -> Self {
        Self {
            cause: FailureCause::Device,
            message: message.into(),
        }
    }
}
