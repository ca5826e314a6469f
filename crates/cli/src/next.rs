//! `collapse next`: the distribution of the token after a prompt.

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::Args;
use decoding::{Distribution, LanguageModel as _, shape};
use serde::Serialize;

use crate::knobs::Knobs;
use crate::model::{ModelChoice, encode};
use crate::output;
use crate::text::Prompt;

/// Tokens shown without `--all`.
const SHOWN: usize = 20;
/// Width of a bar of probability 1, in letters.
const BAR: f64 = 30.0;

/// Arguments of `collapse next`.
#[derive(Args)]
pub struct Next {
    #[command(flatten)]
    model: ModelChoice,
    #[command(flatten)]
    prompt: Prompt,
    #[command(flatten)]
    knobs: Knobs,
    /// Show every token of the vocabulary, not only the 20 most probable
    #[arg(long)]
    all: bool,
    /// Print {"entropy_bits", "effective_choices", "beta", "tokens": [{"id", "text", "logit", "p"}, ...]};
    /// beta is "inf" at temperature 0, a text has U+FFFD where a token is only a part of a character
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    /// Of the shaped distribution, over the whole vocabulary.
    entropy_bits: f64,
    /// `2^H`
    effective_choices: f64,
    /// Scale over temperature, 1 / logit.
    #[serde(serialize_with = "output::maybe_infinite")]
    beta: f64,
    /// Most probable first.
    tokens: Vec<Candidate>,
}

#[derive(Serialize)]
struct Candidate {
    id: u32,
    text: String,
    /// Before any shaping.
    logit: f32,
    /// After shaping.
    p: f64,
}

impl Next {
    /// Prefills the prompt and prints the distribution of the next token.
    pub fn run(self) -> anyhow::Result<()> {
        let text = self.prompt.text()?;
        let model = self.model.load()?;
        let prompt = encode(&model.base, &text, 0)?;
        let (_, logits) = pollster::block_on(model.policy().prefill(&prompt, 1, 0))?;
        let shaping = self.knobs.shaping();
        let distribution = shape(&logits, &prompt, &shaping);
        let count = if self.all { logits.len() } else { SHOWN };
        let tokens = distribution
            .ranked(count)
            .into_iter()
            .map(|(id, p)| Candidate {
                id,
                text: model.base.tokenizer.decode(&[id]),
                logit: logits[id as usize],
                p,
            })
            .collect();
        let report = Report::new(&distribution, shaping.beta(), tokens);
        if self.json {
            output::json(&report)
        } else {
            report.print().context(output::STDOUT)
        }
    }
}

impl Report {
    fn new(distribution: &Distribution, beta: f64, tokens: Vec<Candidate>) -> Self {
        let (entropy_bits, effective_choices) = (
            distribution.entropy_bits(),
            distribution.effective_choices(),
        );
        Self {
            entropy_bits,
            effective_choices,
            beta,
            tokens,
        }
    }

    fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "entropy {:.3} bits, effective choices {:.2}, beta {} per logit\n",
            self.entropy_bits, self.effective_choices, self.beta
        )?;
        writeln!(out, "{:>10} {:>9} {:>7}  token", "p", "logit", "id")?;
        for Candidate { id, text, logit, p } in &self.tokens {
            let bar = "█".repeat((p * BAR).round() as usize);
            writeln!(
                out,
                "{p:>10.6} {logit:>9.3} {id:>7}  {:<16} {bar}",
                format!("{text:?}")
            )?;
        }
        Ok(())
    }
}
