//! `--model`, `--adapter` and `--prompt`: which model reads what, and on which device.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use burn::tensor::Device;
use clap::Args;
use transformer::{
    Adapter, AdapterFiles, Engine, Model, ModelFiles, PromptError, device, self_test,
};

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
    /// Brings the model onto the device. Any but the CPU must agree with the CPU on it: drivers have been seen to compute wrong
    /// logits without a word.
    pub fn load(&self) -> anyhow::Result<Model> {
        let model = self.load_onto(&self.device.open()?)?;
        if self.device != DeviceName::Cpu {
            prove(&model.engine, &self.load_onto(&device::cpu())?.engine)
                .with_context(|| format!("--device {} cannot be used", self.device.name()))?;
        }
        Ok(model)
    }

    fn load_onto(&self, device: &Device) -> anyhow::Result<Model> {
        let load = || Model::load(&ModelFiles::read(&self.model)?, device);
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

/// Fails where two engines of one model do not agree.
fn prove(subject: &Engine, reference: &Engine) -> anyhow::Result<()> {
    let agreement = pollster::block_on(self_test::compare(subject, reference))?;
    if !agreement.holds() {
        bail!(
            "its logits differ from the CPU's by {:.1e} of a row's spread, {:.0e} is allowed: another driver may help, or take \
             --device cpu",
            agreement.largest_difference,
            self_test::TOLERANCE
        );
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use transformer::LlamaConfig;

    use super::*;

    fn engine(seed: u64) -> Engine {
        let config = serde_json::json!({
            "vocab_size": 20, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
            "bos_token_id": 0, "eos_token_id": 0,
        });
        let config = LlamaConfig::parse(config.to_string().as_bytes()).expect("a sound config");
        let device = device::cpu();
        device.seed(seed);
        let network = config.init(0.0, &device);
        Engine::new(config, network, &device)
    }

    #[test]
    fn a_device_is_used_only_where_it_computes_what_the_cpu_computes() {
        let reference = engine(1);
        assert!(prove(&reference, &reference).is_ok());
        let wrong = prove(&engine(2), &reference).expect_err("other weights are other logits");
        let said = wrong.to_string();
        for word in [
            "differ from the CPU's by ",
            "1e-3 is allowed",
            "--device cpu",
        ] {
            assert!(said.contains(word), "`{said}` does not say `{word}`");
        }
    }
}
