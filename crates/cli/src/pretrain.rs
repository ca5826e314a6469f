//! `collapse pretrain`: a recipe becomes a model folder.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use training::pretrain::{Places, StepReport, export_checkpoint, pretrain};
use training::recipe::Recipe;

use crate::device::DeviceName;
use crate::progress::{Sitting, run_folder};

/// Steps between two lines of progress where there is no terminal to draw a bar on.
const LINE_EVERY: usize = 100;

/// Arguments of `collapse pretrain`.
#[derive(Args)]
pub struct Pretrain {
    /// The recipe, `training.toml`; the model is written beside it
    recipe: PathBuf,
    /// Folder with the texts that the recipe names
    #[arg(long, value_name = "DIR", conflicts_with = "without_texts")]
    texts: Option<PathBuf>,
    /// Train on the story world alone
    #[arg(long)]
    without_texts: bool,
    /// Folder for checkpoints and the growing log [default: runs/, then the recipe's own folder]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Stop after this many steps of this sitting, with a checkpoint
    #[arg(long, value_name = "STEPS")]
    pause_after: Option<usize>,
    /// Write the model as the last checkpoint has it, and train no further
    #[arg(long)]
    export: bool,
    /// Where to compute
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
}

impl Pretrain {
    /// Trains until the recipe is done, or until it is to pause.
    pub fn run(self) -> anyhow::Result<()> {
        let recipe = Recipe::read(&self.recipe)?;
        if self.texts.is_none() && !self.without_texts && !recipe.texts.is_empty() {
            bail!(
                "the recipe names {} texts: give their folder with --texts, or train on the story world alone with \
                 --without-texts",
                recipe.texts.len()
            );
        }
        let model = self
            .recipe
            .parent()
            .context("the recipe lies in a folder")?;
        let run = self.run.unwrap_or_else(|| run_folder(&self.recipe));
        let places = Places {
            model,
            texts: self.texts.as_deref(),
            run: &run,
        };
        let device = self.device.open()?;
        if self.export {
            export_checkpoint(&recipe, &places, &device)?;
            eprintln!("written to {}", model.display());
            return Ok(());
        }
        eprintln!(
            "{} parameters; gathering {} stories and {} texts",
            recipe.config().parameters(),
            recipe.world.stories,
            if self.texts.is_some() {
                recipe.texts.len()
            } else {
                0
            }
        );
        let mut sitting = Sitting::new(LINE_EVERY, self.pause_after);
        let done = pretrain(&recipe, &places, &device, |report| {
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
            sitting.step(step, steps, seconds, words)
        })?;
        sitting.end(done, model);
        Ok(())
    }
}
