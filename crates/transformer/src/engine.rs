//! A model ready to decode: a prompt is read once, then many chains step together.
//!
//! A token's slot in the key-value cache is its position, in a row of its chain. Chains may have come differently far: a step
//! writes the next slot of each, and the slots behind it are hidden from it. So a chain can forget its last tokens, rest
//! while others step, and go on, and nothing is ever read twice.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use crate::cache::{LayerCache, Slots};
use crate::{Adapter, Llama, LlamaConfig, LoadError, Rotary, Rotation};

/// Weights on a device, with what decoding needs beside them.
///
/// Ids must be below `vocab_size`: others panic on the CPU and give nonsense on a GPU. Callers that take text from people
/// ask [`Engine::room`] first.
#[derive(Clone, Debug)]
pub struct Engine {
    config: LlamaConfig,
    network: Llama,
    tuned: Option<Tuned>,
    rotary: Rotary,
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

/// Chains that continue one prompt, each as far as it has come. Made by [`Engine::open`].
#[derive(Debug)]
pub struct Batch {
    caches: Vec<LayerCache>,
    /// By chain: the row of the caches that holds its keys and values.
    rows: Vec<usize>,
    /// By chain: tokens read, the prompt's included. So also its next position, and the next slot of its row.
    read: Vec<usize>,
    prompt: usize,
    /// Tokens that a chain can have read, the prompt's included.
    slots: usize,
}

impl Batch {
    /// Makes a chain forget all but the first `tokens` that it read after the prompt. Costs nothing: their slots are
    /// hidden from it, and written over.
    ///
    /// # Panics
    /// When the chain has not read so many, or there is no such chain.
    pub fn rewind(&mut self, chain: usize, tokens: usize) {
        let kept = self.prompt + tokens;
        assert!(
            kept <= self.read[chain],
            "chain {chain} is to keep {kept} tokens of {}",
            self.read[chain]
        );
        self.read[chain] = kept;
    }

    /// How many chains there are.
    pub fn chains(&self) -> usize {
        self.rows.len()
    }

    /// How many more tokens a chain can read.
    ///
    /// # Panics
    /// When there is no such chain.
    pub fn room(&self, chain: usize) -> usize {
        self.slots - self.read[chain]
    }

