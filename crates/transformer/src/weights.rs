//! Weights between `model.safetensors`, as Hugging Face lays it out, and the network.
//!
//! Hugging Face keeps a projection as `[out, in]`, burn as `[in, out]`: matrices are transposed on the way, the
//! embedding is not. Files hold f32, f16 or bf16; memory holds f32.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use burn::module::Param;
use burn::nn::{Linear, RmsNorm};
use burn::tensor::{Device, Tensor, TensorData};
use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::dropout::Dropout;
use crate::network::{Attention, Block, FeedForward, Llama};
use crate::safetensors_file::{damage, plain_name};
use crate::{LlamaConfig, LoadError};

/// Hugging Face's names.
const EMBEDDING: &str = "model.embed_tokens.weight";
const FINAL_NORM: &str = "model.norm.weight";
const HEAD: &str = "lm_head.weight";

/// One tensor of a model, in Hugging Face's name and layout.
pub enum NamedTensor {
    /// A norm's weights.
    Vector(String, Tensor<1>),
    /// A table or projection, `[rows, columns]` as in the file.
    Matrix(String, Tensor<2>),
}

impl Llama {
    /// Reads the weights of a model.
    ///
    /// # Errors
    /// When the file is damaged, or its tensors are not those that `config` asks for.
    pub fn from_safetensors(
        config: &LlamaConfig,
        bytes: &[u8],
        device: &Device,
    ) -> Result<Self, LoadError> {
        Ok(Self::from_shards(config, &[bytes], device)?.0)
    }

    /// Reads weights that are spread over one or more files; and says in words what `transformers` would warn of.
    ///
    /// # Errors
    /// When a file is damaged, or their tensors are not those that `config` asks for.
    pub(crate) fn from_shards(
        config: &LlamaConfig,
        shards: &[&[u8]],
        device: &Device,
    ) -> Result<(Self, Vec<String>), LoadError> {
        let files = shards.iter().map(|bytes| parse(bytes));
        let files = files.collect::<Result<Vec<_>, _>>()?;
        let mut reader = TensorReader {
            tensors: by_name(&files)?,
            read: RefCell::default(),
            device,
        };
        let mut notes = Vec::new();
        // As `transformers`: of a tied pair that has only the head, the head is the embedding.
        if config.tie_word_embeddings
            && !reader.tensors.contains_key(EMBEDDING)
            && let Some(head) = reader.tensors.remove(HEAD)
        {
            reader.tensors.insert(EMBEDDING.to_owned(), head);
        }
        let width = config.hidden_size;
        // Before anything is allocated by the sizes of config.json, the file must hold what they promise.
        reader.check(EMBEDDING, &[config.vocab_size, width])?;
        let mut blocks = Vec::new();
        for layer in 0..config.num_hidden_layers {
            blocks.push(reader.block(config, layer)?);
        }
        let own_head = if config.tie_word_embeddings {
            reader.differing_head(config)?
        } else {
            true
        };
        if own_head && config.tie_word_embeddings {
            notes.push(format!(
                "config.json ties the output projection to the embedding, but the weights hold both, and they differ: `{HEAD}` is used, \
                 as `transformers` does"
            ));
        }
        let head = if own_head {
            Some(reader.linear(HEAD, width, config.vocab_size)?)
        } else {
            None
        };
        let llama = Self::assemble(
            reader.embedding(config)?,
            blocks,
            reader.norm(FINAL_NORM, config)?,
            head,
        );
        notes.extend(reader.surplus()?);
        Ok((llama, notes))
    }

    /// All tensors in Hugging Face's names and layout; a tied head is left out.
    pub fn named_tensors(&self) -> Vec<NamedTensor> {
        let vector = |name: String, norm: &RmsNorm| NamedTensor::Vector(name, norm.gamma.val());
        let matrix = |name: String, linear: &Linear| {
            NamedTensor::Matrix(name, linear.weight.val().transpose())
        };
        let mut tensors = vec![NamedTensor::Matrix(
            EMBEDDING.to_owned(),
            self.embedding.val(),
        )];
        for (layer, block) in self.blocks.iter().enumerate() {
            let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
            tensors.extend([
                vector(name("input_layernorm"), &block.attention_norm),
                matrix(name("self_attn.q_proj"), &block.attention.query),
                matrix(name("self_attn.k_proj"), &block.attention.key),
                matrix(name("self_attn.v_proj"), &block.attention.value),
                matrix(name("self_attn.o_proj"), &block.attention.output),
                vector(name("post_attention_layernorm"), &block.feed_forward_norm),
                matrix(name("mlp.gate_proj"), &block.feed_forward.gate),
                matrix(name("mlp.up_proj"), &block.feed_forward.up),
                matrix(name("mlp.down_proj"), &block.feed_forward.down),
            ]);
        }
        tensors.push(vector(FINAL_NORM.to_owned(), &self.norm));
        tensors.extend(self.head.as_ref().map(|head| matrix(HEAD.to_owned(), head)));
        tensors
    }
}

