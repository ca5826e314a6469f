//! `collapse score`: the sentiment score of a text, as a whole and word by word.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use sentiment::Predictor;
use serde::Serialize;

use crate::output;
use crate::text::utf8_argument;

/// Arguments of `collapse score`.
#[derive(Args)]
pub struct Score {
    /// The text, whatever it begins with
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    text: OsString,
    /// The predictor's weights, written by collapse reward
    #[arg(
        long,
        value_name = "FILE",
        default_value = "models/storyteller/reward/weights.json"
    )]
    weights: PathBuf,
    /// Print {"log_odds", "probability", "words": [{"word", "start", "end", "log_odds"}, ...]}, places in bytes
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'t> {
    /// Nats.
    log_odds: f64,
    /// Of the text being positive.
    probability: f64,
    words: Vec<WordScore<'t>>,
}

#[derive(Serialize)]
struct WordScore<'t> {
    word: &'t str,
    start: usize,
    end: usize,
    /// Nats.
    log_odds: f64,
}

impl Score {
    /// Reads the weights and scores the text.
    pub fn run(self) -> anyhow::Result<()> {
        let text = utf8_argument("--text", &self.text)?;
        let path = self.weights.display();
        let json = fs::read_to_string(&self.weights).with_context(|| {
            format!("cannot read the weights {path}: write them with collapse reward")
        })?;
        let predictor = Predictor::from_json(&json).with_context(|| path.to_string())?;
        let reading = predictor.score(text);
        let report = Report::new(text, &reading);
        if self.json {
            output::json(&report)
        } else {
            report.print().context(output::STDOUT)
        }
    }
}

impl<'t> Report<'t> {
    fn new(text: &'t str, reading: &sentiment::Score) -> Self {
        let words = reading.words.iter().map(|word| WordScore {
            word: &text[word.at.clone()],
            start: word.at.start,
            end: word.at.end,
            log_odds: word.log_odds,
        });
        Self {
            log_odds: reading.log_odds,
            probability: reading.probability(),
            words: words.collect(),
        }
    }

    fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "positive with probability {:.4} (log-odds {:+.3} nats)\n",
            self.probability, self.log_odds
        )?;
        for WordScore { word, log_odds, .. } in &self.words {
            writeln!(out, "{log_odds:>+8.3}  {word}")?;
        }
        Ok(())
    }
}
