//! One word and one sentence about what the page is doing.

use protocol::{DeviceChoice, DeviceKind, Ending, Stage};

use super::{More, Phase, State};
use crate::{
    engine::choice::{Progress, Standing, name},
    figures::numbers::{counted, grouped, megabytes},
};

/// What the page is doing; also the `data-state` of the status line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Engine and weights are on their way, and no recording plays.
    Loading,
    /// They are on their way, and a recording plays.
    Recorded,
    /// The model waits.
    Ready,
    /// A swarm is being decoded, or is to be.
    Running,
    /// A swarm was decoded, or stopped.
    Done,
    /// No engine serves, or the last run failed.
    Failed,
}

impl Status {
    /// For `data-state`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Recorded => "recorded",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// Status, sentence, and the share that is done (0 to 1) where that is known.
pub fn status(state: &State) -> (Status, String, Option<f64>) {
    if let Some(reasons) = state.engines.hopeless(state.settings.device) {
        let what = if state.live {
            "No engine is left."
        } else {
            "No engine could start."
        };
        let sentence = format!("{what} {reasons} Reloading the page may help.");
        return (Status::Failed, sentence, None);
    }
    if !state.live {
        return engines_start(state);
    }
    if let Some((kind, progress)) = state.fetching {
        return (Status::Loading, sentence(kind, progress), share(progress));
    }
    let starting = forced_start(state);
    let Some(run) = state.run.as_ref().filter(|run| run.device().is_some()) else {
        return starting.unwrap_or_else(|| waiting(state));
    };
    let tokens = state.swarm.tokens();
    let most = state.swarm.chains().len() * run.order.length.get() as usize;
    let more = run.more(state.terms());
    if more == More::Coming {
        let mut sentence = format!(
            "{} of at most {} tokens",
            grouped(tokens as u64),
            grouped(most as u64)
        );
        if let Some(trial) = state.bench.trial.as_ref().filter(|one| one.is_running()) {
            let (done, of) = trial.parts.unwrap_or((0, 1));
            let part = 100 * done / of.max(1);
            sentence = format!(
                "{sentence}: an experiment comes first ({part}% done), which can be cancelled under Experiments."
            );
        }
        return (Status::Running, sentence, Some(tokens as f64 / most as f64));
    }
    if more == More::No
        && let Some(starting) = starting
    {
        return starting;
    }
    let tokens = counted(tokens as u64, "token", "tokens");
    match run.phase {
        Phase::Failed => (
            Status::Failed,
            "The run failed; the note at the top says why.".to_owned(),
            None,
        ),
        Phase::Ended(Ending::Stopped) => (Status::Done, format!("Stopped after {tokens}."), None),
        Phase::Ended(Ending::Finished) | Phase::Running => {
            // The words change once the worker is at work: with the first move of a knob, laying them out would hold it up.
            let status = match more {
                More::No => Status::Done,
                More::Wanted | More::Coming => Status::Running,
            };
            (status, format!("Done: {tokens}."), None)
        }
    }
}

/// The link asks for WebGPU, which is on its way: the CPU answers, but the page is not what was asked for yet.
fn forced_start(state: &State) -> Option<(Status, String, Option<f64>)> {
    if state.settings.device != DeviceChoice::WebGpu {
        return None;
    }
    match &state.engines.webgpu {
        Standing::Ready(_) | Standing::Refused(_) => None,
        Standing::Starting(Some(progress)) => Some((
            Status::Loading,
            format!(
                "WebGPU is starting. {}",
                sentence(DeviceKind::WebGpu, *progress)
            ),
            share(*progress),
        )),
        Standing::Starting(None) | Standing::Absent => {
            Some((Status::Loading, "WebGPU is starting.".to_owned(), None))
        }
    }
}

/// No run: the model waits, or its engine is out and another may still come.
fn waiting(state: &State) -> (Status, String, Option<f64>) {
    if state.serving().is_some() {
        (Status::Ready, "Ready.".to_owned(), None)
    } else {
        engines_start(state)
    }
}

/// Engine and weights are on their way.
fn engines_start(state: &State) -> (Status, String, Option<f64>) {
    let status = if state.recorded.is_some() && !state.live {
        Status::Recorded
    } else {
        Status::Loading
    };
    let starting = [DeviceKind::Cpu, DeviceKind::WebGpu]
        .into_iter()
        .find_map(|kind| match state.engines.of(kind) {
            Standing::Starting(Some(progress)) => Some((kind, *progress)),
            _ => None,
        });
    match starting {
        Some((kind, progress)) => (status, sentence(kind, progress), share(progress)),
        None => (status, "Fetching the engine…".to_owned(), None),
    }
}

/// Progress of an engine that fetches something, in words.
pub fn sentence(kind: DeviceKind, progress: Progress) -> String {
    let Progress { stage, done, total } = progress;
    match (stage, total) {
        (Stage::Program, Some(total)) => format!(
            "Fetching the {} engine: {} of {} MB",
            name(kind),
            megabytes(done),
            megabytes(total)
        ),
        (Stage::Program, None) => {
            format!("Fetching the {} engine: {} MB", name(kind), megabytes(done))
        }
        (Stage::Weights, Some(total)) => format!(
            "Fetching the model: {} of {} MB",
            megabytes(done),
            megabytes(total)
        ),
        (Stage::Weights, None) => format!("Fetching the model: {} MB", megabytes(done)),
        (Stage::Adapter, Some(total)) => format!(
            "Fetching the adapter: {} of {} MB",
            megabytes(done),
            megabytes(total)
        ),
        (Stage::Adapter, None) => format!("Fetching the adapter: {} MB", megabytes(done)),
        (Stage::Material, _) => "Fetching what the experiments ask".to_owned(),
        (Stage::Upload, _) => "Unpacking the model".to_owned(),
        (Stage::SelfTest, Some(total)) => format!("Trying the device: {done} of {total} steps"),
        (Stage::SelfTest, None) => "Trying the device".to_owned(),
    }
}

fn share(progress: Progress) -> Option<f64> {
    progress
        .total
        .filter(|total| *total > 0)
        .map(|total| (progress.done as f64 / total as f64).clamp(0.0, 1.0))
}
