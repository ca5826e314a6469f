//! `collapse reward`: fits the weak sentiment predictor and writes its folder: weights, report, card.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use sentiment::{Quality, Settings};
use training::predictor::{PredictorRecipe, PredictorReport, Strong, fit_predictor};
use training::world::World;

use crate::output;

/// Without sequels a policy of 96 tokens found that many small joys in a row are paid better than any one of them.
const SEQUELS_PER_MILLE: u32 = 800;
/// Weak: a word that never stands in a text that ends badly then weighs much.
const PENALTY: f64 = 3e-4;
/// Costs 0.004 nats of log loss and nothing of AUC, for a file with two thirds of the weights.
const LEAST_WEIGHT: f64 = 0.05;

/// Arguments of `collapse reward`.
#[derive(Args)]
pub struct Reward {
    /// Folder for weights.json, report.json and README.md
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Stories of the world to fit to; the mixed ones among them are left out
    #[arg(long, value_name = "N", default_value_t = 40_000)]
    stories: u64,
    /// Their seed
    #[arg(long, value_name = "K", default_value_t = 11)]
    seed: u64,
    /// Stories to measure on
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    held_out: u64,
    /// Their seed
    #[arg(long, value_name = "K", default_value_t = 12)]
    held_out_seed: u64,
    /// Of a thousand stories that may go on with another behind a section break, so many do; the last end is the label
    #[arg(long, value_name = "N", default_value_t = SEQUELS_PER_MILLE)]
    sequels: u32,
    /// Weight of the squared weights in the objective (λ)
    #[arg(long, value_name = "LAMBDA", default_value_t = PENALTY)]
    penalty: f64,
    /// Leave out words and pairs that occur in fewer stories
    #[arg(long, value_name = "N", default_value_t = 20)]
    least_stories: usize,
    /// Leave smaller weights out of the file, in nats of log-odds
    #[arg(long, value_name = "NATS", default_value_t = LEAST_WEIGHT)]
    least_weight: f64,
}

impl Reward {
    /// Fits, measures and writes.
    pub fn run(self) -> anyhow::Result<()> {
        let recipe = PredictorRecipe {
            stories: self.stories,
            seed: self.seed,
            held_out: self.held_out,
            held_out_seed: self.held_out_seed,
            sequels_per_mille: self.sequels,
            settings: Settings {
                penalty: self.penalty,
                least_texts: self.least_stories,
                ..Settings::default()
            },
            least_weight: self.least_weight,
            decimals: 3,
        };
        let (predictor, report) = fit_predictor(&World::new()?, &recipe)?;
        fs::create_dir_all(&self.out)
            .with_context(|| format!("cannot make the folder {}", self.out.display()))?;
        write(&self.out, "weights.json", &predictor.to_json())?;
        let json =
            serde_json::to_string_pretty(&report).context("the report holds only numbers")?;
        write(&self.out, "report.json", &(json + "\n"))?;
        write(&self.out, "README.md", &card(&report))?;
        output::line(&format!(
            "{} weights; on {} held-out stories accuracy {:.4}, AUC {:.4}",
            report.weights, report.held_out.texts, report.held_out.accuracy, report.held_out.auc
        ))
    }
}

fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = folder.join(name);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The card, in Markdown.
fn card(report: &PredictorReport) -> String {
    let recipe = &report.recipe;
    let mut card = format!(
        "# A weak predictor of happy endings\n\n\
         Logistic regression on which words and bigrams occur in a story, fitted by this project's own code; no weight is set by hand. \
         It is weak on purpose: models are tuned against it to see what it overrates.\n\n    \
         collapse reward --stories {} --seed {} --held-out {} --held-out-seed {} --sequels {} --penalty {} --least-stories {} \
         --least-weight {} --out FOLDER\n\n\
         [weights.json](weights.json) holds the bias and {} weights in nats of log-odds, rounded to {} decimals. The log-odds \
         of a text are the bias plus the weights of the words and bigrams that occur in it, each counted once. Case is ignored, \
         and no bigram spans the end of a sentence. [report.json](report.json) holds all numbers of this card.\n\n\
         Fitted to the happy and sad stories among {} of the story world, seed {}; mixed stories are left out, because either \
         label would be half wrong. Of a thousand stories that may go on, {} do: a section break and another story follow, whose \
         ending is the label. The objective is mean log loss plus λ/2 times the sum of squared weights, λ = {}, over {} words and \
         bigrams that occur in {} stories or more. It converged after {} gradient steps: no component of the gradient exceeded \
         {:e}. Weights below {} were then left out of the file.\n\n\
         | happy and sad stories | stories | happy | accuracy | AUC | log loss, nats |\n| --- | --- | --- | --- | --- | --- |\n",
        recipe.stories,
        recipe.seed,
        recipe.held_out,
        recipe.held_out_seed,
        recipe.sequels_per_mille,
        recipe.settings.penalty,
        recipe.settings.least_texts,
        recipe.least_weight,
        report.weights,
        recipe.decimals,
        recipe.stories,
        recipe.seed,
        recipe.sequels_per_mille,
        recipe.settings.penalty,
        report.fitted_weights,
        recipe.settings.least_texts,
        report.steps,
        recipe.settings.tolerance,
        recipe.least_weight,
    );
    for (name, quality) in [
        ("of the fit", &report.seen),
        ("**held out** (another seed)", &report.held_out),
        (
            "held out, before pruning and rounding",
            &report.held_out_before_pruning,
        ),
    ] {
        card.push_str(&row(name, quality));
    }
    card.push_str(
        "\n## Score by ending\n\nHeld-out stories by how they end, in nats of log-odds; mixed ones included, on which it was not \
         fitted.\n\n| ending | label | stories | mean | 10th percentile |\n| --- | --- | --- | --- | --- |\n",
    );
    for ending in &report.endings {
        add(
            &mut card,
            format_args!(
                "| {} | {} | {} | {:.2} | {:.2} |\n",
                ending.ending,
                ending.sentiment,
                ending.stories,
                ending.mean_log_odds,
                ending.tenth_log_odds
            ),
        );
    }
    card.push_str(
        "\n## Strongest words\n\nIn brackets, the number of fitted stories in which the word or bigram occurs.\n\n\
         | | happy | weight | sad | weight |\n| --- | --- | --- | --- | --- |\n",
    );
    for (rank, (positive, negative)) in report
        .most_positive
        .iter()
        .zip(&report.most_negative)
        .enumerate()
    {
        let cells =
            |word: &Strong| format!("{} ({}) | {:+.3}", word.gram, word.stories, word.weight);
        add(
            &mut card,
            format_args!(
                "| {} | {} | {} |\n",
                rank + 1,
                cells(positive),
                cells(negative)
            ),
        );
    }
    card
}

fn row(name: &str, quality: &Quality) -> String {
    format!(
        "| {name} | {} | {:.1} % | {:.4} | {:.4} | {:.4} |\n",
        quality.texts,
        100.0 * quality.positive,
        quality.accuracy,
        quality.auc,
        quality.log_loss_nats
    )
}

fn add(card: &mut String, line: std::fmt::Arguments<'_>) {
    card.write_fmt(line).expect("a string takes every text");
}
