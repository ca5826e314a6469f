//! `collapse bench`: time to load a model, to prefill, to decode, and to the first tokens after a change of knobs, on every
//! device built in.
//!
//! A decoding step is what a swarm does: logits of all chains, read back, each shaped and picked from. Chains here do not end, so
//! that every step has the same size. New knobs are measured on a real swarm, whose chains may end.

use std::time::Instant;

use anyhow::{Context, bail};
use clap::Args;
use decoding::{Shaping, coin, shape};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use transformer::device::read_logits;
use transformer::{LlamaModel, ModelFiles, Pipeline, Plan, Swarm};

use crate::device::DeviceName;
use crate::output;

/// Tokens of the prompt.
const PROMPT: usize = 16;
/// Tokens of every chain.
const LENGTH: usize = 64;
/// Chains of a batch.
const CHAINS: [usize; 3] = [1, 16, 64];
/// Chains of the swarm that gets new knobs.
const RESHAPED_CHAINS: usize = 64;
/// Tokens of each of them.
const RESHAPED_LENGTH: usize = 100;
/// Between these temperatures the swarm is moved back and forth: a small move of a slider, so that chains keep many tokens.
const RESHAPED_BETWEEN: [f64; 2] = [1.0, 0.99];

/// Arguments of `collapse bench`.
#[derive(Args)]
pub struct Bench {
    /// Folder of the model
    #[arg(long, value_name = "DIR", default_value = "models/storyteller")]
    model: std::path::PathBuf,
    /// Repeat every measurement N times; median and best are printed
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Print [{"what", "place", "value", "best", "unit"}, ...]; value is the median
    #[arg(long)]
    json: bool,
}

/// One measured number.
#[derive(Serialize)]
struct Measurement {
    what: String,
    place: String,
    /// The median of all runs.
    value: f64,
    best: f64,
    unit: &'static str,
}

impl Bench {
    /// Measures device by device.
    pub fn run(self) -> anyhow::Result<()> {
        let mut measurements = Vec::new();
        for &device in DeviceName::BUILT_IN {
            measurements.extend(pollster::block_on(self.measure(device))?);
        }
        if self.json {
            return output::json(&measurements);
        }
        output::line("what                   where               median       best")?;
        for Measurement {
            what,
            place,
            value,
            best,
            unit,
        } in &measurements
        {
            output::line(&format!(
                "{what:<22} {place:<14} {value:>11.1} {best:>10.1} {unit}"
            ))?;
        }
        Ok(())
    }

    async fn measure(&self, device: DeviceName) -> anyhow::Result<Vec<Measurement>> {
        let files = ModelFiles::load_from_dir(&self.model)?;
        let place = format!("native, {}", device.name().to_uppercase());
        let on = device.open()?;
        let bar = ProgressBar::new((3 + CHAINS.len() as u64) * u64::from(self.runs)).with_style(
            ProgressStyle::with_template("{wide_bar} {pos}/{len} runs on {msg}")
                .context("the template is fixed")?,
        );
        bar.set_message(place.clone());

        let mut measurements = Vec::new();
        let mut seconds = Vec::new();
        let mut loaded = None;
        for _ in 0..self.runs {
            let clock = Instant::now();
            let pipeline = Pipeline::load(&files, &on)
                .with_context(|| format!("the model {} cannot be used", self.model.display()))?;
            // Reading the first logits back waits for the weights to be on the device.
            read_logits(pipeline.model.prefill(&prompt(&pipeline.model)).logits).await?;
            seconds.push(clock.elapsed().as_secs_f64());
            loaded = Some(pipeline);
            bar.inc(1);
        }
        let what = "load and first row".to_owned();
        measurements.push(Measurement::time(what, &place, &mut seconds));
        let model = loaded.context("there is at least one run")?.model;
        let longest = PROMPT + LENGTH.max(RESHAPED_LENGTH);
        if longest > model.config().max_position_embeddings {
            bail!("the model's context is shorter than the {longest} tokens of a measured chain");
        }

        seconds.clear();
        for _ in 0..self.runs {
            let clock = Instant::now();
            read_logits(model.prefill(&prompt(&model)).logits).await?;
            seconds.push(clock.elapsed().as_secs_f64());
            bar.inc(1);
        }
        let what = format!("prefill, {PROMPT} tokens");
        measurements.push(Measurement::time(what, &place, &mut seconds));

        for chains in CHAINS {
            let mut seconds = Vec::new();
            for _ in 0..self.runs {
                seconds.push(decode(&model, chains).await?);
                bar.inc(1);
            }
            let what = format!("decode, {chains} chains");
            measurements.push(Measurement::speed(
                what,
                &place,
                chains * LENGTH,
                &mut seconds,
            ));
        }

        let (mut swarm, shapings) = swarm_to_reshape(&model).await?;
        let mut seconds = Vec::new();
        for run in 0..usize::from(self.runs) {
            seconds.push(reshape(&mut swarm, shapings[(run + 1) % 2]).await?);
            bar.inc(1);
        }
        measurements.push(Measurement::time(
            format!("new knobs, {RESHAPED_CHAINS} chains"),
            &place,
            &mut seconds,
        ));
        bar.finish_and_clear();
        Ok(measurements)
    }
}

