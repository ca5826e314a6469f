//! `collapse pretrain`: trains a base model by a recipe.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use training::pretrain::{RunPaths, StepReport, export_checkpoint, pretrain};
use training::recipe::Recipe;

use crate::device::DeviceName;
use crate::progress::{Session, run_folder};

/// Steps between two lines of progress where stderr is not a terminal.
const LINE_EVERY: usize = 100;

/// Arguments of `collapse pretrain`.
#[derive(Args)]
pub struct Pretrain {
    /// The recipe, `training.toml`; the model is written to its folder
    recipe: PathBuf,
    /// Folder with the recipe's texts
    #[arg(long, value_name = "DIR", conflicts_with = "without_texts")]
    texts: Option<PathBuf>,
    /// Train without the recipe's texts: on the story world and the facts alone
    #[arg(long)]
    without_texts: bool,
    /// Folder for checkpoints and the log [default: runs/ + the recipe's folder]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Pause after this many steps of this session; the same command resumes
    #[arg(long, value_name = "STEPS")]
    pause_after: Option<usize>,
    /// Write the model from the last checkpoint without training
    #[arg(long)]
    export: bool,
    /// Device to compute on
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
}

impl Pretrain {
    /// Trains until the recipe is complete, or until the session's last step.
    pub fn run(self) -> anyhow::Result<()> {
        let recipe = Recipe::read(&self.recipe)?;
        if self.texts.is_none() && !self.without_texts && !recipe.texts.is_empty() {
            bail!(
                "the recipe uses {} texts: give their folder with --texts, or train on the story world alone with \
                 --without-texts",
                recipe.texts.len()
            );
        }
        let model = self
            .recipe
            .parent()
            .context("the recipe is a file in a folder")?;
        let run = self.run.unwrap_or_else(|| run_folder(&self.recipe));
        let paths = RunPaths {
            model,
            texts: self.texts.as_deref(),
            run: &run,
        };
        let device = self.device.open()?;
        if self.export {
            export_checkpoint(&recipe, &paths, &device)?;
            eprintln!("written to {}", model.display());
            return Ok(());
        }
        eprintln!(
            "{} parameters; loading {} stories and {} texts",
            recipe.config().parameters(),
            recipe.world.stories,
            if self.texts.is_some() {
                recipe.texts.len()
            } else {
                0
            }
        );
        let mut session = Session::new(LINE_EVERY, self.pause_after);
        let done = pretrain(&recipe, &paths, &device, |report| {
            let StepReport {
                step,
                steps,
                loss,
                tokens,
                seconds,
                ..
            } = *report;
            let words = format!(
                "loss {loss:.3} nats, {:.0} tokens/s",
                tokens as f64 / seconds
            );
            session.step(step, steps, seconds, words)
        })?;
        session.end(done, model);
        Ok(())
    }
}
