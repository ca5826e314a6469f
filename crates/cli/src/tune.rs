//! `collapse tune`: trains an adapter of a base model by a recipe (SFT or RL).

use std::path::PathBuf;
use std::thread::available_parallelism;

use anyhow::Context;
use clap::Args;
use training::rl::{TunePaths, TuneRecipe, tune};

use crate::card;
use crate::device::DeviceName;
use crate::progress::{Session, run_folder};

/// Steps between two lines of progress where stderr is not a terminal.
const LINE_EVERY: usize = 10;

/// Arguments of `collapse tune`.
#[derive(Args)]
pub struct Tune {
    /// The recipe, `training.toml`; the adapter is written to its folder
    recipe: PathBuf,
    /// Folder for checkpoints and the log [default: runs/ + the recipe's folder]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Pause after this many steps of this session; the same command resumes
    #[arg(long, value_name = "STEPS")]
    pause_after: Option<usize>,
    /// Groups computed in parallel; does not change the result [default: one per core on the CPU, one on other devices]
    #[arg(long, value_name = "N")]
    cores: Option<usize>,
    /// Device to compute on
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
}

impl Tune {
    /// Trains until the recipe is complete, or until the session's last step.
    pub fn run(self) -> anyhow::Result<()> {
        let recipe = TuneRecipe::read(&self.recipe)?;
        let adapter = self
            .recipe
            .parent()
            .context("the recipe is a file in a folder")?;
        let run = self.run.unwrap_or_else(|| run_folder(&self.recipe));
        let paths = TunePaths { adapter, run: &run };
        let cores = self.cores.unwrap_or(match self.device {
            DeviceName::Cpu => available_parallelism().map_or(1, Into::into),
            DeviceName::Wgpu | DeviceName::Cuda => 1,
        });
        let device = self.device.open()?;
        let mut session = Session::new(LINE_EVERY, self.pause_after);
        let done = tune(&recipe, &paths, &device, cores, |report| {
            let words = format!(
                "reward {:.3}, KL {:.2} nats, entropy {:.2} nats",
                report.reward, report.kl_nats, report.entropy_nats
            );
            session.step(report.step, report.steps, report.seconds, words)
        })?;
        if done {
            card::write(adapter)?;
        }
        session.end(done, adapter);
        Ok(())
    }
}
