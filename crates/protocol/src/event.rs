//! What the worker tells the page.

use decoding::Pick;
use serde::{Deserialize, Serialize};

use crate::RunId;

/// The bytes that a token stands for. Byte-level BPE may split a character, so only a whole text is sure to be UTF-8.
pub type TokenBytes = Vec<u8>;

/// Worker to page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// First of all: the wasm runs, and listens.
    Hello {
        /// [`crate::VERSION`] of the worker.
        version: u32,
    },
    /// Something is under way.
    Progress {
        /// What is being done.
        stage: Stage,
        /// Bytes or steps done.
        done: u64,
        /// Of how many, where that is known.
        total: Option<u64>,
    },
    /// The model stands ready on this device.
    Ready {
        /// The device, and how it proved itself.
        device: DeviceReport,
        /// The bytes of every token, by id.
        vocabulary: Vec<TokenBytes>,
        /// The token that begins a text, shown to nobody.
        beginning_of_text: u32,
        /// The token that ends a chain.
        end_of_text: u32,
        /// Prompt and continuation together have at most so many tokens.
        context: u32,
    },
    /// This worker does not serve, or no more: no adapter, one that computes wrongly, or one that was lost. Its run ends
    /// with it, without a `Done`.
    Unavailable {
        /// Why, in words for the reader.
        reason: String,
    },
    /// A prompt was read.
    Prompted(Prompted),
    /// One more token for every chain that still runs.
    Step {
        /// Of this run.
        run: RunId,
        /// The new tokens; a chain that has ended is absent.
        picks: Vec<Pick>,
        /// Tokens a second over this run so far, all chains together.
        tokens_per_second: f32,
    },
    /// Knobs, coins or a forced token changed: keep so many tokens a chain and drop the rest; more `Step`s follow.
    Rewound {
        /// Of this run.
        run: RunId,
        /// The turn that is answered (see [`crate::Command::Shape`]).
        turn: u32,
        /// Tokens kept, by chain.
        kept: Vec<u32>,
        /// The kept tokens' measures under the new knobs, chain by chain, position by position.
        measures: Vec<Vec<(f32, f32)>>,
    },
    /// The run is over.
    Done {
        /// Of this run.
        run: RunId,
        /// The last turn that the worker had acted on; 0 where nothing followed `Generate`.
        turn: u32,
        /// How it ended.
        ending: Ending,
        /// Tokens generated since the last `Generate`, `Shape` or `Force`.
        tokens: u32,
        /// Seconds that this took.
        seconds: f32,
    },
    /// The row that was asked for.
    Row {
        /// Of this run.
        run: RunId,
        /// Which chain.
        chain: u32,
        /// Which generated token, from 0.
        position: u32,
        /// None where the chain has no such place any more.
        rows: Option<Rows>,
    },
    /// An experiment has come so far.
    Experiment {
        /// Of this run.
        run: RunId,
        /// Parts done.
        done: u32,
        /// Of so many.
        of: u32,
        /// The `experiments::Findings` so far, [`crate::encode`]d: this crate knows no experiments.
        findings: Vec<u8>,
    },
    /// An experiment is over. When the reader stopped it, what was found last stands.
    Concluded {
        /// Of this run.
        run: RunId,
        /// How it ended.
        ending: Ending,
        /// All that was found, as in `Experiment`; none of a run that was stopped.
        findings: Option<Vec<u8>>,
        /// Seconds that it took, fetching left out.
        seconds: f32,
    },
    /// Something asked for could not be done; the worker goes on.
    Failed {
        /// The run that could not begin, if it was to begin one.
        run: Option<RunId>,
        /// What failed and what to do, in words for the reader.
        message: String,
    },
}

/// What is under way before the first token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Fetching the weights; counted in bytes.
    Weights,
    /// Fetching an adapter; counted in bytes.
    Adapter,
    /// Fetching what the experiments ask; not counted.
    Material,
    /// Turning bytes into tensors on the device; not counted.
    Upload,
    /// Comparing the GPU's logits with the CPU's, and timing both; counted in steps.
    SelfTest,
    /// Fetching the engine's wasm; counted in bytes. No worker says it, as none runs yet: the page makes it from what
    /// `www/worker.js` counts.
    Program,
}

/// A prompt as the model sees it, and what it thinks comes next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prompted {
    /// The text that was read.
    pub text: String,
    /// The adapter that was asked, if one was.
    pub adapter: Option<String>,
    /// Its token ids, beginning with the beginning-of-text token.
    pub tokens: Vec<u32>,
    /// The rows after the last token.
    pub rows: Rows,
}

/// What the network thinks at one place; what the knobs make of it is the reader's affair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// The base's logits, `[vocab]`, before any shaping.
    pub base: Vec<f32>,
    /// Those of the tuned model, where an adapter is asked. A chain of the base itself has none.
    pub tuned: Option<Vec<f32>>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Every chain reached its end.
    Finished,
    /// The reader stopped it, or another run took its place.
    Stopped,
}

/// Where the numbers are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DeviceKind {
    /// burn's flex backend in wasm.
    Cpu,
    /// burn's wgpu backend on the browser's WebGPU.
    WebGpu,
}

/// A device that stands ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// Which kind.
    pub kind: DeviceKind,
    /// How it computes. The name of a GPU is known to the page, which asked the browser before it fetched the worker.
    pub adapter: String,
    /// The comparison with the CPU; absent on the CPU itself.
    pub self_test: Option<SelfTest>,
    /// Measured at start: the page gives a run to the device that is faster for its number of chains.
    pub speeds: Vec<Speed>,
}

/// GPU logits against CPU logits on a fixed prompt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// Largest `|delta logit|`, as a share of the row's spread (max - min).
    pub max_relative_delta: f32,
    /// What was allowed.
    pub tolerance: f32,
}

/// One timing of a decoding step with read-back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Chains in the batch.
    pub chains: u32,
    /// Milliseconds a step, the least of a few.
    pub step_ms: f32,
}
