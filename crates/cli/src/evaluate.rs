//! `collapse evaluate`: bits per byte of held-out stories.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use training::evaluate::{Evaluation, Selection};

use crate::model::ModelChoice;
use crate::output;

/// Arguments of `collapse evaluate`.
#[derive(Args)]
pub struct Evaluate {
    #[command(flatten)]
    model: ModelChoice,
    /// Stories that the model was not trained on, parted by <|endoftext|>
    #[arg(long, value_name = "FILE")]
    text: PathBuf,
    /// Score the first so many that have the right length
    #[arg(long, value_name = "N", default_value_t = 200)]
    stories: usize,
    /// Leave out stories of fewer characters
    #[arg(long, value_name = "CHARACTERS", default_value_t = 200)]
    least: usize,
    /// Leave out stories of more characters; those that are longer than the context are scored as far as it reaches
    #[arg(long, value_name = "CHARACTERS", default_value_t = 2500)]
    most: usize,
    /// Print {"bits_per_byte", "nats_per_token", "tokens", "bytes", "stories", "cut"}; cut counts the stories that were
    /// longer than the context
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    bits_per_byte: f64,
    nats_per_token: f64,
    tokens: usize,
    bytes: usize,
    stories: usize,
    cut: usize,
}

impl Evaluate {
    /// Scores the stories one by one.
    pub fn run(self) -> anyhow::Result<()> {
        let text = fs::read_to_string(&self.text)
            .with_context(|| format!("cannot read the text {}", self.text.display()))?;
        let Self {
            stories,
            least,
            most,
            ..
        } = self;
        let stories = Selection {
            stories,
            least,
            most,
        }
        .of(&text);
        if stories.is_empty() {
            bail!(
                "{} has no story of {least} to {most} characters: stories are parted by <|endoftext|>; \
                 choose other bounds with --least and --most",
                self.text.display()
            );
        }
        let model = self.model.load()?;
        let bar = ProgressBar::new(stories.len() as u64).with_style(
            ProgressStyle::with_template("{wide_bar} {pos}/{len} stories, {msg}, {eta} left")
                .expect("the template is fixed"),
        );
        let mut sums = Evaluation::default();
        for story in &stories {
            pollster::block_on(sums.add(&model, story))?;
            bar.set_message(format!("{:.3} bits per byte", sums.bits_per_byte()));
            bar.inc(1);
        }
        bar.finish_and_clear();
        if sums.tokens == 0 {
            bail!(
                "the stories of {} are empty: nothing to score",
                self.text.display()
            );
        }
        Report::new(&sums).print(self.json)
    }
}

impl Report {
    fn new(sums: &Evaluation) -> Self {
        Self {
            bits_per_byte: sums.bits_per_byte(),
            nats_per_token: sums.nats_per_token(),
            tokens: sums.tokens,
            bytes: sums.bytes,
            stories: sums.stories,
            cut: sums.cut,
        }
    }

    fn print(&self, json: bool) -> anyhow::Result<()> {
        if json {
            return output::json(self);
        }
        output::line(&format!(
            "{:.4} bits per byte, {:.4} nats per token\n\
             {} stories ({} cut at the context's end), {} tokens, {} bytes",
            self.bits_per_byte,
            self.nats_per_token,
            self.stories,
            self.cut,
            self.tokens,
            self.bytes
        ))
    }
}
