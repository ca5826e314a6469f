//! A tuning run: from a recipe to an adapter's folder.
//!
//! A step samples a group of completions for each of its prompts (SFT takes the target instead), scores them with the reward
//! model, and computes each group's gradient on one core; gradients are summed in the order of the groups. So neither the number
//! of cores nor a pause changes the result.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Device;
use transformer::{Adapter, ModelFiles, Pipeline, Rotary};

use super::TuneRecipe;
use super::advantages::leave_one_out;
use super::policy_gradient::policy_loss;
use super::prompt::Prompt;
use super::prompts::sample_prompts;
use super::reward_models::{Completion, RewardModel};
use super::rollout::{PackedCompletions, sample, seed_of};
use crate::checkpoint::{self, Progress};
use crate::clip::clip_by_global_norm;
use crate::control::Control;
use crate::corpus::sha256;
use crate::error::{TrainingError, at};
use crate::export::{Precision, adapter_to_safetensors};
use crate::files::write_atomically;
use crate::log::{self, round};
use crate::schedule::Schedule;
use crate::shards::add;
use crate::worker_pool::WorkerPool;
use crate::world::World;

/// Folders of a run.
pub struct TunePaths<'a> {
    /// The adapter's folder, with its recipe: adapter and log are written here.
    pub adapter: &'a Path,
    /// Checkpoints and the growing log; may be deleted after the run.
    pub run: &'a Path,
}

/// Progress after a step: means over the step's completions.
#[derive(Clone, Debug, PartialEq)]
pub struct TuneReport {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Reward per completion.
    pub reward: f64,
    /// Divergence of the policy from the base, nats per completion.
    pub kl_nats: f64,
    /// Entropy of the policy, nats per token.
    pub entropy_nats: f64,
    /// Tokens per completion.
    pub length: f64,
    /// KL coefficient of the step.
    pub kl_coefficient: f64,
    /// Norm of the whole gradient before clipping.
    pub gradient_norm: f64,
    /// Tokens sampled so far.
    pub tokens: u64,
    /// Seconds of computing so far, over all sessions.
    pub seconds: f64,
    /// The first completion of the step.
    pub sample: Sample,
}

/// A prompt with a completion and its reward.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The prompt.
    pub prompt: String,
    /// The completion.
    pub text: String,
    /// Its reward.
    pub reward: f64,
}

/// Steps between two checkpoints: a minute or two.
const CHECKPOINT_EVERY: usize = 25;

/// Runs a recipe on `cores` threads, from the last checkpoint if there is one. Returns true when the run is complete.
///
/// # Errors
/// When recipe, base or checkpoint cannot be used, a file cannot be written, or the reward or loss is no longer finite.
pub fn tune(
    recipe: &TuneRecipe,
    paths: &TunePaths<'_>,
    device: &Device,
    cores: usize,
    mut watch: impl FnMut(&TuneReport) -> Control,
) -> Result<bool, TrainingError> {
    fs::create_dir_all(paths.run).map_err(at(paths.run))?;
    let files = ModelFiles::load_from_dir(&paths.adapter.join(&recipe.base))?;
    let pipeline = Pipeline::load(&files, device)?;
    let world = World::new()?;
    let reward_model = recipe.reward.open(&world, paths.adapter)?;
    let prompts = load_prompts(recipe, paths.adapter, &world, &pipeline)?;

    let config = pipeline.model.config();
    let tracked = device.clone().autodiff();
    let (first, start) = recipe.initial_adapter(paths.adapter, &pipeline.model, &tracked)?;
    let hash = recipe_hash(recipe, [pipeline.model.fingerprint(), start.as_deref()]);
    let folder = paths.run.join("checkpoint");
    let (mut adapter, mut optimizer, resumed) =
        checkpoint::load(&folder, &hash, first, recipe.optimizer.init())?;
    let mut progress = resumed.unwrap_or_else(|| Progress::fresh(hash));
    let pool = WorkerPool::new(cores)?;
    let context = StepContext {
        recipe,
        pipeline: &pipeline,
        rotary: Rotary::new(config, device),
        reward_model: reward_model.as_ref(),
    };
    let log_path = paths.run.join("log.jsonl");
    let mut log = log::reopen(&log_path, progress.step)?;

    let schedule = Schedule::new(&recipe.optimizer, recipe.steps.count);
    for step in progress.step..recipe.steps.count {
        let clock = Instant::now();
        let controlled = progress.kl_coefficient.map(f64::from);
        let coefficient = controlled.unwrap_or(recipe.kl.coefficient);
        let sampled = sample_prompts(prompts.len(), recipe.seed, step, recipe.steps.prompts);
        let batch: Vec<&EncodedPrompt> = sampled.into_iter().map(|place| &prompts[place]).collect();
        let (sums, mut gradients, sample) =
            take_step(&pool, &context, &adapter, &batch, step, coefficient)?;
        let gradient_norm =
            clip_by_global_norm(&adapter, &mut gradients, recipe.optimizer.clip_norm);
        if !(sums.reward.is_finite() && sums.kl_nats.is_finite() && gradient_norm.is_finite()) {
            return Err(TrainingError::TuningDiverged { step });
        }
        let rate = schedule.learning_rate(&recipe.optimizer, step);
        adapter = optimizer.step(rate, adapter, gradients);

        let completions = (recipe.steps.prompts * recipe.steps.group) as f64;
        let kl_nats = sums.kl_nats / completions;
        progress.step = step + 1;
        progress.tokens += sums.tokens as u64;
        progress.seconds += clock.elapsed().as_secs_f64();
        progress.kl_coefficient = recipe.kl.next(coefficient, kl_nats);
        let report = TuneReport {
            step: progress.step,
            steps: recipe.steps.count,
            reward: sums.reward / completions,
            kl_nats,
            entropy_nats: sums.entropy_nats / sums.tokens as f64,
            length: sums.tokens as f64 / completions,
            kl_coefficient: coefficient,
            gradient_norm,
            tokens: progress.tokens,
            seconds: progress.seconds,
            sample,
        };
        writeln!(log, "{}", line(&report)).map_err(at(&log_path))?;
        let control = watch(&report);
        let last = progress.step == recipe.steps.count;
        if control == Control::Pause || last || progress.step.is_multiple_of(CHECKPOINT_EVERY) {
            checkpoint::save(&folder, &adapter, &optimizer, &progress)?;
        }
        if control == Control::Pause && !last {
            return Ok(false);
        }
    }
    export(&adapter, pipeline.model.fingerprint(), paths)?;
    Ok(true)
}

