//! A tuning run: from a recipe to an adapter's folder.
//!
//! A step samples a group of completions for each of its prompts, or takes the one that is shown, judges them, and computes each
//! group's gradient by itself on one core; groups are added up in their order. So neither the number of cores nor a pause changes
//! what comes out.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Device;
use sha2::{Digest, Sha256};
use transformer::{Adapter, Model, ModelFiles, Rotary};

use super::TuneRecipe;
use super::advantages::leave_one_out;
use super::judges::{Completion, Judge};
use super::policy_gradient::policy_loss;
use super::prompts::{Prompt, deal};
use super::rollout::{Passage, sample, seed_of};
use crate::checkpoint::{self, Progress};
use crate::clip::clip_by_global_norm;
use crate::corpus::hex;
use crate::crew::Crew;
use crate::error::{TrainingError, at};
use crate::export::{Precision, adapter_to_safetensors};
use crate::log::{self, round};
use crate::pretrain::Wish;
use crate::schedule::learning_rate;
use crate::shards::add;
use crate::world::World;

/// Where a run reads and writes.
pub struct TunePlaces<'a> {
    /// The adapter's folder, in which its recipe lies: adapter and log end up here.
    pub adapter: &'a Path,
    /// Checkpoints and the growing log; may be deleted after the run.
    pub run: &'a Path,
}

/// What a run reports after every step: means over the step's completions.
#[derive(Clone, Debug, PartialEq)]
pub struct TuneReport {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Reward of a completion.
    pub reward: f64,
    /// Divergence of the policy from the base, nats a completion.
    pub kl_nats: f64,
    /// Entropy of the policy, nats a token.
    pub entropy_nats: f64,
    /// Tokens of a completion.
    pub length: f64,
    /// KL coefficient of the step.
    pub kl_coefficient: f64,
    /// Norm of the whole gradient before clipping.
    pub gradient_norm: f64,
    /// Tokens sampled so far.
    pub tokens: u64,
    /// Seconds of computing so far, over all sittings.
    pub seconds: f64,
    /// The first completion of the step, behind its prompt.
    pub sample: Sample,
}

/// A completion to look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What was asked.
    pub prompt: String,
    /// What was given.
    pub text: String,
    /// How it was rewarded.
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
    places: &TunePlaces<'_>,
    device: &Device,
    cores: usize,
    mut watch: impl FnMut(&TuneReport) -> Wish,
) -> Result<bool, TrainingError> {
    fs::create_dir_all(places.run).map_err(at(places.run))?;
    let files = ModelFiles::read(&places.adapter.join(&recipe.base))?;
    let model = Model::load(&files, device)?;
    let world = World::new()?;
    let judge = recipe.reward.open(&world, places.adapter)?;
    let prompts = gather(recipe, places.adapter, &world, &model)?;

    let config = model.engine.config();
    let tracked = device.clone().autodiff();
    let (first, start) = recipe.first(places.adapter, &model.engine, &tracked)?;
    let hash = recipe_hash(recipe, [model.engine.fingerprint(), start.as_deref()]);
    let folder = places.run.join("checkpoint");
    let (mut adapter, mut optimizer, resumed) =
        checkpoint::load(&folder, &hash, first, recipe.optimizer.init())?;
    let mut progress = resumed.unwrap_or_else(|| Progress::fresh(hash));
    let crew = Crew::new(cores)?;
    let work = Work {
        recipe,
        model: &model,
        rotary: Rotary::new(config, device),
        judge: judge.as_ref(),
    };
    let log_path = places.run.join("log.jsonl");
    let mut log = log::reopen(&log_path, progress.step)?;

    for step in progress.step..recipe.steps.count {
        let clock = Instant::now();
        let driven = progress.kl_coefficient.map(f64::from);
        let coefficient = driven.unwrap_or(recipe.kl.coefficient);
        let dealt = deal(prompts.len(), recipe.seed, step, recipe.steps.prompts);
        let dealt: Vec<&Asking> = dealt.into_iter().map(|place| &prompts[place]).collect();
        let (sums, mut gradients, sample) =
            take_step(&crew, &work, &adapter, &dealt, step, coefficient)?;
        let gradient_norm =
            clip_by_global_norm(&adapter, &mut gradients, recipe.optimizer.clip_norm);
        if !(sums.reward.is_finite() && sums.kl_nats.is_finite() && gradient_norm.is_finite()) {
            return Err(TrainingError::TuningDiverged { step });
        }
        let rate = learning_rate(&recipe.optimizer, step, recipe.steps.count);
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
        let wish = watch(&report);
        let last = progress.step == recipe.steps.count;
        if wish == Wish::Pause || last || progress.step.is_multiple_of(CHECKPOINT_EVERY) {
            checkpoint::save(&folder, &adapter, &optimizer, &progress)?;
        }
        if wish == Wish::Pause && !last {
            return Ok(false);
        }
    }
    export(&adapter, model.engine.fingerprint(), places)?;
    Ok(true)
}

