//! `collapse sample --beam W`: the likeliest continuations, by beam search over the model.

use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::time::Instant;

use decoding::Beam;
use serde::Serialize;
use transformer::device::{DeviceError, read_logits};
use transformer::{Batch, Pipeline};

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
    pipeline: &Pipeline,
    prompt: &[u32],
    width: NonZeroUsize,
    length: usize,
) -> Result<Found, DeviceError> {
    let model = &pipeline.model;
    let mut beam = Beam::new(width).with_ends(&model.config().eos_token_id);
    let prefix = model.prefill(prompt);
    let mut rows = read_logits(prefix.logits.clone()).await?;
    let mut batch: Option<Batch> = None;
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
        let open = match &mut batch {
            Some(open) => {
                model.retain(open, &parents);
                open
            }
            None => batch.insert(model.start_batch(&prefix, tokens.len(), length)),
        };
        rows = read_logits(model.step(open, &tokens)).await?;
        tokens_run += tokens.len();
    }
    let tokens_per_second = tokens_run as f64 / clock.elapsed().as_secs_f64();
    let hypotheses = beam
        .hypotheses()
        .into_iter()
        .map(|found| Hypothesis {
            text: text(pipeline, &found.tokens),
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
