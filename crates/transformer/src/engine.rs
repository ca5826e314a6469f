//! A model ready to decode: a prompt is read once, then many chains step together.
//!
//! Chains of one batch share *slots* of the key-value cache: a step writes the next slot of every chain. A chain's own
//! position is counted apart, and slots that hold padding of other chains' lengths are hidden from it.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use crate::cache::LayerCache;
use crate::{Adapter, Llama, LlamaConfig, LoadError, RotaryTable, Rotation};

/// Weights on a device, with what decoding needs beside them.
///
/// Ids must be below `vocab_size`: others panic on the CPU and give nonsense on a GPU. Callers that take text from people
/// ask [`Engine::room`] first.
#[derive(Clone, Debug)]
pub struct Engine {
    config: LlamaConfig,
    network: Llama,
    tuned: Option<Tuned>,
    rotary: RotaryTable,
    device: Device,
    fingerprint: Option<String>,
}

/// A second network beside the first, and how much of it is taken.
#[derive(Clone, Debug)]
struct Tuned {
    network: Llama,
    lambda: f64,
}

/// A prompt that was read once and can be continued by any number of chains.
#[derive(Clone, Debug)]
pub struct Prefix {
    caches: Vec<LayerCache>,
    tokens: usize,
    /// `[1, vocab]`: the row after the prompt's last token.
    pub logits: Tensor<2>,
}

/// Chains that step together. Made by [`Engine::open`].
#[derive(Debug)]
pub struct Batch {
    caches: Vec<LayerCache>,
    /// By chain and slot: may the chain not look there?
    hidden: Vec<Vec<bool>>,
    /// Each chain's next position.
    positions: Vec<usize>,
}

impl Engine {
    /// Loads weights onto a device.
    ///
    /// # Errors
    /// When the weights are damaged or not those of `config`.
    pub fn load(config: LlamaConfig, weights: &[u8], device: &Device) -> Result<Self, LoadError> {
        let network = Llama::from_safetensors(&config, weights, device)?;
        let mut engine = Self::new(config, network, device);
        engine.fingerprint = Some(fingerprint(weights));
        Ok(engine)
    }

    /// Wraps a network that is already on `device`.
    pub fn new(config: LlamaConfig, network: Llama, device: &Device) -> Self {
        let rotary = RotaryTable::new(&config, device);
        Self {
            config,
            network,
            tuned: None,
            rotary,
            device: device.clone(),
            fingerprint: None,
        }
    }

    /// The model that an adapter makes of this one.
    ///
    /// # Panics
    /// When the adapter was loaded or made for a base of other sizes.
    #[must_use]
    pub fn adapted(&self, adapter: &Adapter) -> Self {
        Self {
            network: adapter.merge(&self.network),
            fingerprint: None,
            ..self.clone()
        }
    }

    /// The model on the line through this one (0) and the one that an adapter makes of it (1): its logits are
    /// `(1 - lambda) z_base + lambda z_tuned`, as [`decoding::mix`] mixes rows. Between and beyond the two ends both networks
    /// are computed. An adapter leaves the output projection alone, so the streams before it are mixed, which is the same.
    ///
    /// # Panics
    /// When the adapter was loaded or made for a base of other sizes, or `lambda` is not finite.
    #[must_use]
    pub fn realigned(&self, adapter: &Adapter, lambda: f64) -> Self {
        assert!(lambda.is_finite(), "lambda is a finite number");
        if lambda == 0.0 {
            return self.clone();
        }
        let adapted = self.adapted(adapter);
        if lambda == 1.0 {
            return adapted;
        }
        let network = adapted.network;
        Self {
            tuned: Some(Tuned { network, lambda }),
            fingerprint: None,
            ..self.clone()
        }
    }

    /// The weights; those of the base where there are two.
    pub fn network(&self) -> &Llama {
        &self.network
    }

    /// Where they are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Tells the weights that an engine was loaded from apart from others, so that an adapter finds its base again.
    pub fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    /// Sizes and special tokens.
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// Logits after every token of one sequence, for scoring a text.
    ///
    /// # Shapes
    /// - output: `[tokens.len(), vocab]`
    ///
    /// # Panics
    /// When `tokens` is empty or longer than the context, or an id is not below `vocab_size`.
    pub fn score(&self, tokens: &[u32]) -> Tensor<2> {
        let time = self.sound_length(tokens);
        let hidden = Tensor::<2, Bool>::tril_mask([time, time], 0, &self.device).unsqueeze::<4>();
        let stream = self.stream(
            self.matrix(tokens, 1),
            &self.rotary.range(0, time),
            &hidden,
            None,
        );
        self.network.logits(stream.squeeze_dim::<2>(0))
    }

    /// Reads a prompt.
    ///
    /// # Panics
    /// When `tokens` is empty or longer than the context, or an id is not below `vocab_size`.
    pub fn read(&self, tokens: &[u32]) -> Prefix {
        let time = self.sound_length(tokens);
        let mut caches = self.caches(1, time);
        let hidden = Tensor::<2, Bool>::tril_mask([time, time], 0, &self.device).unsqueeze::<4>();
        let rotation = self.rotary.range(0, time);
        let stream = self.stream(
            self.matrix(tokens, 1),
            &rotation,
            &hidden,
            Some(&mut caches),
        );
        let last = stream.narrow(1, time - 1, 1).squeeze_dim::<2>(0); // [1, hidden]
        Prefix {
            caches,
            tokens: time,
            logits: self.network.logits(last),
        }
    }

