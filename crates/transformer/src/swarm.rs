//! N chains of one prompt, decoded as one batch, that can change their knobs without being decoded anew.
//!
//! A swarm keeps the logits from which every token was picked, and what the network has read. When knobs or coins change,
//! each chain is picked again from these rows, keeps its tokens up to the first position where the pick differs, and only
//! the rest is generated; no token that stays is read again.
//!
//! A tuned model may speak beside the base ([`Swarm::beside`]): both read every token, both rows are kept, and a token is picked
//! from their mixture, so realignment is a knob like the others. Chains of the base alone may stand beside these chains, on the
//! same coins.
//!
//! Page and command line share this file, so they give the same tokens for the same model, knobs and seed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use burn::tensor::Tensor;
use decoding::{Pick, Shaping, coin, interpolate, shape};

use crate::device::{DeviceError, read_rows};
use crate::engine::{Batch, Engine, Prefix};

/// What decides the tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// The knobs.
    pub shaping: Shaping,
    /// Names the coins: `coin(seed, chain, position)`.
    pub seed: u64,
    /// Tokens a chain at most.
    pub length: usize,
}

/// A token with what was true of its distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Picked {
    /// The token.
    pub token: u32,
    /// `-log2 p` of it under the knobs, bits.
    pub surprisal_bits: f64,
    /// Entropy of its distribution, bits.
    pub entropy_bits: f64,
}

/// A tuned model beside the base.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// The base with an adapter merged into it: see [`Engine::adapted`].
    pub tuned: &'a Engine,
    /// How much of it is taken: `(1 - lambda) z_base + lambda z_tuned`, finite.
    pub lambda: f64,
    /// Whether chains of the base alone, as many again and on the same coins, follow the others.
    pub compare: bool,
}

/// The logits at one place, `[vocab]` each, before any shaping.
#[derive(Clone, Debug)]
pub struct Rows {
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
    base: Reader,
    tuned: Option<Reader>,
    /// How many coins there are for a position: the number of chains, or half of it where base and tuned are compared.
    coins: usize,
    chains: Vec<Chain>,
}

/// One network and what it has read.
struct Reader {
    engine: Engine,
    prefix: Prefix,
    /// Every chain's keys and values, from the first step on.
    batch: Option<Batch>,
}

#[derive(Default)]
struct Chain {
    picked: Vec<Picked>,
    /// The rows of every picked token, and of the next one where they are known.
    rows: Vec<Rows>,
    /// Tokens that stand whatever the coin says, by position: below the number of tokens, or the next one. Each stands
    /// behind the tokens that it was put behind, and goes when one of them does.
    forced: BTreeMap<usize, u32>,
    ended: bool,
}

impl Swarm {
    /// Reads a prompt for `chains` chains.
    ///
    /// # Errors
    /// When the device fails.
    ///
    /// # Panics
    /// When [`Engine::room`] refuses the prompt, or is less than the plan's length.
    pub async fn start(
        engine: &Engine,
        prompt: Vec<u32>,
        chains: usize,
        plan: Plan,
    ) -> Result<Self, DeviceError> {
        Self::open(engine, None, prompt, chains, plan).await
    }

    /// Reads a prompt for `chains` chains of a tuned model, realigned with its base, and for the chains compared with them.
    ///
    /// # Errors
    /// When the device fails.
    ///
    /// # Panics
    /// As [`Self::start`], and when the two models have other vocabularies or `lambda` is not finite.
    pub async fn beside(
        base: &Engine,
        beside: Beside<'_>,
        prompt: Vec<u32>,
        chains: usize,
        plan: Plan,
    ) -> Result<Self, DeviceError> {
        Self::open(base, Some(beside), prompt, chains, plan).await
    }

