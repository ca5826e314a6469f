//! Messages from the page to a worker.
//!
//! The worker empties its inbox between tokens. Of several [`Command::Resample`]s in a row only the last is acted on.

use serde::{Deserialize, Serialize};

use crate::{RunSpec, SamplingParams};

/// Identifies one run, of a swarm or of an experiment. The page counts upwards and drops events of earlier runs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct RunId(pub u32);

/// Page to worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Fetch the model and start the device that this worker was built for. Answered by `Progress` events, then `Ready` or
    /// `Unavailable`.
    Load(LoadRequest),
    /// Compute the logits of the token after a prompt. Answered by `Prefilled` or `Failed`.
    Prefill(PrefillRequest),
    /// Decode a swarm. Answered by `Prefilled`, `Step`s and `Done`, or by `Failed`. Stops the run before it.
    Generate(GenerateRequest),
    /// Change the sampling parameters of a run. Every chain keeps its tokens up to the first position where the sampled token
    /// differs. Answered by `Rewound`, `Step`s and `Done`. Ignored for a run that was stopped.
    Resample(ResampleRequest),
    /// Replace one token and continue from there. Later forced tokens of that chain are forgotten. Answered like `Resample`,
    /// and also by `Failed` where the chain has no such position.
    Force(ForceRequest),
    /// Send the logits that a token was sampled from. Answered by `Logits`.
    GetLogits(LogitsRequest),
    /// Run one of the `experiments` at its quick size. Answered by `ExperimentProgress`, then `ExperimentDone` or `Failed`. A
    /// swarm that is being decoded waits meanwhile.
    Experiment(ExperimentRequest),
    /// Stop a run where it is. Answered by `Done` or `ExperimentDone` with [`crate::RunOutcome::Stopped`]. Ignored for a run
    /// that is over.
    Stop(RunId),
}

/// Which model to load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadRequest {
    /// Address of the folder with `config.json`, `tokenizer.json` and `model.safetensors`; ends in `/`.
    pub folder: String,
}

/// Whose next token to predict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefillRequest {
    /// The prompt, as typed.
    pub prompt: String,
    /// Folder name under the model's `adapters/`. It is fetched first where needed, and its logits are sent too.
    pub adapter: Option<String>,
}

/// A swarm to decode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerateRequest {
    /// The page's id for this run.
    pub run: RunId,
    /// What stays fixed while it is decoded.
    pub spec: RunSpec,
    /// What [`ResampleRequest`]s may change.
    pub params: SamplingParams,
}

/// Other sampling parameters for a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResampleRequest {
    /// The run that is meant.
    pub run: RunId,
    /// Number of this change: [`GenerateRequest`] is turn 0, and every `Resample` or `Force` counts one up. Answers carry it,
    /// so that the page can tell the answer to its last change from one to an earlier change.
    pub turn: u32,
    /// The parameters from now on.
    pub params: SamplingParams,
}

/// A token to replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForceRequest {
    /// The run that is meant.
    pub run: RunId,
    /// Number of this change, counted as in [`ResampleRequest`].
    pub turn: u32,
    /// Where, and by which token.
    pub forced: ForcedToken,
}

/// A token that the reader put in place of the sampled one. It stays as long as its prefix is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForcedToken {
    /// Index of the chain.
    pub chain: u32,
    /// Index of the generated token in that chain.
    pub position: u32,
    /// The token id.
    pub token: u32,
}

/// Which logits to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogitsRequest {
    /// The run that is meant.
    pub run: RunId,
    /// Index of the chain.
    pub chain: u32,
    /// Index of the generated token that was sampled from them.
    pub position: u32,
}

/// An experiment to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentRequest {
    /// The page's id for this run; no swarm has the same.
    pub run: RunId,
    /// The experiment's name.
    pub name: String,
    /// The adapters to measure beside the base. They are fetched first where needed.
    pub adapters: Vec<ExperimentAdapter>,
    /// The reader's sampling parameters.
    pub params: SamplingParams,
}

/// An adapter that an experiment measures beside the base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentAdapter {
    /// Folder name under the model's `adapters/`.
    pub name: String,
    /// The KL budget that it was tuned under, nats per completion, where it has one.
    pub budget_nats: Option<f64>,
}
