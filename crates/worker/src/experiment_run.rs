//! One run of an experiment: fetches its inputs, reports its progress, and looks out for a stop.

use std::ops::ControlFlow;

use experiments::{ExperimentError, ExperimentResults, RunConfig, RunProgress, Size, Subject};
use protocol::{
    Event, ExperimentAdapter, ExperimentDone, ExperimentProgress, ExperimentRequest, FailureCause,
    RunId, RunOutcome, encode,
};
use transformer::{InferenceError, Pipeline};

use crate::failure::Failure;
use crate::host::Host;
use crate::inbox::Inbox;
use crate::model_store::ModelStore;

/// Shortest time between two `ExperimentProgress` events: the page draws figures of them.
const SEND_INTERVAL_MS: f64 = 250.0;

/// Shortest time between two looks into the inbox; each costs a round through the browser's event loop.
const LISTEN_INTERVAL_MS: f64 = 20.0;

/// Reports an experiment's progress to the page, and the page's stop to the experiment.
pub struct Reporter<'a, H> {
    host: &'a H,
    run: RunId,
    inbox: &'a mut Inbox,
    listened_ms: f64,
    sent_ms: f64,
    /// Reported by the experiment and not yet sent.
    pending: Option<(usize, usize, ExperimentResults)>,
}

impl<'a, H: Host> Reporter<'a, H> {
    /// Reports under the page's id for this run.
    pub fn new(host: &'a H, run: RunId, inbox: &'a mut Inbox) -> Self {
        Self {
            host,
            run,
            inbox,
            listened_ms: 0.0,
            sent_ms: 0.0,
            pending: None,
        }
    }

    /// Yields to the browser and looks for a stop. Other commands wait.
    async fn listen(&mut self) -> ControlFlow<()> {
        self.host.yield_now().await;
        self.listened_ms = self.host.now_ms();
        self.inbox.listen();
        if self.inbox.has_stop(self.run) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn send_pending(&mut self) {
        if let Some((done, total, findings)) = self.pending.take() {
            self.sent_ms = self.host.now_ms();
            self.host
                .send(Event::ExperimentProgress(ExperimentProgress {
                    run: self.run,
                    done: done as u32,
                    total: total as u32,
                    findings: bytes(&findings),
                }));
        }
    }
}

impl<H: Host> RunProgress for Reporter<'_, H> {
    async fn checkpoint(&mut self) -> ControlFlow<()> {
        let now_ms = self.host.now_ms();
        if now_ms - self.sent_ms >= SEND_INTERVAL_MS {
            self.send_pending();
        }
        if now_ms - self.listened_ms < LISTEN_INTERVAL_MS {
            return ControlFlow::Continue(());
        }
        self.listen().await
    }

    fn report(&mut self, done: usize, of: usize, so_far: &ExperimentResults) {
        self.pending = Some((done, of, so_far.clone()));
    }
}

/// Fetches the inputs, runs the experiment, and sends how it ended.
///
/// # Errors
/// When an input is missing or a model fails.
pub async fn run<H: Host>(
    store: &mut ModelStore,
    request: &ExperimentRequest,
    mut reporter: Reporter<'_, H>,
) -> Result<(), Failure> {
    let host = reporter.host;
    store.load_inputs(host).await?;
    for adapter in &request.adapters {
        if reporter.listen().await.is_break() {
            conclude(&mut reporter, None, 0.0);
            return Ok(());
        }
        store.load_adapter(host, &adapter.name).await?;
    }
    let (base, inputs) = store
        .inputs()
        .expect("the inputs were loaded a few lines above");
    let tuned: Vec<(&ExperimentAdapter, Pipeline)> = request
        .adapters
        .iter()
        .filter_map(|adapter| Some((adapter, store.adapted(&adapter.name)?)))
        .collect();
    let subjects: Vec<Subject<'_, Pipeline>> = [Subject {
        name: "base",
        budget_nats: None,
        model: base,
    }]
    .into_iter()
    .chain(tuned.iter().map(|(adapter, model)| Subject {
        name: &adapter.name,
        budget_nats: adapter.budget_nats,
        model,
    }))
    .collect();
    let config = RunConfig {
        size: Size::Quick,
        seed: request.params.seed,
        shaping: request.params.shaping,
        lambda: request.params.lambda.get(),
    };
    let started_ms = host.now_ms();
    let outcome = experiments::run(&request.name, &subjects, inputs, &config, &mut reporter).await;
    let seconds = ((host.now_ms() - started_ms) / 1e3) as f32;
    match outcome {
        Ok(findings) => conclude(&mut reporter, Some(&findings), seconds),
        Err(ExperimentError::Cancelled) => conclude(&mut reporter, None, seconds),
        Err(error) => return Err(failure(&error)),
    }
    Ok(())
}

fn failure(error: &ExperimentError) -> Failure {
    let cause = match error {
        ExperimentError::Model(reason) => reason
            .downcast_ref::<InferenceError>()
            .map_or(FailureCause::Device, |error| Failure::from(error).cause),
        ExperimentError::Missing(_) => FailureCause::File,
        ExperimentError::Cancelled => FailureCause::Request,
    };
    Failure::new(cause, error)
}

/// Sends the end of a run. Without findings it was stopped, and its last progress counts.
fn conclude(
    reporter: &mut Reporter<'_, impl Host>,
    findings: Option<&ExperimentResults>,
    seconds: f32,
) {
    if findings.is_none() {
        reporter.send_pending();
    }
    reporter.host.send(Event::ExperimentDone(ExperimentDone {
        run: reporter.run,
        outcome: if findings.is_some() {
            RunOutcome::Finished
        } else {
            RunOutcome::Stopped
        },
        findings: findings.map(bytes),
        seconds,
    }));
}

fn bytes(findings: &ExperimentResults) -> Vec<u8> {
    encode(findings).expect("all findings can be written")
}
