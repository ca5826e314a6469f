//! Progress, and the reader's wish to stop.

use std::error::Error;
use std::ops::ControlFlow;

use thiserror::Error;

use crate::ExperimentResults;

/// Who watches an experiment run.
#[allow(async_fn_in_trait, reason = "everything runs on one thread")]
pub trait RunProgress {
    /// Called before every step of a model, so several times a second: the place to look whether the reader has had enough.
    async fn checkpoint(&mut self) -> ControlFlow<()>;

    /// So many of so many parts are done, and this is what they say so far. What was told last is what stays when the reader
    /// stops the experiment.
    fn report(&mut self, done: usize, of: usize, so_far: &ExperimentResults);
}

/// Nobody watches: experiments run to their end.
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
    /// The reader had enough; what was told last stands.
    #[error("the experiment was stopped")]
    Cancelled,
    /// A model could not be asked.
    #[error("the model could not be asked: {0}")]
    Model(Box<dyn Error + Send + Sync>),
    /// Something that the experiment needs is not there.
    #[error("{0}")]
    Missing(String),
}

impl ExperimentError {
    /// Wraps what a model says.
    pub fn model(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Model(Box::new(error))
    }
}

/// Looks up once; an error when the reader had enough.
pub(crate) async fn checkpoint(progress: &mut impl RunProgress) -> Result<(), ExperimentError> {
    match progress.checkpoint().await {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(ExperimentError::Cancelled),
    }
}
