//! The present run: which experiment it is, what its worker was told, and how far it is.

use std::rc::Rc;

use protocol::{DeviceKind, ForcedToken, RunId, RunOutcome, RunSpec, SamplingParams};

/// Who speaks in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventSource {
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
    Ended(RunOutcome),
    /// It could not begin, or its engine broke; a note says why.
    Failed,
}

/// How far the reader's wish to end a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// No such wish, or the run is over.
    No,
    /// The worker is to be told.
    Wanted,
    /// It was told; it will say how the run ended.
    Told,
}

/// A swarm being decoded, or decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// Who decodes it.
    pub source: EventSource,
    /// What it tells.
    pub spec: RunSpec,
    /// The prompt's token ids, once the model has read it.
    pub prompt_tokens: Rc<[u32]>,
    /// What the worker decodes with; none until it was told to begin.
    pub told: Option<SamplingParams>,
    /// How many times the worker was told of new params or a forced token. Its answers carry the number: a `Done` of an
    /// earlier turn is about what the chains were before.
    pub turn: u32,
    /// A token to be forced that the worker was not told of yet.
    pub force: Option<ForcedToken>,
    /// Whether the reader wants it to end.
    pub stop: Stop,
    /// Its engine is out, and what is left of it is on this page only.
    pub lost: bool,
    /// How far it is.
    pub phase: Phase,
    /// Tokens a second, all chains together, as the worker last said.
    pub tokens_per_second: f32,
}

impl Run {
    /// A run that is about to begin.
    pub fn new(id: RunId, source: EventSource, spec: RunSpec) -> Self {
        Self {
            id,
            source,
            spec,
            prompt_tokens: Rc::from([]),
            told: None,
            turn: 0,
            force: None,
            stop: Stop::No,
            lost: false,
            phase: Phase::Running,
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

    /// Whether its worker still has its rows, so that a token can be opened.
    pub fn is_kept(&self) -> bool {
        self.device().is_some() && !self.lost && self.phase != Phase::Failed
    }

    /// Whether its worker still goes on with it, so that new params make sense: one that was stopped stays as it is.
    pub fn is_held(&self) -> bool {
        let open = match self.phase {
            Phase::Running => self.stop != Stop::Told,
            Phase::Ended(outcome) => outcome == RunOutcome::Finished,
            Phase::Failed => false,
        };
        self.is_kept() && open
    }

    /// Whether tokens may follow under these params.
    pub fn more(&self, params: SamplingParams) -> More {
        if self.phase == Phase::Running {
            More::Coming
        } else if self.is_held() && (self.force.is_some() || self.told != Some(params)) {
            More::Wanted
        } else {
            More::No
        }
    }

    /// Whether its worker is, or is about to be, at work under these params.
    pub fn is_running(&self, params: SamplingParams) -> bool {
        self.more(params) != More::No
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