fn parse(bytes: &[u8]) -> Result<SafeTensors<'_>, LoadError> {
    SafeTensors::deserialize(bytes).map_err(|error| LoadError::Damaged {
        problem: damage(bytes, &error),
    })
}

/// All tensors by Hugging Face's names: also those of a compiled model (`_orig_mod.`), of a data-parallel one (`module.`), and of a
/// network without its head, whose names lack `model.`.
fn by_name<'a>(
    files: &'a [SafeTensors<'_>],
) -> Result<BTreeMap<String, TensorView<'a>>, LoadError> {
    let mut tensors = BTreeMap::new();
    for (own, view) in files.iter().flat_map(SafeTensors::tensors) {
        let plain = plain_name(&own);
        let is_bare = ["embed_tokens.", "layers.", "norm."]
            .iter()
            .any(|start| plain.starts_with(start));
        let name = if is_bare {
            format!("model.{plain}")
        } else {
            plain
        };
        if tensors.insert(name, view).is_some() {
            return Err(LoadError::Damaged {
                problem: format!("it holds `{own}` twice, under two names or in two files"),
            });
        }
    }
    Ok(tensors)
}

struct TensorReader<'a> {
    tensors: BTreeMap<String, TensorView<'a>>,
    /// Names that were read.
    read: RefCell<BTreeSet<String>>,
    device: &'a Device,
}

