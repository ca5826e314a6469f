//! The event loop: take in all commands that have come, act on one, else decode one token, yield, and again.

use protocol::{
    Command, DeviceKind, Event, ExperimentRequest, Failed, FailureCause, ForceRequest,
    GenerateRequest, LoadRequest, Logits, LogitsRequest, NO_TOKEN, PrefillRequest, Prefilled,
    Ready, ResampleRequest, RunOutcome, Unavailable,
};
use transformer::{LlamaModel, Plan, Realignment, Swarm, device};

use crate::experiment_run::{self, Reporter};
use crate::failure::Failure;
use crate::generation::{Generation, message};
use crate::host::Host;
use crate::inbox::Inbox;
use crate::model_store::ModelStore;
use crate::startup;

/// Chains that are sampled again between two looks into the inbox: a slider may have moved on meanwhile.
const RESAMPLED_AT_ONCE: usize = 8;

/// Serves the page until its end.
pub async fn serve<H: Host>(host: H, kind: DeviceKind, inbox: Inbox) {
    let mut event_loop = EventLoop {
        host,
        kind,
        inbox,
        store: None,
        generation: None,
    };
    while let Some(next) = event_loop.next().await {
        let outcome = match next {
            Next::Command(command) => event_loop.act(command).await,
            Next::Token => event_loop.decode().await,
        };
        if let Err(failure) = outcome {
            event_loop.report(failure);
        }
    }
}

struct EventLoop<H> {
    host: H,
    kind: DeviceKind,
    inbox: Inbox,
    store: Option<ModelStore>,
    generation: Option<Generation>,
}

/// What to do next.
enum Next {
    Command(Command),
    /// Decode one more token per chain.
    Token,
}

