//! A model ready to decode: a prompt is prefilled once, then many chains step together.
//!
//! A token's slot in the KV cache is its position, in the cache row of its chain. Chains may differ in length: a step writes the
//! next slot of each, and the mask hides later slots from it. So a chain can forget its last tokens, wait while others step, and
//! go on; no token is computed twice.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use crate::kv_cache::{LayerCache, WriteIndex};
use crate::{Adapter, Llama, LlamaConfig, LoadError, Rotary};

/// A Llama on a device: weights, config and rotary frequencies.
///
/// Ids must be below `vocab_size`: others panic on the CPU and give nonsense on a GPU. Callers that take text from people
/// call [`LlamaModel::remaining_context`] first.
#[derive(Clone, Debug)]
pub struct LlamaModel {
    config: LlamaConfig,
    network: Llama,
    rotary: Rotary,
    device: Device,
    fingerprint: Option<String>,
    notes: Vec<String>,
}

/// A prefilled prompt, which any number of chains can continue.
#[derive(Clone, Debug)]
pub struct Prefix {
    caches: Vec<LayerCache>,
    tokens: usize,
    /// `[1, vocab]`: the logits after the prompt's last token.
    pub logits: Tensor<2>,
}

/// Chains that continue one prompt; they may differ in length. Made by [`LlamaModel::start_batch`].
#[derive(Debug)]
pub struct Batch {
    caches: Vec<LayerCache>,
    /// By chain: the row of the caches that holds its keys and values.
    cache_row_of: Vec<usize>,
    /// By chain: its cached tokens, the prompt's included. So also its next position, and the next slot of its cache row.
    lengths: Vec<usize>,
    /// Tokens of the prompt.
    prompt: usize,
    /// Tokens that a chain can have, the prompt's included.
    capacity: usize,
}

impl Batch {
    /// Truncates a chain to the first `tokens` after the prompt. Costs nothing: the mask hides the other slots until they are
    /// written over.
    ///
    /// # Panics
    /// When the chain is shorter, or there is no such chain.
    pub fn rewind(&mut self, chain: usize, tokens: usize) {
        let kept = self.prompt + tokens;
        assert!(
            kept <= self.lengths[chain],
            "chain {chain} is to keep {kept} tokens of {}",
            self.lengths[chain]
        );
        self.lengths[chain] = kept;
    }

    /// How many chains there are.
    pub fn chains(&self) -> usize {
        self.cache_row_of.len()
    }

    /// How many more tokens can be fed to a chain.
    ///
    /// # Panics
    /// When there is no such chain.
    pub fn remaining_context(&self, chain: usize) -> usize {
        self.capacity - self.lengths[chain]
    }

    /// Moves some chains to the first cache rows, and returns their rows. Swaps as few rows as possible.
    ///
    /// # Panics
    /// When a chain is named twice.
    fn compact(&mut self, chains: &[usize], device: &Device) -> Vec<usize> {
        let mut chosen = vec![false; self.cache_row_of.len()];
        for &chain in chains {
            chosen[chain] = true;
        }
        let (mut coming, mut going) = (Vec::new(), Vec::new());
        for (chain, &row) in self.cache_row_of.iter().enumerate() {
            match (chosen[chain], row < chains.len()) {
                (true, false) => coming.push(chain),
                (false, true) => going.push(chain),
                _ => {}
            }
        }
        assert_eq!(coming.len(), going.len(), "a chain is named twice");
        if !coming.is_empty() {
            let rows = |chains: [&[usize]; 2]| {
                indices(
                    chains
                        .concat()
                        .iter()
                        .map(|&chain| self.cache_row_of[chain]),
                    device,
                )
            };
            let (from, to) = (rows([&coming, &going]), rows([&going, &coming]));
            for cache in &mut self.caches {
                cache.swap_rows(&from, &to);
            }
            for (come, go) in coming.into_iter().zip(going) {
                self.cache_row_of.swap(come, go);
            }
        }
        chains
            .iter()
            .map(|&chain| self.cache_row_of[chain])
            .collect()
    }
}

impl LlamaModel {
    /// Loads weights onto a device.
    ///
    /// # Errors
    /// When the weights are damaged or not those of `config`.
    pub fn load(config: LlamaConfig, weights: &[u8], device: &Device) -> Result<Self, LoadError> {
        Self::load_shards(config, &[weights], device)
    }

