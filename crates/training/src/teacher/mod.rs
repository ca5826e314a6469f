//! Training text written by a teacher: stories sampled from a larger or longer trained model, filtered, in one file that a
//! recipe names like any other text.
//!
//! Training a student on a teacher's samples is sequence-level knowledge distillation (Kim and Rush 2016, arXiv 1606.07947);
//! TinyStories itself was written so (Eldan and Li 2023, arXiv 2305.07759). The teacher is never part of what ships.
//!
//! Every story is a function of the recipe's seed and of the story's number, so a run can be stopped between two shards and
//! go on later. [`Recipe`] says what is sampled, [`sample`] writes shards of raw stories, [`filter`] makes the text of them.

pub mod filter;
mod openings;
pub mod sample;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use openings::{Openings, Source};

use crate::error::TrainingError;
use crate::recipe::read_toml;

/// What a teacher is asked to write: `teacher.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Seeds openings and samples.
    pub seed: u64,
    /// Sampling temperature.
    pub temperature: f64,
    /// Stories to sample, before filtering.
    pub stories: u64,
    /// Stories per shard, the unit of resuming.
    pub shard: u64,
    /// Stories decoded side by side.
    pub batch: usize,
    /// Where the beginnings come from; the rest of the stories begins with nothing.
    pub openings: OpeningShares,
    /// What is left out.
    pub filter: filter::Limits,
}

/// Shares of the stories by the source of their beginning, 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpeningShares {
    /// First sentences of the training stories.
    pub training: f64,
    /// Everyday beginnings of the small grammar in `everyday.txt`.
    pub everyday: f64,
}

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// When the file is absent, is not TOML, has an unknown field, or holds a value that makes no sense.
    pub fn read(path: &Path) -> Result<Self, TrainingError> {
        let recipe: Self = read_toml(path)?;
        let refuse = |field, problem: &str| {
            let problem = problem.to_owned();
            Err(TrainingError::Value { field, problem })
        };
        let shares = [recipe.openings.training, recipe.openings.everyday];
        if !(recipe.temperature > 0.0 && recipe.temperature.is_finite()) {
            return refuse("temperature", "must be positive");
        }
        if recipe.shard == 0 || recipe.batch == 0 {
            return refuse("shard", "and `batch` must be at least 1");
        }
        if shares.iter().any(|share| !(0.0..=1.0).contains(share)) || shares[0] + shares[1] > 1.0 {
            return refuse("openings", "must be shares of at most 1 together");
        }
        Ok(recipe)
    }
}
