//! Errors of recipes, corpora, checkpoints and runs.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a model cannot be trained.
#[derive(Debug, Error)]
pub enum TrainingError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The recipe is not valid TOML, or has an unknown field.
    #[error("{path} is not a recipe: {source}")]
    Recipe {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// A value of the recipe makes no sense.
    #[error("recipe: `{field}` {problem}")]
    Value {
        /// Which field.
        field: &'static str,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// A text of the recipe is absent.
    #[error(
        "the recipe uses the text {file} ({origin}), which is not in {folder}; \
         give its folder with --texts, or train on the story world alone with --without-texts"
    )]
    MissingText {
        /// Its name.
        file: String,
        /// Where it comes from.
        origin: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A text has another hash than the recipe's.
    #[error(
        "{path} has the SHA-256 {found}, the recipe expects {expected}; download it again, or change the recipe"
    )]
    OtherText {
        /// Which file.
        path: PathBuf,
        /// What it hashes to.
        found: String,
        /// What the recipe says.
        expected: String,
    },
    /// The model to start from is absent.
    #[error(
        "the recipe starts from the weights in {folder}, and there are none: train them first, with \
         `collapse pretrain {}`", folder.join("training.toml").display()
    )]
    NoInitialWeights {
        /// Where they were looked for.
        folder: PathBuf,
    },
    /// The tokenizer could not be trained, saved or used.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// A checkpoint cannot be resumed.
    #[error("checkpoint {path}: {problem}; delete its folder to start again")]
    Checkpoint {
        /// Its folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The loss is not finite.
    #[error(
        "the loss at step {step} is {loss}: the run diverged; lower `optimizer.learning_rate`, or resume from the checkpoint before"
    )]
    Diverged {
        /// At which step.
        step: usize,
        /// What it was.
        loss: f64,
    },
    /// Reward, divergence or gradient of a tuning run is not finite.
    #[error(
        "reward, divergence or gradient at step {step} is not finite: the run diverged; lower `optimizer.learning_rate`, or raise \
         `kl.coefficient`"
    )]
    TuningDiverged {
        /// At which step.
        step: usize,
    },
    /// The system gives no threads.
    #[error("cannot start the training threads: {0}; lower `batches.shards`")]
    Threads(String),
    /// The model could not be read or written.
    #[error(transparent)]
    Model(#[from] transformer::LoadError),
    /// The adapter to start from could not be read.
    #[error("the adapter to start from: {0}")]
    Start(#[from] transformer::AdapterError),
    /// A sentiment predictor could not be read.
    #[error("{path}: {source}")]
    Predictor {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: sentiment::FileError,
    },
    /// A text could not be scored.
    #[error(transparent)]
    Inference(#[from] transformer::InferenceError),
    /// A prompt of a tuning run does not fit the base.
    #[error(transparent)]
    Prompt(#[from] transformer::PromptError),
    /// The device stopped answering.
    #[error(transparent)]
    Device(#[from] transformer::DeviceError),
    /// The story world's data is broken.
    #[error(transparent)]
    World(#[from] crate::world::WorldError),
}

/// Adds the path to an I/O error.
pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> TrainingError + '_ {
    move |source| TrainingError::File {
        path: path.to_owned(),
        source,
    }
}