    /// Gives the first rows to some chains, whose rows it returns. As few rows as possible change places.
    ///
    /// # Panics
    /// When a chain is named twice.
    fn seat(&mut self, chains: &[usize], device: &Device) -> Vec<usize> {
        let mut chosen = vec![false; self.rows.len()];
        for &chain in chains {
            chosen[chain] = true;
        }
        let (mut coming, mut going) = (Vec::new(), Vec::new());
        for (chain, &row) in self.rows.iter().enumerate() {
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
                    chains.concat().iter().map(|&chain| self.rows[chain]),
                    device,
                )
            };
            let (from, to) = (rows([&coming, &going]), rows([&going, &coming]));
            for cache in &mut self.caches {
                cache.move_rows(&from, &to);
            }
            for (come, go) in coming.into_iter().zip(going) {
                self.rows.swap(come, go);
            }
        }
        chains.iter().map(|&chain| self.rows[chain]).collect()
    }
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
        let rotary = Rotary::new(&config, device);
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
            Some((&mut caches, &Slots::first(time))),
        );
        let last = stream.narrow(1, time - 1, 1).squeeze_dim::<2>(0); // [1, hidden]
        Prefix {
            caches,
            tokens: time,
            logits: self.network.logits(last),
        }
    }

    /// Chains that continue a prompt, with room for `room` tokens each, as far as the context goes.
    ///
    /// # Panics
    /// When `chains` is 0.
    pub fn open(&self, prefix: &Prefix, chains: usize, room: usize) -> Batch {
        assert!(chains > 0, "a batch has at least one chain");
        let mut caches = self.caches(chains, prefix.tokens + room);
        for (cache, shared) in caches.iter_mut().zip(&prefix.caches) {
            cache.begin_with(shared);
        }
        Batch {
            caches,
            rows: (0..chains).collect(),
            read: vec![prefix.tokens; chains],
            prompt: prefix.tokens,
            slots: (prefix.tokens + room).min(self.config.max_position_embeddings),
        }
    }

    /// Feeds one token to every chain of a batch.
    ///
    /// # Shapes
    /// - output: `[chains, vocab]`, the rows after those tokens
    ///
    /// # Panics
    /// When there is not one token a chain, or a chain has no room left or is at the end of the context.
    pub fn step(&self, batch: &mut Batch, tokens: &[u32]) -> Tensor<2> {
        let all: Vec<usize> = (0..batch.rows.len()).collect();
        self.step_some(batch, &all, tokens)
    }

    /// Feeds one token to some chains of a batch; the others rest.
    ///
    /// # Shapes
    /// - chains: the index of each, in any order; none at all cost nothing
    /// - tokens: one for each of them
    /// - output: `[chains.len(), vocab]`, the rows after those tokens
    ///
    /// # Panics
    /// When a chain is named twice, there is not one token for each, or a chain has no room left or is at the end of the
    /// context.
    pub fn step_some(&self, batch: &mut Batch, chains: &[usize], tokens: &[u32]) -> Tensor<2> {
        assert_eq!(tokens.len(), chains.len(), "one token a chain");
        if chains.is_empty() {
            return Tensor::zeros([0, self.config.vocab_size], &self.device);
        }
        let count = chains.len();
        let rows = batch.seat(chains, &self.device);
        let (mut fed, mut read) = (vec![0; count], vec![0; count]);
        for ((&chain, &row), &token) in chains.iter().zip(&rows).zip(tokens) {
            (fed[row], read[row]) = (token, batch.read[chain]);
            batch.read[chain] += 1;
        }
        let longest = read.iter().copied().max().unwrap_or(0);
        assert!(
            longest < self.config.max_position_embeddings,
            "a chain exceeds the context"
        );
        let hidden: Vec<bool> = read
            .iter()
            .flat_map(|&position| (0..=longest).map(move |slot| slot > position))
            .collect();
        let hidden = Tensor::<4, Bool>::from_data(
            TensorData::new(hidden, [count, 1, 1, longest + 1]),
            &self.device,
        );
        let slots = batch.caches[0].next_slots(&read);
        let rotation = self.rotary.at(&read);
        let stream = self.stream(
            self.matrix(&fed, count),
            &rotation,
            &hidden,
            Some((&mut batch.caches, &slots)),
        );
        let mut stream = stream.squeeze_dim::<2>(1); // [rows, hidden]
        if !rows.is_sorted() {
            stream = stream.select(0, indices(rows.into_iter(), &self.device)); // [chains, hidden]
        }
        self.network.logits(stream)
    }

    /// Keeps only some chains of a batch, in the given order; one that is named twice becomes two.
    ///
    /// # Panics
    /// When there is no such chain.
    pub fn retain(&self, batch: &mut Batch, chains: &[usize]) {
        let rows = indices(chains.iter().map(|&chain| batch.rows[chain]), &self.device);
        for cache in &mut batch.caches {
            cache.select(&rows);
        }
        batch.rows = (0..chains.len()).collect();
        batch.read = chains.iter().map(|&chain| batch.read[chain]).collect();
    }

    /// The residual stream after the last norm, mixed where there are two networks. The caches of the second lie behind those
    /// of the first.
    fn stream(
        &self,
        tokens: Tensor<2, Int>,
        rotation: &Rotation,
        hidden: &Tensor<4, Bool>,
        caches: Option<(&mut [LayerCache], &Slots)>,
    ) -> Tensor<3> {
        let Some(Tuned { network, lambda }) = &self.tuned else {
            return self.network.stream(tokens, rotation, hidden, caches);
        };
        let layers = self.config.num_hidden_layers;
        let (first, second) = caches
            .map(|(caches, slots)| {
                let (first, second) = caches.split_at_mut(layers);
                ((first, slots), (second, slots))
            })
            .unzip();
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

/// Tells the bytes of a file apart from others. FNV-1a (Fowler, Noll, Vo) with words of eight bytes in place of bytes, for
/// speed. Against mix-ups, not against malice.
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
