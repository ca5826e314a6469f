//! Pretraining: next-token prediction over the corpus, from fresh weights to a Hugging Face folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use sha2::{Digest, Sha256};
use tokenizers::Tokenizer;
use transformer::{Llama, LlamaConfig, ModelFiles, Rotary};

use crate::batches::deal;
use crate::checkpoint::{self, Progress};
use crate::clip::clip_by_global_norm;
use crate::corpus::{Corpus, hex};
use crate::error::{TrainingError, at};
use crate::export::{Precision, to_safetensors};
use crate::log::{self, round};
use crate::recipe::Recipe;
use crate::schedule::learning_rate;
use crate::shards::{Workers, shard};
use crate::vocabulary;

/// Where a run reads and writes.
pub struct Places<'a> {
    /// The model's folder: tokenizer, weights, config and log end up here.
    pub model: &'a Path,
    /// The folder of the recipe's texts; `None` trains on the story world alone.
    pub texts: Option<&'a Path>,
    /// Checkpoints and the growing log; may be deleted after the run.
    pub run: &'a Path,
}

/// What a run reports after every step.
#[derive(Clone, Copy, Debug)]
pub struct StepReport {
    /// Batches done.
    pub step: usize,
    /// Batches in all.
    pub steps: usize,
    /// Mean loss of the batch, nats a token.
    pub loss: f64,
    /// Norm of the whole gradient before clipping.
    pub gradient_norm: f64,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Tokens predicted so far.
    pub tokens: u64,
    /// Seconds of computing so far, over all sittings.
    pub seconds: f64,
}

/// What the caller wants after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Go on.
    Continue,
    /// Write a checkpoint and return; the same command resumes.
    Pause,
}

/// Steps between two checkpoints.
const CHECKPOINT_EVERY: usize = 250;
/// Steps whose mean loss makes one line of the log.
const LOG_EVERY: usize = 10;