/// A prompt and its tokens.
struct EncodedPrompt {
    prompt: Prompt,
    tokens: Vec<u32>,
    /// Tokens of the SFT target, with the end of text.
    target: Option<Vec<u32>>,
}

fn load_prompts(
    recipe: &TuneRecipe,
    folder: &Path,
    world: &World,
    pipeline: &Pipeline,
) -> Result<Vec<EncodedPrompt>, TrainingError> {
    let mut prompts = Vec::new();
    for share in &recipe.prompts {
        for prompt in share.load(world, folder)? {
            let tokens = pipeline.tokenizer.encode(&prompt.text)?;
            let room = pipeline.model.remaining_context(&tokens)?;
            if recipe.steps.length > room {
                return Err(TrainingError::Value {
                    field: "steps.length",
                    problem: format!(
                        "is {}, but after the prompt \"{}\" the base's context has room for {room} tokens",
                        recipe.steps.length, prompt.text
                    ),
                });
            }
            let mut target = None;
            if let Some(rest) = &prompt.target {
                // A continuation has no beginning-of-text token.
                let mut rest = pipeline.tokenizer.encode_continuation(rest)?;
                rest.extend(pipeline.model.config().eos_token_id.first());
                // A truncated target would not teach the ending.
                if rest.len() > recipe.steps.length {
                    continue;
                }
                target = Some(rest);
            }
            prompts.push(EncodedPrompt {
                prompt,
                tokens,
                target,
            });
        }
    }
    if prompts.is_empty() {
        return Err(TrainingError::Value {
            field: "prompts",
            problem: "must give at least one prompt".to_owned(),
        });
    }
    Ok(prompts)
}

/// What the groups of a run share.
struct StepContext<'a> {
    recipe: &'a TuneRecipe,
    pipeline: &'a Pipeline,
    rotary: Rotary,
    reward_model: &'a dyn RewardModel,
}

/// Sums over completions.
#[derive(Default)]
struct Sums {
    reward: f64,
    kl_nats: f64,
    entropy_nats: f64,
    tokens: usize,
}

struct Group {
    sums: Sums,
    gradients: GradientsParams,
    sample: Sample,
}

