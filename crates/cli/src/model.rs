//! `--model` and `--prompt`: which model reads what, and on which device.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use transformer::{Model, ModelFiles, PromptError};

use crate::device::DeviceName;

/// A model and the device that it runs on.
#[derive(Args)]
pub struct ModelChoice {
    /// Folder of the model: config.json, tokenizer.json and model.safetensors
    #[arg(long, value_name = "DIR", default_value = "models/storyteller")]
    pub model: PathBuf,
    /// Where to compute
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    pub device: DeviceName,
}

impl ModelChoice {
    /// Brings the model onto the device.
    pub fn load(&self) -> anyhow::Result<Model> {
        let device = self.device.open()?;
        let load = || Model::load(&ModelFiles::read(&self.model)?, &device);
        load().with_context(|| format!("the model {} cannot be used", self.model.display()))
    }
}

/// The prompt's tokens, if the model can read them and pick `length` more.
pub fn encode(model: &Model, prompt: &str, length: usize) -> anyhow::Result<Vec<u32>> {
    match model.read(prompt, length) {
        // The same in the words of the options.
        Err(PromptError::NoRoom {
            tokens,
            context,
            room,
            length,
        }) => bail!(
            "behind the prompt's {tokens} tokens the model's context of {context} has room for {room} more, not for {length}: \
             ask for at most {room} with --length, or shorten the prompt by {}",
            length - room
        ),
        read => Ok(read?),
    }
}
