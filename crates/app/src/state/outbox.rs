//! What the workers were sent, and what they are still to be sent: the difference between what the state wants and what the outbox
//! remembers.
//!
//! The page looks once a frame, so a slider that moves ten times between two frames sends one command.

use protocol::{
    Command, DeviceKind, ExperimentRequest, ForceRequest, ForcedToken, GenerateRequest,
    LogitsRequest, PrefillRequest, ResampleRequest, RunId, SamplingParams,
};

use super::{Focus, More, Phase, Request, State};

/// A command for an engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Whom it is for.
    pub to: DeviceKind,
    /// What is asked.
    pub command: Command,
}

/// What was sent of the present run, and which stops are still to be sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outbox {
    /// What the worker of the present run decodes with; `None` before the run was sent.
    pub params: Option<SamplingParams>,
    /// How many changes of the present run its worker was sent. Its answers carry the number: a `Done` of an earlier turn is about
    /// what the chains were before.
    pub turn: u32,
    /// A token to be forced in the present run, not sent yet.
    pub forced: Option<ForcedToken>,
    /// Runs, of stories and of experiments, that are to be stopped, not sent yet.
    pub stops: Vec<(DeviceKind, RunId)>,
}

impl Outbox {
    /// Another run is the present one; nothing of it was sent.
    pub fn begin_run(&mut self) {
        *self = Self {
            stops: std::mem::take(&mut self.stops),
            ..Self::default()
        };
    }

    /// A run is to be stopped.
    pub fn stop(&mut self, device: DeviceKind, run: RunId) {
        if !self.stops.contains(&(device, run)) {
            self.stops.push((device, run));
        }
    }

    /// Whether a run has yet to be sent a stop.
    fn has_stop(&self, run: RunId) -> bool {
        self.stops.iter().any(|(_, stopped)| *stopped == run)
    }

    /// An engine is out, and hears nothing more.
    pub fn lose(&mut self, kind: DeviceKind) {
        self.stops.retain(|(device, _)| *device != kind);
    }
}

/// Everything that is to be sent now. Sending it and reducing `Action::Sent` with it leaves nothing to be sent.
pub fn pending_effects(state: &State) -> Vec<Effect> {
    let mut effects = Vec::new();
    let outbox = &state.outbox;
    let present = state.run.as_ref().map(|run| run.id);
    let (own_stop, other_stops): (Vec<_>, Vec<_>) = outbox
        .stops
        .iter()
        .partition(|(_, run)| Some(*run) == present);
    let stop = |&(to, run)| Effect {
        to,
        command: Command::Stop(run),
    };
    effects.extend(other_stops.into_iter().map(stop));
    if let Some(run) = &state.experiments_tab.run
        && run.is_running()
        && run.device.is_none()
        && let Some(to) = state.experimenter()
    {
        effects.push(Effect {
            to,
            command: Command::Experiment(ExperimentRequest {
                run: run.id,
                name: run.name.clone(),
                adapters: run.adapters.clone(),
                params: run.params,
            }),
        });
    }
    if let Some(run) = &state.run
        && let Some(to) = run.device()
    {
        let mut send = |command| effects.push(Effect { to, command });
        let params = state.params();
        let mut turn = outbox.turn;
        if outbox.params.is_none() {
            send(Command::Generate(GenerateRequest {
                run: run.id,
                spec: run.spec.clone(),
                params,
            }));
        } else if state.takes_changes() && outbox.params != Some(params) && !state.stories_wait() {
            turn += 1;
            send(Command::Resample(ResampleRequest {
                run: run.id,
                turn,
                params,
            }));
        }
        if let Some(forced) = outbox.forced.filter(|_| state.takes_changes()) {
            send(Command::Force(ForceRequest {
                run: run.id,
                turn: turn + 1,
                forced,
            }));
        }
        // Behind the changes: a run that is over already hears of no stop.
        effects.extend(own_stop.into_iter().map(stop));
        if let Focus::Token {
            chain,
            position,
            request: Request::Pending,
            ..
        } = state.focus
        {
            effects.push(Effect {
                to,
                command: Command::GetLogits(LogitsRequest {
                    run: run.id,
                    chain,
                    position,
                }),
            });
        }
    }
    if state.prompt_request.status == Request::Pending
        && let Some(to) = state.active_device()
    {
        effects.push(Effect {
            to,
            command: Command::Prefill(PrefillRequest {
                prompt: state.prompt_request.text.to_string(),
                adapter: state.prompt_request.adapter.clone(),
            }),
        });
    }
    effects
}

impl State {
    /// Whether the present run's worker takes other parameters and forced tokens: a run that was sent a stop stays as it is.
    pub(super) fn takes_changes(&self) -> bool {
        self.run.as_ref().is_some_and(|run| {
            run.device().is_some()
                && match run.phase {
                    Phase::Queued | Phase::Decoding | Phase::Settled => true,
                    Phase::Stopping => self.outbox.has_stop(run.id),
                    Phase::Stopped | Phase::Failed | Phase::Orphaned => false,
                }
        })
    }

    /// Whether tokens may follow.
    pub fn more(&self) -> More {
        let changes = || self.outbox.forced.is_some() || self.outbox.params != Some(self.params());
        match &self.run {
            Some(run) if run.is_active() => More::Coming,
            Some(_) if self.takes_changes() && changes() => More::Wanted,
            _ => More::No,
        }
    }

    /// Remembers that a command was sent.
    pub(super) fn mark_sent(&mut self, effect: Effect) {
        let Effect { to, command } = effect;
        let outbox = &mut self.outbox;
        let present = self.run.as_mut();
        match command {
            Command::Prefill(request) => {
                let asked = &mut self.prompt_request;
                if *request.prompt == *asked.text && request.adapter == asked.adapter {
                    asked.status = Request::Sent;
                }
            }
            Command::Stop(run) => outbox.stops.retain(|stop| *stop != (to, run)),
            Command::Experiment(request) => {
                let run = self.experiments_tab.run.as_mut();
                if let Some(run) = run.filter(|run| run.id == request.run) {
                    run.device = Some(to);
                }
            }
            Command::Generate(request) => {
                if let Some(run) = present.filter(|run| run.id == request.run) {
                    outbox.params = Some(request.params);
                    if run.phase == Phase::Queued {
                        run.phase = Phase::Decoding;
                    }
                }
            }
            Command::Resample(request) => {
                if let Some(run) = present.filter(|run| run.id == request.run) {
                    (outbox.params, outbox.turn) = (Some(request.params), request.turn);
                    if run.phase == Phase::Settled {
                        run.phase = Phase::Decoding;
                    }
                }
            }
            Command::Force(request) => {
                if let Some(run) = present.filter(|run| run.id == request.run)
                    && outbox.forced == Some(request.forced)
                {
                    (outbox.forced, outbox.turn) = (None, request.turn);
                    if run.phase == Phase::Settled {
                        run.phase = Phase::Decoding;
                    }
                }
            }
            Command::GetLogits(asked) => {
                if let Focus::Token {
                    chain,
                    position,
                    request,
                    ..
                } = &mut self.focus
                    && (*chain, *position) == (asked.chain, asked.position)
                {
                    *request = Request::Sent;
                }
            }
            Command::Load(_) => {}
        }
    }
}
