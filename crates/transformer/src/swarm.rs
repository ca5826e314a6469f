//! N chains of one prompt, decoded as one batch, that can change their knobs without being decoded anew.
//!
//! A swarm keeps the logits of every token, and the KV cache. When knobs or seed change, each chain is sampled again from these
//! logits, keeps its tokens up to the first position where the sample differs, and generates only the rest: no kept token is
//! computed again.
//!
//! With a [`Realignment`], base and tuned model both compute every token, both logits are kept, and tokens are sampled from their
//! interpolation: so lambda is a knob like the others. Chains of the base alone may be added for comparison, with the same coins.
//!
//! Page and command line share this file, so they give the same tokens for the same model, knobs and seed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use burn::tensor::Tensor;
use decoding::{Pick, Shaping, coin, interpolate, shape};

use crate::device::{DeviceError, read_logits};
use crate::llama_model::{Batch, LlamaModel, Prefix};

/// Sampling parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// The knobs.
    pub shaping: Shaping,
    /// Random seed: the draw at a position is `coin(seed, chain, position)`.
    pub seed: u64,
    /// At most this many tokens per chain.
    pub length: usize,
}

/// A sampled token, with surprisal and entropy of its distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Picked {
    /// The token.
    pub token: u32,
    /// `-log2 p` of it under the knobs, bits.
    pub surprisal_bits: f64,
    /// Entropy of its distribution, bits.
    pub entropy_bits: f64,
}

/// Realignment of a tuned model with its base (DeRa, arXiv 2402.02992): which, how far, and whether to compare.
#[derive(Clone, Copy, Debug)]
pub struct Realignment<'a> {
    /// The base with an adapter merged: see [`LlamaModel::with_adapter`].
    pub tuned: &'a LlamaModel,
    /// Logits are `(1 - lambda) z_base + lambda z_tuned`; finite.
    pub lambda: f64,
    /// Whether as many chains of the base alone, with the same coins, follow the others.
    pub compare: bool,
}

/// The logits at one position of a chain, `[vocab]` each, before any shaping.
#[derive(Clone, Debug)]
pub struct ChainLogits {
    /// The base's.
    pub base: Rc<[f32]>,
    /// The tuned model's; a chain of the base alone has none.
    pub tuned: Option<Rc<[f32]>>,
}

/// The chains of one prompt.
pub struct Swarm {
    prompt: Vec<u32>,
    plan: Plan,
    lambda: f64,
    base: Decoder,
    tuned: Option<Decoder>,
    /// Coins per position: the number of chains, or half of it where base and tuned are compared.
    coins: usize,
    chains: Vec<Chain>,
}

/// One model and its KV caches.
struct Decoder {
    model: LlamaModel,
    prefix: Prefix,
    /// The caches of the chains, from the first step on.
    batch: Option<Batch>,
}

#[derive(Default)]
struct Chain {
    picked: Vec<Picked>,
    /// The logits of every sampled token, and of the next one if they are computed.
    logits: Vec<ChainLogits>,
    /// Forced tokens by position: at most the number of tokens. A forced token stays as long as its prefix is unchanged.
    forced: BTreeMap<usize, u32>,
    ended: bool,
}

impl Swarm {
    /// Prefills a prompt for `chains` chains.
    ///
    /// # Errors
    /// When the device fails.
    ///
    /// # Panics
    /// When [`LlamaModel::remaining_context`] refuses the prompt, or returns less than the plan's length.
    pub async fn start(
        model: &LlamaModel,
        prompt: Vec<u32>,
        chains: usize,
        plan: Plan,
    ) -> Result<Self, DeviceError> {
        Self::open(model, None, prompt, chains, plan).await
    }

    /// Prefills a prompt for `chains` chains of a tuned model realigned with its base, and for the base's chains if compared.
    ///
    /// # Errors
    /// When the device fails.
    ///
    /// # Panics
    /// As [`Self::start`], and when the two models have other vocabularies or `lambda` is not finite.
    pub async fn start_realigned(
        base: &LlamaModel,
        realignment: Realignment<'_>,
        prompt: Vec<u32>,
        chains: usize,
        plan: Plan,
    ) -> Result<Self, DeviceError> {
        Self::open(base, Some(realignment), prompt, chains, plan).await
    }

