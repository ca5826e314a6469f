//! Pretraining: next-token prediction over the corpus, from initial weights to a Hugging Face folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::tensor::Device;
use tokenizers::Tokenizer;
use transformer::{Llama, LlamaConfig, ModelFiles};

use crate::batch_gradient::BatchGradient;
use crate::checkpoint::{self, LogSums, Progress};
use crate::clip::clip_by_global_norm;
use crate::control::Control;
use crate::corpus::{Corpus, sha256};
use crate::error::{TrainingError, at};
use crate::export::{Precision, to_safetensors};
use crate::files::write_atomically;
use crate::log::{self, round};
use crate::recipe::Recipe;
use crate::schedule::Schedule;
use crate::tokenizer;

/// Folders of a run.
pub struct RunPaths<'a> {
    /// The model's folder: tokenizer, weights, config and log are written here.
    pub model: &'a Path,
    /// The folder of the recipe's texts; `None` trains on the story world alone.
    pub texts: Option<&'a Path>,
    /// Checkpoints and the growing log; may be deleted after the run.
    pub run: &'a Path,
}

/// Progress after a step.
#[derive(Clone, Copy, Debug)]
pub struct StepReport {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Mean loss of the batch, nats per token.
    pub loss: f64,
    /// Norm of the whole gradient before clipping.
    pub gradient_norm: f64,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Tokens predicted so far.
    pub tokens: u64,
    /// Seconds of computing so far, over all sessions.
    pub seconds: f64,
}

/// Steps between two checkpoints at most.
const CHECKPOINT_EVERY: usize = 250;
/// Time between two checkpoints at most, but for the step under way.
const CHECKPOINT_AFTER: Duration = Duration::from_mins(3);
/// Steps that one line of the log averages over.
const LOG_EVERY: usize = 10;

/// Runs a recipe, from the last checkpoint if there is one. Returns true when the run is complete.
///
/// # Errors
/// When texts, recipe or checkpoint cannot be used, a file cannot be written, or the loss is no longer finite.
pub fn pretrain(
    recipe: &Recipe,
    paths: &RunPaths<'_>,
    device: &Device,
    mut watch: impl FnMut(&StepReport) -> Control,
) -> Result<bool, TrainingError> {
    for folder in [paths.model, paths.run] {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    let corpus = Corpus::load(recipe, paths.texts)?;
    let start = InitialWeights::load(recipe, paths.model)?;
    if let Some(start) = &start {
        let path = paths.model.join("tokenizer.json");
        write_atomically(&path, &start.files.tokenizer)?;
    }
    let tokenizer = load_or_train_tokenizer(&corpus, recipe, paths.model)?;
    let sequences = corpus.sequences(&tokenizer, recipe.model.context)?;
    let batches = sequences.batches(recipe);
    let schedule = Schedule::new(&recipe.optimizer, batches.len());

    let config = recipe.config();
    let tracked = device.clone().autodiff();
    device.seed(recipe.seed);
    let mut first = config.init(recipe.model.dropout, &tracked);
    if let Some(start) = &start {
        first = start.load_into(first, &config, device)?;
    }
    let hash = recipe_hash(recipe, paths.texts.is_some(), start.as_ref());
    let folder = paths.run.join("checkpoint");
    let (mut model, mut optimizer, resumed) =
        checkpoint::load(&folder, &hash, first, recipe.optimizer.init())?;
    let mut progress = resumed.unwrap_or_else(|| Progress::fresh(hash));
    let gradient =
        BatchGradient::new(&config, recipe.model.dropout, recipe.batches.shards, device)?;
    schedule.continues(progress.schedule, progress.step)?;
    progress.schedule = Some(schedule);
    let mut log = Log::open(paths.run.join("log.jsonl"), &progress)?;
    let mut saved = Instant::now();

    for (step, batch) in batches.iter().enumerate().skip(progress.step) {
        let clock = Instant::now();
        // Dropout of a step depends on its number alone, so a resumed run equals an uninterrupted one.
        let seed = recipe.seed ^ (step as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let rate = schedule.learning_rate(&recipe.optimizer, step);
        let (loss, mut gradients, predicted) = gradient.of(&model, batch, &sequences.tokens, seed);
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
        let control = watch(&report);
        let last = progress.step == batches.len();
        let is_due =
            progress.step.is_multiple_of(CHECKPOINT_EVERY) || saved.elapsed() >= CHECKPOINT_AFTER;
        if control == Control::Pause || last || is_due {
            progress.log = Some(log.sums());
            checkpoint::save(&folder, &model, &optimizer, &progress)?;
            saved = Instant::now();
        }
        if control == Control::Pause && !last {
            return Ok(false);
        }
    }
    export(&model, recipe, paths)?;
    Ok(true)
}

/// Writes the model's folder from the last checkpoint, without training: to inspect a run under way.
///
/// # Errors
/// When there is no checkpoint of this recipe, or a file cannot be written.
pub fn export_checkpoint(
    recipe: &Recipe,
    paths: &RunPaths<'_>,
    device: &Device,
) -> Result<(), TrainingError> {
    let config = recipe.config();
    let fresh = config.init(0.0, device);
    let start = InitialWeights::load(recipe, paths.model)?;
    let hash = recipe_hash(recipe, paths.texts.is_some(), start.as_ref());
    let folder = paths.run.join("checkpoint");
    let (model, _, progress) = checkpoint::load(&folder, &hash, fresh, recipe.optimizer.init())?;
    if progress.is_none() {
        return Err(TrainingError::Checkpoint {
            path: folder,
            problem: "does not exist yet".to_owned(),
        });
    }
    export(&model, recipe, paths)
}

/// The tokenizer in the model's folder; trained on the corpus where there is none yet.
fn load_or_train_tokenizer(
    corpus: &Corpus,
    recipe: &Recipe,
    folder: &Path,
) -> Result<Tokenizer, TrainingError> {
    let path = folder.join("tokenizer.json");
    let said = |error: tokenizers::Error| TrainingError::Tokenizer(error.to_string());
    if !path.is_file() {
        let documents: Vec<&str> = corpus.documents().collect();
        let json = tokenizer::train(&documents, recipe.model.vocabulary)?
            .to_string(false)
            .map_err(said)?;
        write_atomically(&path, json.as_bytes())?;
    }
    let tokenizer = Tokenizer::from_file(&path).map_err(said)?;
    let found = tokenizer.get_vocab_size(true);
    if found > recipe.model.vocabulary {
        return Err(TrainingError::Tokenizer(format!(
            "{} has {found} tokens, but `model.vocabulary` is {}; delete it to train another",
            path.display(),
            recipe.model.vocabulary
        )));
    }
    Ok(tokenizer)
}

/// SHA-256 of the recipe, of whether it uses the texts, and of the initial weights. A run may be extended and exported otherwise:
/// these fields are left out.
fn recipe_hash(recipe: &Recipe, with_texts: bool, start: Option<&InitialWeights>) -> String {
    let lasting = Recipe {
        tokens: None,
        export: None,
        ..recipe.clone()
    };
    let mut text = toml::to_string(&lasting).expect("a recipe is plain data");
    text += &with_texts.to_string();
    if let Some(start) = start {
        text += &sha256(&start.files.weights);
    }
    sha256(text.as_bytes())
}

/// The model that a run starts from.
struct InitialWeights {
    folder: PathBuf,
    files: ModelFiles,
}

impl InitialWeights {
    /// None where the recipe starts from random weights.
    fn load(recipe: &Recipe, folder: &Path) -> Result<Option<Self>, TrainingError> {
        let read = |start: &PathBuf| {
            let folder = folder.join(start);
            if !folder.join("model.safetensors").is_file() {
                return Err(TrainingError::NoInitialWeights { folder });
            }
            let files = ModelFiles::load_from_dir(&folder)?;
            Ok(Self { folder, files })
        };
        recipe.start.as_ref().map(read).transpose()
    }

    /// Replaces the weights of a network of `config`.
    fn load_into(
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
                    "names {}, a model of other sizes than `model`",
                    self.folder.display()
                ),
            });
        }
        let weights = Llama::from_safetensors(config, &self.files.weights, device)?;
        Ok(network.load_record(weights.into_record()))
    }
}

