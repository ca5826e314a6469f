//! `--model`, `--adapter`, `--lambda`, `--device`: which model, on which device.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use burn::tensor::{Device, Tensor};
use clap::Args;
use decoding::interpolate;
use experiments::{Policy, Subject};
use transformer::device::{DeviceError, read_logits};
use transformer::{
    Adapter, AdapterFiles, LlamaModel, ModelFiles, Pipeline, Plan, PromptError, Realignment, Swarm,
    device, self_test,
};

use crate::device::DeviceName;
use crate::output;

/// A model and the device that it runs on.
#[derive(Args)]
pub struct ModelChoice {
    /// Folder of the model: config.json, tokenizer.json and model.safetensors
    #[arg(long, value_name = "DIR", default_value = "models/storyteller")]
    pub model: PathBuf,
    /// Folder of an adapter that was tuned on the model: adapter_config.json and adapter_model.safetensors
    #[arg(long, value_name = "DIR")]
    pub adapter: Option<PathBuf>,
    /// Interpolation of base and tuned logits: 0 is the base, 1 the tuned model, beyond 1 extrapolates
    #[arg(long, value_name = "L", default_value_t = 1.0, requires = "adapter", allow_negative_numbers = true, value_parser = finite)]
    pub lambda: f64,
    /// Where to compute
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    pub device: DeviceName,
}

impl ModelChoice {
    /// Loads the model onto the device. Other devices than the CPU must agree with it: some drivers compute wrong logits without
    /// an error.
    pub fn load(&self) -> anyhow::Result<ChosenModel> {
        let model = self.load_onto(&self.device.open()?)?;
        if self.device != DeviceName::Cpu {
            let reference = self.load_onto(&device::cpu())?;
            for (subject, reference) in model.models().into_iter().zip(reference.models()) {
                check_device(subject, reference)
                    .with_context(|| format!("--device {} cannot be used", self.device.name()))?;
            }
        }
        for note in model.base.model.notes() {
            output::complain(&format!("collapse: note: {note}"));
        }
        Ok(model)
    }

    fn load_onto(&self, device: &Device) -> anyhow::Result<ChosenModel> {
        let load = || Pipeline::load(&ModelFiles::load_from_dir(&self.model)?, device);
        let base =
            load().with_context(|| format!("the model {} cannot be used", self.model.display()))?;
        let tuned = match &self.adapter {
            None => None,
            Some(folder) => {
                let load = || Adapter::load(&AdapterFiles::load_from_dir(folder)?, &base.model);
                let adapter = load()
                    .with_context(|| format!("the adapter {} cannot be used", folder.display()))?;
                Some(Pipeline {
                    tokenizer: base.tokenizer.clone(),
                    model: base.model.with_adapter(&adapter),
                })
            }
        };
        Ok(ChosenModel {
            base,
            tuned,
            lambda: self.lambda,
        })
    }
}

/// The base, and the tuned model where an adapter was chosen. Logits of the two are interpolated as on the page: by
/// [`decoding::interpolate`], after they were read back.
pub struct ChosenModel {
    /// The base.
    pub base: Pipeline,
    tuned: Option<Pipeline>,
    lambda: f64,
}

impl ChosenModel {
    /// The model that is measured, as experiments measure it.
    pub fn policy(&self) -> Policy<'_, Pipeline> {
        let subject = Subject {
            name: "model",
            budget_nats: None,
            model: self.tuned.as_ref().unwrap_or(&self.base),
        };
        Policy::of(&self.base, &subject, self.lambda)
    }

    /// The models whose logits are needed: one, or base and tuned.
    pub fn models(&self) -> Vec<&LlamaModel> {
        match &self.tuned {
            Some(tuned) if self.lambda == 1.0 => vec![&tuned.model],
            Some(tuned) if self.lambda != 0.0 => vec![&self.base.model, &tuned.model],
            _ => vec![&self.base.model],
        }
    }

    /// Logits of each of [`Self::models`], read back and interpolated.
    pub async fn read_logits(&self, logits: Vec<Tensor<2>>) -> Result<Vec<Vec<f32>>, DeviceError> {
        let mut each = Vec::new();
        for logits in logits {
            each.push(read_logits(logits).await?);
        }
        let last = each.pop().unwrap_or_default();
        let Some(base) = each.pop() else {
            return Ok(last);
        };
        let blend = |(base, tuned): (Vec<f32>, Vec<f32>)| {
            interpolate(&base, &tuned, self.lambda).expect("one vocabulary and a finite lambda")
        };
        Ok(base.into_iter().zip(last).map(blend).collect())
    }

    /// Starts chains, as the page does.
    pub async fn swarm(
        &self,
        prompt: Vec<u32>,
        chains: usize,
        plan: Plan,
    ) -> Result<Swarm, DeviceError> {
        match self.models()[..] {
            [base, tuned] => {
                let realignment = Realignment {
                    tuned,
                    lambda: self.lambda,
                    compare: false,
                };
                Swarm::start_realigned(base, realignment, prompt, chains, plan).await
            }
            ref one => Swarm::start(one[0], prompt, chains, plan).await,
        }
    }
}

/// Fails if two devices do not agree on one model.
fn check_device(subject: &LlamaModel, reference: &LlamaModel) -> anyhow::Result<()> {
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
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if value.is_finite() {
        Ok(value)
    } else {
        Err("must be finite".to_owned())
    }
}

/// The model's name is that of its folder.
pub fn name(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = folder.file_name();
    name.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Encodes a prompt and checks that `length` more tokens fit the context.
pub fn encode(pipeline: &Pipeline, prompt: &str, length: usize) -> anyhow::Result<Vec<u32>> {
    match pipeline.encode_prompt(prompt, length) {
        // The same, in terms of the command's options.
        Err(PromptError::ExceedsContext {
            tokens,
            context,
            remaining,
            length,
        }) => bail!(
            "after the prompt's {tokens} tokens the model's context of {context} has room for {remaining} more, not for {length}: \
             ask for at most {remaining} with --length, or shorten the prompt by {}",
            length - remaining
        ),
        read => Ok(read?),
    }
}

#[cfg(test)]
mod tests {
    use transformer::LlamaConfig;

    use super::*;

    fn model(seed: u64) -> LlamaModel {
        let config = serde_json::json!({
            "vocab_size": 20, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
            "bos_token_id": 0, "eos_token_id": 0,
        });
        let config = LlamaConfig::parse(config.to_string().as_bytes()).expect("a sound config");
        let device = device::cpu();
        device.seed(seed);
        let network = config.init(0.0, &device);
        LlamaModel::new(config, network, &device)
    }

    #[test]
    fn a_device_is_used_only_where_it_computes_what_the_cpu_computes() {
        let reference = model(1);
        assert!(check_device(&reference, &reference).is_ok());
        let wrong =
            check_device(&model(2), &reference).expect_err("other weights are other logits");
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