impl TensorReader<'_> {
    /// Whether a tied model's file has a head beside the embedding that differs from it.
    fn differing_head(&self, config: &LlamaConfig) -> Result<bool, LoadError> {
        if !self.tensors.contains_key(HEAD) {
            return Ok(false);
        }
        let shape = [config.vocab_size, config.hidden_size];
        let (head, embedding) = (self.check(HEAD, &shape)?, self.check(EMBEDDING, &shape)?);
        let same = head.dtype() == embedding.dtype() && head.data() == embedding.data();
        Ok(!same && self.values(HEAD, &shape)? != self.values(EMBEDDING, &shape)?)
    }

    /// What nobody asked for: an error where it belongs to a part of a Llama, so that the model would compute something else; a note
    /// where a Llama has no such part; nothing for what old versions of `transformers` wrote.
    fn surplus(&self) -> Result<Option<String>, LoadError> {
        let read = self.read.borrow();
        let mut others = Vec::new();
        for name in self.tensors.keys().filter(|name| !read.contains(*name)) {
            if name.ends_with("rotary_emb.inv_freq") {
                continue;
            }
            if name.starts_with("model.") || name.starts_with("lm_head.") {
                return Err(LoadError::UnexpectedTensor {
                    tensor: name.clone(),
                });
            }
            others.push(name.as_str());
        }
        Ok(others.first().map(|first| {
            format!(
                "the weights hold {} tensors that a Llama has no place for, `{first}` the first: they are not used",
                others.len()
            )
        }))
    }

    fn block(&self, config: &LlamaConfig, layer: usize) -> Result<Block, LoadError> {
        let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let queries = config.num_attention_heads * config.head_dim;
        let keys = config.num_key_value_heads * config.head_dim;
        let attention = Attention::assemble(
            [
                self.linear(&name("self_attn.q_proj"), width, queries)?,
                self.linear(&name("self_attn.k_proj"), width, keys)?,
                self.linear(&name("self_attn.v_proj"), width, keys)?,
                self.linear(&name("self_attn.o_proj"), queries, width)?,
            ],
            config.head_dim,
        );
        let feed_forward = FeedForward {
            gate: self.linear(&name("mlp.gate_proj"), width, inner)?,
            up: self.linear(&name("mlp.up_proj"), width, inner)?,
            down: self.linear(&name("mlp.down_proj"), inner, width)?,
        };
        Ok(Block {
            attention_norm: self.norm(&name("input_layernorm"), config)?,
            attention,
            feed_forward_norm: self.norm(&name("post_attention_layernorm"), config)?,
            feed_forward,
            dropout: Dropout::new(0.0),
        })
    }

    fn norm(&self, name: &str, config: &LlamaConfig) -> Result<RmsNorm, LoadError> {
        let values = self.values(name, &[config.hidden_size])?;
        let gamma = Tensor::from_data(TensorData::new(values, [config.hidden_size]), self.device);
        Ok(RmsNorm {
            gamma: Param::from_tensor(gamma),
            epsilon: config.rms_norm_eps,
        })
    }

    fn embedding(&self, config: &LlamaConfig) -> Result<Tensor<2>, LoadError> {
        let shape = [config.vocab_size, config.hidden_size];
        let values = self.values(EMBEDDING, &shape)?;
        Ok(Tensor::from_data(
            TensorData::new(values, shape),
            self.device,
        ))
    }

    /// A projection `from -> to`, which the file holds as `[to, from]`.
    fn linear(&self, name: &str, from: usize, to: usize) -> Result<Linear, LoadError> {
        let columns = transposed(&self.values(name, &[to, from])?, from);
        let weight = Tensor::from_data(TensorData::new(columns, [from, to]), self.device);
        Ok(Linear {
            weight: Param::from_tensor(weight),
            bias: None,
        })
    }

    fn check(&self, name: &str, shape: &[usize]) -> Result<&TensorView<'_>, LoadError> {
        let view = self
            .tensors
            .get(name)
            .ok_or_else(|| LoadError::MissingTensor {
                tensor: name.to_owned(),
                hint: self.hint(),
            })?;
        self.read.borrow_mut().insert(name.to_owned());
        if view.shape() != shape {
            return Err(LoadError::WrongTensor {
                tensor: name.to_owned(),
                found: format!("{:?}", view.shape()),
                expected: format!("{shape:?}"),
                remedy: "config.json asks for that: fetch or export both files of one model again",
            });
        }
        Ok(view)
    }

    /// What the tensors are called, where none has a Llama's name.
    fn hint(&self) -> String {
        let is_known = |name: &&String| name.starts_with("model.") || name.starts_with("lm_head.");
        match self.tensors.keys().next() {
            Some(first) if !self.tensors.keys().any(|name| is_known(&name)) => format!(
                " (its tensors have other names, such as `{first}`: if it is the state dict of a wrapper, save the model inside of it \
                 with `save_pretrained`)"
            ),
            _ => String::new(),
        }
    }

    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, LoadError> {
        let view = self.check(name, shape)?;
        let values = floats(view).ok_or_else(|| LoadError::WrongTensor {
            tensor: name.to_owned(),
            found: format!("{:?}", view.dtype()),
            expected: "F32, F16 or BF16".to_owned(),
            remedy: "export the model again in one of these types, without quantization",
        })?;
        let count = values.iter().filter(|value| !value.is_finite()).count();
        if count > 0 {
            return Err(LoadError::NotFinite {
                tensor: name.to_owned(),
                count,
            });
        }
        Ok(values)
    }
}

/// The values of a tensor of floats; nothing where it holds another type.
pub(crate) fn floats(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let pairs = || view.data().as_chunks().0.iter();
    match view.dtype() {
        Dtype::F32 => {
            let fours = view.data().as_chunks().0.iter();
            Some(fours.map(|bytes| f32::from_le_bytes(*bytes)).collect())
        }
        Dtype::F16 => Some(
            pairs()
                .map(|bytes| f16::from_le_bytes(*bytes).to_f32())
                .collect(),
        ),
        Dtype::BF16 => Some(
            pairs()
                .map(|bytes| bf16::from_le_bytes(*bytes).to_f32())
                .collect(),
        ),
        _ => None,
    }
}

/// Rows of `width` values as columns.
pub(crate) fn transposed(values: &[f32], width: usize) -> Vec<f32> {
    let height = values.len() / width;
    let mut columns = vec![0.0; values.len()];
    for (row, values) in values.chunks_exact(width).enumerate() {
        for (column, value) in values.iter().enumerate() {
            columns[column * height + row] = *value;
        }
    }
    columns
}