/// Writes weights, log and the small files that `transformers` reads into the model's folder.
fn export(model: &Llama, recipe: &Recipe, paths: &RunPaths<'_>) -> Result<(), TrainingError> {
    let config = recipe.config();
    let rounding = recipe.export.map(|export| export.rounding);
    let write = |name: &str, bytes: &[u8]| {
        let path = paths.model.join(name);
        write_atomically(&path, bytes)
    };
    let pretty = |value: serde_json::Value| format!("{value:#}\n");
    let tokenizer = serde_json::json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": tokenizer::END_OF_TEXT,
        "eos_token": tokenizer::END_OF_TEXT,
        "clean_up_tokenization_spaces": false,
        "model_max_length": config.max_position_embeddings,
    });
    // The defaults of `generate`: sample at temperature 1 without truncation.
    let generation = serde_json::json!({
        "bos_token_id": config.bos_token_id,
        "eos_token_id": config.eos_token_id.first(),
        "pad_token_id": config.eos_token_id.first(),
        "do_sample": true,
        "top_k": 0,
    });
    write("config.json", config.to_json().as_bytes())?;
    write("tokenizer_config.json", pretty(tokenizer).as_bytes())?;
    write("generation_config.json", pretty(generation).as_bytes())?;
    write(
        "model.safetensors",
        &to_safetensors(model, Precision::F16, rounding),
    )?;
    let log = paths.run.join("log.jsonl");
    write("training-log.jsonl", &fs::read(&log).map_err(at(&log))?)
}

/// The log: each line averages over [`LOG_EVERY`] steps.
struct Log {
    path: PathBuf,
    file: fs::File,
    nats: f64,
    predicted: usize,
}

impl Log {
    /// Opens the log and drops the lines after the step from which the run resumes.
    fn open(path: PathBuf, progress: &Progress) -> Result<Self, TrainingError> {
        let file = log::reopen(&path, progress.step)?;
        let sums = progress.log.unwrap_or_default();
        Ok(Self {
            path,
            file,
            nats: f64::from_bits(sums.nats_bits),
            predicted: sums.predicted as usize,
        })
    }

    fn sums(&self) -> LogSums {
        LogSums {
            nats_bits: self.nats.to_bits(),
            predicted: self.predicted as u64,
        }
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
