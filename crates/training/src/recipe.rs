//! `training.toml`: everything that a pretraining run depends on, stored in the model's folder.

use std::path::{Path, PathBuf};

use burn::optim::{AdamWConfig, ModuleOptimizer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use transformer::LlamaConfig;

use crate::error::{TrainingError, at};
use crate::export::Rounding;
use crate::schedule::Decay;

/// One pretraining run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Seeds weights, order of documents and dropout.
    pub seed: u64,
    /// Tokens to predict in all: the corpus is repeated, each epoch in another order, until then. Without it the run is one epoch.
    /// May grow while the learning rate has not begun to decay; the same run then goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Folder of a model to start from, of the same sizes, relative to the recipe's own; its tokenizer is used, too. Without one
    /// the run starts from random weights and trains a tokenizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<PathBuf>,
    /// The network.
    pub model: ModelSize,
    /// Stories from the project's own generator.
    pub world: WorldShare,
    /// Questions with answers of known frequency, and requests for stories; optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<FactShare>,
    /// How the weights are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<ExportRecipe>,
    /// Texts from elsewhere.
    #[serde(default)]
    pub texts: Vec<TextShare>,
    /// How documents become batches.
    pub batches: BatchShape,
    /// How weights move.
    pub optimizer: OptimizerRecipe,
}

/// Sizes of the network; the rest of `config.json` follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSize {
    /// Tokens in the byte-level BPE vocabulary, the end-of-text token among them.
    pub vocabulary: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Width inside the feed-forward block.
    pub inner: usize,
    /// Blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub key_value_heads: usize,
    /// Longest sequence, tokens.
    pub context: usize,
    /// Dropout probability.
    pub dropout: f64,
}

/// Stories of the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldShare {
    /// The world's seed.
    pub seed: u64,
    /// Number of stories, each seen once.
    pub stories: u64,
}

/// Documents of the truth table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactShare {
    /// Seed of the draws and of the requests; the frequencies are those of the table for every seed.
    pub seed: u64,
    /// Questions with their answers, each seen once.
    pub documents: usize,
    /// Requests with their stories, each seen once.
    pub requests: u64,
}

/// One file of texts, separated by `<|endoftext|>`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextShare {
    /// File name inside the texts folder.
    pub file: String,
    /// Where the text comes from.
    pub origin: String,
    /// Under which licence.
    pub licence: String,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// Passes over its documents per epoch. With a fraction each epoch takes other documents, until all had their turn.
    #[serde(serialize_with = "whole_as_integer")]
    pub passes: f64,
}

/// How the weights are written at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportRecipe {
    /// Rounding beyond that to f16.
    pub rounding: Rounding,
}

/// How documents become batches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchShape {
    /// Maximum tokens per batch, padding included.
    pub tokens: usize,
    /// Number of documents that are sorted by length together; larger pools have less padding and are shuffled less.
    pub pool: usize,
    /// Shards of a batch whose gradients are computed in parallel, one core each, and then summed. Part of the recipe because
    /// sums of floats depend on their order.
    pub shards: usize,
}

/// AdamW (Loshchilov and Hutter, arXiv 1711.05101) with linear warm-up and decay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizerRecipe {
    /// Learning rate after warm-up.
    pub learning_rate: f64,
    /// Learning rate at the end.
    pub last_learning_rate: f64,
    /// Steps of linear warm-up.
    pub warm_up_steps: usize,
    /// A decay at the end of the run, after a plateau; without it the rate decays by a cosine from the warm-up on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decay: Option<Decay>,
    /// Decay of the first moment.
    pub beta_1: f32,
    /// Decay of the second moment.
    pub beta_2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// Maximum global norm of the gradient.
    pub clip_norm: f64,
}

impl OptimizerRecipe {
    /// The optimizer, without moments yet.
    pub fn init(&self) -> ModuleOptimizer {
        AdamWConfig::new()
            .with_beta_1(self.beta_1)
            .with_beta_2(self.beta_2)
            .with_epsilon(self.epsilon)
            .with_weight_decay(self.weight_decay)
            .init()
    }
}

/// As older recipes were written: so their runs keep their hash.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn whole_as_integer<S: Serializer>(passes: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if passes.fract() == 0.0 && *passes >= 0.0 && *passes < 1e9 {
        serializer.serialize_u64(*passes as u64)
    } else {
        serializer.serialize_f64(*passes)
    }
}

/// Reads a recipe of any kind without checking its values.
pub(crate) fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T, TrainingError> {
    let text = std::fs::read_to_string(path).map_err(at(path))?;
    toml::from_str(&text).map_err(|source| TrainingError::Recipe {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// When the file is absent, is no TOML, has an unknown field, or a value is out of range.
    pub fn read(path: &Path) -> Result<Self, TrainingError> {
        let recipe: Self = read_toml(path)?;
        recipe.check()?;
        Ok(recipe)
    }

    fn check(&self) -> Result<(), TrainingError> {
        let refuse = |field, problem: String| Err(TrainingError::Value { field, problem });
        let model = &self.model;
        if model.vocabulary <= 257 {
            return refuse(
                "model.vocabulary",
                "must be above 257: every byte and the end-of-text token".into(),
            );
        }
        if model.heads == 0 || !model.width.is_multiple_of(2 * model.heads) {
            return refuse(
                "model.width",
                "must be an even multiple of model.heads".into(),
            );
        }
        if model.key_value_heads == 0 || !model.heads.is_multiple_of(model.key_value_heads) {
            return refuse("model.key_value_heads", "must divide model.heads".into());
        }
        if !(0.0..1.0).contains(&model.dropout) {
            return refuse(
                "model.dropout",
                format!("is {}, must be from 0 to below 1", model.dropout),
            );
        }
        if self.batches.tokens < model.context {
            return refuse(
                "batches.tokens",
                format!("must hold one document of {} tokens", model.context),
            );
        }
        if self.batches.pool == 0 {
            return refuse("batches.pool", "must be at least 1".into());
        }
        if self.batches.shards == 0 {
            return refuse("batches.shards", "must be at least 1".into());
        }
        if !self
            .texts
            .iter()
            .all(|text| text.passes >= 0.0 && text.passes.is_finite())
        {
            return refuse("texts.passes", "must be a number from 0 up".into());
        }
        let share = self.optimizer.decay.map(|decay| decay.share);
        if share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return refuse("optimizer.decay.share", "must be from 0 to 1".into());
        }
        if !(self.optimizer.learning_rate > 0.0 && self.optimizer.learning_rate.is_finite()) {
            return refuse("optimizer.learning_rate", "must be positive".into());
        }
        Ok(())
    }

    /// The network's `config.json`.
    pub fn config(&self) -> LlamaConfig {
        LlamaConfig {
            vocab_size: self.model.vocabulary,
            hidden_size: self.model.width,
            intermediate_size: self.model.inner,
            num_hidden_layers: self.model.layers,
            num_attention_heads: self.model.heads,
            num_key_value_heads: self.model.key_value_heads,
            head_dim: self.model.width / self.model.heads,
            max_position_embeddings: self.model.context,
            rms_norm_eps: 1e-5,
            rope_theta: 10_000.0,
            tie_word_embeddings: true,
            bos_token_id: Some(crate::tokenizer::END_OF_TEXT_ID),
            eos_token_id: vec![crate::tokenizer::END_OF_TEXT_ID],
        }
    }
}