impl<H: Host> EventLoop<H> {
    /// A command goes first; without one, a swarm that is not finished; without that it waits. None at the end of the page.
    async fn next(&mut self) -> Option<Next> {
        let active = self.generation.as_ref().is_some_and(Generation::is_active);
        if active {
            let command = self.inbox.try_next();
            return Some(command.map_or(Next::Token, Next::Command));
        }
        self.inbox.next().await.map(Next::Command)
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
                if let Some(generation) = self.generation.as_ref().filter(|one| one.id() == run) {
                    generation.send_logits(&self.host, chain, position);
                }
                Ok(())
            }
            Command::Experiment(request) => {
                let outcome = self.experiment(&request).await;
                outcome.map_err(|failure| failure.of(request.run))
            }
            Command::Stop(run) => {
                if let Some(generation) = self.generation.as_mut().filter(|one| one.id() == run) {
                    generation.end(&self.host, RunOutcome::Stopped);
                }
                Ok(())
            }
        }
    }

    /// Decodes one token per chain of the present swarm, then yields so that the browser can deliver commands.
    async fn decode(&mut self) -> Result<(), Failure> {
        if let Some(generation) = &mut self.generation {
            match generation.step().await {
                Ok(picks) => {
                    check_device(&self.host)?;
                    generation.report(&self.host, picks);
                }
                Err(error) => {
                    let (run, tuned) = (generation.id(), generation.is_tuned());
                    self.generation = None;
                    return Err(Failure::computing(self.kind, tuned)(error).of(run));
                }
            }
        }
        self.host.yield_now().await;
        Ok(())
    }

    async fn load(&mut self, request: &LoadRequest) -> Result<(), Failure> {
        let loaded = startup::load(&self.host, self.kind, &request.folder).await;
        let loaded = loaded.map_err(|failure| Failure {
            fatal: true,
            ..failure
        })?;
        let config = loaded.model.model.config();
        let mut vocabulary = loaded.model.tokenizer.bytes().to_vec();
        for &end in config.eos_token_id.iter().skip(1) {
            vocabulary[end as usize].clear();
        }
        self.host.send(Event::Ready(Ready {
            device: loaded.report,
            vocabulary,
            bos_token: config.bos_token_id.unwrap_or(NO_TOKEN),
            eos_token: config.eos_token_id.first().copied().unwrap_or(NO_TOKEN),
            context: config.max_position_embeddings as u32,
        }));
        self.store = Some(ModelStore::new(loaded.model, &request.folder));
        Ok(())
    }

    async fn prefill(&mut self, request: PrefillRequest) -> Result<(), Failure> {
        let PrefillRequest { prompt, adapter } = request;
        let kind = self.kind;
        let store = self.store.as_mut().ok_or_else(no_model)?;
        let tokens = store.encode(&prompt, 1)?;
        store.select_adapter(&self.host, adapter.as_deref()).await?;
        let (base, tuned) = store.models();
        let logits = async |model: &LlamaModel, tuned| {
            let rows = device::read_logits(model.prefill(&tokens).logits).await;
            rows.map(first).map_err(Failure::computing(kind, tuned))
        };
        let base = logits(base, false).await?;
        let tuned = match tuned {
            Some(tuned) => Some(logits(tuned, true).await?),
            None => None,
        };
        check_device(&self.host)?;
        self.host.send(Event::Prefilled(Prefilled {
            prompt,
            adapter,
            tokens,
            logits: Logits { base, tuned },
        }));
        Ok(())
    }

    async fn generate(&mut self, request: GenerateRequest) -> Result<(), Failure> {
        if let Some(generation) = &mut self.generation {
            generation.end(&self.host, RunOutcome::Stopped);
        }
        let GenerateRequest { run, spec, params } = request;
        let plan = Plan {
            shaping: params.shaping,
            seed: params.seed,
            length: spec.length.get() as usize,
        };
        let chains = spec.chains.get() as usize;
        let kind = self.kind;
        let store = self.store.as_mut().ok_or_else(no_model)?;
        let tokens = store.encode(&spec.prompt, plan.length)?;
        store
            .select_adapter(&self.host, spec.adapter.as_deref())
            .await?;
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
        check_device(&self.host)?;
        let logits = swarm
            .logits(0, 0)
            .expect("a swarm has a chain, and the logits after the prompt");
        self.host.send(Event::Prefilled(Prefilled {
            prompt: spec.prompt,
            adapter: spec.adapter,
            tokens,
            logits: message(logits),
        }));
        self.generation = Some(Generation::new(run, swarm, self.host.now_ms()));
        Ok(())
    }

    /// Runs an experiment to its end, or until the reader stops it. All other commands wait.
    async fn experiment(&mut self, request: &ExperimentRequest) -> Result<(), Failure> {
        let store = self.store.as_mut().ok_or_else(no_model)?;
        let reporter = Reporter::new(&self.host, request.run, &mut self.inbox);
        experiment_run::run(store, request, reporter).await?;
        check_device(&self.host)
    }

    /// Samples every chain again under other parameters, and starts over when newer ones arrive meanwhile.
    async fn resample(&mut self, request: ResampleRequest) {
        let ResampleRequest {
            run,
            mut turn,
            params,
        } = request;
        let open = |generation: &&mut Generation| generation.is_open(run);
        let Some(generation) = self.generation.as_mut().filter(open) else {
            return;
        };
        generation.set_params(params);
        let mut chain = 0;
        while generation.resample(chain) {
            chain += 1;
            if chain.is_multiple_of(RESAMPLED_AT_ONCE) {
                self.host.yield_now().await;
                self.inbox.listen();
                if let Some(newer) = self.inbox.next_resample(run) {
                    generation.set_params(newer.params);
                    (turn, chain) = (newer.turn, 0);
                } else if self.inbox.generate_is_next() {
                    // Another run takes its place. A stop is different: the page keeps what it then shows.
                    return;
                }
            }
        }
        generation.send_rewound(&self.host, turn);
    }

    /// Replaces one token. Answers the turn even where there is no such token, so that the page waits for nothing.
    fn force(&mut self, request: ForceRequest) -> Result<(), Failure> {
        let ForceRequest { run, turn, forced } = request;
        let open = |generation: &&mut Generation| generation.is_open(run);
        let Some(generation) = self.generation.as_mut().filter(open) else {
            return Ok(());
        };
        let done = generation.force(forced);
        generation.send_rewound(&self.host, turn);
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

    fn report(&mut self, failure: Failure) {
        let Failure {
            cause,
            message,
            run,
            fatal,
        } = failure;
        if fatal {
            (self.store, self.generation) = (None, None);
            self.host
                .send(Event::Unavailable(Unavailable { cause, message }));
        } else {
            self.host.send(Event::Failed(Failed {
                run,
                cause,
                message,
            }));
        }
    }
}

/// Fails when the device's driver has logged an error: what was computed since then cannot be trusted. Checked before numbers are
/// sent, as another length of text or number of chains is another program.
pub fn check_device(host: &impl Host) -> Result<(), Failure> {
    host.device_error().map_or(Ok(()), |error| {
        let message =
            format!("the device reported an error, so its numbers cannot be trusted ({error})");
        Err(Failure::device(message))
    })
}

fn no_model() -> Failure {
    Failure::new(FailureCause::Request, "no model is loaded yet")
}

fn first(rows: Vec<Vec<f32>>) -> Vec<f32> {
    rows.into_iter().next().unwrap_or_default()
}
