//! The present run: which experiment it is, what its worker was told, and how far it is.

use std::rc::Rc;

use decoding::Shaping;
use protocol::{Chains, DeviceKind, Ending, Forced, Length, RunId};

/// Who speaks in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// The recording.
    Recording,
    /// An engine.
    Device(DeviceKind),
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Tokens are coming, or are about to.
    Running,
    /// It is over.
    Ended(Ending),
}

/// The knobs and coins that a worker decodes with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// The knobs.
    pub shaping: Shaping,
    /// The coins.
    pub seed: u64,
}

/// A swarm being decoded, or decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// Who decodes it.
    pub voice: Voice,
    /// The text that every chain continues.
    pub prompt: Rc<str>,
    /// The prompt's token ids, once the model has read it.
    pub prompt_tokens: Rc<[u32]>,
    /// How many chains.
    pub chains: Chains,
    /// Tokens a chain at most.
    pub length: Length,
    /// What the worker decodes with; none until it was told to begin.
    pub told: Option<Terms>,
    /// The worker was told of new terms or a forced token, and has not answered with `Rewound` yet: a `Done` that arrives
    /// meanwhile is about the terms before.
    pub awaits_rewind: bool,
    /// A token to be forced that the worker was not told of yet.
    pub force: Option<Forced>,
    /// The reader wants it to end, and the worker was not told yet.
    pub stop: bool,
    /// How far it is.
    pub phase: Phase,
    /// Tokens a second, all chains together, as the worker last said.
    pub tokens_per_second: f32,
}

impl Run {
    /// A run that is about to begin.
    pub fn new(id: RunId, voice: Voice, prompt: Rc<str>, chains: Chains, length: Length) -> Self {
        Self {
            id,
            voice,
            prompt,
            prompt_tokens: Rc::from([]),
            chains,
            length,
            told: None,
            awaits_rewind: false,
            force: None,
            stop: false,
            phase: Phase::Running,
            tokens_per_second: 0.0,
        }
    }

    /// The engine that decodes it, if it is no recording.
    pub fn device(&self) -> Option<DeviceKind> {
        match self.voice {
            Voice::Recording => None,
            Voice::Device(kind) => Some(kind),
        }
    }

    /// Whether its worker still holds it, so that new terms make sense.
    pub fn is_held(&self) -> bool {
        self.device().is_some()
            && matches!(self.phase, Phase::Running | Phase::Ended(Ending::Finished))
    }

    /// Whether its worker is, or is about to be, at work under these terms.
    pub fn is_running(&self, terms: Terms) -> bool {
        self.phase == Phase::Running
            || self.is_held()
                && (self.awaits_rewind || self.force.is_some() || self.told != Some(terms))
    }
}