    async fn open(
        base: &LlamaModel,
        realignment: Option<Realignment<'_>>,
        prompt: Vec<u32>,
        chains: usize,
        plan: Plan,
    ) -> Result<Self, DeviceError> {
        let (base, first) = Decoder::prefill(base, &prompt).await?;
        let (mut tuned, mut first_tuned) = (None, None);
        let (mut lambda, mut compare) = (1.0, false);
        if let Some(realignment) = realignment {
            let (decoder, row) = Decoder::prefill(realignment.tuned, &prompt).await?;
            assert_eq!(first.len(), row.len(), "one vocabulary");
            (tuned, first_tuned) = (Some(decoder), Some(row));
            (lambda, compare) = (realignment.lambda, realignment.compare);
            assert!(lambda.is_finite(), "lambda is a finite number");
        }
        let all = if compare { 2 * chains } else { chains };
        let chain = |index| Chain {
            logits: vec![ChainLogits {
                base: Rc::clone(&first),
                tuned: first_tuned.clone().filter(|_| index < chains),
            }],
            ..Chain::default()
        };
        Ok(Self {
            prompt,
            plan,
            lambda,
            base,
            tuned,
            coins: chains,
            chains: (0..all).map(chain).collect(),
        })
    }

    /// The logits from which a chain's token at `position` was, or will be, sampled.
    pub fn logits(&self, chain: usize, position: usize) -> Option<&ChainLogits> {
        self.chains.get(chain)?.logits.get(position)
    }

    /// The tokens of a chain so far, the end-of-text token included.
    pub fn picked(&self, chain: usize) -> &[Picked] {
        &self.chains[chain].picked
    }

    /// How many chains there are.
    pub fn chains(&self) -> usize {
        self.chains.len()
    }

    /// True when every chain has ended.
    pub fn is_done(&self) -> bool {
        self.chains.iter().all(|chain| chain.ended)
    }

    /// Samples the next token of every chain that has not ended, and computes the logits after it.
    ///
    /// # Errors
    /// When the device fails; the swarm then stays as it was before.
    pub async fn step(&mut self) -> Result<Vec<Pick>, DeviceError> {
        let mut picks = Vec::new();
        let (mut going, mut tokens) = (Vec::new(), Vec::new());
        for (index, chain) in self.chains.iter().enumerate() {
            if !chain.ended {
                let position = chain.picked.len();
                let picked = self.pick(index, position);
                let last = self.is_last(position, picked.token);
                if !last {
                    going.push(index);
                    tokens.push(picked.token);
                }
                picks.push((index, picked, last));
            }
        }
        if !going.is_empty() {
            // The last token of a chain is never fed back.
            let capacity = self.plan.length - 1;
            let kept: Vec<usize> = self.chains.iter().map(|chain| chain.picked.len()).collect();
            let base = self.base.step(&going, &tokens, &kept, capacity);
            // Chains of the base alone follow the others.
            let both = going.partition_point(|&chain| chain < self.coins);
            let tuned = self.tuned.as_mut().filter(|_| both > 0).map(|tuned| {
                tuned.step(
                    &going[..both],
                    &tokens[..both],
                    &kept[..self.coins],
                    capacity,
                )
            });
            let base = read_logits(base).await?;
            let tuned = match tuned {
                Some(tuned) => read_logits(tuned).await?,
                None => Vec::new(),
            };
            let mut tuned = tuned.into_iter();
            for (chain, base) in going.into_iter().zip(base) {
                self.chains[chain].logits.push(ChainLogits {
                    base: base.into(),
                    tuned: tuned.next().map(Into::into),
                });
            }
        }
        let samples = picks.into_iter().map(|(index, picked, last)| {
            let chain = &mut self.chains[index];
            chain.picked.push(picked);
            chain.ended = last;
            Pick {
                chain: index as u32,
                position: chain.picked.len() as u32 - 1,
                token: picked.token,
                surprisal_bits: picked.surprisal_bits as f32,
                entropy_bits: picked.entropy_bits as f32,
                last,
            }
        });
        Ok(samples.collect())
    }

    /// Changes lambda; no effect without a tuned model. Call [`Self::repick`] for every chain, as after
    /// [`Self::set_plan`].
    ///
    /// # Panics
    /// When `lambda` is not finite.
    pub fn set_lambda(&mut self, lambda: f64) {
        assert!(lambda.is_finite(), "lambda is a finite number");
        self.lambda = lambda;
    }