    /// Loads weights that are spread over one or more files.
    ///
    /// # Errors
    /// When the weights are damaged or not those of `config`.
    pub(crate) fn load_shards(
        config: LlamaConfig,
        shards: &[&[u8]],
        device: &Device,
    ) -> Result<Self, LoadError> {
        // The site sends weights that are rounded to int8 rows in a file of half the size.
        let mut expanded = Vec::new();
        for shard in shards {
            expanded.push(
                quantization::expand(shard).map_err(|error| LoadError::Damaged {
                    problem: error.to_string(),
                })?,
            );
        }
        let shards: Vec<&[u8]> = expanded.iter().map(AsRef::as_ref).collect();
        let (network, notes) = Llama::from_shards(&config, &shards, device)?;
        let mut model = Self::new(config, network, device);
        model.fingerprint = Some(if let [one] = shards[..] {
            fingerprint(one)
        } else {
            let each: String = shards.iter().map(|shard| fingerprint(shard)).collect();
            fingerprint(each.as_bytes())
        });
        model.notes = notes;
        Ok(model)
    }

    /// Wraps a network that is already on `device`.
    pub fn new(config: LlamaConfig, network: Llama, device: &Device) -> Self {
        let rotary = Rotary::new(&config, device);
        Self {
            config,
            network,
            rotary,
            device: device.clone(),
            fingerprint: None,
            notes: Vec::new(),
        }
    }

    /// What `transformers` would warn of: files that disagree with each other, in words for people.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// This model with an adapter merged into its weights.
    ///
    /// # Panics
    /// When the adapter was loaded or made for a base of other sizes.
    #[must_use]
    pub fn with_adapter(&self, adapter: &Adapter) -> Self {
        Self {
            network: adapter.merge(&self.network),
            fingerprint: None,
            ..self.clone()
        }
    }

    /// The weights.
    pub fn network(&self) -> &Llama {
        &self.network
    }

    /// Where they are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Hash of the weights file; an adapter names its base by it.
    pub fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    /// Sizes and special tokens.
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// Logits after every token of one sequence, without a KV cache.
    ///
    /// # Shapes
    /// - output: `[tokens.len(), vocab]`
    ///
    /// # Panics
    /// When `tokens` is empty or longer than the context, or an id is not below `vocab_size`.
    pub fn forward_logits(&self, tokens: &[u32]) -> Tensor<2> {
        let time = self.checked_length(tokens);
        let mask = Tensor::<2, Bool>::tril_mask([time, time], 0, &self.device).unsqueeze::<4>();
        let states = self.network.forward(
            self.matrix(tokens, 1),
            &self.rotary.range(0, time),
            &mask,
            None,
        );
        self.network.logits(states.squeeze_dim::<2>(0))
    }

    /// Prefill: runs a prompt through the network and fills a KV cache with it.
    ///
    /// # Panics
    /// When `tokens` is empty or longer than the context, or an id is not below `vocab_size`.
    pub fn prefill(&self, tokens: &[u32]) -> Prefix {
        let time = self.checked_length(tokens);
        let mut caches = self.caches(1, time);
        let mask = Tensor::<2, Bool>::tril_mask([time, time], 0, &self.device).unsqueeze::<4>();
        let rotation = self.rotary.range(0, time);
        let states = self.network.forward(
            self.matrix(tokens, 1),
            &rotation,
            &mask,
            Some((&mut caches, &WriteIndex::first(time))),
        );
        let last = states.narrow(1, time - 1, 1).squeeze_dim::<2>(0); // [1, hidden]
        Prefix {
            caches,
            tokens: time,
            logits: self.network.logits(last),
        }
    }

    /// Chains that continue a prompt, with a KV cache for `length` tokens each, as far as the context goes.
    ///
    /// # Panics
    /// When `chains` is 0.
    pub fn start_batch(&self, prefix: &Prefix, chains: usize, length: usize) -> Batch {
        assert!(chains > 0, "a batch has at least one chain");
        let mut caches = self.caches(chains, prefix.tokens + length);
        for (cache, shared) in caches.iter_mut().zip(&prefix.caches) {
            cache.broadcast_prefix(shared);
        }
        Batch {
            caches,
            cache_row_of: (0..chains).collect(),
            lengths: vec![prefix.tokens; chains],
            prompt: prefix.tokens,
            capacity: (prefix.tokens + length).min(self.config.max_position_embeddings),
        }
    }

    /// Feeds one token to every chain of a batch.
    ///
    /// # Shapes
    /// - output: `[chains, vocab]`, the logits after those tokens
    ///
    /// # Panics
    /// When there is not one token per chain, or a chain is full or at the end of the context.
    pub fn step(&self, batch: &mut Batch, tokens: &[u32]) -> Tensor<2> {
        let all: Vec<usize> = (0..batch.chains()).collect();
        self.step_chains(batch, &all, tokens)
    }

