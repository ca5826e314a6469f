//! The event loop: take in all commands that have come, act on one, else decode one token, yield, and again.

use std::collections::VecDeque;

use futures::StreamExt as _;
use protocol::{
    Command, DeviceKind, Event, ExperimentRequest, Failed, FailureCause, ForceRequest,
    GenerateRequest, LoadRequest, Logits, LogitsRequest, PrefillRequest, Prefilled, Ready,
    ResampleRequest, RunId, RunOutcome, Unavailable,
};
use transformer::{LlamaModel, Plan, Realignment, Swarm, device};

use crate::channel::{Inbox, send};
use crate::experiment_run::{self, Reporter};
use crate::failure::Failure;
use crate::generation::{Generation, message};
use crate::log_capture;
use crate::model_store::ModelStore;
use crate::startup;
use crate::yield_now::Yielder;

/// Chains that are sampled again between two looks into the inbox: a slider may have moved on meanwhile.
const RESAMPLED_AT_ONCE: usize = 8;

/// Serves the page for as long as the worker lives.
pub async fn serve(kind: DeviceKind, inbox: Inbox) {
    let mut event_loop = EventLoop {
        kind,
        inbox,
        waiting: VecDeque::new(),
        yielder: Yielder::new(),
        store: None,
        generation: None,
    };
    while let Some(command) = event_loop.next().await {
        let outcome = match command {
            Some(command) => event_loop.act(command).await,
            None => event_loop.decode().await,
        };
        if let Err(failure) = outcome {
            event_loop.report(failure);
        }
    }
}

struct EventLoop {
    kind: DeviceKind,
    inbox: Inbox,
    /// Received and not yet acted on.
    waiting: VecDeque<Command>,
    yielder: Yielder,
    store: Option<ModelStore>,
    generation: Option<Generation>,
}

impl EventLoop {
    /// The next command; `Some(None)` when there is none and a swarm wants its next token; `None` at the end of the page.
    async fn next(&mut self) -> Option<Option<Command>> {
        self.listen();
        let active = self.generation.as_ref().is_some_and(Generation::is_active);
        if self.waiting.is_empty() && !active {
            let first = self.inbox.next().await?;
            self.waiting.push_back(first);
            self.listen();
        }
        Some(self.waiting.pop_front())
    }

    fn listen(&mut self) {
        listen(&mut self.inbox, &mut self.waiting);
    }

    async fn act(&mut self, command: Command) -> Result<(), Failure> {
        match command {
            Command::Load(request) => self.load(&request).await,
            Command::Prefill(request) => self.prefill(request).await,
            Command::Generate(request) => {
                let run = request.run;
                let started = self.generate(request).await;
                started.map_err(|failure| failure.of(run))
            }
            Command::Resample(request) => {
                self.resample(request).await;
                Ok(())
            }
            Command::Force(request) => self.force(request),
            Command::GetLogits(request) => {
                let LogitsRequest {
                    run,
                    chain,
                    position,
                } = request;
                if let Some(generation) = self.present(run) {
                    generation.send_logits(chain, position);
                }
                Ok(())
            }
            Command::Experiment(request) => {
                let outcome = self.experiment(&request).await;
                outcome.map_err(|failure| failure.of(request.run))
            }
            Command::Stop(run) => {
                if let Some(generation) = self.present(run) {
                    generation.end(RunOutcome::Stopped);
                }
                Ok(())
            }
        }
    }

    /// Decodes one token per chain of the present swarm, then yields so that the browser can deliver commands.
    async fn decode(&mut self) -> Result<(), Failure> {
        if let Some(generation) = &mut self.generation {
            if let Err(error) = generation.step().await {
                let (id, tuned) = (generation.id(), generation.is_tuned());
                self.generation = None;
                return Err(Failure::computing(self.kind, tuned)(error).of(id));
            }
            check_device()?;
        }
        self.yielder.yield_now().await;
        Ok(())
    }

    async fn load(&mut self, request: &LoadRequest) -> Result<(), Failure> {
        let loaded = startup::load(self.kind, &request.folder).await;
        let loaded = loaded.map_err(|failure| Failure {
            fatal: true,
            ..failure
        })?;
        let config = loaded.model.model.config();
        send(&Event::Ready(Ready {
            device: loaded.report,
            vocabulary: loaded.model.tokenizer.bytes().to_vec(),
            bos_token: config.bos_token_id,
            eos_token: config.eos_token_id,
            context: config.max_position_embeddings as u32,
        }));
        self.store = Some(ModelStore::new(loaded.model, &request.folder));
        Ok(())
    }

    async fn prefill(&mut self, request: PrefillRequest) -> Result<(), Failure> {
        let PrefillRequest { prompt, adapter } = request;
        let kind = self.kind;
        let store = self.store()?;
        let tokens = store.encode(&prompt, 1)?;
        store.select_adapter(adapter.as_deref()).await?;
        let (base, tuned) = store.models();
        let logits = async |engine: &LlamaModel, tuned| {
            let rows = device::read_logits(engine.prefill(&tokens).logits).await;
            rows.map(first).map_err(Failure::computing(kind, tuned))
        };
        let base = logits(base, false).await?;
        let tuned = match tuned {
            Some(tuned) => Some(logits(tuned, true).await?),
            None => None,
        };
        check_device()?;
        send(&Event::Prefilled(Prefilled {
            prompt,
            adapter,
            tokens,
            logits: Logits { base, tuned },
        }));
        Ok(())
    }

