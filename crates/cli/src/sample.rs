//! `collapse sample`: many continuations of one prompt.

use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use protocol::{Chains, Length};
use serde::Serialize;
use transformer::{Pipeline, Plan};

use crate::beam;
use crate::knobs::Knobs;
use crate::model::{ChosenModel, ModelChoice, encode};
use crate::output;
use crate::text::Prompt;

/// Arguments of `collapse sample`.
#[derive(Args)]
pub struct Sample {
    #[command(flatten)]
    model: ModelChoice,
    #[command(flatten)]
    prompt: Prompt,
    #[command(flatten)]
    knobs: Knobs,
    /// How many continuations
    #[arg(long, value_name = "N", default_value_t = Chains::default().get(), value_parser = clap::value_parser!(u32).range(1..=1024))]
    chains: u32,
    /// At most this many tokens per continuation
    #[arg(long, value_name = "L", default_value_t = Length::default().get(), value_parser = clap::value_parser!(u32).range(1..))]
    length: u32,
    /// Random seed: the same seed gives the same tokens, here and on the page
    #[arg(long, value_name = "K", default_value_t = 1)]
    seed: u64,
    /// Search for the W likeliest continuations under the unshaped model instead of sampling
    #[arg(long, value_name = "W", value_parser = clap::value_parser!(u32).range(1..=1024), conflicts_with_all = ["chains", "seed", "temperature", "scale", "top_k", "top_p", "min_p", "typical_p", "rep"])]
    beam: Option<u32>,
    /// Print {"chains": [{"ids", "text"}, ...], "tokens_per_second", "device"}, or with --beam "hypotheses" that also
    /// have a "log_probability" in nats; ids end with the end-of-text token where a chain ended by itself, texts do not
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    chains: Vec<Continuation>,
    /// Of all chains together, without the prompt's tokens and its prefill.
    tokens_per_second: f64,
    device: &'a str,
}

#[derive(Serialize)]
struct Continuation {
    ids: Vec<u32>,
    text: String,
}

impl Sample {
    /// Decodes the chains and prints them.
    pub fn run(self) -> anyhow::Result<()> {
        let text = self.prompt.text()?;
        let model = self.model.load()?;
        let length = self.length as usize;
        let prompt = encode(&model.base, &text, length)?;
        let device = self.model.device.name();
        if let Some(width) = self.beam {
            let width = NonZeroUsize::new(width as usize).context("--beam is at least 1")?;
            let found = pollster::block_on(beam::search(&model, &prompt, width, length))?;
            return found.print(&text, device, self.json);
        }
        let plan = Plan {
            shaping: self.knobs.shaping(),
            seed: self.seed,
            length,
        };
        let (chains, seconds) = pollster::block_on(decode(&model, prompt, self.chains, plan))?;
        let tokens: usize = chains.iter().map(|chain| chain.ids.len()).sum();
        let report = Report {
            chains,
            tokens_per_second: tokens as f64 / seconds,
            device,
        };
        if self.json {
            output::json(&report)
        } else {
            report.print(&text).context(output::STDOUT)
        }
    }
}

/// The chains, and the seconds from the first step to the last.
async fn decode(
    model: &ChosenModel,
    prompt: Vec<u32>,
    chains: u32,
    plan: Plan,
) -> anyhow::Result<(Vec<Continuation>, f64)> {
    let bar = ProgressBar::new(plan.length as u64).with_style(
        ProgressStyle::with_template("{wide_bar} {pos}/{len} positions, {eta} left")
            .expect("the template is fixed"),
    );
    let mut swarm = model.swarm(prompt, chains as usize, plan).await?;
    let clock = Instant::now();
    while !swarm.is_done() {
        swarm.step().await?;
        bar.inc(1);
    }
    let seconds = clock.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let continuations = (0..swarm.chains())
        .map(|chain| {
            let ids: Vec<u32> = swarm
                .picked(chain)
                .iter()
                .map(|picked| picked.token)
                .collect();
            Continuation {
                text: text(&model.base, &ids),
                ids,
            }
        })
        .collect();
    Ok((continuations, seconds))
}

/// The text of some tokens, without the end-of-text token at the end.
pub fn text(pipeline: &Pipeline, ids: &[u32]) -> String {
    let config = pipeline.model.config();
    let ended = ids.last().is_some_and(|&id| config.ends_text(id));
    pipeline
        .tokenizer
        .decode(&ids[..ids.len() - usize::from(ended)])
}

impl Report<'_> {
    fn print(&self, prompt: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        for (index, Continuation { ids, text }) in self.chains.iter().enumerate() {
            writeln!(
                out,
                "--- chain {index}, {} tokens\n{prompt}{text}\n",
                ids.len()
            )?;
        }
        writeln!(
            out,
            "{:.0} tokens/s on {}",
            self.tokens_per_second, self.device
        )
    }
}
