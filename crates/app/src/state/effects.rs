//! What the workers have yet to be told: the difference between what the state wants and what it remembers having said.
//!
//! The page looks once a frame, so a slider that moves ten times between two frames sends one command.

use protocol::{Command, DeviceKind};

use super::{Focus, Look, State, Stop};

/// A command for an engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Errand {
    /// Whom it is for.
    pub to: DeviceKind,
    /// What is asked.
    pub command: Command,
}

/// Everything that is to be said now. Saying it and reducing `Action::Told` with it leaves nothing to be said.
pub fn errands(state: &State) -> Vec<Errand> {
    let mut errands = Vec::new();
    if let Some((to, run)) = state.left_running {
        errands.push(Errand {
            to,
            command: Command::Stop { run },
        });
    }
    for &(to, run) in &state.bench.stopping {
        errands.push(Errand {
            to,
            command: Command::Stop { run },
        });
    }
    if let Some(trial) = &state.bench.trial
        && trial.is_running()
        && trial.device.is_none()
        && let Some(to) = state.experimenter()
    {
        errands.push(Errand {
            to,
            command: Command::Experiment {
                run: trial.id,
                name: trial.name.clone(),
                adapters: trial.adapters.clone(),
                shaping: trial.terms.shaping,
                lambda: trial.terms.lambda,
                seed: trial.terms.seed,
            },
        });
    }
    if let Some(run) = &state.run
        && let Some(to) = run.device()
    {
        let mut tell = |command| errands.push(Errand { to, command });
        let terms = state.terms();
        let mut turn = run.turn;
        if run.told.is_none() {
            tell(Command::Generate {
                run: run.id,
                prompt: run.order.prompt.to_string(),
                adapter: run.order.adapter.clone(),
                lambda: terms.lambda,
                compare: run.order.compare,
                chains: run.order.chains,
                length: run.order.length,
                seed: terms.seed,
                shaping: terms.shaping,
            });
        } else if run.is_held() && run.told != Some(terms) && !state.stories_wait() {
            turn += 1;
            tell(Command::Shape {
                run: run.id,
                turn,
                shaping: terms.shaping,
                lambda: terms.lambda,
                seed: terms.seed,
            });
        }
        if let Some(forced) = run.force.filter(|_| run.is_held()) {
            tell(Command::Force {
                run: run.id,
                turn: turn + 1,
                forced,
            });
        }
        if run.stop == Stop::Wanted {
            tell(Command::Stop { run: run.id });
        }
        if let Focus::Token {
            chain,
            position,
            look: Look::Wanted,
            ..
        } = state.focus
        {
            tell(Command::Look {
                run: run.id,
                chain,
                position,
            });
        }
    }
    if state.reading.wanted
        && let Some(to) = state.serving()
    {
        errands.push(Errand {
            to,
            command: Command::Prompt {
                text: state.reading.text.to_string(),
                adapter: state.reading.adapter.clone(),
            },
        });
    }
    errands
}
