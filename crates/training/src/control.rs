//! What the caller of a run wants after a step.

/// Goes on or pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Write a checkpoint and return; the same command resumes.
    Pause,
}
