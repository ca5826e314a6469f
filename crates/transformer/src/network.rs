//! The Llama network: weights and forward pass. Callers pass KV caches and positions.
//!
//! Llama (Touvron et al. 2023, arXiv 2302.13971): pre-norm blocks with RMSNorm (arXiv 1910.07467), rotary positions,
//! grouped-query attention (arXiv 2305.13245) and SwiGLU (arXiv 2002.05202). Numbers agree with Hugging Face's
//! `LlamaForCausalLM`, see `tests`.

use burn::module::{Initializer, Module, Param};
use burn::nn::{Linear, LinearConfig, RmsNorm, RmsNormConfig};
use burn::tensor::{Bool, Device, Int, Tensor, activation};

use crate::LlamaConfig;
use crate::dropout::Dropout;
use crate::kv_cache::{LayerCache, WriteIndex};
use crate::rope::Rotation;

/// All weights of one model.
#[derive(Module, Debug)]
pub struct Llama {
    /// `[vocab, hidden]`
    pub embedding: Param<Tensor<2>>,
    /// From input to output.
    pub blocks: Vec<Block>,
    /// Before the output projection.
    pub norm: RmsNorm,
    /// `[hidden, vocab]`; absent where it is tied to the embedding.
    pub head: Option<Linear>,
    dropout: Dropout,
}

/// One residual block.
#[derive(Module, Debug)]
pub struct Block {
    /// Before attention.
    pub attention_norm: RmsNorm,
    /// Self-attention.
    pub attention: Attention,
    /// Before the MLP.
    pub feed_forward_norm: RmsNorm,
    /// MLP.
    pub feed_forward: FeedForward,
    pub(crate) dropout: Dropout,
}

/// Multi-head self-attention with grouped keys and values (GQA), without biases.
#[derive(Module, Debug)]
pub struct Attention {
    /// `[hidden, heads * head_dim]`
    pub query: Linear,
    /// `[hidden, key_value_heads * head_dim]`
    pub key: Linear,
    /// `[hidden, key_value_heads * head_dim]`
    pub value: Linear,
    /// `[heads * head_dim, hidden]`
    pub output: Linear,
    head_dim: usize,
}

/// MLP with SwiGLU: `down(silu(gate(x)) * up(x))`.
#[derive(Module, Debug)]
pub struct FeedForward {
    /// `[hidden, intermediate]`
    pub gate: Linear,
    /// `[hidden, intermediate]`
    pub up: Linear,
    /// `[intermediate, hidden]`
    pub down: Linear,
}

/// Standard deviation of fresh weights; GPT-2's value.
const INITIAL_DEVIATION: f64 = 0.02;

impl LlamaConfig {
    /// Fresh weights: normal with deviation 0.02, those that write into the residual stream divided by the square root
    /// of their number (GPT-2's recipe), norms at one.
    pub fn init(&self, dropout: f64, device: &Device) -> Llama {
        let normal = Initializer::Normal {
            mean: 0.0,
            std: INITIAL_DEVIATION,
        };
        let writes = (2 * self.num_hidden_layers) as f64;
        let small = Initializer::Normal {
            mean: 0.0,
            std: INITIAL_DEVIATION / writes.sqrt(),
        };
        let linear = |from: usize, to: usize, initializer: &Initializer| {
            LinearConfig::new(from, to)
                .with_bias(false)
                .with_initializer(initializer.clone())
                .init(device)
        };
        let norm = || {
            RmsNormConfig::new(self.hidden_size)
                .with_epsilon(self.rms_norm_eps)
                .init(device)
        };
        let (width, inner) = (self.hidden_size, self.intermediate_size);
        let query_width = self.num_attention_heads * self.head_dim;
        let key_width = self.num_key_value_heads * self.head_dim;
        let blocks = (0..self.num_hidden_layers)
            .map(|_| Block {
                attention_norm: norm(),
                attention: Attention {
                    query: linear(width, query_width, &normal),
                    key: linear(width, key_width, &normal),
                    value: linear(width, key_width, &normal),
                    output: linear(query_width, width, &small),
                    head_dim: self.head_dim,
                },
                feed_forward_norm: norm(),
                feed_forward: FeedForward {
                    gate: linear(width, inner, &normal),
                    up: linear(width, inner, &normal),
                    down: linear(inner, width, &small),
                },
                dropout: Dropout::new(dropout),
            })
            .collect();
        Llama {
            embedding: normal.init([self.vocab_size, width], device),
            blocks,
            norm: norm(),
            head: (!self.tie_word_embeddings).then(|| linear(width, self.vocab_size, &normal)),
            dropout: Dropout::new(dropout),
        }
    }
}

impl Attention {
    /// Query, key, value and output projections.
    pub(crate) fn assemble([query, key, value, output]: [Linear; 4], head_dim: usize) -> Self {
        Self {
            query,
            key,
            value,
            output,
            head_dim,
        }
    }
}

impl Llama {
    pub(crate) fn assemble(
        embedding: Tensor<2>,
        blocks: Vec<Block>,
        norm: RmsNorm,
        head: Option<Linear>,
    ) -> Self {
        let embedding = Param::from_tensor(embedding);
        Self {
            embedding,
            blocks,
            norm,
            head,
            dropout: Dropout::new(0.0),
        }
    }

