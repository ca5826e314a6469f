//! N chains of one prompt, decoded as one batch, that can change their knobs without being decoded anew.
//!
//! A swarm keeps the logits from which every token was picked. When knobs or coins change, each chain is picked again
//! from these rows, keeps its tokens up to the first position where the pick differs, and only the rest is generated.
//! Page and command line share this file, so they give the same tokens for the same model, knobs and seed.

use std::collections::BTreeMap;
use std::rc::Rc;

use decoding::{Shaping, coin, shape};

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

/// One new token of one chain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Which chain, from 0.
    pub chain: usize,
    /// Which token of it, from 0.
    pub position: usize,
    /// The token.
    pub picked: Picked,
    /// The chain ends with it.
    pub last: bool,
}

/// The chains of one prompt.
pub struct Swarm {
    engine: Engine,
    prompt: Vec<u32>,
    prefix: Prefix,
    plan: Plan,
    chains: Vec<Chain>,
    batch: Option<OpenBatch>,
}

#[derive(Default)]
struct Chain {
    picked: Vec<Picked>,
    /// The row of every picked token, and of the next one where it is known.
    rows: Vec<Rc<[f32]>>,
    /// Tokens that stand whatever the coin says, by position.
    forced: BTreeMap<usize, u32>,
    ended: bool,
}

/// A batch and the chains that are its rows.
struct OpenBatch {
    batch: Batch,
    members: Vec<usize>,
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
    pub async fn step(&mut self) -> Result<Vec<Step>, DeviceError> {
        let mut steps = Vec::new();
        for index in 0..self.chains.len() {
            let chain = &self.chains[index];
            if !chain.ended {
                let position = chain.picked.len();
                let picked = self.pick(index, position);
                steps.push(Step {
                    chain: index,
                    position,
                    picked,
                    last: self.is_last(position, picked.token),
                });
            }
        }
        let going: Vec<&Step> = steps.iter().filter(|step| !step.last).collect();
        if !going.is_empty() {
            let members: Vec<usize> = going.iter().map(|step| step.chain).collect();
            let tokens: Vec<u32> = going.iter().map(|step| step.picked.token).collect();
            let mut open = self.open(members);
            let logits = self.engine.step(&mut open.batch, &tokens);
            let rows = read_rows(logits).await?;
            for (&member, row) in open.members.iter().zip(rows) {
                self.chains[member].rows.push(row.into());
            }
            self.batch = Some(open);
        }
        for step in &steps {
            let chain = &mut self.chains[step.chain];
            chain.picked.push(step.picked);
            chain.ended = step.last;
        }
        Ok(steps)
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

    /// Puts a token into a chain, and drops what came after it; the chain goes on from there.
    ///
    /// Returns false, and changes nothing, where the chain has no such position.
    pub fn force(&mut self, chain: usize, position: usize, token: u32) -> bool {
        let Some(forced) = self
            .chains
            .get_mut(chain)
            .filter(|chain| position < chain.rows.len())
        else {
            return false;
        };
        forced.forced.split_off(&position);
        forced.forced.insert(position, token);
        self.cut(chain, position.min(self.chains[chain].picked.len()));
        true
    }

    fn cut(&mut self, chain: usize, position: usize) {
        let cut = &mut self.chains[chain];
        cut.picked.truncate(position);
        cut.rows.truncate(position + 1);
        cut.ended = false;
        // Its cached keys go beyond the cut: the next step opens a batch from the tokens that stay.
        self.batch = None;
    }

    fn pick(&self, chain: usize, position: usize) -> Picked {
        let Chain {
            picked,
            rows,
            forced,
            ..
        } = &self.chains[chain];
        let history: Vec<u32> = self
            .prompt
            .iter()
            .copied()
            .chain(picked[..position].iter().map(|picked| picked.token))
            .collect();
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

    /// The open batch, if its rows are those chains; else a part of it, or a new one from the chains' tokens.
    fn open(&mut self, members: Vec<usize>) -> OpenBatch {
        if let Some(mut open) = self.batch.take() {
            if open.members == members {
                return open;
            }
            let rows: Option<Vec<usize>> = members
                .iter()
                .map(|member| {
                    open.members
                        .iter()
                        .position(|candidate| candidate == member)
                })
                .collect();
            if let Some(rows) = rows {
                self.engine.retain(&mut open.batch, &rows);
                open.members = members;
                return open;
            }
        }
        let tokens: Vec<Vec<u32>> = members
            .iter()
            .map(|&member| {
                self.chains[member]
                    .picked
                    .iter()
                    .map(|picked| picked.token)
                    .collect()
            })
            .collect();
        let continued: Vec<&[u32]> = tokens.iter().map(Vec::as_slice).collect();
        let shortest = continued
            .iter()
            .map(|tokens| tokens.len())
            .min()
            .unwrap_or(0);
        let batch = self
            .engine
            .open(&self.prefix, &continued, self.plan.length - shortest);
        OpenBatch { batch, members }
    }
}
