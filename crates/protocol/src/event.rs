//! Messages from a worker to the page.

use decoding::Pick;
use serde::{Deserialize, Serialize};

use crate::{DeviceReport, Failed, RunId, Unavailable};

/// The bytes of a token. Byte-level BPE may split a character, so only a whole text is sure to be UTF-8.
pub type TokenBytes = Vec<u8>;

/// Worker to page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// First of all: the wasm runs and listens.
    Hello(Hello),
    /// A part of the work before the first token is done.
    Progress(Progress),
    /// The model is loaded.
    Ready(Ready),
    /// This worker does not serve, or no longer.
    Unavailable(Unavailable),
    /// The logits after a prompt.
    Prefilled(Prefilled),
    /// One more token for every chain that still runs.
    Step(Step),
    /// Chains were cut after other sampling parameters or a forced token; more `Step`s follow.
    Rewound(Rewound),
    /// A swarm is over.
    Done(Done),
    /// The logits that a token was sampled from.
    Logits(TokenLogits),
    /// Intermediate findings of an experiment.
    ExperimentProgress(ExperimentProgress),
    /// An experiment is over.
    ExperimentDone(ExperimentDone),
    /// A request failed; the worker goes on.
    Failed(Failed),
}

/// The worker's first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::VERSION`] of the worker.
    pub version: u32,
}

/// How far a part of the work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Which part.
    pub stage: Stage,
    /// Bytes or steps done.
    pub done: u64,
    /// Bytes or steps in all, where known.
    pub total: Option<u64>,
}

/// A part of the work before the first token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Fetching the weights; counted in bytes.
    Weights,
    /// Fetching an adapter; counted in bytes.
    Adapter,
    /// Fetching the experiments' inputs; not counted.
    ExperimentInputs,
    /// Turning bytes into tensors on the device; not counted.
    Upload,
    /// Comparing the GPU's logits with the CPU's, and timing both; counted in steps.
    SelfTest,
    /// Fetching the engine's wasm; counted in bytes. The page makes this event itself from what `www/worker.js` counts, as no
    /// worker runs yet.
    EngineWasm,
}

/// An id that no token has.
pub const NO_TOKEN: u32 = u32::MAX;

/// A loaded model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ready {
    /// The device, and how its self-test went.
    pub device: DeviceReport,
    /// The bytes of every token, by id.
    pub vocabulary: Vec<TokenBytes>,
    /// The token that begins a text, not shown; [`NO_TOKEN`] where there is none.
    pub bos_token: u32,
    /// The token that ends a chain; of several the first, and the others have no bytes. [`NO_TOKEN`] where there is none.
    pub eos_token: u32,
    /// Most tokens of prompt and continuation together.
    pub context: u32,
}

/// A prompt's tokens, and the logits after the last one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prefilled {
    /// The prompt, as it was sent.
    pub prompt: String,
    /// The adapter that was used, if any.
    pub adapter: Option<String>,
    /// The prompt's token ids, special tokens included.
    pub tokens: Vec<u32>,
    /// The logits after the last token.
    pub logits: Logits,
}

/// The logits of one position, before any shaping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logits {
    /// The base's, `[vocab]`.
    pub base: Vec<f32>,
    /// The tuned model's, `[vocab]`; absent without an adapter, and in chains of the base alone.
    pub tuned: Option<Vec<f32>>,
}

/// New tokens of a swarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The run.
    pub run: RunId,
    /// The tokens; a chain that has ended is absent.
    pub picks: Vec<Pick>,
    /// Tokens per second over this run so far, all chains together.
    pub tokens_per_second: f32,
}

/// What is left of every chain after a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rewound {
    /// The run.
    pub run: RunId,
    /// The turn that is answered (see [`crate::ResampleRequest::turn`]).
    pub turn: u32,
    /// Tokens kept, by chain.
    pub kept: Vec<u32>,
    /// Surprisal and entropy (bits) of the kept tokens under the new parameters, by chain and position.
    pub measures: Vec<Vec<(f32, f32)>>,
}

/// The end of a swarm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The run.
    pub run: RunId,
    /// The last turn that the worker acted on; 0 where nothing followed `Generate`.
    pub turn: u32,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Tokens generated since the last `Generate`, `Resample` or `Force`.
    pub tokens: u32,
    /// Seconds that this took.
    pub seconds: f32,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunOutcome {
    /// Everything was computed.
    Finished,
    /// The reader stopped it, or another run took its place.
    Stopped,
}

/// The answer to a [`crate::LogitsRequest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenLogits {
    /// The run.
    pub run: RunId,
    /// Index of the chain.
    pub chain: u32,
    /// Index of the generated token.
    pub position: u32,
    /// Absent where the chain no longer has such a position.
    pub logits: Option<Logits>,
}

/// What an experiment has found so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentProgress {
    /// The run.
    pub run: RunId,
    /// Parts done.
    pub done: u32,
    /// Parts in all.
    pub total: u32,
    /// The `experiments::Findings`, [`crate::encode`]d: this crate does not depend on `experiments`.
    pub findings: Vec<u8>,
}

/// The end of an experiment. Of a run that was stopped, the last [`ExperimentProgress`] counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentDone {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub outcome: RunOutcome,
    /// All findings, encoded as in [`ExperimentProgress`]; absent for a run that was stopped.
    pub findings: Option<Vec<u8>>,
    /// Seconds that it took, without fetching.
    pub seconds: f32,
}