/// Runs a recipe, from the last checkpoint if there is one. Returns true when the run is complete.
///
/// # Errors
/// When texts, recipe or checkpoint cannot be used, a file cannot be written, or the loss is no longer finite.
pub fn pretrain(
    recipe: &Recipe,
    places: &Places<'_>,
    device: &Device,
    mut watch: impl FnMut(&StepReport) -> Wish,
) -> Result<bool, TrainingError> {
    for folder in [places.model, places.run] {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    let corpus = Corpus::gather(recipe, places.texts)?;
    let start = Start::read(recipe, places.model)?;
    if let Some(start) = &start {
        let path = places.model.join("tokenizer.json");
        fs::write(&path, &start.files.tokenizer).map_err(at(&path))?;
    }
    let tokenizer = tokenizer(&corpus, recipe, places.model)?;
    let sequences = corpus.sequences(&tokenizer, recipe.model.context)?;
    let lengths: Vec<usize> = sequences.iter().map(Vec::len).collect();
    let batches = deal(
        &lengths,
        recipe.batches.tokens,
        recipe.batches.pool,
        recipe.seed,
    );

    let config = recipe.config();
    let tracked = device.clone().autodiff();
    device.seed(recipe.seed);
    let mut first = config.init(recipe.model.dropout, &tracked);
    if let Some(start) = &start {
        first = start.weigh(first, &config, device)?;
    }
    let hash = recipe_hash(recipe, places.texts.is_some(), start.as_ref());
    let folder = places.run.join("checkpoint");
    let (mut model, mut optimizer, resumed) =
        checkpoint::load(&folder, &hash, first, recipe.optimizer.init())?;
    let mut progress = resumed.unwrap_or_else(|| Progress::fresh(hash));
    let rotary = Rotary::new(&config, &tracked);
    let workers = Workers::new(recipe.batches.shards)?;
    let mut log = Log::open(places.run.join("log.jsonl"), progress.step)?;

    for (step, batch) in batches.iter().enumerate().skip(progress.step) {
        let clock = Instant::now();
        // Dropout of a step depends on its number alone, so a resumed run repeats an unbroken one.
        let seed = recipe.seed ^ (step as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let rate = learning_rate(&recipe.optimizer, step, batches.len());
        let (shards, predicted) = shard(batch, &sequences, recipe.batches.shards);
        let (loss, mut gradients) =
            workers.backward(&model, &rotary, &shards, predicted, seed, device);
        if !loss.is_finite() {
            return Err(TrainingError::Diverged { step, loss });
        }
        let gradient_norm = clip_by_global_norm(&model, &mut gradients, recipe.optimizer.clip_norm);
        model = optimizer.step(rate, model, gradients);

        progress.step = step + 1;
        progress.tokens += predicted as u64;
        progress.seconds += clock.elapsed().as_secs_f64();
        let report = StepReport {
            step: progress.step,
            steps: batches.len(),
            loss,
            gradient_norm,
            learning_rate: rate,
            tokens: progress.tokens,
            seconds: progress.seconds,
        };
        log.push(&report, predicted)?;
        let wish = watch(&report);
        let last = progress.step == batches.len();
        if wish == Wish::Pause || last || progress.step.is_multiple_of(CHECKPOINT_EVERY) {
            checkpoint::save(&folder, &model, &optimizer, &progress)?;
        }
        if wish == Wish::Pause && !last {
            return Ok(false);
        }
    }
    export(&model, &config, places)?;
    Ok(true)
}

/// Writes the model folder as the last checkpoint has it, without training: for a look at a run under way.
///
/// # Errors
/// When there is no checkpoint of this recipe, or a file cannot be written.
pub fn export_checkpoint(
    recipe: &Recipe,
    places: &Places<'_>,
    device: &Device,
) -> Result<(), TrainingError> {
    let config = recipe.config();
    let fresh = config.init(0.0, device);
    let start = Start::read(recipe, places.model)?;
    let hash = recipe_hash(recipe, places.texts.is_some(), start.as_ref());
    let folder = places.run.join("checkpoint");
    let (model, _, progress) = checkpoint::load(&folder, &hash, fresh, recipe.optimizer.init())?;
    if progress.is_none() {
        return Err(TrainingError::Checkpoint {
            path: folder,
            problem: "does not exist yet".to_owned(),
        });
    }
    export(&model, &config, places)
}

/// The tokenizer beside the model, trained on the corpus where there is none yet.
fn tokenizer(corpus: &Corpus, recipe: &Recipe, folder: &Path) -> Result<Tokenizer, TrainingError> {
    let path = folder.join("tokenizer.json");
    let said = |error: tokenizers::Error| TrainingError::Tokenizer(error.to_string());
    if !path.is_file() {
        let documents: Vec<&str> = corpus.documents().collect();
        vocabulary::train(&documents, recipe.model.vocabulary)?
            .save(&path, false)
            .map_err(said)?;
    }
    let tokenizer = Tokenizer::from_file(&path).map_err(said)?;
    let found = tokenizer.get_vocab_size(true);
    if found > recipe.model.vocabulary {
        return Err(TrainingError::Tokenizer(format!(
            "{} has {found} tokens, the recipe says {}; delete it to train another",
            path.display(),
            recipe.model.vocabulary
        )));
    }
    Ok(tokenizer)
}

/// Of the recipe, of what it is run on, and of the weights that it begins with.
fn recipe_hash(recipe: &Recipe, with_texts: bool, start: Option<&Start>) -> String {
    let mut text = toml::to_string(recipe).expect("a recipe is plain data");
    text += &with_texts.to_string();
    if let Some(start) = start {
        text += &hex(&Sha256::digest(&start.files.weights));
    }
    hex(&Sha256::digest(text.as_bytes()))
}

/// The model that a run begins with.
struct Start {
    folder: PathBuf,
    files: ModelFiles,
}

impl Start {
    /// None where the recipe names none.
    fn read(recipe: &Recipe, folder: &Path) -> Result<Option<Self>, TrainingError> {
        let read = |start: &PathBuf| {
            let folder = folder.join(start);
            if !folder.join("model.safetensors").is_file() {
                return Err(TrainingError::NoStart { folder });
            }
            let files = ModelFiles::read(&folder)?;
            Ok(Self { folder, files })
        };
        recipe.start.as_ref().map(read).transpose()
    }

    /// A network of `config`, with these weights in place of its own.
    fn weigh(
        &self,
        network: Llama,
        config: &LlamaConfig,
        device: &Device,
    ) -> Result<Llama, TrainingError> {
        let found = LlamaConfig::parse(&self.files.config)?;
        if found != *config {
            return Err(TrainingError::Value {
                field: "start",
                problem: format!(
                    "names {}, a model of other sizes than `model` says",
                    self.folder.display()
                ),
            });
        }
        let weights = Llama::from_safetensors(config, &self.files.weights, device)?;
        Ok(network.load_record(weights.into_record()))
    }
}

/// Writes weights, log and the small files that `transformers` reads into the model's folder.
fn export(model: &Llama, config: &LlamaConfig, places: &Places<'_>) -> Result<(), TrainingError> {
    let write = |name: &str, bytes: &[u8]| {
        let path = places.model.join(name);
        fs::write(&path, bytes).map_err(at(&path))
    };
    let pretty = |value: serde_json::Value| format!("{value:#}\n");
    let tokenizer = serde_json::json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": vocabulary::END_OF_TEXT,
        "eos_token": vocabulary::END_OF_TEXT,
        "clean_up_tokenization_spaces": false,
        "model_max_length": config.max_position_embeddings,
    });
    // What `generate` does when it is told nothing: draw from the model itself, neither cut nor sharpened.
    let generation = serde_json::json!({
        "bos_token_id": config.bos_token_id,
        "eos_token_id": config.eos_token_id,
        "pad_token_id": config.eos_token_id,
        "do_sample": true,
        "top_k": 0,
    });
    write("config.json", config.to_json().as_bytes())?;
    write("tokenizer_config.json", pretty(tokenizer).as_bytes())?;
    write("generation_config.json", pretty(generation).as_bytes())?;
    write("model.safetensors", &to_safetensors(model, Precision::F16))?;
    let log = places.run.join("log.jsonl");
    write("training-log.jsonl", &fs::read(&log).map_err(at(&log))?)
}

/// Lines of mean values over [`LOG_EVERY`] steps.
struct Log {
    path: PathBuf,
    file: fs::File,
    nats: f64,
    predicted: usize,
}

impl Log {
    /// Opens the log and drops the lines after the step at which the run goes on.
    fn open(path: PathBuf, step: usize) -> Result<Self, TrainingError> {
        let file = log::reopen(&path, step)?;
        Ok(Self {
            path,
            file,
            nats: 0.0,
            predicted: 0,
        })
    }

    fn push(&mut self, report: &StepReport, predicted: usize) -> Result<(), TrainingError> {
        self.nats += report.loss * predicted as f64;
        self.predicted += predicted;
        if report.step.is_multiple_of(LOG_EVERY) || report.step == report.steps {
            let line = serde_json::json!({
                "step": report.step,
                "tokens": report.tokens,
                "loss_nats": round(self.nats / self.predicted as f64),
                "gradient_norm": round(report.gradient_norm),
                "learning_rate": report.learning_rate,
                "seconds": report.seconds.round(),
            });
            writeln!(self.file, "{line}").map_err(at(&self.path))?;
            (self.nats, self.predicted) = (0.0, 0);
        }
        Ok(())
    }
}