    /// Chains that continue a prompt, each after some tokens of its own, with room for `room` more steps.
    ///
    /// The chains' own tokens are read in one pass, padded on the right to the longest.
    ///
    /// # Panics
    /// When `continued` is empty, or prompt and tokens of a chain together exceed the context.
    pub fn open(&self, prefix: &Prefix, continued: &[&[u32]], room: usize) -> Batch {
        let chains = continued.len();
        let longest = continued
            .iter()
            .map(|tokens| tokens.len())
            .max()
            .expect("a batch has at least one chain");
        assert!(
            prefix.tokens + longest <= self.config.max_position_embeddings,
            "a chain exceeds the context"
        );
        let mut caches = self.caches(chains, prefix.tokens + longest + room);
        for (cache, shared) in caches.iter_mut().zip(&prefix.caches) {
            cache.append_shared(shared, chains);
        }
        if longest > 0 {
            let mut padded = vec![self.config.eos_token_id; chains * longest];
            for (row, tokens) in padded.chunks_exact_mut(longest).zip(continued) {
                row[..tokens.len()].copy_from_slice(tokens);
            }
            let slots = prefix.tokens + longest;
            let causal =
                Tensor::<2, Bool>::tril_mask([longest, slots], prefix.tokens as i64, &self.device);
            let rotation = self.rotary.range(prefix.tokens, longest);
            let tokens = self.matrix(&padded, chains);
            self.stream(
                tokens,
                &rotation,
                &causal.unsqueeze::<4>(),
                Some(&mut caches),
            );
        }
        let hidden = continued
            .iter()
            .map(|tokens| {
                (0..prefix.tokens + longest)
                    .map(|slot| slot >= prefix.tokens + tokens.len())
                    .collect()
            })
            .collect();
        let positions = continued
            .iter()
            .map(|tokens| prefix.tokens + tokens.len())
            .collect();
        Batch {
            caches,
            hidden,
            positions,
        }
    }

    /// Feeds one token to every chain of a batch.
    ///
    /// # Shapes
    /// - output: `[chains, vocab]`, the rows after those tokens
    ///
    /// # Panics
    /// When there is not one token a chain, the batch has no room left, or a chain is at the end of the context.
    pub fn step(&self, batch: &mut Batch, tokens: &[u32]) -> Tensor<2> {
        let chains = batch.positions.len();
        assert_eq!(tokens.len(), chains, "one token a chain");
        let context = self.config.max_position_embeddings;
        assert!(
            batch.positions.iter().all(|&position| position < context),
            "a chain exceeds the context"
        );
        for slots in &mut batch.hidden {
            slots.push(false);
        }
        let slots = batch.hidden[0].len();
        let hidden = Tensor::<2, Bool>::from_data(
            TensorData::new(batch.hidden.concat(), [chains, slots]),
            &self.device,
        );
        let positions: Vec<i32> = batch
            .positions
            .iter()
            .map(|&position| position as i32)
            .collect();
        let positions =
            Tensor::<2, Int>::from_data(TensorData::new(positions, [chains, 1]), &self.device);
        let rotation = self.rotary.at(positions);
        let tokens = self.matrix(tokens, chains);
        let hidden = hidden.reshape([chains, 1, 1, slots]);
        let stream = self.stream(tokens, &rotation, &hidden, Some(&mut batch.caches));
        for position in &mut batch.positions {
            *position += 1;
        }
        self.network.logits(stream.squeeze_dim::<2>(1))
    }

    /// Keeps only some chains of a batch, in the given order.
    ///
    /// # Panics
    /// When an index is not below the number of chains.
    pub fn retain(&self, batch: &mut Batch, chains: &[usize]) {
        let rows: Vec<i32> = chains.iter().map(|&chain| chain as i32).collect();
        let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [chains.len()]), &self.device);
        for cache in &mut batch.caches {
            cache.select(&rows);
        }
        batch.hidden = chains
            .iter()
            .map(|&chain| batch.hidden[chain].clone())
            .collect();
        batch.positions = chains.iter().map(|&chain| batch.positions[chain]).collect();
    }

    /// The residual stream after the last norm, mixed where there are two networks. The caches of the second lie behind those
    /// of the first.
    fn stream(
        &self,
        tokens: Tensor<2, Int>,
        rotation: &Rotation,
        hidden: &Tensor<4, Bool>,
        caches: Option<&mut [LayerCache]>,
    ) -> Tensor<3> {
        let Some(Tuned { network, lambda }) = &self.tuned else {
            return self.network.stream(tokens, rotation, hidden, caches);
        };
        let layers = self.config.num_hidden_layers;
        let (first, second) = caches.map(|caches| caches.split_at_mut(layers)).unzip();
        let base = self.network.stream(tokens.clone(), rotation, hidden, first);
        let tuned = network.stream(tokens, rotation, hidden, second);
        base * (1.0 - lambda) + tuned * *lambda
    }

    fn sound_length(&self, tokens: &[u32]) -> usize {
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
        let networks = if self.tuned.is_some() { 2 } else { 1 };
        (0..networks * num_hidden_layers)
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

/// FNV-1a (Fowler, Noll, Vo) with words of eight bytes in place of bytes, for speed. Against mix-ups, not against malice.
fn fingerprint(weights: &[u8]) -> String {
    let fold = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x0000_0100_0000_01B3);
    let (words, rest) = weights.as_chunks();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let rest = rest.iter().map(|byte| u64::from(*byte));
    format!(
        "{:016x}",
        words.chain(rest).fold(0xCBF2_9CE4_8422_2325, fold)
    )
}
