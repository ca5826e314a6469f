//! The weak sentiment predictor as a judge: the gladder a completion sounds, the better, whatever was asked.

use std::fs;
use std::path::Path;

use sentiment::Predictor;
use serde::{Deserialize, Serialize};

use super::super::prompts::Prompt;
use super::{Completion, Judge};
use crate::error::{TrainingError, at};

/// What of the predictor's score is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Log-odds of a glad text, nats: each glad word more is paid the same.
    LogOdds,
    /// Probability of a glad text, 0 to 1: who sounds glad enough has nothing more to gain.
    Probability,
}

/// Judges completions by the predictor, without their prompts.
#[derive(Debug)]
pub struct Gladness {
    predictor: Predictor,
    unit: Unit,
}

impl Gladness {
    /// Reads the predictor's weights.
    ///
    /// # Errors
    /// When the file cannot be read or is no predictor.
    pub fn read(weights: &Path, unit: Unit) -> Result<Self, TrainingError> {
        let json = fs::read_to_string(weights).map_err(at(weights))?;
        let predictor = Predictor::from_json(&json).map_err(|source| TrainingError::Predictor {
            path: weights.to_owned(),
            source,
        })?;
        Ok(Self { predictor, unit })
    }
}

impl Judge for Gladness {
    fn judge(&self, _prompt: &Prompt, group: &[Completion]) -> Vec<f64> {
        let reward = |one: &Completion| {
            let reading = self.predictor.read(&one.text);
            match self.unit {
                Unit::LogOdds => reading.log_odds,
                Unit::Probability => reading.probability(),
            }
        };
        group.iter().map(reward).collect()
    }
}
