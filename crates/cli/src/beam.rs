//! `collapse sample --beam W`: the likeliest continuations, by beam search over the model.

use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::time::Instant;

use decoding::Beam;
use serde::Serialize;
use transformer::device::DeviceError;
use transformer::{Batch, LlamaModel, Prefix};

use crate::model::ChosenModel;
use crate::output;
use crate::sample::text;

/// The hypotheses found, and the decoding speed.
pub struct Found {
    hypotheses: Vec<Hypothesis>,
    tokens_per_second: f64,
}

#[derive(Serialize)]
struct Hypothesis {
    ids: Vec<u32>,
    text: String,
    /// Nats, under the unshaped model.
    log_probability: f64,
}

#[derive(Serialize)]
struct Report<'a> {
    hypotheses: &'a [Hypothesis],
    /// Tokens fed to the model, of discarded hypotheses too.
    tokens_per_second: f64,
    device: &'a str,
}

/// Up to `width` continuations of at most `length` tokens, likeliest first.
pub async fn search(
    model: &ChosenModel,
    prompt: &[u32],
    width: NonZeroUsize,
    length: usize,
) -> Result<Found, DeviceError> {
    let models = model.models();
    let mut beam = Beam::new(width).with_ends(&models[0].config().eos_token_id);
    let prefixes: Vec<Prefix> = models.iter().map(|one| one.prefill(prompt)).collect();
    let logits = prefixes.iter().map(|prefix| prefix.logits.clone());
    let mut rows = model.read_logits(logits.collect()).await?;
    let mut batches: Vec<Batch> = Vec::new();
    let mut tokens_run = 0;
    let clock = Instant::now();
    for position in 1..=length {
        let extensions = beam.advance(&rows);
        if beam.is_done() || position == length {
            break;
        }
        let parents: Vec<usize> = extensions
            .iter()
            .map(|extension| extension.parent)
            .collect();
        let tokens: Vec<u32> = extensions.iter().map(|extension| extension.token).collect();
        if batches.is_empty() {
            let start = |(one, prefix): (&&LlamaModel, &Prefix)| {
                one.start_batch(prefix, tokens.len(), length)
            };
            batches = models.iter().zip(&prefixes).map(start).collect();
        } else {
            for (one, batch) in models.iter().zip(&mut batches) {
                one.retain(batch, &parents);
            }
        }
        let step = |(one, batch): (&&LlamaModel, &mut Batch)| one.step(batch, &tokens);
        let logits = models.iter().zip(&mut batches).map(step).collect();
        rows = model.read_logits(logits).await?;
        tokens_run += tokens.len();
    }
    let tokens_per_second = tokens_run as f64 / clock.elapsed().as_secs_f64();
    let hypotheses = beam
        .hypotheses()
        .into_iter()
        .map(|found| Hypothesis {
            text: text(&model.base, &found.tokens),
            ids: found.tokens,
            log_probability: found.log_probability,
        })
        .collect();
    Ok(Found {
        hypotheses,
        tokens_per_second,
    })
}

impl Found {
    /// Prints the hypotheses.
    pub fn print(&self, prompt: &str, device: &str, json: bool) -> anyhow::Result<()> {
        let Self {
            hypotheses,
            tokens_per_second,
        } = self;
        if json {
            let tokens_per_second = *tokens_per_second;
            return output::json(&Report {
                hypotheses,
                tokens_per_second,
                device,
            });
        }
        let mut out = io::stdout().lock();
        for Hypothesis {
            ids,
            text,
            log_probability,
        } in hypotheses
        {
            let tokens = ids.len();
            writeln!(
                out,
                "--- ln p = {log_probability:.3} nats, {tokens} tokens\n{prompt}{text}\n"
            )?;
        }
        writeln!(out, "{tokens_per_second:.0} tokens/s on {device}")?;
        Ok(())
    }
}