    async fn open(
        base: &Engine,
        beside: Option<Beside<'_>>,
        prompt: Vec<u32>,
        chains: usize,
        plan: Plan,
    ) -> Result<Self, DeviceError> {
        let (base, first) = Reader::read(base, &prompt).await?;
        let (mut tuned, mut first_tuned) = (None, None);
        let (mut lambda, mut compare) = (1.0, false);
        if let Some(beside) = beside {
            let (reader, row) = Reader::read(beside.tuned, &prompt).await?;
            assert_eq!(first.len(), row.len(), "one vocabulary");
            (tuned, first_tuned) = (Some(reader), Some(row));
            (lambda, compare) = (beside.lambda, beside.compare);
            assert!(lambda.is_finite(), "lambda is a finite number");
        }
        let all = if compare { 2 * chains } else { chains };
        let chain = |index| Chain {
            rows: vec![Rows {
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

    /// The rows from which a chain's token at `position` was, or will be, picked.
    pub fn rows(&self, chain: usize, position: usize) -> Option<&Rows> {
        self.chains.get(chain)?.rows.get(position)
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

    /// Picks the next token of every chain that has not ended, and computes the rows after them.
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
            // The last token of a chain is never read.
            let room = self.plan.length - 1;
            let kept: Vec<usize> = self.chains.iter().map(|chain| chain.picked.len()).collect();
            let base = self.base.step(&going, &tokens, &kept, room);
            // Chains of the base alone stand behind the others.
            let both = going.partition_point(|&chain| chain < self.coins);
            let tuned = self.tuned.as_mut().filter(|_| both > 0).map(|tuned| {
                tuned.step(&going[..both], &tokens[..both], &kept[..self.coins], room)
            });
            let base = read_rows(base).await?;
            let tuned = match tuned {
                Some(tuned) => read_rows(tuned).await?,
                None => Vec::new(),
            };
            let mut tuned = tuned.into_iter();
            for (chain, base) in going.into_iter().zip(base) {
                self.chains[chain].rows.push(Rows {
                    base: base.into(),
                    tuned: tuned.next().map(Into::into),
                });
            }
        }
        let told = picks.into_iter().map(|(index, picked, last)| {
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
        Ok(told.collect())
    }

    /// Takes more or less of the tuned model; without one it means nothing. Call [`Self::repick`] for every chain, as after
    /// [`Self::set_plan`].
    ///
    /// # Panics
    /// When `lambda` is not finite.
    pub fn set_lambda(&mut self, lambda: f64) {
        assert!(lambda.is_finite(), "lambda is a finite number");
        self.lambda = lambda;
    }

    /// Changes knobs and coins. Call [`Self::repick`] for every chain, then go on with [`Self::step`].
    pub fn set_plan(&mut self, shaping: Shaping, seed: u64) {
        self.plan.shaping = shaping;
        self.plan.seed = seed;
    }

    /// Picks a chain's tokens again from their rows and drops those from the first difference on. Returns how many stay.
    pub fn repick(&mut self, chain: usize) -> usize {
        let standing = self.chains[chain].picked.len();
        for position in 0..standing {
            let picked = self.pick(chain, position);
            if picked.token != self.chains[chain].picked[position].token {
                self.cut(chain, position);
                return position;
            }
            self.chains[chain].picked[position] = picked;
        }
        standing
    }

    /// Puts a token into a chain, and drops what came after it; the chain goes on from there. The token stands, whatever
    /// knobs and coins say, behind the very tokens that it was put behind: when [`Self::repick`] changes one of these, it is
    /// forgotten, and so it is when another token is put into the chain there or before.
    ///
    /// Returns false, and changes nothing, where the chain has no such position.
    pub fn force(&mut self, chain: usize, position: usize, token: u32) -> bool {
        let has_place = |chain: &Chain| position < chain.rows.len();
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
        cut.rows.truncate(position + 1);
        cut.forced.split_off(&position);
        cut.ended = false;
    }

    fn pick(&self, chain: usize, position: usize) -> Picked {
        let Chain {
            picked,
            rows,
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
        let logits = rows[position].mixed(self.lambda);
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
        position + 1 >= self.plan.length || token == self.base.engine.config().eos_token_id
    }
}

impl Rows {
    /// What tokens are picked from: the base's row where there is no other.
    ///
    /// # Panics
    /// When the rows have other lengths or `lambda` is not finite.
    pub fn mixed(&self, lambda: f64) -> Cow<'_, [f32]> {
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

impl Reader {
    async fn read(engine: &Engine, prompt: &[u32]) -> Result<(Self, Rc<[f32]>), DeviceError> {
        let prefix = engine.read(prompt);
        let rows = read_rows(prefix.logits.clone()).await?;
        let reader = Self {
            engine: engine.clone(),
            prefix,
            batch: None,
        };
        Ok((reader, rows.into_iter().next().unwrap_or_default().into()))
    }

    /// Feeds one token to each of some chains; of all chains so many tokens were kept since they were read.
    ///
    /// # Shapes
    /// - output: `[going.len(), vocab]`
    fn step(&mut self, going: &[usize], tokens: &[u32], kept: &[usize], room: usize) -> Tensor<2> {
        let open = || self.engine.open(&self.prefix, kept.len(), room);
        let batch = self.batch.get_or_insert_with(open);
        for &chain in going {
            batch.rewind(chain, kept[chain]);
        }
        self.engine.step_some(batch, going, tokens)
    }
}
