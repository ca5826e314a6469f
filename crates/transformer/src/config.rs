//! The shape of a Llama-architecture network, as Hugging Face writes it in `config.json`.
//!
//! Every field is used, known to change nothing that is computed here, or refused by name: so are fields that nobody here knows.
//! The fields are those of `LlamaConfig` and `PreTrainedConfig` in `transformers` 4 and 5; defaults and precedence are theirs.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::LoadError;
use crate::file_kind::{is_off, json_object};

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
    /// Token that begins a text. What is put before a prompt is the tokenizer's to say.
    pub bos_token_id: Option<u32>,
    /// Tokens that end a text: any of them does, and with none a text goes on to the asked length.
    pub eos_token_id: Vec<u32>,
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
        let fields = json_object(json).map_err(|problem| LoadError::Json {
            file: FILE,
            problem,
        })?;
        let lines = json.split(|byte| *byte == b'\n').count();
        Fields { fields, lines }.check()
    }

    /// Whether a text ends with this token.
    pub fn ends_text(&self, token: u32) -> bool {
        self.eos_token_id.contains(&token)
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
            "eos_token_id": match self.eos_token_id[..] {
                [] => Value::Null,
                [one] => one.into(),
                _ => self.eos_token_id.clone().into(),
            },
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

const FILE: &str = "config.json";

/// Fields that change no logits of a Llama in evaluation, whatever they say.
const HARMLESS: &[&str] = &[
    // for training, memory or speed
    "attention_dropout",
    "hidden_dropout",
    "initializer_range",
    "use_cache",
    "cache_implementation",
    "gradient_checkpointing",
    "chunk_size_feed_forward",
    "torchscript",
    "use_bfloat16",
    "torch_dtype",
    "dtype",
    "pretraining_tp",
    "attn_implementation",
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_attn_implementation_internal",
    "_experts_implementation",
    "use_flash_attention",
    "_flash_attn_2_enabled",
    "max_sequence_length",
    "base_model_tp_plan",
    "base_model_pp_plan",
    "tie_encoder_decoder",
    "is_decoder",
    // what a call returns, and heads for other tasks
    "return_dict",
    "output_hidden_states",
    "output_attentions",
    "output_past",
    "id2label",
    "label2id",
    "num_labels",
    "_num_labels",
    "problem_type",
    "finetuning_task",
    "task_specific_params",
    // who wrote it, and where it lay
    "_name_or_path",
    "name_or_path",
    "_commit_hash",
    "transformers_version",
    "unsloth_version",
    "unsloth_fixed",
    "tokenizer_class",
    "transformers.js_config",
    // other tokens
    "pad_token_id",
    "sep_token_id",
    "unk_token_id",
    "decoder_start_token_id",
    "prefix",
    // defaults of `generate`, which are knobs here; those of generation_config.json that are none are refused there
    "max_length",
    "min_length",
    "do_sample",
    "early_stopping",
    "num_beams",
    "num_beam_groups",
    "diversity_penalty",
    "temperature",
    "top_k",
    "top_p",
    "typical_p",
    "repetition_penalty",
    "length_penalty",
    "no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size",
    "num_return_sequences",
    "output_scores",
    "return_dict_in_generate",
    "remove_invalid_values",
    // of Mamba's configuration; a Llama has no time steps
    "time_step_limit",
    "time_step_min",
    "time_step_max",
    "time_step_floor",
];

/// Fields that are read below.
const USED: &[&str] = &[
    "architectures",
    "model_type",
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "max_position_embeddings",
    "rms_norm_eps",
    "rope_theta",
    "rope_parameters",
    "rope_scaling",
    "partial_rotary_factor",
    "tie_word_embeddings",
    "hidden_act",
    "attention_bias",
    "mlp_bias",
    "bos_token_id",
    "eos_token_id",
];

fn refuse(field: &str, found: &dyn ToString, expected: impl Into<String>) -> LoadError {
    LoadError::Config {
        file: FILE,
        field: field.to_owned(),
        found: found.to_string(),
        expected: expected.into(),
    }
}

fn positive(field: &str, found: &Value, default: f64) -> Result<f64, LoadError> {
    if found.is_null() {
        return Ok(default);
    }
    let number = found.as_f64();
    let number = number.ok_or_else(|| wrong_type(FILE, field, found, "a number"))?;
    if number.is_finite() && number > 0.0 {
        Ok(number)
    } else {
        Err(refuse(field, &number, "a positive number"))
    }
}

fn wrong_type(file: &'static str, field: &str, found: &Value, expected: &str) -> LoadError {
    LoadError::FieldType {
        file,
        field: field.to_owned(),
        found: found.to_string(),
        expected: expected.to_owned(),
    }
}

/// One id, several, or null: `eos_token_id` and its like.
///
/// # Errors
/// When one is not below `vocab_size`.
pub(crate) fn token_ids(
    file: &'static str,
    field: &str,
    found: &Value,
    vocab_size: usize,
) -> Result<Vec<u32>, LoadError> {
    let list = match found {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => &list[..],
        one => std::slice::from_ref(one),
    };
    let mut ids = Vec::new();
    for id in list {
        let id = id.as_u64().filter(|id| *id < vocab_size as u64);
        let id = id.ok_or_else(|| LoadError::Config {
            file,
            field: field.to_owned(),
            found: found.to_string(),
            expected: format!("an id below vocab_size ({vocab_size}), a list of such, or null"),
        })?;
        if !ids.contains(&(id as u32)) {
            ids.push(id as u32);
        }
    }
    Ok(ids)
}

/// `config.json` as it comes.
struct Fields {
    fields: Map<String, Value>,
    lines: usize,
}

impl Fields {
    fn get(&self, field: &str) -> &Value {
        self.fields.get(field).unwrap_or(&Value::Null)
    }

    /// A size of at least 1; null counts as absent.
    fn optional_size(&self, field: &str, largest: usize) -> Result<Option<usize>, LoadError> {
        let found = self.get(field);
        if found.is_null() {
            return Ok(None);
        }
        let size = found.as_u64();
        let size = size.ok_or_else(|| wrong_type(FILE, field, found, "a whole number"))?;
        match usize::try_from(size) {
            Ok(0) => Err(refuse(field, &0, "at least 1")),
            Ok(size) if size <= largest => Ok(Some(size)),
            _ => Err(refuse(field, &size, format!("at most {largest}"))),
        }
    }

    fn size(&self, field: &'static str, largest: usize) -> Result<usize, LoadError> {
        let size = self.optional_size(field, largest)?;
        size.ok_or(LoadError::MissingField {
            file: FILE,
            field,
            lines: self.lines,
        })
    }

    fn flag(&self, field: &str) -> Result<bool, LoadError> {
        match self.get(field) {
            Value::Null => Ok(false),
            Value::Bool(flag) => Ok(*flag),
            found => Err(wrong_type(FILE, field, found, "true or false")),
        }
    }

    /// Everything that would change the computation must be as it is computed here.
    fn check_kind(&self) -> Result<(), LoadError> {
        let architectures = self.get("architectures");
        let is_llama = |name: &Value| *name == "LlamaForCausalLM";
        let named = architectures
            .as_array()
            .is_some_and(|names| names.iter().any(is_llama));
        if !is_off(architectures) && !named {
            return Err(refuse("architectures", &architectures, "LlamaForCausalLM"));
        }
        let one_of = |field: &'static str, allowed: &[&str]| {
            let found = self.get(field);
            let sound = found.is_null() || allowed.iter().any(|allowed| found == allowed);
            let expected = || allowed.join(" or ");
            if sound {
                Ok(())
            } else {
                Err(refuse(field, &found, expected()))
            }
        };
        one_of("model_type", &["llama"])?;
        // Two names of one function in `transformers`.
        one_of("hidden_act", &["silu", "swish"])?;
        for field in ["attention_bias", "mlp_bias"] {
            if self.flag(field)? {
                return Err(refuse(field, &true, "false"));
            }
        }
        for (field, value) in &self.fields {
            let known = USED.contains(&field.as_str()) || HARMLESS.contains(&field.as_str());
            if !known && !is_off(value) {
                let expected = "nothing: it is not computed here, or not known";
                return Err(refuse(field, &value, expected));
            }
        }
        Ok(())
    }

    /// The base of the rotary frequencies. As in `transformers`, `rope_scaling` counts before `rope_parameters`, and what is inside
    /// of them before what is beside them.
    fn rope_theta(&self) -> Result<f64, LoadError> {
        let outside = self.get("rope_scaling");
        let (field, rope) = if is_off(outside) {
            ("rope_parameters", self.get("rope_parameters"))
        } else {
            ("rope_scaling", outside)
        };
        let empty = Map::new();
        let rope = match rope {
            Value::Null => &empty,
            Value::Object(rope) => rope,
            other => return Err(refuse(field, &other, "null (plain RoPE) or an object")),
        };
        let kind = rope.get("rope_type").or(rope.get("type"));
        if let Some(kind) = kind.filter(|kind| !kind.is_null() && **kind != "default") {
            if field == "rope_scaling" {
                let found = Value::Object(rope.clone());
                return Err(refuse(
                    field,
                    &found,
                    "null or the type \"default\" (plain RoPE)",
                ));
            }
            return Err(refuse("rope_parameters.rope_type", &kind, "default"));
        }
        let partial = rope.get("partial_rotary_factor");
        let partial = partial.unwrap_or(self.get("partial_rotary_factor"));
        if !partial.is_null() && partial.as_f64() != Some(1.0) {
            let expected = "1: all features of a head turn";
            return Err(refuse("partial_rotary_factor", &partial, expected));
        }
        for (inner, value) in rope {
            let known = ["rope_type", "type", "rope_theta", "partial_rotary_factor"];
            if !known.contains(&inner.as_str()) && !value.is_null() {
                let expected = "nothing: plain RoPE has a theta alone";
                return Err(refuse(&format!("{field}.{inner}"), &value, expected));
            }
        }
        let theta = rope.get("rope_theta").filter(|theta| !theta.is_null());
        let theta = theta.unwrap_or(self.get("rope_theta"));
        positive("rope_theta", theta, 10_000.0)
    }

    fn check(self) -> Result<LlamaConfig, LoadError> {
        let vocab_size = self.size("vocab_size", LARGEST_VOCABULARY)?;
        let hidden_size = self.size("hidden_size", LARGEST_WIDTH)?;
        let intermediate_size = self.size("intermediate_size", LARGEST_INNER)?;
        let num_hidden_layers = self.size("num_hidden_layers", MOST_LAYERS)?;
        let heads = self.size("num_attention_heads", MOST_HEADS)?;
        self.check_kind()?;
        let key_value_heads = self.optional_size("num_key_value_heads", MOST_HEADS)?;
        let key_value_heads = key_value_heads.unwrap_or(heads);
        if !heads.is_multiple_of(key_value_heads) {
            let expected = "a divisor of num_attention_heads";
            return Err(refuse("num_key_value_heads", &key_value_heads, expected));
        }
        let head_dim = match self.optional_size("head_dim", LARGEST_HEAD)? {
            Some(dim) => dim,
            None if hidden_size.is_multiple_of(heads) => hidden_size / heads,
            None => {
                let expected = "a multiple of num_attention_heads, or a head_dim beside it";
                return Err(refuse("hidden_size", &hidden_size, expected));
            }
        };
        if !head_dim.is_multiple_of(2) || head_dim > LARGEST_HEAD {
            let expected = format!("an even size (RoPE turns pairs) of at most {LARGEST_HEAD}");
            return Err(refuse("head_dim", &head_dim, expected));
        }
        let context = self.optional_size("max_position_embeddings", usize::MAX)?;
        let rms_norm_eps = positive("rms_norm_eps", self.get("rms_norm_eps"), 1e-6)?;
        // Absent is another thing than null: `transformers` then takes 1 and 2.
        let ids = |field: &'static str, default: u32| match self.fields.get(field) {
            Some(found) => token_ids(FILE, field, found, vocab_size),
            None => Ok(Vec::from_iter(
                Some(default).filter(|id| (*id as usize) < vocab_size),
            )),
        };
        Ok(LlamaConfig {
            vocab_size,
            hidden_size,
            intermediate_size,
            num_hidden_layers,
            num_attention_heads: heads,
            num_key_value_heads: key_value_heads,
            head_dim,
            max_position_embeddings: context.unwrap_or(2048).min(LONGEST_CONTEXT),
            rms_norm_eps,
            rope_theta: self.rope_theta()?,
            tie_word_embeddings: self.flag("tie_word_embeddings")?,
            bos_token_id: ids("bos_token_id", 1)?.first().copied(),
            eos_token_id: ids("eos_token_id", 2)?,
        })
    }
}
