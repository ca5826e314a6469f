//! `--model`, `--adapter` and `--prompt`: which model reads what, and on which device.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use transformer::{Adapter, AdapterFiles, Model, ModelFiles, PromptError};

use crate::device::DeviceName;

/// A model and the device that it runs on.
#[derive(Args)]
pub struct ModelChoice {
    /// Folder of the model: config.json, tokenizer.json and model.safetensors
    #[arg(long, value_name = "DIR", default_value = "models/storyteller")]
    pub model: PathBuf,
    /// Folder of an adapter that was tuned on the model: adapter_config.json and adapter_model.safetensors
    #[arg(long, value_name = "DIR")]
    pub adapter: Option<PathBuf>,
    /// Realignment: 0 is the base, 1 the tuned model, beyond 1 goes on in the same direction
    #[arg(long, value_name = "L", default_value_t = 1.0, requires = "adapter", allow_negative_numbers = true, value_parser = finite)]
    pub lambda: f64,
    /// Where to compute
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    pub device: DeviceName,
}

impl ModelChoice {
    /// Brings the model onto the device.
    pub fn load(&self) -> anyhow::Result<Model> {
        let device = self.device.open()?;
        let load = || Model::load(&ModelFiles::read(&self.model)?, &device);
        let mut model =
            load().with_context(|| format!("the model {} cannot be used", self.model.display()))?;
        if let Some(folder) = &self.adapter {
            let load = || Adapter::load(&AdapterFiles::read(folder)?, &model.engine);
            let adapter = load()
                .with_context(|| format!("the adapter {} cannot be used", folder.display()))?;
            model.engine = model.engine.realigned(&adapter, self.lambda);
        }
        Ok(model)
    }
}

/// A parser of finite numbers.
pub fn finite(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if value.is_finite() {
        Ok(value)
    } else {
        Err("it must be finite".to_owned())
    }
}

/// The model's name is that of its folder.
pub fn name(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = folder.file_name();
    name.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
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
