//! The shape of a Llama-architecture network, as Hugging Face writes it in `config.json`.
//!
//! Fields that this crate does not compute with are ignored; fields that would change the computation in a way it
//! cannot follow (another activation, biases, scaled RoPE) are refused by [`LlamaConfig::parse`].

use serde::{Deserialize, Serialize};

use crate::error::LoadError;

/// Sizes and constants of the network. Names are Hugging Face's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LlamaConfig {
    /// Tokens in the vocabulary.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width inside the feed-forward block.
    pub intermediate_size: usize,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads; each serves `num_attention_heads / num_key_value_heads` query heads.
    pub num_key_value_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Longest sequence, tokens. [`LlamaConfig::parse`] gives at most [`LONGEST_CONTEXT`], whatever the file allows.
    pub max_position_embeddings: usize,
    /// Added to the mean square under the root of RMSNorm.
    pub rms_norm_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// The output projection is the embedding, transposed.
    pub tie_word_embeddings: bool,
    /// Token that begins a text.
    pub bos_token_id: u32,
    /// Token that ends a text. Of a list in `config.json` it is the first: chains end here at that one alone, where `generate`
    /// of `transformers` ends at any of them.
    pub eos_token_id: u32,
}

/// `config.json` as it comes: optional where Hugging Face has defaults.
#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    architectures: Vec<String>,
    model_type: Option<String>,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    #[serde(default = "two_thousand")]
    max_position_embeddings: usize,
    #[serde(default = "one_millionth")]
    rms_norm_eps: f64,
    rope_theta: Option<f64>,
    rope_parameters: Option<RawRope>,
    rope_scaling: Option<serde_json::Value>,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default = "silu")]
    hidden_act: String,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    bos_token_id: Option<u32>,
    eos_token_id: Option<EndOfText>,
}

#[derive(Deserialize)]
struct RawRope {
    rope_theta: Option<f64>,
    rope_type: Option<String>,
    /// What `rope_type` was called before `transformers` 4.43.
    r#type: Option<String>,
}

/// Some models list several end-of-text tokens; the first one counts.
#[derive(Deserialize)]
#[serde(untagged)]
enum EndOfText {
    One(u32),
    Several(Vec<u32>),
}

fn two_thousand() -> usize {
    2048
}
fn one_millionth() -> f64 {
    1e-6
}
fn silu() -> String {
    "silu".to_owned()
}

/// Tokens that are read here at most. Models promise up to millions of positions; the keys and values of a page with 64 chains
/// run out of memory long before.
pub const LONGEST_CONTEXT: usize = 8192;

/// Twice to five times what the largest Llama (405B) has; a file that asks for more is damaged. The products of these
/// sizes that are formed before the weights were seen stay below 2^32, so wasm can form them too.
const LARGEST_VOCABULARY: usize = 1 << 20;
const LARGEST_WIDTH: usize = 1 << 15;
const LARGEST_INNER: usize = 1 << 18;
const MOST_LAYERS: usize = 1 << 10;
const MOST_HEADS: usize = 1 << 10;
const LARGEST_HEAD: usize = 1 << 10;

impl LlamaConfig {
    /// Reads `config.json`.
    ///
    /// # Errors
    /// When it is not JSON, lacks a field, is not a Llama, or asks for something that is not computed here.
    pub fn parse(json: &[u8]) -> Result<Self, LoadError> {
        let raw: Raw = serde_json::from_slice(json).map_err(|source| LoadError::Json {
            file: "config.json",
            source,
        })?;
        raw.check()
    }

    /// The text of `config.json`, readable by `transformers` 4 and 5.
    pub fn to_json(&self) -> String {
        let value = serde_json::json!({
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "intermediate_size": self.intermediate_size,
            "num_hidden_layers": self.num_hidden_layers,
            "num_attention_heads": self.num_attention_heads,
            "num_key_value_heads": self.num_key_value_heads,
            "head_dim": self.head_dim,
            "max_position_embeddings": self.max_position_embeddings,
            "rms_norm_eps": self.rms_norm_eps,
            "rope_theta": self.rope_theta,
            "rope_parameters": {"rope_type": "default", "rope_theta": self.rope_theta},
            "tie_word_embeddings": self.tie_word_embeddings,
            "hidden_act": "silu",
            "attention_bias": false,
            "mlp_bias": false,
            "bos_token_id": self.bos_token_id,
            "eos_token_id": self.eos_token_id,
            "dtype": "float16",
        });
        format!("{value:#}\n")
    }

    /// Query heads that share one key and value head.
    pub fn queries_per_key(&self) -> usize {
        self.num_attention_heads / self.num_key_value_heads
    }

    /// Parameters in all, the embedding counted once where it is tied.
    pub fn parameters(&self) -> usize {
        let attention = 2
            * self.hidden_size
            * self.head_dim
            * (self.num_attention_heads + self.num_key_value_heads);
        let feed_forward = 3 * self.hidden_size * self.intermediate_size;
        let block = attention + feed_forward + 2 * self.hidden_size;
        let tables = if self.tie_word_embeddings { 1 } else { 2 };
        tables * self.vocab_size * self.hidden_size
            + self.num_hidden_layers * block
            + self.hidden_size
    }
}

fn refuse(field: &'static str, found: String, expected: &str) -> LoadError {
    LoadError::Config {
        field,
        found,
        expected: expected.to_owned(),
    }
}

