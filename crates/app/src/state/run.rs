//! The present run: what it generates, which engine does, and how far it is.

use std::rc::Rc;

use protocol::{DeviceKind, RunId, RunOutcome, RunSpec};

/// Where events come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventSource {
    /// The recording.
    Recording,
    /// An engine.
    Device(DeviceKind),
}

/// How far a run is.
///
/// `Queued` → `Decoding` → `Settled` → `Decoding` again under other parameters; `Stopping` → `Stopped` (or `Settled`, where the run
/// was over before its worker heard of the stop); `Failed` or `Orphaned` from any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It has not been sent to its worker.
    Queued,
    /// Tokens are coming.
    Decoding,
    /// All tokens are there. Other parameters, or a forced token, make it decode again.
    Settled,
    /// The reader wants it to end; its worker has not said how it ended.
    Stopping,
    /// The reader ended it. It stays as it is.
    Stopped,
    /// It could not begin, or its engine broke while tokens were coming; a note says why.
    Failed,
    /// Its engine is out. Its tokens are all that is left of it, on this page only.
    Orphaned,
}

/// A swarm being decoded, or decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// What decodes it.
    pub source: EventSource,
    /// What it generates.
    pub spec: RunSpec,
    /// The prompt's token ids, once the model has read it.
    pub prompt_tokens: Rc<[u32]>,
    /// How far it is.
    pub phase: Phase,
    /// Tokens per second, all chains together, as the worker last said.
    pub tokens_per_second: f32,
}

impl Run {
    /// A run that is about to begin, or a recording that begins.
    pub fn new(id: RunId, source: EventSource, spec: RunSpec) -> Self {
        Self {
            id,
            source,
            spec,
            prompt_tokens: Rc::from([]),
            phase: match source {
                EventSource::Recording => Phase::Decoding,
                EventSource::Device(_) => Phase::Queued,
            },
            tokens_per_second: 0.0,
        }
    }

    /// The engine that decodes it, if it is no recording.
    pub fn device(&self) -> Option<DeviceKind> {
        match self.source {
            EventSource::Recording => None,
            EventSource::Device(kind) => Some(kind),
        }
    }

    /// Whether tokens are coming, or are about to.
    pub fn is_active(&self) -> bool {
        matches!(
            self.phase,
            Phase::Queued | Phase::Decoding | Phase::Stopping
        )
    }

    /// Whether its worker still has its logits, so that a token can be opened.
    pub fn has_logits(&self) -> bool {
        self.device().is_some() && !matches!(self.phase, Phase::Failed | Phase::Orphaned)
    }

    /// Its worker says that it is over.
    pub fn end(&mut self, outcome: RunOutcome) {
        self.phase = match outcome {
            RunOutcome::Finished => Phase::Settled,
            RunOutcome::Stopped => Phase::Stopped,
        };
    }

    /// Its engine is out. Whether tokens were still to come.
    pub fn lose_engine(&mut self) -> bool {
        let was_active = self.is_active();
        self.phase = match self.phase {
            Phase::Queued | Phase::Decoding | Phase::Stopping | Phase::Failed => Phase::Failed,
            Phase::Settled | Phase::Stopped | Phase::Orphaned => Phase::Orphaned,
        };
        was_active
    }
}

/// Whether tokens may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// All are there.
    No,
    /// The worker is to be asked for some, once the hand that moves a knob rests.
    Wanted,
    /// It is at work.
    Coming,
}
