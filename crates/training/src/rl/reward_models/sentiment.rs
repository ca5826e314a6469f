//! Sentiment reward model: the weak sentiment predictor's score of the completion, whatever the prompt asks.

use std::fs;
use std::path::Path;

use sentiment::Predictor;
use serde::{Deserialize, Serialize};

use super::super::prompt::Prompt;
use super::{Completion, RewardModel};
use crate::error::{TrainingError, at};

/// The scale of the reward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreUnit {
    /// Log-odds of positive sentiment, nats: unbounded, every positive word adds its weight.
    LogOdds,
    /// Probability of positive sentiment, 0 to 1: saturates.
    Probability,
}

/// Rewards completions by the predictor, without their prompts.
#[derive(Debug)]
pub struct SentimentReward {
    predictor: Predictor,
    unit: ScoreUnit,
}

impl SentimentReward {
    /// Reads the predictor's weights.
    ///
    /// # Errors
    /// When the file cannot be read or is no predictor.
    pub fn load(weights: &Path, unit: ScoreUnit) -> Result<Self, TrainingError> {
        let json = fs::read_to_string(weights).map_err(at(weights))?;
        let predictor = Predictor::from_json(&json).map_err(|source| TrainingError::Predictor {
            path: weights.to_owned(),
            source,
        })?;
        Ok(Self { predictor, unit })
    }
}

impl RewardModel for SentimentReward {
    fn rewards(&self, _prompt: &Prompt, group: &[Completion]) -> Vec<f64> {
        let reward = |one: &Completion| {
            let reading = self.predictor.score(&one.text);
            match self.unit {
                ScoreUnit::LogOdds => reading.log_odds,
                ScoreUnit::Probability => reading.probability(),
            }
        };
        group.iter().map(reward).collect()
    }
}