impl Raw {
    /// Every size alone; how they belong together is [`Self::check`]'s.
    fn check_sizes(&self) -> Result<(), LoadError> {
        let sizes = [
            ("vocab_size", self.vocab_size, LARGEST_VOCABULARY),
            ("hidden_size", self.hidden_size, LARGEST_WIDTH),
            ("intermediate_size", self.intermediate_size, LARGEST_INNER),
            ("num_hidden_layers", self.num_hidden_layers, MOST_LAYERS),
            ("num_attention_heads", self.num_attention_heads, MOST_HEADS),
            (
                "num_key_value_heads",
                self.num_key_value_heads.unwrap_or(1),
                MOST_HEADS,
            ),
            ("head_dim", self.head_dim.unwrap_or(1), LARGEST_HEAD),
            (
                "max_position_embeddings",
                self.max_position_embeddings,
                usize::MAX,
            ),
        ];
        for (field, size, largest) in sizes {
            if size == 0 {
                return Err(refuse(field, "0".into(), "at least 1"));
            }
            if size > largest {
                return Err(refuse(
                    field,
                    size.to_string(),
                    &format!("at most {largest}"),
                ));
            }
        }
        Ok(())
    }

    /// Everything that would change the computation must be as it is computed here.
    fn check_kind(&self) -> Result<(), LoadError> {
        let names = &self.architectures;
        if !names.is_empty() && !names.iter().any(|name| name == "LlamaForCausalLM") {
            return Err(refuse(
                "architectures",
                names.join(", "),
                "LlamaForCausalLM",
            ));
        }
        if let Some(kind) = self.model_type.as_ref().filter(|kind| *kind != "llama") {
            return Err(refuse("model_type", kind.clone(), "llama"));
        }
        if self.hidden_act != "silu" {
            return Err(refuse("hidden_act", self.hidden_act.clone(), "silu"));
        }
        if self.attention_bias {
            return Err(refuse("attention_bias", "true".into(), "false"));
        }
        if self.mlp_bias {
            return Err(refuse("mlp_bias", "true".into(), "false"));
        }
        let rope = self.rope_parameters.as_ref();
        let kind = rope.and_then(|rope| rope.rope_type.as_ref().or(rope.r#type.as_ref()));
        if let Some(kind) = kind.filter(|kind| *kind != "default") {
            return Err(refuse("rope_parameters.rope_type", kind.clone(), "default"));
        }
        if let Some(scaling) = self
            .rope_scaling
            .as_ref()
            .filter(|scaling| !scaling.is_null())
        {
            return Err(refuse(
                "rope_scaling",
                scaling.to_string(),
                "null (plain RoPE)",
            ));
        }
        Ok(())
    }

    fn check(self) -> Result<LlamaConfig, LoadError> {
        self.check_kind()?;
        self.check_sizes()?;
        let heads = self.num_attention_heads;
        let key_value_heads = self.num_key_value_heads.unwrap_or(heads);
        if !heads.is_multiple_of(key_value_heads) {
            return Err(refuse(
                "num_key_value_heads",
                key_value_heads.to_string(),
                "a divisor of num_attention_heads",
            ));
        }
        let head_dim = match self.head_dim {
            Some(dim) => dim,
            None if self.hidden_size.is_multiple_of(heads) => self.hidden_size / heads,
            None => {
                return Err(refuse(
                    "hidden_size",
                    self.hidden_size.to_string(),
                    "a multiple of num_attention_heads, or a head_dim beside it",
                ));
            }
        };
        if !head_dim.is_multiple_of(2) || head_dim > LARGEST_HEAD {
            let expected = format!("an even size (RoPE turns pairs) of at most {LARGEST_HEAD}");
            return Err(refuse("head_dim", head_dim.to_string(), &expected));
        }
        let theta = self.rope_parameters.and_then(|rope| rope.rope_theta);
        let rope_theta = theta.or(self.rope_theta).unwrap_or(10_000.0);
        if !(rope_theta.is_finite() && rope_theta > 0.0) {
            return Err(refuse(
                "rope_theta",
                rope_theta.to_string(),
                "a positive number",
            ));
        }
        if !(self.rms_norm_eps.is_finite() && self.rms_norm_eps > 0.0) {
            return Err(refuse(
                "rms_norm_eps",
                self.rms_norm_eps.to_string(),
                "a positive number",
            ));
        }
        let bos_token_id = self.bos_token_id.unwrap_or(1);
        let eos_token_id = match self.eos_token_id {
            Some(EndOfText::One(id)) => id,
            Some(EndOfText::Several(ids)) => ids.first().copied().unwrap_or(2),
            None => 2,
        };
        for (field, id) in [
            ("bos_token_id", bos_token_id),
            ("eos_token_id", eos_token_id),
        ] {
            if id as usize >= self.vocab_size {
                return Err(refuse(field, id.to_string(), "an id below vocab_size"));
            }
        }
        Ok(LlamaConfig {
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            num_hidden_layers: self.num_hidden_layers,
            num_attention_heads: heads,
            num_key_value_heads: key_value_heads,
            head_dim,
            max_position_embeddings: self.max_position_embeddings.min(LONGEST_CONTEXT),
            rms_norm_eps: self.rms_norm_eps,
            rope_theta,
            tie_word_embeddings: self.tie_word_embeddings,
            bos_token_id,
            eos_token_id,
        })
    }
}
