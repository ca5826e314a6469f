//! `collapse`: corpus, pretraining, next-token distributions, samples and measurements from the command line.
//!
//! Each command has a file of its own; what they compute lives in the libraries.

mod pretrain;

use clap::{Parser, Subcommand};

/// A storyteller whose world shrinks as temperature falls: train it, ask it, measure it.
#[derive(Parser)]
#[command(name = "collapse", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train a model from fresh weights by a recipe; goes on where the last sitting stopped.
    Pretrain(pretrain::Pretrain),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Pretrain(arguments) => arguments.run(),
    }
}
