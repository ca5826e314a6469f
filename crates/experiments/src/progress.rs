//! Progress of a run, and its cancellation.

use std::error::Error;
use std::ops::ControlFlow;

use thiserror::Error;

use crate::ExperimentResults;

/// Where a run reports its progress, and looks whether it is cancelled.
#[allow(async_fn_in_trait, reason = "everything runs on one thread")]
pub trait RunProgress {
    /// Called before every step of a model, so several times a second: the place to yield, and to look whether the run is cancelled.
    async fn checkpoint(&mut self) -> ControlFlow<()>;

    /// So many of so many units are done, with the results so far. What was reported last is what stays when the reader
    /// cancels the experiment.
    fn report(&mut self, done: usize, of: usize, so_far: &ExperimentResults);
}

/// Nothing is reported: experiments run to their end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl RunProgress for Unobserved {
    async fn checkpoint(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn report(&mut self, _done: usize, _of: usize, _so_far: &ExperimentResults) {}
}

/// Why an experiment ended before its end.
#[derive(Debug, Error)]
pub enum ExperimentError {
    /// The run was cancelled; what was reported last stands.
    #[error("the experiment was stopped")]
    Cancelled,
    /// A model failed.
    #[error("the model failed: {0}")]
    Model(Box<dyn Error + Send + Sync>),
    /// Something that the experiment needs is not there.
    #[error("{0}")]
    Missing(String),
}

impl ExperimentError {
    /// Wraps a model's error.
    pub fn model(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Model(Box::new(error))
    }
}

/// One checkpoint; an error when the run is cancelled.
pub(crate) async fn checkpoint(progress: &mut impl RunProgress) -> Result<(), ExperimentError> {
    match progress.checkpoint().await {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(ExperimentError::Cancelled),
    }
}