    /// Turns dropout on for one shard of a batch; its masks are a function of seed and shard.
    pub fn reseed_dropout(&mut self, seed: u64, shard: u16) {
        // One place for the embedding, two in every block.
        let first = u32::from(shard) << 16;
        self.dropout.reseed(seed, first);
        for (block, place) in self.blocks.iter_mut().zip((first + 1..).step_by(2)) {
            block.dropout.reseed(seed, place);
        }
    }

    /// Forward pass up to the last hidden states (after the final norm).
    ///
    /// # Shapes
    /// - tokens: `[batch, time]`
    /// - rotation: of each token's position
    /// - mask: attention mask, true where a query must *not* see a key, `[batch or 1, 1, time, keys]`
    /// - caches: one per block with the slots to write, or none (then the keys are those of `tokens`)
    /// - output: `[batch, time, hidden]`
    pub fn forward(
        &self,
        tokens: Tensor<2, Int>,
        rotation: &Rotation,
        mask: &Tensor<4, Bool>,
        mut caches: Option<(&mut [LayerCache], &WriteIndex)>,
    ) -> Tensor<3> {
        let [batch, time] = tokens.dims();
        let width = self.embedding.dims()[1];
        let rows = self.embedding.val().select(0, tokens.flatten::<1>(0, 1));
        let mut stream = self.dropout.forward(rows.reshape([batch, time, width]), 0); // [batch, time, hidden]
        for (index, block) in self.blocks.iter().enumerate() {
            let cache = caches
                .as_mut()
                .map(|(caches, slots)| (&mut caches[index], *slots));
            stream = block.forward(stream, rotation, mask, cache);
        }
        self.norm.forward(stream)
    }

    /// Logits from last hidden states: the output projection.
    ///
    /// # Shapes
    /// - states: `[rows, hidden]`
    /// - output: `[rows, vocab]`
    pub fn logits(&self, states: Tensor<2>) -> Tensor<2> {
        match &self.head {
            Some(head) => head.forward(states),
            None => states.matmul(self.embedding.val().transpose()),
        }
    }
}

impl Block {
    fn forward(
        &self,
        stream: Tensor<3>,
        rotation: &Rotation,
        mask: &Tensor<4, Bool>,
        cache: Option<(&mut LayerCache, &WriteIndex)>,
    ) -> Tensor<3> {
        let attended = self.attention.forward(
            self.attention_norm.forward(stream.clone()),
            rotation,
            mask,
            cache,
        );
        let stream = stream + self.dropout.forward(attended, 0);
        let transformed = self
            .feed_forward
            .forward(self.feed_forward_norm.forward(stream.clone()));
        stream + self.dropout.forward(transformed, 1)
    }
}

impl Attention {
    fn forward(
        &self,
        input: Tensor<3>,
        rotation: &Rotation,
        mask: &Tensor<4, Bool>,
        cache: Option<(&mut LayerCache, &WriteIndex)>,
    ) -> Tensor<3> {
        let [batch, time, _] = input.dims();
        let split = |projected: Tensor<3>| {
            let heads = projected.dims()[2] / self.head_dim;
            projected
                .reshape([batch, time, heads, self.head_dim])
                .swap_dims(1, 2) // [batch, heads, time, head_dim]
        };
        let queries = rotation.apply(split(self.query.forward(input.clone())));
        let keys = rotation.apply(split(self.key.forward(input.clone())));
        let values = split(self.value.forward(input));
        let (keys, values) = match cache {
            Some((cache, slots)) => cache.write(keys, values, slots),
            None => (keys, values),
        };
        let mixed = attend(queries, keys, values, mask);
        let [_, heads, _, head_dim] = mixed.dims();
        self.output.forward(
            mixed
                .swap_dims(1, 2)
                .reshape([batch, time, heads * head_dim]),
        )
    }
}

/// Scaled dot-product attention, `softmax(q k^T / sqrt(head_dim)) v`.
///
/// # Shapes
/// - queries: `[batch, heads, time, head_dim]`
/// - keys, values: `[batch, key_value_heads, keys, head_dim]`
/// - mask: `[batch or 1, 1, time, keys]`, true where a query must not see a key
/// - output: `[batch, heads, time, head_dim]`
fn attend(
    queries: Tensor<4>,
    keys: Tensor<4>,
    values: Tensor<4>,
    mask: &Tensor<4, Bool>,
) -> Tensor<4> {
    let [batch, heads, time, head_dim] = queries.dims();
    let [_, key_heads, count, _] = keys.dims();
    let group = heads / key_heads;
    // Scaling the queries costs less than scaling the scores; those that share a key head become rows of one product.
    let queries =
        (queries / (head_dim as f64).sqrt()).reshape([batch, key_heads, group * time, head_dim]);
    let scores = queries.matmul(keys.swap_dims(2, 3));
    let scores = scores.reshape([batch, heads, time, count]);
    let mask = mask.clone().expand([batch, heads, time, count]);
    let weights = activation::softmax(scores.mask_fill(mask, f32::NEG_INFINITY), 3);
    weights
        .reshape([batch, key_heads, group * time, count])
        .matmul(values) // [batch, key_heads, group * time, head_dim]
        .reshape([batch, heads, time, head_dim])
}

impl FeedForward {
    fn forward(&self, input: Tensor<3>) -> Tensor<3> {
        let gate = activation::silu(self.gate.forward(input.clone()));
        self.down.forward(gate * self.up.forward(input))
    }
}
