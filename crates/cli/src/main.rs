//! `collapse`: corpus, pretraining, tuning, next-token distributions, samples, measurements and experiments from the command
//! line.
//!
//! Each command has a file of its own; what they compute lives in the libraries. Results go to stdout, progress and errors to
//! stderr. Exit codes: 0 done, 1 failed, 2 the command line was not understood.

mod beam;
mod bench;
mod card;
mod corpus;
mod curve;
mod device;
mod evaluate;
mod experiment;
mod knobs;
mod model;
mod next;
mod output;
mod plot;
mod pretrain;
mod progress;
mod record;
mod report;
mod reward;
mod sample;
mod score;
mod subjects;
mod teacher;
mod text;
mod tune;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Mode collapse of a small story-writing model: train it, tune it, sample from it, measure it.
#[derive(Parser)]
#[command(name = "collapse", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the distribution of the token after a prompt.
    Next(next::Next),
    /// Sample many continuations of a prompt, the same as on the page for the same settings and seed; or search with a beam.
    Sample(sample::Sample),
    /// Measure a model's bits per byte on held-out stories.
    Evaluate(evaluate::Evaluate),
    /// Generate stories of the procedural world that models are trained on, or count its kinds.
    Corpus(corpus::Corpus),
    /// Sample training text from a teacher model and filter it; resumes an interrupted run.
    Teacher(teacher::Teacher),
    /// Train a model from fresh weights by a recipe; resumes an interrupted run.
    Pretrain(pretrain::Pretrain),
    /// Tune an adapter on a model by a recipe, by rewards under a KL budget; resumes an interrupted run
    Tune(tune::Tune),
    /// Write an adapter's card and draw its run, from its recipe and log; `tune` does so at its end.
    Card(card::Card),
    /// Draw the loss curve of a training log as a picture.
    Curve(curve::Curve),
    /// Fit the weak sentiment predictor to stories of the world, and write its weights, report and card.
    Reward(reward::Reward),
    /// Show the sentiment score of a text, as a whole and word by word.
    Score(score::Score),
    /// Measure how stories of a model and of its adapters end, and write tables and figures.
    Report(report::Report),
    /// Test the claims about mode collapse on a model and its adapters, with controls whose answers are known
    Experiment(experiment::Experiment),
    /// Record a run that the page plays until the weights are loaded.
    Record(record::Record),
    /// Measure load, prefill and decode on every device that this program was built for.
    Bench(bench::Bench),
}

impl Command {
    fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Next(arguments) => arguments.run(),
            Self::Sample(arguments) => arguments.run(),
            Self::Evaluate(arguments) => arguments.run(),
            Self::Corpus(arguments) => arguments.run(),
            Self::Teacher(arguments) => arguments.run(),
            Self::Pretrain(arguments) => arguments.run(),
            Self::Tune(arguments) => arguments.run(),
            Self::Card(arguments) => arguments.run(),
            Self::Curve(arguments) => arguments.run(),
            Self::Reward(arguments) => arguments.run(),
            Self::Score(arguments) => arguments.run(),
            Self::Report(arguments) => arguments.run(),
            Self::Experiment(arguments) => arguments.run(),
            Self::Record(arguments) => arguments.run(),
            Self::Bench(arguments) => arguments.run(),
        }
    }
}

fn main() -> ExitCode {
    match Arguments::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        // `collapse corpus | head` has got what it wanted.
        Err(error) if output::reader_left(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&format!("collapse: {}", output::chain(&error)));
            ExitCode::FAILURE
        }
    }
}