/// Some tokens; which ones does not matter for time.
fn prompt(model: &LlamaModel) -> Vec<u32> {
    let vocabulary = model.config().vocab_size as u32;
    (0..PROMPT as u32)
        .map(|index| (index * 37 + 1) % vocabulary)
        .collect()
}

/// Seconds that [`LENGTH`] steps of some chains take, after their prompt was read.
async fn decode(model: &LlamaModel, chains: usize) -> anyhow::Result<f64> {
    let prompt = prompt(model);
    let prefix = model.prefill(&prompt);
    let first = read_logits(prefix.logits.clone()).await?.concat();
    let clock = Instant::now();
    let mut rows = vec![first; chains];
    let mut batch = model.start_batch(&prefix, chains, LENGTH);
    for position in 0..LENGTH as u32 {
        let tokens: Vec<u32> = rows
            .iter()
            .zip(0..)
            .map(|(row, chain)| {
                shape(row, &prompt, &Shaping::default()).pick(coin(1, chain, position))
            })
            .collect();
        rows = read_logits(model.step(&mut batch, &tokens)).await?;
    }
    Ok(clock.elapsed().as_secs_f64())
}

/// A swarm that has finished under the first of two sets of knobs.
async fn swarm_to_reshape(model: &LlamaModel) -> anyhow::Result<(Swarm, [Shaping; 2])> {
    let mut shapings = [Shaping::default(); 2];
    for (shaping, temperature) in shapings.iter_mut().zip(RESHAPED_BETWEEN) {
        *shaping = shaping
            .with_temperature(temperature)
            .context("a measured temperature is in range")?;
    }
    let plan = Plan {
        shaping: shapings[0],
        seed: 1,
        length: RESHAPED_LENGTH,
    };
    let mut swarm = Swarm::start(model, prompt(model), RESHAPED_CHAINS, plan).await?;
    while !swarm.is_done() {
        swarm.step().await?;
    }
    Ok((swarm, shapings))
}

/// Seconds from new knobs for a finished swarm to the first tokens that they bring; then it finishes.
async fn reshape(swarm: &mut Swarm, shaping: Shaping) -> anyhow::Result<f64> {
    let clock = Instant::now();
    swarm.set_plan(shaping, 1);
    for chain in 0..swarm.chains() {
        swarm.repick(chain);
    }
    swarm.step().await?;
    let seconds = clock.elapsed().as_secs_f64();
    while !swarm.is_done() {
        swarm.step().await?;
    }
    Ok(seconds)
}

impl Measurement {
    fn time(what: String, place: &str, seconds: &mut [f64]) -> Self {
        let (median, best) = median_and_least(seconds);
        Self {
            what,
            place: place.to_owned(),
            value: 1e3 * median,
            best: 1e3 * best,
            unit: "ms",
        }
    }

    fn speed(what: String, place: &str, tokens: usize, seconds: &mut [f64]) -> Self {
        let (median, best) = median_and_least(seconds);
        let (value, best) = (tokens as f64 / median, tokens as f64 / best);
        Self {
            what,
            place: place.to_owned(),
            value,
            best,
            unit: "tokens/s",
        }
    }
}

/// Of at least one number.
fn median_and_least(numbers: &mut [f64]) -> (f64, f64) {
    numbers.sort_by(f64::total_cmp);
    (numbers[numbers.len() / 2], numbers[0])
}
