//! The projections of a block that an adapter can change, by Hugging Face's names.

use burn::nn::Linear;
use serde::{Deserialize, Serialize};

use crate::{Block, LlamaConfig};

/// One of the seven linear layers of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Projection {
    /// Attention's queries.
    #[serde(rename = "q_proj")]
    Query,
    /// Attention's keys.
    #[serde(rename = "k_proj")]
    Key,
    /// Attention's values.
    #[serde(rename = "v_proj")]
    Value,
    /// Attention's output projection.
    #[serde(rename = "o_proj")]
    Output,
    /// SwiGLU's gate.
    #[serde(rename = "gate_proj")]
    Gate,
    /// SwiGLU's linear factor.
    #[serde(rename = "up_proj")]
    Up,
    /// The MLP's output projection.
    #[serde(rename = "down_proj")]
    Down,
}

impl Projection {
    /// All seven, in the order of the file.
    pub const ALL: [Self; 7] = [
        Self::Query,
        Self::Key,
        Self::Value,
        Self::Output,
        Self::Gate,
        Self::Up,
        Self::Down,
    ];

    /// The name by which `target_modules` lists it.
    pub fn name(self) -> &'static str {
        let path = self.path();
        path.split_once('.').map_or(path, |(_, name)| name)
    }

    /// Its module path inside a block.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Query => "self_attn.q_proj",
            Self::Key => "self_attn.k_proj",
            Self::Value => "self_attn.v_proj",
            Self::Output => "self_attn.o_proj",
            Self::Gate => "mlp.gate_proj",
            Self::Up => "mlp.up_proj",
            Self::Down => "mlp.down_proj",
        }
    }

    /// Input and output features.
    pub fn widths(self, config: &LlamaConfig) -> (usize, usize) {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let queries = config.num_attention_heads * config.head_dim;
        let keys = config.num_key_value_heads * config.head_dim;
        match self {
            Self::Query => (width, queries),
            Self::Key | Self::Value => (width, keys),
            Self::Output => (queries, width),
            Self::Gate | Self::Up => (width, inner),
            Self::Down => (inner, width),
        }
    }

    /// The layer itself.
    pub(crate) fn of(self, block: &mut Block) -> &mut Linear {
        match self {
            Self::Query => &mut block.attention.query,
            Self::Key => &mut block.attention.key,
            Self::Value => &mut block.attention.value,
            Self::Output => &mut block.attention.output,
            Self::Gate => &mut block.feed_forward.gate,
            Self::Up => &mut block.feed_forward.up,
            Self::Down => &mut block.feed_forward.down,
        }
    }
}