    /// Changes knobs and seed. Call [`Self::repick`] for every chain, then go on with [`Self::step`].
    pub fn set_plan(&mut self, shaping: Shaping, seed: u64) {
        self.plan.shaping = shaping;
        self.plan.seed = seed;
    }

    /// Samples a chain's tokens again from their logits and drops those from the first difference on. Returns how many stay.
    pub fn repick(&mut self, chain: usize) -> usize {
        let length = self.chains[chain].picked.len();
        for position in 0..length {
            let picked = self.pick(chain, position);
            if picked.token != self.chains[chain].picked[position].token {
                self.cut(chain, position);
                return position;
            }
            self.chains[chain].picked[position] = picked;
        }
        length
    }

    /// Replaces a token of a chain, and drops what came after it; the chain goes on from there. A forced token stays, whatever
    /// knobs and coins say, as long as its prefix is unchanged: [`Self::repick`] or a token forced at or before its position
    /// removes it.
    ///
    /// Returns false, and changes nothing, where the chain has no such position.
    pub fn force(&mut self, chain: usize, position: usize, token: u32) -> bool {
        let has_place = |chain: &Chain| position < chain.logits.len();
        if !self.chains.get(chain).is_some_and(has_place) {
            return false;
        }
        self.cut(chain, position);
        self.chains[chain].forced.insert(position, token);
        true
    }

    /// Drops a chain's tokens from a position on, the forced ones too.
    fn cut(&mut self, chain: usize, position: usize) {
        let cut = &mut self.chains[chain];
        cut.picked.truncate(position);
        cut.logits.truncate(position + 1);
        cut.forced.split_off(&position);
        cut.ended = false;
    }

    fn pick(&self, chain: usize, position: usize) -> Picked {
        let Chain {
            picked,
            logits,
            forced,
            ..
        } = &self.chains[chain];
        // Only the repetition penalty looks back; a slider picks thousands of tokens again.
        let history = if self.plan.shaping.repetition_penalty() == 1.0 {
            Vec::new()
        } else {
            let own = picked[..position].iter().map(|picked| picked.token);
            self.prompt.iter().copied().chain(own).collect()
        };
        let logits = logits[position].blend(self.lambda);
        let distribution = shape(&logits, &history, &self.plan.shaping);
        let coin = coin(self.plan.seed, (chain % self.coins) as u32, position as u32);
        let token = forced
            .get(&position)
            .copied()
            .unwrap_or_else(|| distribution.pick(coin));
        Picked {
            token,
            surprisal_bits: distribution.surprisal_bits(token),
            entropy_bits: distribution.entropy_bits(),
        }
    }

    fn is_last(&self, position: usize, token: u32) -> bool {
        position + 1 >= self.plan.length || self.base.model.config().ends_text(token)
    }
}

impl ChainLogits {
    /// The logits that tokens are sampled from: the base's, if there is no tuned model.
    ///
    /// # Panics
    /// When the rows have other lengths or `lambda` is not finite.
    pub fn blend(&self, lambda: f64) -> Cow<'_, [f32]> {
        match &self.tuned {
            None => Cow::Borrowed(&self.base),
            Some(tuned) if lambda == 1.0 => Cow::Borrowed(tuned),
            Some(_) if lambda == 0.0 => Cow::Borrowed(&self.base),
            Some(tuned) => Cow::Owned(
                interpolate(&self.base, tuned, lambda)
                    .expect("one vocabulary, and a finite lambda"),
            ),
        }
    }
}

impl Decoder {
    async fn prefill(model: &LlamaModel, prompt: &[u32]) -> Result<(Self, Rc<[f32]>), DeviceError> {
        let prefix = model.prefill(prompt);
        let rows = read_logits(prefix.logits.clone()).await?;
        let decoder = Self {
            model: model.clone(),
            prefix,
            batch: None,
        };
        Ok((decoder, rows.into_iter().next().unwrap_or_default().into()))
    }

    /// Feeds one token to each of some chains, after truncating them to their kept lengths.
    ///
    /// # Shapes
    /// - output: `[going.len(), vocab]`
    fn step(
        &mut self,
        going: &[usize],
        tokens: &[u32],
        kept: &[usize],
        capacity: usize,
    ) -> Tensor<2> {
        let start = || self.model.start_batch(&self.prefix, kept.len(), capacity);
        let batch = self.batch.get_or_insert_with(start);
        for &chain in going {
            batch.rewind(chain, kept[chain]);
        }
        self.model.step_chains(batch, going, tokens)
    }
}
