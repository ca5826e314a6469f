//! What the workers have yet to be told: the difference between what the state wants and what it remembers having said.
//!
//! The page looks once a frame, so a slider that moves ten times between two frames sends one command.

use protocol::{
    Command, DeviceKind, ExperimentRequest, ForceRequest, GenerateRequest, LogitsRequest,
    PrefillRequest, ResampleRequest,
};

use super::{Focus, RowRequest, State, Stop};

/// A command for an engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Whom it is for.
    pub to: DeviceKind,
    /// What is asked.
    pub command: Command,
}

/// Everything that is to be said now. Saying it and reducing `Action::Sent` with it leaves nothing to be said.
pub fn pending_effects(state: &State) -> Vec<Effect> {
    let mut effects = Vec::new();
    if let Some((to, run)) = state.left_running {
        effects.push(Effect {
            to,
            command: Command::Stop(run),
        });
    }
    for &(to, run) in &state.experiments_tab.stopping {
        effects.push(Effect {
            to,
            command: Command::Stop(run),
        });
    }
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
        let mut tell = |command| effects.push(Effect { to, command });
        let params = state.params();
        let mut turn = run.turn;
        if run.told.is_none() {
            tell(Command::Generate(GenerateRequest {
                run: run.id,
                spec: run.spec.clone(),
                params,
            }));
        } else if run.is_held() && run.told != Some(params) && !state.stories_wait() {
            turn += 1;
            tell(Command::Resample(ResampleRequest {
                run: run.id,
                turn,
                params,
            }));
        }
        if let Some(forced) = run.force.filter(|_| run.is_held()) {
            tell(Command::Force(ForceRequest {
                run: run.id,
                turn: turn + 1,
                forced,
            }));
        }
        if run.stop == Stop::Wanted {
            tell(Command::Stop(run.id));
        }
        if let Focus::Token {
            chain,
            position,
            request: RowRequest::Wanted,
            ..
        } = state.focus
        {
            tell(Command::GetLogits(LogitsRequest {
                run: run.id,
                chain,
                position,
            }));
        }
    }
    if state.prompt_request.wanted
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
