//! `collapse pretrain`: a recipe becomes a model folder.

use std::path::PathBuf;

use anyhow::{Context, bail};
use burn::tensor::Device;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use training::pretrain::{Places, Wish, pretrain};
use training::recipe::Recipe;

/// Arguments of `collapse pretrain`.
#[derive(Args)]
pub struct Pretrain {
    /// The recipe, `training.toml`; the model is written beside it.
    recipe: PathBuf,
    /// Folder with the texts that the recipe names.
    #[arg(long, conflicts_with = "without_texts")]
    texts: Option<PathBuf>,
    /// Train on the story world alone.
    #[arg(long)]
    without_texts: bool,
    /// Folder for checkpoints and the growing log.
    #[arg(long, default_value = "runs/pretrain")]
    run: PathBuf,
    /// Stop after this many steps of this sitting, with a checkpoint.
    #[arg(long)]
    pause_after: Option<usize>,
}

impl Pretrain {
    /// Trains until the recipe is done.
    pub fn run(self) -> anyhow::Result<()> {
        let recipe = Recipe::read(&self.recipe)?;
        if self.texts.is_none() && !self.without_texts && !recipe.texts.is_empty() {
            bail!(
                "the recipe names {} texts: give their folder with --texts, or train on the story world alone with \
                 --without-texts",
                recipe.texts.len()
            );
        }
        let model = self.recipe.parent().context("the recipe lies in a folder")?;
        let places = Places { model, texts: self.texts.as_deref(), run: &self.run };
        println!(
            "{} parameters; gathering {} stories and {} texts",
            recipe.config().parameters(),
            recipe.world.stories,
            if self.texts.is_some() { recipe.texts.len() } else { 0 }
        );
        let bar = ProgressBar::new(0).with_style(
            ProgressStyle::with_template("{wide_bar} {pos}/{len} steps, {msg}, {eta} left")
                .context("the template is fixed")?,
        );
        let mut sitting = 0;
        let done = pretrain(&recipe, &places, &Device::flex(), |report| {
            bar.set_length(report.steps as u64);
            bar.set_position(report.step as u64);
            bar.set_message(format!(
                "loss {:.3}, {:.0} tokens/s",
                report.loss,
                report.tokens as f64 / report.seconds
            ));
            sitting += 1;
            if self.pause_after.is_some_and(|most| sitting >= most) { Wish::Pause } else { Wish::Continue }
        })?;
        bar.abandon();
        if done {
            println!("written to {}", model.display());
        } else {
            println!("paused; run the same command to go on");
        }
        Ok(())
    }
}
