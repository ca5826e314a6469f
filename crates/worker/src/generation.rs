//! One swarm being decoded: what has been sent of it, and how long it took.

use protocol::{
    Done, Event, ForcedToken, Logits, Pick, Rewound, RunId, RunOutcome, SamplingParams, Step,
    TokenLogits,
};
use transformer::{ChainLogits, DeviceError, Swarm};

use crate::host::Host;

/// Shortest time between two `Step` events: the page draws no faster, and every message costs time.
const SEND_INTERVAL_MS: f64 = 30.0;

/// A swarm under the page's id for it.
pub struct Generation {
    id: RunId,
    swarm: Swarm,
    /// The last change that was acted on; the page counts them.
    turn: u32,
    /// None while there are tokens to come.
    outcome: Option<RunOutcome>,
    tokens: u32,
    started_ms: f64,
    /// Sampled and not yet sent.
    pending: Vec<Pick>,
    sent_ms: f64,
}

impl Generation {
    /// Starts the clock of a swarm.
    pub fn new(id: RunId, swarm: Swarm, now_ms: f64) -> Self {
        Self {
            id,
            swarm,
            turn: 0,
            outcome: None,
            tokens: 0,
            started_ms: now_ms,
            pending: Vec::new(),
            sent_ms: 0.0,
        }
    }

    /// The page's id for it.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// Whether a tuned model decodes in it.
    pub fn is_tuned(&self) -> bool {
        let logits = self.swarm.logits(0, 0);
        logits.is_some_and(|logits| logits.tuned.is_some())
    }

    /// Whether there are tokens to come.
    pub fn is_active(&self) -> bool {
        self.outcome.is_none()
    }

    /// Whether it is this run and can go on under other parameters. A finished run can; one that was stopped stays stopped.
    pub fn is_open(&self, run: RunId) -> bool {
        self.id == run && self.outcome != Some(RunOutcome::Stopped)
    }

    /// Decodes one token per chain; none when every chain has ended.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn step(&mut self) -> Result<Vec<Pick>, DeviceError> {
        if self.swarm.is_done() {
            return Ok(Vec::new());
        }
        self.swarm.step().await
    }

    /// Sends the tokens of a step, at once or with later ones, and `Done` after the last.
    pub fn report(&mut self, host: &impl Host, picks: Vec<Pick>) {
        self.tokens += picks.len() as u32;
        self.pending.extend(picks);
        if self.swarm.is_done() {
            self.end(host, RunOutcome::Finished);
        } else if host.now_ms() - self.sent_ms >= SEND_INTERVAL_MS {
            self.send_pending(host);
        }
    }

    /// Sends the tokens that were sampled since the last time.
    fn send_pending(&mut self, host: &impl Host) {
        self.sent_ms = host.now_ms();
        if !self.pending.is_empty() {
            host.send(Event::Step(Step {
                run: self.id,
                picks: std::mem::take(&mut self.pending),
                tokens_per_second: self.tokens as f32 / self.seconds(host).max(1e-3),
            }));
        }
    }

    /// Sends `Done`, unless the run was over before.
    pub fn end(&mut self, host: &impl Host, outcome: RunOutcome) {
        if self.outcome.is_none() {
            self.send_pending(host);
            self.outcome = Some(outcome);
            host.send(Event::Done(Done {
                run: self.id,
                turn: self.turn,
                outcome,
                tokens: self.tokens,
                seconds: self.seconds(host),
            }));
        }
    }

    /// Sets other parameters for every chain; [`Self::resample`] then applies them.
    pub fn set_params(&mut self, params: SamplingParams) {
        self.swarm.set_plan(params.shaping, params.seed);
        self.swarm.set_lambda(params.lambda.get());
    }

    /// Samples one chain again from its stored logits. False when there is no such chain.
    pub fn resample(&mut self, chain: usize) -> bool {
        let present = chain < self.swarm.chains();
        if present {
            self.swarm.repick(chain);
        }
        present
    }

    /// Replaces one token. False when the chain has no such position.
    pub fn force(&mut self, forced: ForcedToken) -> bool {
        self.swarm.force(
            forced.chain as usize,
            forced.position as usize,
            forced.token,
        )
    }

    /// Sends what is left of every chain after this turn, and goes on from there.
    pub fn send_rewound(&mut self, host: &impl Host, turn: u32) {
        self.send_pending(host);
        let measures: Vec<Vec<(f32, f32)>> = (0..self.swarm.chains())
            .map(|chain| {
                let picked = self.swarm.picked(chain).iter();
                picked
                    .map(|picked| (picked.surprisal_bits as f32, picked.entropy_bits as f32))
                    .collect()
            })
            .collect();
        let kept = measures.iter().map(|chain| chain.len() as u32).collect();
        host.send(Event::Rewound(Rewound {
            run: self.id,
            turn,
            kept,
            measures,
        }));
        (self.turn, self.outcome) = (turn, None);
        (self.tokens, self.started_ms) = (0, host.now_ms());
    }

    /// Sends the logits that a token was sampled from, or that there are none.
    pub fn send_logits(&self, host: &impl Host, chain: u32, position: u32) {
        let logits = self.swarm.logits(chain as usize, position as usize);
        host.send(Event::Logits(TokenLogits {
            run: self.id,
            chain,
            position,
            logits: logits.map(message),
        }));
    }

    fn seconds(&self, host: &impl Host) -> f32 {
        ((host.now_ms() - self.started_ms) / 1e3) as f32
    }
}

/// Logits as a message.
pub fn message(logits: &ChainLogits) -> Logits {
    Logits {
        base: logits.base.to_vec(),
        tuned: logits.tuned.as_ref().map(|row| row.to_vec()),
    }
}
