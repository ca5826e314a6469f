//! `collapse evaluate`: bits per byte of held-out stories, and calibration on a truth table.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use training::calibration::{Calibration, Scores, calibration, prompts};
use training::evaluate::{Evaluation, Selection};
use training::facts::TruthTable;

use crate::model::{ChosenModel, ModelChoice};
use crate::{output, text};

/// Arguments of `collapse evaluate`.
#[derive(Args)]
pub struct Evaluate {
    #[command(flatten)]
    model: ModelChoice,
    /// Held-out stories, separated by <|endoftext|>
    #[arg(long, value_name = "FILE", required_unless_present = "truth")]
    text: Option<PathBuf>,
    /// Truth table of the model's fact documents: measure calibration against its frequencies
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Score the first N stories within the bounds
    #[arg(long, value_name = "N", default_value_t = 200)]
    stories: usize,
    /// Skip stories of fewer characters
    #[arg(long, value_name = "CHARACTERS", default_value_t = 200)]
    least: usize,
    /// Skip stories of more characters; stories longer than the context are scored up to its end
    #[arg(long, value_name = "CHARACTERS", default_value_t = 2500)]
    most: usize,
    /// Print {"bits_per_byte", "nats_per_token", "tokens", "bytes", "stories"}; with --truth also
    /// {"truth": {"ece", "unseen_ece", "families"}}
    #[arg(long)]
    json: bool,
}

/// Results of both measurements, as asked.
#[derive(Serialize)]
struct Reports {
    #[serde(flatten)]
    text: Option<Report>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truth: Option<Calibration>,
}

#[derive(Serialize)]
struct Report {
    bits_per_byte: f64,
    nats_per_token: f64,
    tokens: usize,
    bytes: usize,
    stories: usize,
    /// Stories that were longer than the context; printed to stderr with --json.
    #[serde(skip)]
    cut: usize,
}

impl Evaluate {
    /// Scores the stories and the table's prompts one by one.
    pub fn run(self) -> anyhow::Result<()> {
        // Files first: a wrong name fails before the model is loaded.
        let stories = self
            .text
            .as_deref()
            .map(|text| self.select(text))
            .transpose()?;
        let table = self.truth.as_deref().map(read_table).transpose()?;
        let model = self.model.load()?;
        let text = stories.map(|stories| score(&model, &stories)).transpose()?;
        let truth = table.map(|table| compare(&model, &table)).transpose()?;
        if self.json {
            if let Some(cut) = text.as_ref().map(|text| text.cut).filter(|cut| *cut > 0) {
                output::complain(&format!(
                    "{cut} of the stories were scored up to the end of the context"
                ));
            }
            return output::json(&Reports { text, truth });
        }
        if let Some(report) = text {
            report.print()?;
        }
        truth.map_or(Ok(()), |truth| print_calibration(&truth))
    }

    fn select(&self, path: &Path) -> anyhow::Result<Vec<String>> {
        // Line ends of Windows are line ends.
        let text = text::read(path)?.replace("\r\n", "\n");
        let (stories, least, most) = (self.stories, self.least, self.most);
        let chosen = Selection {
            stories,
            least,
            most,
        }
        .of(&text);
        if chosen.is_empty() {
            bail!(
                "{} has no story of {least} to {most} characters: stories are separated by <|endoftext|>; \
                 choose other bounds with --least and --most",
                path.display()
            );
        }
        Ok(chosen)
    }
}

fn score(model: &ChosenModel, stories: &[String]) -> anyhow::Result<Report> {
    let bar = bar(stories.len(), "stories");
    let mut sums = Evaluation::default();
    let policy = model.policy();
    for story in stories {
        pollster::block_on(sums.add(&policy, model.base.tokenizer.bytes(), story))?;
        bar.set_message(format!("{:.3} bits per byte", sums.bits_per_byte()));
        bar.inc(1);
    }
    bar.finish_and_clear();
    if sums.tokens == 0 {
        bail!("the stories are empty: nothing to score");
    }
    Ok(Report::new(&sums))
}

fn bar(length: usize, unit: &str) -> ProgressBar {
    let style = format!("{{wide_bar}} {{pos}}/{{len}} {unit}, {{msg}}, {{eta}} left");
    ProgressBar::new(length as u64)
        .with_style(ProgressStyle::with_template(&style).expect("the template is fixed"))
}

fn read_table(path: &Path) -> anyhow::Result<TruthTable> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the truth table {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| {
        format!(
            "{} is no truth table: write one with collapse corpus --truth",
            path.display()
        )
    })
}

fn compare(model: &ChosenModel, table: &TruthTable) -> anyhow::Result<Calibration> {
    let bar = bar(prompts(table), "prompts");
    let found = pollster::block_on(calibration(&model.policy(), table, || bar.inc(1)))?;
    bar.finish_and_clear();
    Ok(found)
}

fn print_calibration(found: &Calibration) -> anyhow::Result<()> {
    output::line(&format!(
        "expected calibration error {:.4} on wordings of training, {:.4} on others\n\n\
         {:<16} {:>7} {:>7} {:>10} {:>10} {:>7} {:>9}",
        found.ece,
        found.unseen_ece,
        "family",
        "prompts",
        "ece",
        "variation",
        "elsewhere",
        "right",
        "likeliest"
    ))?;
    for family in &found.families {
        for (name, scores) in [
            (family.name.clone(), &family.seen),
            (format!("{}, new", family.name), &family.unseen),
        ] {
            let share =
                |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.3}"));
            let Scores {
                prompts,
                ece,
                total_variation,
                elsewhere,
                right,
                right_likeliest,
            } = *scores;
            output::line(&format!(
                "{name:<16} {prompts:>7} {ece:>7.4} {total_variation:>10.4} {elsewhere:>10.4} {:>7} {:>9}",
                share(right),
                share(right_likeliest)
            ))?;
        }
    }
    Ok(())
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

    fn print(&self) -> anyhow::Result<()> {
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