/// A prompt and its tokens.
struct Asking {
    prompt: Prompt,
    tokens: Vec<u32>,
    /// Of what is shown behind it, with the end of text.
    shown: Option<Vec<u32>>,
}

fn gather(
    recipe: &TuneRecipe,
    folder: &Path,
    world: &World,
    model: &Model,
) -> Result<Vec<Asking>, TrainingError> {
    let mut askings = Vec::new();
    for share in &recipe.prompts {
        for prompt in share.gather(world, folder)? {
            let tokens = model.vocabulary.encode(&prompt.text)?;
            let room = model.engine.room(&tokens)?;
            if recipe.steps.length > room {
                return Err(TrainingError::Value {
                    field: "steps.length",
                    problem: format!(
                        "is {}, but behind the prompt \"{}\" the base's context has room for {room}",
                        recipe.steps.length, prompt.text
                    ),
                });
            }
            let mut shown = None;
            if let Some(rest) = &prompt.shown {
                // Within a text there is no beginning of one.
                let mut rest = model.vocabulary.encode(rest)?.split_off(1);
                rest.push(model.engine.config().eos_token_id);
                // Cut off, it would not show how a story ends.
                if rest.len() > recipe.steps.length {
                    continue;
                }
                shown = Some(rest);
            }
            askings.push(Asking {
                prompt,
                tokens,
                shown,
            });
        }
    }
    if askings.is_empty() {
        return Err(TrainingError::Value {
            field: "prompts",
            problem: "must give at least one prompt".to_owned(),
        });
    }
    Ok(askings)
}

/// What every group of a run needs.
struct Work<'a> {
    recipe: &'a TuneRecipe,
    model: &'a Model,
    rotary: Rotary,
    judge: &'a dyn Judge,
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

impl Work<'_> {
    /// Samples, judges and differentiates the completions of one prompt.
    fn group(
        &self,
        adapter: &Adapter,
        asking: &Asking,
        seed: u64,
        coefficient: f64,
    ) -> Result<Group, TrainingError> {
        let (steps, engine) = (&self.recipe.steps, &self.model.engine);
        let device = engine.device();
        // Leaves of its own: backward passes over shared leaves would wait for each other.
        let adapter = adapter.clone().fork(&device.clone().autodiff());
        let policy = engine.adapted(&adapter.valid());
        let tokens = match &asking.shown {
            Some(shown) => vec![shown.clone()],
            None => sample(&policy, &asking.tokens, steps.group, steps.length, seed)?,
        };
        let completions: Vec<Completion> = tokens.iter().map(|ids| self.completion(ids)).collect();
        let rewards = self.judge.judge(&asking.prompt, &completions);

        let passage = Passage::new(&asking.tokens, &tokens, device);
        let base = passage.logits(engine.network(), &self.rotary);
        let tuned = passage.logits(&adapter.merge(engine.network()), &self.rotary);
        let weight = 1.0 / (steps.prompts * steps.group) as f64;
        let loss = policy_loss(
            tuned,
            base,
            &tokens,
            &vec![weight; steps.group],
            coefficient,
            |kl_nats| match asking.shown {
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
                prompt: asking.prompt.text.clone(),
                text: completions[0].text.clone(),
                reward: rewards[0],
            },
        })
    }

    fn completion(&self, tokens: &[u32]) -> Completion {
        let end = self.model.engine.config().eos_token_id;
        let told = tokens.strip_suffix(&[end]);
        Completion {
            text: self.model.vocabulary.decode(told.unwrap_or(tokens)),
            ended: told.is_some(),
        }
    }
}

/// All groups of a step, added up in their order.
fn take_step(
    crew: &Crew,
    work: &Work<'_>,
    adapter: &Adapter,
    askings: &[&Asking],
    step: usize,
    coefficient: f64,
) -> Result<(Sums, GradientsParams, Sample), TrainingError> {
    let groups = crew.map(askings, |slot, asking| {
        let seed = seed_of(work.recipe.seed, step, slot);
        work.group(adapter, asking, seed, coefficient)
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

/// Of the recipe, and of the weights of base and first adapter.
fn recipe_hash(recipe: &TuneRecipe, weights: [Option<&str>; 2]) -> String {
    let text = toml::to_string(recipe).expect("a recipe is plain data");
    hex(&Sha256::digest(format!("{text}{weights:?}").as_bytes()))
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
    places: &TunePlaces<'_>,
) -> Result<(), TrainingError> {
    let write = |name: &str, bytes: &[u8]| {
        let path = places.adapter.join(name);
        fs::write(&path, bytes).map_err(at(&path))
    };
    write("adapter_config.json", adapter.config().to_json().as_bytes())?;
    let weights = adapter_to_safetensors(adapter, Precision::F16, base);
    write("adapter_model.safetensors", &weights)?;
    let log = places.run.join("log.jsonl");
    write("training-log.jsonl", &fs::read(&log).map_err(at(&log))?)
}
