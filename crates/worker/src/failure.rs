//! What went wrong while acting on a command, and who is to blame for it.

use protocol::{DeviceKind, FailureCause, RunId};
use transformer::{AdapterError, DeviceError, InferenceError, LoadError, PromptError};

use crate::download::DownloadError;

/// Why a command could not be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What is to blame.
    pub cause: FailureCause,
    /// What failed and what to do, in words for the reader.
    pub message: String,
    /// The run that could not begin, or that broke off.
    pub run: Option<RunId>,
    /// Whether the device can no longer be trusted, so that this worker ends.
    pub fatal: bool,
}

impl Failure {
    /// A failure of one command; the worker goes on.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "errors are handed over where they end"
    )]
    pub fn new(cause: FailureCause, message: impl ToString) -> Self {
        Self {
            cause,
            message: message.to_string(),
            run: None,
            fatal: false,
        }
    }

    /// A failure of the device, after which this worker ends.
    pub fn device(message: impl ToString) -> Self {
        Self {
            fatal: true,
            ..Self::new(FailureCause::Device, message)
        }
    }

    /// What the read-back of logits reports. The CPU computes what is asked: logits that are not finite there are due to the
    /// adapter, where one is used, or to the weights, and only this command fails. A GPU may be at fault itself, so there the
    /// worker ends and the page asks the CPU.
    pub fn computing(kind: DeviceKind, tuned: bool) -> impl Fn(DeviceError) -> Self {
        move |error| match (kind, &error) {
            (DeviceKind::Cpu, DeviceError::NotFinite { .. }) if tuned => {
                Self::new(FailureCause::Adapter, error)
            }
            (DeviceKind::Cpu, DeviceError::NotFinite { .. }) => {
                Self::new(FailureCause::File, error)
            }
            _ => Self::device(error),
        }
    }

    /// The same failure, of a run.
    #[must_use]
    pub fn of(self, run: RunId) -> Self {
        Self {
            run: Some(run),
            ..self
        }
    }
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Self {
        Self::new(error.cause(), error)
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::new(FailureCause::File, error)
    }
}

impl From<PromptError> for Failure {
    fn from(error: PromptError) -> Self {
        Self::new(FailureCause::Prompt, error)
    }
}

impl From<AdapterError> for Failure {
    fn from(error: AdapterError) -> Self {
        Self::new(FailureCause::Adapter, error)
    }
}

impl From<&InferenceError> for Failure {
    fn from(error: &InferenceError) -> Self {
        let cause = match error {
            InferenceError::Tokenizer(_) => FailureCause::File,
            InferenceError::Prompt(_) => FailureCause::Prompt,
            InferenceError::Device(_) => FailureCause::Device,
            _ => FailureCause::Request,
        };
        Self::new(cause, error)
    }
}
