//! One run of a swarm: what it has said, and how long it took.

use decoding::Shaping;
use protocol::{Ending, Event, Forced, Lambda, Pick, RunId};
use transformer::{DeviceError, Rows, Swarm};

use crate::port::{now_ms, say};

/// The page hears of new tokens at most so often: it draws no sooner, and every message takes its time.
const TELLING_RESTS_MS: f64 = 30.0;

/// A swarm under the page's name for it.
pub struct Run {
    id: RunId,
    swarm: Swarm,
    /// The last change that was acted on; the page counts them.
    turn: u32,
    /// None while there are tokens to come.
    ended: Option<Ending>,
    tokens: u32,
    started_ms: f64,
    /// Picked and not yet said.
    untold: Vec<Pick>,
    told_ms: f64,
}

impl Run {
    /// A run that begins now.
    pub fn new(id: RunId, swarm: Swarm) -> Self {
        Self {
            id,
            swarm,
            turn: 0,
            ended: None,
            tokens: 0,
            started_ms: now_ms(),
            untold: Vec::new(),
            told_ms: 0.0,
        }
    }

    /// The page's name for it.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// Are there tokens to come?
    pub fn is_active(&self) -> bool {
        self.ended.is_none()
    }

    /// Can it go on under new terms? A finished run can; one that the reader stopped stays stopped.
    pub fn takes_terms(&self) -> bool {
        self.ended != Some(Ending::Stopped)
    }

    /// One more token for every chain; says what came, soon, and when all is done.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn step(&mut self) -> Result<(), DeviceError> {
        if self.swarm.is_done() {
            self.end(Ending::Finished);
            return Ok(());
        }
        let picks = self.swarm.step().await?;
        self.tokens += picks.len() as u32;
        self.untold.extend(picks);
        if self.swarm.is_done() {
            self.end(Ending::Finished);
        } else if now_ms() - self.told_ms >= TELLING_RESTS_MS {
            self.tell();
        }
        Ok(())
    }

    /// Says what was picked since the last time.
    fn tell(&mut self) {
        self.told_ms = now_ms();
        if !self.untold.is_empty() {
            say(&Event::Step {
                run: self.id,
                picks: std::mem::take(&mut self.untold),
                tokens_per_second: self.tokens as f32 / self.seconds().max(1e-3),
            });
        }
    }

    /// Says that the run is over, unless it was over before.
    pub fn end(&mut self, ending: Ending) {
        if self.ended.is_none() {
            self.tell();
            self.ended = Some(ending);
            let (run, turn, tokens, seconds) = (self.id, self.turn, self.tokens, self.seconds());
            say(&Event::Done {
                run,
                turn,
                ending,
                tokens,
                seconds,
            });
        }
    }

    /// New knobs and coins for every chain; [`Self::repick`] then goes through them.
    pub fn set_plan(&mut self, shaping: Shaping, lambda: Lambda, seed: u64) {
        self.swarm.set_plan(shaping, seed);
        self.swarm.set_lambda(lambda.get());
    }

    /// Picks one chain again. False when there is no such chain.
    pub fn repick(&mut self, chain: usize) -> bool {
        let present = chain < self.swarm.chains();
        if present {
            self.swarm.repick(chain);
        }
        present
    }

    /// Puts a token into a chain. False when the chain has no such place.
    pub fn force(&mut self, forced: Forced) -> bool {
        self.swarm.force(
            forced.chain as usize,
            forced.position as usize,
            forced.token,
        )
    }

    /// Says what stays of every chain after this turn, and goes on from there.
    pub fn rewound(&mut self, turn: u32) {
        self.tell();
        let measures: Vec<Vec<(f32, f32)>> = (0..self.swarm.chains())
            .map(|chain| {
                let picked = self.swarm.picked(chain).iter();
                picked
                    .map(|picked| (picked.surprisal_bits as f32, picked.entropy_bits as f32))
                    .collect()
            })
            .collect();
        let kept = measures.iter().map(|chain| chain.len() as u32).collect();
        say(&Event::Rewound {
            run: self.id,
            turn,
            kept,
            measures,
        });
        (self.turn, self.ended) = (turn, None);
        (self.tokens, self.started_ms) = (0, now_ms());
    }

    /// Says the rows that a token was picked from, or that there are none.
    pub fn look(&self, chain: u32, position: u32) {
        let rows = self.swarm.rows(chain as usize, position as usize);
        say(&Event::Row {
            run: self.id,
            chain,
            position,
            rows: rows.map(told),
        });
    }

    fn seconds(&self) -> f32 {
        ((now_ms() - self.started_ms) / 1e3) as f32
    }
}

/// Rows as the page hears of them.
pub fn told(rows: &Rows) -> protocol::Rows {
    protocol::Rows {
        base: rows.base.to_vec(),
        tuned: rows.tuned.as_ref().map(|row| row.to_vec()),
    }
}