    async fn generate(&mut self, request: GenerateRequest) -> Result<(), Failure> {
        if let Some(generation) = &mut self.generation {
            generation.end(RunOutcome::Stopped);
        }
        let GenerateRequest { run, spec, params } = request;
        let plan = Plan {
            shaping: params.shaping,
            seed: params.seed,
            length: spec.length.get() as usize,
        };
        let chains = spec.chains.get() as usize;
        let kind = self.kind;
        let store = self.store()?;
        let tokens = store.encode(&spec.prompt, plan.length)?;
        store.select_adapter(spec.adapter.as_deref()).await?;
        let (base, tuned) = store.models();
        let swarm = match tuned {
            None => Swarm::start(base, tokens.clone(), chains, plan).await,
            Some(tuned) => {
                let realignment = Realignment {
                    tuned,
                    lambda: params.lambda.get(),
                    compare: spec.compare,
                };
                Swarm::start_realigned(base, realignment, tokens.clone(), chains, plan).await
            }
        };
        let swarm = swarm.map_err(Failure::computing(kind, tuned.is_some()))?;
        check_device()?;
        let logits = swarm
            .logits(0, 0)
            .expect("a swarm has a chain, and the logits after the prompt");
        send(&Event::Prefilled(Prefilled {
            prompt: spec.prompt,
            adapter: spec.adapter,
            tokens,
            logits: message(logits),
        }));
        self.generation = Some(Generation::new(run, swarm));
        Ok(())
    }

    /// Runs an experiment to its end, or until the reader stops it. All other commands wait.
    async fn experiment(&mut self, request: &ExperimentRequest) -> Result<(), Failure> {
        let store = self.store.as_mut().ok_or_else(no_model)?;
        let reporter = Reporter::new(
            request.run,
            &mut self.inbox,
            &mut self.waiting,
            &self.yielder,
        );
        experiment_run::run(store, request, reporter).await?;
        check_device()
    }

    fn store(&mut self) -> Result<&mut ModelStore, Failure> {
        self.store.as_mut().ok_or_else(no_model)
    }

    /// Samples every chain again under other parameters, and starts over when newer ones arrive meanwhile.
    async fn resample(&mut self, request: ResampleRequest) {
        let ResampleRequest {
            run,
            mut turn,
            params,
        } = request;
        let Some(generation) = self.open(run) else {
            return;
        };
        generation.set_params(params);
        let mut chain = 0;
        while self
            .open(run)
            .is_some_and(|generation| generation.resample(chain))
        {
            chain += 1;
            if chain.is_multiple_of(RESAMPLED_AT_ONCE) {
                self.yielder.yield_now().await;
                self.listen();
                match self.waiting.front() {
                    Some(&Command::Resample(newer)) if newer.run == run => {
                        self.waiting.pop_front();
                        if let Some(generation) = self.open(run) {
                            generation.set_params(newer.params);
                        }
                        (turn, chain) = (newer.turn, 0);
                    }
                    // Another run takes its place. A stop is different: the page keeps what it then shows.
                    Some(Command::Generate(_)) => return,
                    _ => {}
                }
            }
        }
        if let Some(generation) = self.open(run) {
            generation.send_rewound(turn);
        }
    }

    /// Replaces one token. Answers the turn even where there is no such token, so that the page waits for nothing.
    fn force(&mut self, request: ForceRequest) -> Result<(), Failure> {
        let ForceRequest { run, turn, forced } = request;
        let Some(generation) = self.open(run) else {
            return Ok(());
        };
        let done = generation.force(forced);
        generation.send_rewound(turn);
        if done {
            return Ok(());
        }
        // Counted from 1, as the page shows them.
        let message = format!(
            "story {} has no token {} to replace",
            forced.chain + 1,
            forced.position + 1
        );
        Err(Failure::new(FailureCause::Request, message))
    }

    /// The present swarm, if it is this run.
    fn present(&mut self, run: RunId) -> Option<&mut Generation> {
        self.generation
            .as_mut()
            .filter(|generation| generation.id() == run)
    }

    /// The present swarm, if it is this run and was not stopped.
    fn open(&mut self, run: RunId) -> Option<&mut Generation> {
        self.present(run)
            .filter(|generation| generation.can_resample())
    }

    fn report(&mut self, failure: Failure) {
        let Failure {
            cause,
            message,
            run,
            fatal,
        } = failure;
        if fatal {
            (self.store, self.generation) = (None, None);
            send(&Event::Unavailable(Unavailable { cause, message }));
        } else {
            send(&Event::Failed(Failed {
                run,
                cause,
                message,
            }));
        }
    }
}

/// Fails when the browser has refused one of the GPU's programs: what was computed with it cannot be trusted. Checked before
/// numbers are sent, as another length of text or number of chains is another program.
fn check_device() -> Result<(), Failure> {
    log_capture::first_error().map_or(Ok(()), |error| Err(Failure::device(error)))
}

/// Moves what has come into `waiting`. Of several `Resample`s in a row only the last is kept.
pub fn listen(inbox: &mut Inbox, waiting: &mut VecDeque<Command>) {
    while let Ok(command) = inbox.try_recv() {
        if matches!(command, Command::Resample(_))
            && matches!(waiting.back(), Some(Command::Resample(_)))
        {
            waiting.pop_back();
        }
        waiting.push_back(command);
    }
}

fn no_model() -> Failure {
    Failure::new(FailureCause::Request, "no model is loaded yet")
}

fn first(rows: Vec<Vec<f32>>) -> Vec<f32> {
    rows.into_iter().next().unwrap_or_default()
}
