//! Random checkpoints in Hugging Face's names and layout.

use std::collections::BTreeMap;

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};
use transformer::{LlamaConfig, LlamaModel};

/// A tensor as the file has it: shape and values, row after row.
pub type Values = (Vec<usize>, Vec<f32>);

/// A config and all tensors that it asks for.
#[derive(Clone)]
pub struct Checkpoint {
    pub config: LlamaConfig,
    pub tensors: BTreeMap<String, Values>,
}

/// Numbers in [-1, 1), the same everywhere (SplitMix64, Steele et al. 2014).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) as f64 / 2f64.powi(63) - 1.0
    }

    pub fn tokens(&mut self, count: usize, vocabulary: usize) -> Vec<u32> {
        (0..count)
            .map(|_| (f64::midpoint(self.next(), 1.0) * vocabulary as f64) as u32)
            .collect()
    }
}

/// A small grouped-query network; the tests change what they are about.
pub fn small() -> LlamaConfig {
    LlamaConfig {
        vocab_size: 61,
        hidden_size: 24,
        intermediate_size: 40,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 6,
        max_position_embeddings: 48,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        tie_word_embeddings: true,
        bos_token_id: Some(1),
        eos_token_id: vec![2],
    }
}

impl Checkpoint {
    /// Weights of about the deviation that keeps a signal's size; norms around one.
    pub fn random(config: LlamaConfig, seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        let mut tensors = BTreeMap::new();
        let mut matrix = |name: String, rows: usize, columns: usize| {
            let size = (3.0 / columns as f64).sqrt();
            let values = (0..rows * columns)
                .map(|_| (size * numbers.next()) as f32)
                .collect();
            tensors.insert(name, (vec![rows, columns], values));
        };
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let queries = config.num_attention_heads * config.head_dim;
        let keys = config.num_key_value_heads * config.head_dim;
        matrix("model.embed_tokens.weight".into(), config.vocab_size, width);
        if !config.tie_word_embeddings {
            matrix("lm_head.weight".into(), config.vocab_size, width);
        }
        for layer in 0..config.num_hidden_layers {
            let mut part = |name: &str, rows, columns| {
                matrix(format!("model.layers.{layer}.{name}.weight"), rows, columns);
            };
            part("self_attn.q_proj", queries, width);
            part("self_attn.k_proj", keys, width);
            part("self_attn.v_proj", keys, width);
            part("self_attn.o_proj", width, queries);
            part("mlp.gate_proj", inner, width);
            part("mlp.up_proj", inner, width);
            part("mlp.down_proj", width, inner);
        }
        let mut norm = |name: String| {
            let values = (0..width)
                .map(|_| (1.0 + 0.3 * numbers.next()) as f32)
                .collect();
            tensors.insert(name, (vec![width], values));
        };
        norm("model.norm.weight".into());
        for layer in 0..config.num_hidden_layers {
            norm(format!("model.layers.{layer}.input_layernorm.weight"));
            norm(format!(
                "model.layers.{layer}.post_attention_layernorm.weight"
            ));
        }
        Self { config, tensors }
    }

    /// `model.safetensors` with values of one type.
    pub fn weights(&self, dtype: Dtype) -> Vec<u8> {
        let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> = self
            .tensors
            .iter()
            .map(|(name, (shape, values))| {
                let bytes = match dtype {
                    Dtype::F32 => values
                        .iter()
                        .flat_map(|value| value.to_le_bytes())
                        .collect(),
                    Dtype::F16 => values
                        .iter()
                        .flat_map(|value| f16::from_f32(*value).to_le_bytes())
                        .collect(),
                    Dtype::BF16 => values
                        .iter()
                        .flat_map(|value| bf16::from_f32(*value).to_le_bytes())
                        .collect(),
                    Dtype::I64 => values
                        .iter()
                        .flat_map(|value| (*value as i64).to_le_bytes())
                        .collect(),
                    other => panic!("no test writes {other:?}"),
                };
                (name, shape, bytes)
            })
            .collect();
        let views = bytes.iter().map(|(name, shape, bytes)| {
            (
                name.as_str(),
                TensorView::new(dtype, (*shape).clone(), bytes).unwrap(),
            )
        });
        serialize(views, None).unwrap()
    }

    /// The model that loads exactly these values.
    pub fn model(&self) -> LlamaModel {
        LlamaModel::load(
            self.config.clone(),
            &self.weights(Dtype::F32),
            &transformer::device::cpu(),
        )
        .unwrap()
    }
}
