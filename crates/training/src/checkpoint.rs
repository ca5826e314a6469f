//! A run's state on disk: weights, optimizer moments and the step. Writes are atomic: a crash never leaves half of one.

use std::fs;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::{TrainingError, at};
use crate::files::write_synced;
use crate::schedule::Schedule;

const MODEL: &str = "model.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
const PROGRESS: &str = "progress.json";

/// Progress of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Steps done.
    pub step: usize,
    /// Tokens predicted so far.
    pub tokens: u64,
    /// SHA-256 of the recipe and its inputs; another recipe does not resume from here.
    pub recipe: String,
    /// Seconds of computing so far.
    pub seconds: f64,
    /// The KL coefficient of the next step, where a tuning run controls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kl_coefficient: Option<f32>,
    /// Sums of the log's line under way, in pretraining.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogSums>,
    /// The learning-rate schedule that the run follows, in pretraining.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
}

/// Sums over the steps since the log's last line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSums {
    /// Bits of the summed loss in nats, as f64: decimals would not give the same sum back.
    pub nats_bits: u64,
    /// Predicted tokens.
    pub predicted: u64,
}

impl Progress {
    /// A run of this recipe at its start.
    pub fn fresh(recipe: String) -> Self {
        Self {
            step: 0,
            tokens: 0,
            recipe,
            seconds: 0.0,
            kl_coefficient: None,
            log: None,
            schedule: None,
        }
    }
}

/// Replaces the checkpoint.
///
/// # Errors
/// When the folder cannot be written.
pub fn save<M: Module>(
    folder: &Path,
    model: &M,
    optimizer: &ModuleOptimizer,
    progress: &Progress,
) -> Result<(), TrainingError> {
    let broken = |problem: String| TrainingError::Checkpoint {
        path: folder.to_owned(),
        problem,
    };
    let fresh = folder.with_extension("new");
    let old = folder.with_extension("old");
    fs::create_dir_all(&fresh).map_err(at(&fresh))?;
    let model = model
        .clone()
        .into_record()
        .into_bytes()
        .map_err(|error| broken(error.to_string()))?;
    let optimizer = optimizer
        .into_bytes()
        .map_err(|error| broken(error.to_string()))?;
    let progress =
        serde_json::to_vec_pretty(progress).map_err(|error| broken(error.to_string()))?;
    for (name, bytes) in [
        (MODEL, &model[..]),
        (OPTIMIZER, &optimizer[..]),
        (PROGRESS, &progress),
    ] {
        let path = fresh.join(name);
        write_synced(&path, bytes)?;
    }
    if folder.exists() {
        // Left by a run that was interrupted after it had written a newer one.
        if old.exists() {
            fs::remove_dir_all(&old).map_err(at(&old))?;
        }
        fs::rename(folder, &old).map_err(at(folder))?;
    }
    fs::rename(&fresh, folder).map_err(at(&fresh))?;
    if old.exists() {
        fs::remove_dir_all(&old).map_err(at(&old))?;
    }
    Ok(())
}

/// Reads the checkpoint of a run, if there is one.
///
/// # Errors
/// When it is damaged or belongs to another recipe.
pub fn load<M: Module>(
    folder: &Path,
    recipe: &str,
    model: M,
    optimizer: ModuleOptimizer,
) -> Result<(M, ModuleOptimizer, Option<Progress>), TrainingError> {
    let folder = present(folder);
    let Some(folder) = folder else {
        return Ok((model, optimizer, None));
    };
    let broken = |problem: String| TrainingError::Checkpoint {
        path: folder.clone(),
        problem,
    };
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).map_err(at(&path))
    };
    let progress: Progress =
        serde_json::from_slice(&read(PROGRESS)?).map_err(|error| broken(error.to_string()))?;
    if progress.recipe != recipe {
        return Err(broken("was made by another recipe".to_owned()));
    }
    let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(read(MODEL)?))
        .map_err(|error| broken(error.to_string()))?;
    // Older checkpoints also hold the switch of burn's dropout.
    let model = model
        .try_load_record(record.allow_unused(true))
        .map_err(|error| broken(error.to_string()))?;
    let optimizer = optimizer
        .from_bytes(Bytes::from_bytes_vec(read(OPTIMIZER)?))
        .map_err(|error| broken(error.to_string()))?;
    Ok((model, optimizer, Some(progress)))
}

/// The newest whole checkpoint: a crash between two renames leaves only the old one.
fn present(folder: &Path) -> Option<PathBuf> {
    let old = folder.with_extension("old");
    [folder.to_owned(), old]
        .into_iter()
        .find(|path| path.join(PROGRESS).is_file())
}