impl StepContext<'_> {
    /// Samples and scores the completions of one prompt, and computes their gradient.
    fn group(
        &self,
        adapter: &Adapter,
        prompt: &EncodedPrompt,
        seed: u64,
        coefficient: f64,
    ) -> Result<Group, TrainingError> {
        let (steps, engine) = (&self.recipe.steps, &self.pipeline.model);
        let device = engine.device();
        // Leaves of its own: backward passes over shared leaves would wait for each other.
        let adapter = adapter.clone().fork(&device.clone().autodiff());
        let policy = engine.with_adapter(&adapter.valid());
        let tokens = match &prompt.target {
            Some(target) => vec![target.clone()],
            None => sample(&policy, &prompt.tokens, steps.group, steps.length, seed)?,
        };
        let completions: Vec<Completion> = tokens.iter().map(|ids| self.completion(ids)).collect();
        let rewards = self.reward_model.rewards(&prompt.prompt, &completions);

        let packed = PackedCompletions::new(&prompt.tokens, &tokens, device);
        let base = packed.logits(engine.network(), &self.rotary);
        let tuned = packed.logits(&adapter.merge(engine.network()), &self.rotary);
        let weight = 1.0 / (steps.prompts * steps.group) as f64;
        let loss = policy_loss(
            tuned,
            base,
            &tokens,
            &vec![weight; steps.group],
            coefficient,
            |kl_nats| match prompt.target {
                // The gradient of the log-likelihood.
                Some(_) => kl_nats.iter().map(|row| vec![1.0; row.len()]).collect(),
                None => leave_one_out(&rewards, kl_nats, coefficient),
            },
        );
        let total = |lists: &[Vec<f64>]| lists.iter().flatten().sum();
        Ok(Group {
            sums: Sums {
                reward: rewards.iter().sum(),
                kl_nats: total(&loss.kl_nats),
                entropy_nats: total(&loss.entropy_nats),
                tokens: tokens.iter().map(Vec::len).sum(),
            },
            gradients: GradientsParams::from_grads(loss.surrogate.backward(), &adapter),
            sample: Sample {
                prompt: prompt.prompt.text.clone(),
                text: completions[0].text.clone(),
                reward: rewards[0],
            },
        })
    }

    fn completion(&self, tokens: &[u32]) -> Completion {
        let config = self.pipeline.model.config();
        let ended = tokens.last().is_some_and(|&token| config.ends_text(token));
        let text = &tokens[..tokens.len() - usize::from(ended)];
        Completion {
            text: self.pipeline.tokenizer.decode(text),
            ended,
        }
    }
}

/// Sums over all groups of a step, in their order.
fn take_step(
    pool: &WorkerPool,
    context: &StepContext<'_>,
    adapter: &Adapter,
    prompts: &[&EncodedPrompt],
    step: usize,
    coefficient: f64,
) -> Result<(Sums, GradientsParams, Sample), TrainingError> {
    let groups = pool.map(prompts, |slot, prompt| {
        let seed = seed_of(context.recipe.seed, step, slot);
        context.group(adapter, prompt, seed, coefficient)
    });
    let mut sums = Sums::default();
    let mut gradients = GradientsParams::new();
    let mut first = None;
    for group in groups {
        let group = group?;
        sums.reward += group.sums.reward;
        sums.kl_nats += group.sums.kl_nats;
        sums.entropy_nats += group.sums.entropy_nats;
        sums.tokens += group.sums.tokens;
        add(adapter, &mut gradients, group.gradients);
        first.get_or_insert(group.sample);
    }
    Ok((sums, gradients, first.expect("a step has prompts")))
}

/// SHA-256 of the recipe and the weights of base and initial adapter.
fn recipe_hash(recipe: &TuneRecipe, weights: [Option<&str>; 2]) -> String {
    let text = toml::to_string(recipe).expect("a recipe is plain data");
    sha256(format!("{text}{weights:?}").as_bytes())
}

/// One line of the log.
fn line(report: &TuneReport) -> serde_json::Value {
    serde_json::json!({
        "step": report.step,
        "reward": round(report.reward),
        "kl_nats": round(report.kl_nats),
        "entropy_nats": round(report.entropy_nats),
        "length": round(report.length),
        "kl_coefficient": report.kl_coefficient,
        "gradient_norm": round(report.gradient_norm),
        "seconds": round(report.seconds),
        "sample": {
            "prompt": report.sample.prompt,
            "text": report.sample.text,
            "reward": round(report.sample.reward),
        },
    })
}

/// Writes adapter and log into the adapter's folder.
fn export(
    adapter: &Adapter,
    base: Option<&str>,
    paths: &TunePaths<'_>,
) -> Result<(), TrainingError> {
    let write = |name: &str, bytes: &[u8]| {
        let path = paths.adapter.join(name);
        write_atomically(&path, bytes)
    };
    write("adapter_config.json", adapter.config().to_json().as_bytes())?;
    let weights = adapter_to_safetensors(adapter, Precision::F16, base);
    write("adapter_model.safetensors", &weights)?;
    let log = paths.run.join("log.jsonl");
    write("training-log.jsonl", &fs::read(&log).map_err(at(&log))?)
}
