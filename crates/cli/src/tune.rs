//! `collapse tune`: a recipe and a base become an adapter's folder.

use std::path::PathBuf;
use std::thread::available_parallelism;

use anyhow::Context;
use clap::Args;
use training::tuning::{TunePlaces, TuneRecipe, tune};

use crate::card;
use crate::device::DeviceName;
use crate::progress::{Sitting, run_folder};

/// Steps between two lines of progress where there is no terminal to draw a bar on.
const LINE_EVERY: usize = 10;

/// Arguments of `collapse tune`.
#[derive(Args)]
pub struct Tune {
    /// The recipe, `training.toml`; the adapter is written beside it
    recipe: PathBuf,
    /// Folder for checkpoints and the growing log [default: runs/, then the recipe's own folder]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Stop after this many steps of this sitting, with a checkpoint
    #[arg(long, value_name = "STEPS")]
    pause_after: Option<usize>,
    /// Groups that are computed side by side; changes no result [default: one a core, on other devices than the CPU one]
    #[arg(long, value_name = "N")]
    cores: Option<usize>,
    /// Where to compute
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
}

impl Tune {
    /// Tunes until the recipe is done, or until it is to pause.
    pub fn run(self) -> anyhow::Result<()> {
        let recipe = TuneRecipe::read(&self.recipe)?;
        let adapter = self
            .recipe
            .parent()
            .context("the recipe lies in a folder")?;
        let run = self.run.unwrap_or_else(|| run_folder(&self.recipe));
        let places = TunePlaces { adapter, run: &run };
        let cores = self.cores.unwrap_or(match self.device {
            DeviceName::Cpu => available_parallelism().map_or(1, Into::into),
            DeviceName::Wgpu | DeviceName::Cuda => 1,
        });
        let device = self.device.open()?;
        let mut sitting = Sitting::new(LINE_EVERY, self.pause_after);
        let done = tune(&recipe, &places, &device, cores, |report| {
            let words = format!(
                "reward {:.3}, KL {:.2} nats, entropy {:.2} nats",
                report.reward, report.kl_nats, report.entropy_nats
            );
            sitting.step(report.step, report.steps, report.seconds, words)
        })?;
        if done {
            card::write(adapter)?;
        }
        sitting.end(done, adapter);
        Ok(())
    }
}
