//! One word and one sentence about what the page is doing.

use protocol::{DeviceChoice, DeviceKind, Progress, Stage};

use super::{EngineStatus, Failure, More, Phase, State, device_name};
use crate::numbers::{counted, grouped, megabytes};

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
    if let Some(Failure { cause, aside }) = state.engines.all_failed(state.settings.device) {
        let what = if state.live {
            "The model stopped running."
        } else {
            "The model cannot run here."
        };
        let aside = aside.map_or(String::new(), |aside| format!(" ({aside})"));
        let sentence = format!("{what} {cause} Reload the page to try again.{aside}");
        return (Status::Failed, sentence, None);
    }
    if !state.live {
        return engines_start(state);
    }
    if let Some((kind, progress)) = state.fetching {
        return (
            Status::Loading,
            progress_sentence(kind, progress),
            share(progress),
        );
    }
    let starting = forced_start(state);
    let Some(run) = state.run.as_ref().filter(|run| run.device().is_some()) else {
        return starting.unwrap_or_else(|| waiting(state));
    };
    let tokens = state.swarm.tokens();
    let most = state.swarm.chains().len() * run.spec.length.get() as usize;
    let more = state.more();
    if more == More::Coming {
        let mut sentence = format!(
            "{} of at most {} tokens",
            grouped(tokens as u64),
            grouped(most as u64)
        );
        if let Some(run) = state
            .experiments_tab
            .run
            .as_ref()
            .filter(|one| one.is_running())
        {
            let (done, of) = run.parts.unwrap_or((0, 1));
            let part = 100 * done / of.max(1);
            sentence = format!(
                "{sentence}: waiting for an experiment ({part}% done). Cancel it in the Experiments tab."
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
            "Generation failed; the note at the top says why.".to_owned(),
            None,
        ),
        Phase::Stopped => (Status::Done, format!("Stopped after {tokens}."), None),
        Phase::Queued | Phase::Decoding | Phase::Stopping | Phase::Settled | Phase::Orphaned => {
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
        EngineStatus::Ready(_) | EngineStatus::Unavailable(_) => None,
        EngineStatus::Starting(Some(progress)) => Some((
            Status::Loading,
            format!(
                "WebGPU is starting. {}",
                progress_sentence(DeviceKind::WebGpu, *progress)
            ),
            share(*progress),
        )),
        EngineStatus::Starting(None) | EngineStatus::Absent => {
            Some((Status::Loading, "WebGPU is starting.".to_owned(), None))
        }
    }
}

/// No run: the model waits, or its engine is out and another may still come.
fn waiting(state: &State) -> (Status, String, Option<f64>) {
    if state.active_device().is_some() {
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
            EngineStatus::Starting(Some(progress)) => Some((kind, *progress)),
            _ => None,
        });
    match starting {
        Some((kind, progress)) => (status, progress_sentence(kind, progress), share(progress)),
        None => (status, "Loading…".to_owned(), None),
    }
}

/// Progress of an engine that fetches something, in words.
pub fn progress_sentence(kind: DeviceKind, progress: Progress) -> String {
    let Progress { stage, done, total } = progress;
    match (stage, total) {
        (Stage::EngineWasm, Some(total)) => format!(
            "Downloading the {} engine: {} of {} MB",
            device_name(kind),
            megabytes(done),
            megabytes(total)
        ),
        (Stage::EngineWasm, None) => {
            format!(
                "Downloading the {} engine: {} MB",
                device_name(kind),
                megabytes(done)
            )
        }
        (Stage::Weights, Some(total)) => format!(
            "Downloading the model: {} of {} MB",
            megabytes(done),
            megabytes(total)
        ),
        (Stage::Weights, None) => format!("Downloading the model: {} MB", megabytes(done)),
        (Stage::Adapter, Some(total)) => format!(
            "Downloading the adapter: {} of {} MB",
            megabytes(done),
            megabytes(total)
        ),
        (Stage::Adapter, None) => format!("Downloading the adapter: {} MB", megabytes(done)),
        (Stage::ExperimentInputs, _) => "Downloading experiment data".to_owned(),
        (Stage::Upload, _) => "Preparing the model".to_owned(),
        (Stage::SelfTest, Some(total)) => {
            format!("Checking the GPU against the CPU: {done} of {total} steps")
        }
        (Stage::SelfTest, None) => "Checking the GPU against the CPU".to_owned(),
    }
}

fn share(progress: Progress) -> Option<f64> {
    progress
        .total
        .filter(|total| *total > 0)
        .map(|total| (progress.done as f64 / total as f64).clamp(0.0, 1.0))
}
