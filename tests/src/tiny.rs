//! A tiny model that is the same on every platform: weights by a formula, a tokenizer trained on the story world.

use std::fs;
use std::path::Path;

use anyhow::Result;
use burn::module::{Module as _, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use decoding::coin;
use tempfile::TempDir;
use training::export::{Precision, to_safetensors};
use training::tokenizer;
use training::world::World;
use transformer::device::cpu;
use transformer::{Llama, LlamaConfig, ModelFiles, Pipeline};

/// Two blocks, grouped queries, a tied head.
pub fn config() -> LlamaConfig {
    LlamaConfig {
        vocab_size: 320,
        hidden_size: 32,
        intermediate_size: 48,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 8,
        max_position_embeddings: 64,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        tie_word_embeddings: true,
        bos_token_id: Some(tokenizer::END_OF_TEXT_ID),
        eos_token_id: vec![tokenizer::END_OF_TEXT_ID],
    }
}

/// The network, with weights that depend only on their place.
pub fn network() -> Llama {
    network_of(&config())
}

/// A network of any sizes, with such weights.
pub fn network_of(config: &LlamaConfig) -> Llama {
    config.init(0.0, &cpu()).map(&mut ByPlace { tensors: 0 })
}

/// The model, written as a Hugging Face folder and read back.
pub fn model() -> Result<Pipeline> {
    let folder = TempDir::new()?;
    write(folder.path())?;
    Ok(Pipeline::load(
        &ModelFiles::load_from_dir(folder.path())?,
        &cpu(),
    )?)
}

/// Writes the model as a Hugging Face folder.
pub fn write(folder: &Path) -> Result<()> {
    let world = World::new()?;
    let stories: Vec<String> = (0..60).map(|index| world.story(1, index).text).collect();
    let stories: Vec<&str> = stories.iter().map(String::as_str).collect();
    let tokenizer = tokenizer::train(&stories, config().vocab_size)?;
    let json = tokenizer
        .to_string(false)
        .map_err(anyhow::Error::from_boxed)?;
    fs::write(folder.join("tokenizer.json"), json)?;
    fs::write(folder.join("config.json"), config().to_json())?;
    let weights = to_safetensors(&network(), Precision::F32, None);
    fs::write(folder.join("model.safetensors"), weights)?;
    Ok(())
}

/// Weight number `i` of tensor number `n` is uniform in +-0.5, drawn by `coin(0, n, i)`; norms are shifted by one.
struct ByPlace {
    tensors: u32,
}

impl ModuleMapper for ByPlace {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let tensor = self.tensors;
        self.tensors += 1;
        let middle = if D == 1 { 1.0 } else { 0.0 };
        param.map(|values| {
            let shape = values.shape();
            let count = shape.num_elements() as u32;
            let values: Vec<f32> = (0..count)
                .map(|index| (coin(0, tensor, index).value() - 0.5 + middle) as f32)
                .collect();
            Tensor::from_data(TensorData::new(values, shape), &cpu())
        })
    }
}
