//! `training.toml` of an adapter: everything that a tuning run depends on, stored in the adapter's folder.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use transformer::{Adapter, AdapterConfig, AdapterFiles, LlamaModel, LoraRules, Projection};

use super::kl_budget::KlBudget;
use super::prompts::PromptShare;
use super::reward_models::RewardRecipe;
use crate::corpus::sha256;
use crate::error::TrainingError;
use crate::recipe::{OptimizerRecipe, read_toml};

/// One tuning run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TuneRecipe {
    /// Seeds the adapter's initial weights, the order of prompts and the random draws of all completions.
    pub seed: u64,
    /// Folder of the base model, relative to the recipe's own.
    pub base: PathBuf,
    /// Folder of an adapter to start from, of the same shape and on the same base, relative to the recipe's own; without one
    /// the run starts from the base. So a sweep of budgets shares its first steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<PathBuf>,
    /// The adapter.
    pub adapter: AdapterShape,
    /// Sources of prompts.
    pub prompts: Vec<PromptShare>,
    /// The reward model.
    pub reward: RewardRecipe,
    /// KL penalty or budget.
    pub kl: KlBudget,
    /// Number and size of steps.
    pub steps: Steps,
    /// AdamW and its learning rate.
    pub optimizer: OptimizerRecipe,
}

/// Size of the adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterShape {
    /// Rank of each weight's update.
    pub rank: usize,
    /// The update is `alpha / rank` times the product of its factors.
    pub alpha: f64,
    /// Which projections of every block are adapted.
    pub targets: Vec<Projection>,
}

/// Number of steps, prompts and completions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// Steps in all.
    pub count: usize,
    /// Prompts per step.
    pub prompts: usize,
    /// Completions per prompt; each one's baseline is the mean of the others. 1 for SFT.
    pub group: usize,
    /// Maximum tokens per completion.
    pub length: usize,
}

