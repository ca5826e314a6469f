//! N chains of one prompt, decoded as one batch, that can change their knobs without being decoded anew.
//!
//! A swarm keeps the logits from which every token was picked, and what the network has read. When knobs or coins change,
//! each chain is picked again from these rows, keeps its tokens up to the first position where the pick differs, and only
//! the rest is generated; no token that stays is read again.
//! Page and command line share this file, so they give the same tokens for the same model, knobs and seed.

use std::collections::BTreeMap;
use std::rc::Rc;

use decoding::{Pick, Shaping, coin, shape};

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

/// The chains of one prompt.
pub struct Swarm {
    engine: Engine,
    prompt: Vec<u32>,
    prefix: Prefix,
    plan: Plan,
    chains: Vec<Chain>,
    /// Every chain's keys and values, from the first step on.
    batch: Option<Batch>,
}

#[derive(Default)]
struct Chain {
    picked: Vec<Picked>,
    /// The row of every picked token, and of the next one where it is known.
    rows: Vec<Rc<[f32]>>,
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
        let prefix = engine.read(&prompt);
        let rows = read_rows(prefix.logits.clone()).await?;
        let first: Rc<[f32]> = rows.into_iter().next().unwrap_or_default().into();
        let chains = (0..chains)
            .map(|_| Chain {
                rows: vec![Rc::clone(&first)],
                ..Chain::default()
            })
            .collect();
        Ok(Self {
            engine: engine.clone(),
            prompt,
            prefix,
            plan,
            chains,
            batch: None,
        })
    }

    /// The row from which a chain's token at `position` was, or will be, picked.
    pub fn row(&self, chain: usize, position: usize) -> Option<&[f32]> {
        Some(self.chains.get(chain)?.rows.get(position)?)
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
            let batch = self
                .batch
                .get_or_insert_with(|| self.engine.open(&self.prefix, self.chains.len(), room));
            // Chains may have been cut since they were read.
            for &chain in &going {
                batch.rewind(chain, self.chains[chain].picked.len());
            }
            let logits = self.engine.step_some(batch, &going, &tokens);
            let rows = read_rows(logits).await?;
            for (chain, row) in going.into_iter().zip(rows) {
                self.chains[chain].rows.push(row.into());
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
        let distribution = shape(&rows[position], &history, &self.plan.shaping);
        let coin = coin(self.plan.seed, chain as u32, position as u32);
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
        position + 1 >= self.plan.length || token == self.engine.config().eos_token_id
    }
}