    /// Feeds one token to some chains of a batch; the others wait.
    ///
    /// # Shapes
    /// - chains: their indices, in any order; an empty list costs nothing
    /// - tokens: one for each of them
    /// - output: `[chains.len(), vocab]`, the logits after those tokens
    ///
    /// # Panics
    /// When a chain is named twice, there is not one token for each, or a chain is full or at the end of the context.
    pub fn step_chains(&self, batch: &mut Batch, chains: &[usize], tokens: &[u32]) -> Tensor<2> {
        assert_eq!(tokens.len(), chains.len(), "one token per chain");
        if chains.is_empty() {
            return Tensor::zeros([0, self.config.vocab_size], &self.device);
        }
        let count = chains.len();
        let rows = batch.compact(chains, &self.device);
        let (mut fed, mut positions) = (vec![0; count], vec![0; count]);
        for ((&chain, &row), &token) in chains.iter().zip(&rows).zip(tokens) {
            (fed[row], positions[row]) = (token, batch.lengths[chain]);
            batch.lengths[chain] += 1;
        }
        let longest = positions.iter().copied().max().unwrap_or(0);
        assert!(
            longest < self.config.max_position_embeddings,
            "a chain exceeds the context"
        );
        let mask: Vec<bool> = positions
            .iter()
            .flat_map(|&position| (0..=longest).map(move |slot| slot > position))
            .collect();
        let mask = Tensor::<4, Bool>::from_data(
            TensorData::new(mask, [count, 1, 1, longest + 1]),
            &self.device,
        );
        let index = batch.caches[0].next_index(&positions);
        let rotation = self.rotary.at(&positions);
        let states = self.network.forward(
            self.matrix(&fed, count),
            &rotation,
            &mask,
            Some((&mut batch.caches, &index)),
        );
        let mut states = states.squeeze_dim::<2>(1); // [rows, hidden]
        if !rows.is_sorted() {
            states = states.select(0, indices(rows.into_iter(), &self.device)); // [chains, hidden]
        }
        self.network.logits(states)
    }

    /// Keeps only some chains of a batch, in the given order; a chain that is named twice is duplicated (beam search).
    ///
    /// # Panics
    /// When there is no such chain.
    pub fn retain(&self, batch: &mut Batch, chains: &[usize]) {
        let rows = indices(
            chains.iter().map(|&chain| batch.cache_row_of[chain]),
            &self.device,
        );
        for cache in &mut batch.caches {
            cache.select(&rows);
        }
        batch.cache_row_of = (0..chains.len()).collect();
        batch.lengths = chains.iter().map(|&chain| batch.lengths[chain]).collect();
    }

    fn checked_length(&self, tokens: &[u32]) -> usize {
        let context = self.config.max_position_embeddings;
        assert!(
            (1..=context).contains(&tokens.len()),
            "{} tokens in a context of {context}",
            tokens.len()
        );
        tokens.len()
    }

    fn caches(&self, batch: usize, capacity: usize) -> Vec<LayerCache> {
        let LlamaConfig {
            num_hidden_layers,
            num_key_value_heads,
            head_dim,
            ..
        } = self.config;
        (0..num_hidden_layers)
            .map(|_| LayerCache::new(batch, num_key_value_heads, capacity, head_dim, &self.device))
            .collect()
    }

    /// Tokens as `[rows, tokens / rows]`.
    fn matrix(&self, tokens: &[u32], rows: usize) -> Tensor<2, Int> {
        let ids: Vec<i32> = tokens.iter().map(|&id| id as i32).collect();
        Tensor::from_data(
            TensorData::new(ids, [rows, tokens.len() / rows]),
            &self.device,
        )
    }
}

/// Hash that identifies a file's bytes: FNV-1a (Fowler, Noll, Vo) with words of eight bytes in place of bytes, for
/// speed. It detects mix-ups; it is not cryptographic.
pub fn fingerprint(bytes: &[u8]) -> String {
    let fold = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x0000_0100_0000_01B3);
    let (words, rest) = bytes.as_chunks();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let rest = rest.iter().map(|byte| u64::from(*byte));
    format!(
        "{:016x}",
        words.chain(rest).fold(0xCBF2_9CE4_8422_2325, fold)
    )
}

fn indices(values: impl ExactSizeIterator<Item = usize>, device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = values.map(|value| value as i32).collect();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}