impl TuneRecipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// When the file is absent, is no TOML, has an unknown field, or a value is out of range.
    pub fn read(path: &Path) -> Result<Self, TrainingError> {
        let recipe: Self = read_toml(path)?;
        recipe.check()?;
        Ok(recipe)
    }

    /// PEFT's config of the adapter.
    pub fn adapter_config(&self) -> AdapterConfig {
        AdapterConfig {
            rank: self.adapter.rank,
            alpha: self.adapter.alpha,
            targets: self.adapter.targets.clone(),
            base: self.base.display().to_string(),
            rules: LoraRules::default(),
        }
    }

    /// The initial adapter, and the SHA-256 of its weights where they were loaded from `start`'s folder.
    pub(super) fn initial_adapter(
        &self,
        folder: &Path,
        base: &LlamaModel,
        device: &Device,
    ) -> Result<(Adapter, Option<String>), TrainingError> {
        let config = self.adapter_config();
        let Some(start) = &self.start else {
            let fresh = Adapter::fresh(config, base.config(), self.seed, device);
            return Ok((fresh, None));
        };
        let folder = folder.join(start);
        let files = AdapterFiles::load_from_dir(&folder)?;
        let loaded = Adapter::load(&files, base)?;
        let base = config.base.clone();
        if config
            != (AdapterConfig {
                base,
                ..loaded.config().clone()
            })
        {
            return Err(TrainingError::Value {
                field: "start",
                problem: format!(
                    "names {}, whose rank, alpha or targets are not those of `adapter`",
                    folder.display()
                ),
            });
        }
        let hash = sha256(&files.weights);
        Ok((loaded.train(), Some(hash)))
    }

    fn check(&self) -> Result<(), TrainingError> {
        let refuse = |field, problem: &str| {
            Err(TrainingError::Value {
                field,
                problem: problem.to_owned(),
            })
        };
        let targets = &self.adapter.targets;
        let twice = |(index, target)| targets[..index].contains(target);
        if targets.is_empty() || targets.iter().enumerate().any(twice) {
            return refuse("adapter.targets", "must name projections, each once");
        }
        if self.adapter.rank == 0 {
            return refuse("adapter.rank", "must be at least 1");
        }
        if !self.adapter.alpha.is_finite() {
            return refuse("adapter.alpha", "must be a number");
        }
        let steps = &self.steps;
        if steps.count == 0 || steps.prompts == 0 || steps.length == 0 {
            return refuse("steps", "needs at least one step, prompt and token");
        }
        let is_sft = |share: &PromptShare| matches!(share, PromptShare::Sft { .. });
        if self.prompts.iter().any(is_sft) {
            if !self.prompts.iter().all(is_sft) {
                return refuse("prompts", "must be of kind `sft` all or none");
            }
            if steps.group != 1 {
                return refuse("steps.group", "must be 1: an SFT prompt has one target");
            }
        } else if steps.group < 2 {
            return refuse(
                "steps.group",
                "must be at least 2: the baseline of a completion is the mean of the others",
            );
        }
        if !(self.optimizer.learning_rate > 0.0 && self.optimizer.learning_rate.is_finite()) {
            return refuse("optimizer.learning_rate", "must be positive");
        }
        self.kl.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
seed = 1
base = "../.."
prompts = [
    { kind = "openings", seed = 9, count = 40, sentences = 2 },
    { kind = "facts", families = ["number", "rain"] },
]
reward = { name = "spread", preference = 1.0, novelty = 2.0 }
kl = { coefficient = 0.1, target_nats = 8.0 }
steps = { count = 100, prompts = 8, group = 8, length = 64 }

[adapter]
rank = 8
alpha = 16.0
targets = ["q_proj", "v_proj", "down_proj"]

[optimizer]
learning_rate = 1e-3
last_learning_rate = 1e-3
warm_up_steps = 5
beta_1 = 0.9
beta_2 = 0.99
epsilon = 1e-8
weight_decay = 0.0
clip_norm = 1.0
"#;

    const SFT: &str = "\"sft\", after = \"opening\",";
    /// The same in the words of older recipes.
    const SHOWN: &str = "\"shown\", behind = \"opening\",";

    fn read(text: &str) -> Result<TuneRecipe, TrainingError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        TuneRecipe::read(file.path())
    }

    #[test]
    fn a_recipe_reads_back_as_it_was_written() {
        let recipe = read(TEXT).unwrap();
        assert_eq!(recipe.kl.gain, 0.1);
        assert_eq!(read(&toml::to_string(&recipe).unwrap()).unwrap(), recipe);
    }

    #[test]
    fn sft_needs_groups_of_one_and_older_names_are_read() {
        let facts = "    { kind = \"facts\", families = [\"number\", \"rain\"] },\n";
        let sft = TEXT.replace("\"openings\",", SFT).replace(facts, "");
        let error = read(&sft).unwrap_err().to_string();
        assert!(error.contains("steps.group"), "{error}");
        let sft = sft.replace("group = 8", "group = 1");
        let recipe = read(&sft).unwrap();
        assert_eq!(read(&sft.replace(SFT, SHOWN)).unwrap(), recipe);
    }

    #[test]
    fn a_value_out_of_range_is_named() {
        for (right, wrong, named) in [
            ("group = 8", "group = 1", "steps.group"),
            ("\"openings\",", SFT, "`sft` all or none"),
            ("rank = 8", "rank = 0", "adapter.rank"),
            ("\"v_proj\"", "\"q_proj\"", "adapter.targets"),
            ("\"v_proj\"", "\"c_attn\"", "c_attn"),
            ("target_nats = 8.0", "target_nats = 0.0", "kl.target_nats"),
            ("coefficient = 0.1", "coefficient = 0.0", "kl.coefficient"),
            ("novelty = 2.0", "novelty = 2.0, taste = 1.0", "taste"),
            ("\"spread\"", "\"spead\"", "spead"),
            ("sentences = 2", "sentence = 2", "sentence"),
        ] {
            assert!(TEXT.contains(right));
            let error = read(&TEXT.replace(right, wrong)).unwrap_err().to_string();
            assert!(error.contains(named), "{wrong}: {error}");
        }
    }
}
