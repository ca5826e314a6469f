//! The loop: hear all that was said, act on it, compute one token, rest, and again.

use std::collections::VecDeque;

use decoding::Shaping;
use futures::StreamExt as _;
use protocol::{Command, DeviceKind, Ending, Event, Forced, Lambda, Prompted, Rows, RunId};
use transformer::{Beside, DeviceError, Engine, Plan, Swarm, device};

use crate::house::House;
use crate::journal;
use crate::pause::Pause;
use crate::port::{Inbox, say};
use crate::proof;
use crate::run::{Run, told};
use crate::trial::{self, Onlooker, Wish};

/// Chains that are picked again between two looks into the inbox: a slider may have moved on meanwhile.
const REPICKED_AT_ONCE: usize = 8;

/// Serves the page for as long as the worker lives.
pub async fn serve(kind: DeviceKind, inbox: Inbox) {
    let mut room = Room {
        kind,
        inbox,
        waiting: VecDeque::new(),
        pause: Pause::new(),
        house: None,
        run: None,
    };
    while let Some(command) = room.next().await {
        let outcome = match command {
            Some(command) => room.act(command).await,
            None => room.compute().await,
        };
        if let Err(trouble) = outcome {
            room.fail(trouble);
        }
    }
}

/// What went wrong.
enum Trouble {
    /// This command only, and the run that it was to begin; the room goes on.
    Request { run: Option<RunId>, message: String },
    /// The device: the room serves no more.
    Device(String),
}

impl Trouble {
    /// What a read-back says. The CPU computes what is asked: where that gives no numbers, weights or adapter are to blame, and
    /// only this command fails. A GPU may have failed itself, so the CPU is asked next.
    fn reading(kind: DeviceKind, run: Option<RunId>) -> impl Fn(DeviceError) -> Self {
        move |error| {
            let message = error.to_string();
            match (kind, error) {
                (DeviceKind::Cpu, DeviceError::NotNumbers { .. }) => Self::Request { run, message },
                _ => Self::Device(message),
            }
        }
    }
}

/// A swarm to be told.
struct Order {
    prompt: String,
    adapter: Option<String>,
    lambda: Lambda,
    compare: bool,
    chains: usize,
    plan: Plan,
}

/// What the reader may change while it is told.
struct Terms {
    shaping: Shaping,
    lambda: Lambda,
    seed: u64,
}

struct Room {
    kind: DeviceKind,
    inbox: Inbox,
    /// Heard and not yet acted on.
    waiting: VecDeque<Command>,
    pause: Pause,
    house: Option<House>,
    run: Option<Run>,
}

impl Room {
    /// The next command; `Some(None)` when there is none and a run wants its next token; `None` at the end of the page.
    async fn next(&mut self) -> Option<Option<Command>> {
        self.listen();
        if self.waiting.is_empty() && !self.run.as_ref().is_some_and(Run::is_active) {
            let first = self.inbox.next().await?;
            self.waiting.push_back(first);
            self.listen();
        }
        Some(self.waiting.pop_front())
    }

    /// Moves what was said into `waiting`.
    fn listen(&mut self) {
        listen(&mut self.inbox, &mut self.waiting);
    }

    async fn act(&mut self, command: Command) -> Result<(), Trouble> {
        match command {
            Command::Load { folder } => self.load(&folder).await,
            Command::Prompt { text, adapter } => self.prompt(text, adapter).await,
            Command::Generate {
                run,
                prompt,
                adapter,
                lambda,
                compare,
                chains,
                length,
                seed,
                shaping,
            } => {
                let plan = Plan {
                    shaping,
                    seed,
                    length: length.get() as usize,
                };
                let order = Order {
                    prompt,
                    adapter,
                    lambda,
                    compare,
                    chains: chains.get() as usize,
                    plan,
                };
                self.generate(run, order).await
            }
            Command::Shape {
                run,
                turn,
                shaping,
                lambda,
                seed,
            } => {
                let terms = Terms {
                    shaping,
                    lambda,
                    seed,
                };
                self.reshape(run, turn, terms).await;
                Ok(())
            }
            Command::Force { run, turn, forced } => self.force(run, turn, forced),
            Command::Look {
                run,
                chain,
                position,
            } => {
                if let Some(run) = self.present(run) {
                    run.look(chain, position);
                }
                Ok(())
            }
            Command::Experiment {
                run,
                name,
                adapters,
                shaping,
                lambda,
                seed,
            } => {
                let wish = Wish {
                    name,
                    adapters,
                    shaping,
                    lambda,
                    seed,
                };
                self.experiment(run, &wish).await
            }
            Command::Stop { run } => {
                if let Some(run) = self.present(run) {
                    run.end(Ending::Stopped);
                }
                Ok(())
            }
        }
    }

    /// One token of the present run, and a rest in which the browser may deliver commands.
    async fn compute(&mut self) -> Result<(), Trouble> {
        if let Some(run) = &mut self.run {
            if let Err(error) = run.step().await {
                let id = run.id();
                self.run = None;
                return Err(Trouble::reading(self.kind, Some(id))(error));
            }
            trust_device()?;
        }
        self.pause.rest().await;
        Ok(())
    }

    async fn load(&mut self, folder: &str) -> Result<(), Trouble> {
        let ready = proof::load(self.kind, folder)
            .await
            .map_err(Trouble::Device)?;
        let config = ready.model.engine.config();
        say(&Event::Ready {
            device: ready.report,
            vocabulary: ready.model.vocabulary.bytes().to_vec(),
            beginning_of_text: config.bos_token_id,
            end_of_text: config.eos_token_id,
            context: config.max_position_embeddings as u32,
        });
        self.house = Some(House::new(ready.model, folder));
        Ok(())
    }

    async fn prompt(&mut self, text: String, adapter: Option<String>) -> Result<(), Trouble> {
        let refused = |message| Trouble::Request { run: None, message };
        let failed = Trouble::reading(self.kind, None);
        let house = self.house().map_err(refused)?;
        let tokens = house.read(&text, 1).map_err(refused)?;
        house.tune(adapter.as_deref()).await.map_err(refused)?;
        let (base, tuned) = house.engines();
        let row = async |engine: &Engine| {
            let rows = device::read_rows(engine.read(&tokens).logits).await;
            rows.map(first).map_err(&failed)
        };
        let base = row(base).await?;
        let tuned = match tuned {
            Some(tuned) => Some(row(tuned).await?),
            None => None,
        };
        trust_device()?;
        say(&Event::Prompted(Prompted {
            text,
            adapter,
            tokens,
            rows: Rows { base, tuned },
        }));
        Ok(())
    }

    async fn generate(&mut self, id: RunId, order: Order) -> Result<(), Trouble> {
        if let Some(run) = &mut self.run {
            run.end(Ending::Stopped);
        }
        let refused = |message| Trouble::Request {
            run: Some(id),
            message,
        };
        let Order {
            prompt,
            adapter,
            lambda,
            compare,
            chains,
            plan,
        } = order;
        let failed = Trouble::reading(self.kind, Some(id));
        let house = self.house().map_err(refused)?;
        let tokens = house.read(&prompt, plan.length).map_err(refused)?;
        house.tune(adapter.as_deref()).await.map_err(refused)?;
        let (base, tuned) = house.engines();
        let swarm = match tuned {
            None => Swarm::start(base, tokens.clone(), chains, plan).await,
            Some(tuned) => {
                let lambda = lambda.get();
                let beside = Beside {
                    tuned,
                    lambda,
                    compare,
                };
                Swarm::beside(base, beside, tokens.clone(), chains, plan).await
            }
        };
        let swarm = swarm.map_err(failed)?;
        trust_device()?;
        let rows = swarm
            .rows(0, 0)
            .expect("a swarm has a chain, and a first row");
        say(&Event::Prompted(Prompted {
            text: prompt,
            adapter,
            tokens,
            rows: told(rows),
        }));
        self.run = Some(Run::new(id, swarm));
        Ok(())
    }

    /// Runs an experiment to its end, or until the reader stops it. All other commands wait.
    async fn experiment(&mut self, id: RunId, wish: &Wish) -> Result<(), Trouble> {
        let refused = |message| Trouble::Request {
            run: Some(id),
            message,
        };
        let house = self.house.as_mut();
        let house = house.ok_or_else(|| refused("no model is loaded yet".to_owned()))?;
        let onlooker = Onlooker::new(id, &mut self.inbox, &mut self.waiting, &self.pause);
        trial::run(house, wish, onlooker).await.map_err(refused)?;
        trust_device()
    }

    fn house(&mut self) -> Result<&mut House, String> {
        self.house
            .as_mut()
            .ok_or_else(|| "no model is loaded yet".to_owned())
    }

    /// New knobs: picks every chain again, and starts over when newer ones arrive meanwhile.
    async fn reshape(&mut self, id: RunId, mut turn: u32, terms: Terms) {
        let Some(run) = self.open(id) else { return };
        run.set_plan(terms.shaping, terms.lambda, terms.seed);
        let mut chain = 0;
        while self.open(id).is_some_and(|run| run.repick(chain)) {
            chain += 1;
            if chain.is_multiple_of(REPICKED_AT_ONCE) {
                self.pause.rest().await;
                self.listen();
                match self.waiting.front() {
                    Some(&Command::Shape {
                        run,
                        turn: newer,
                        shaping,
                        lambda,
                        seed,
                    }) if run == id => {
                        self.waiting.pop_front();
                        if let Some(run) = self.open(id) {
                            run.set_plan(shaping, lambda, seed);
                        }
                        (turn, chain) = (newer, 0);
                    }
                    // Nobody will hear of this run again. A stop is another matter: the page keeps what it then shows.
                    Some(Command::Generate { .. }) => return,
                    _ => {}
                }
            }
        }
        if let Some(run) = self.open(id) {
            run.rewound(turn);
        }
    }

    /// Puts a token into a chain. The turn is answered even where that cannot be, so that the page waits for nothing.
    fn force(&mut self, id: RunId, turn: u32, forced: Forced) -> Result<(), Trouble> {
        let Some(run) = self.open(id) else {
            return Ok(());
        };
        let done = run.force(forced);
        run.rewound(turn);
        if done {
            return Ok(());
        }
        // Counted from 1, as the page shows them.
        let message = format!(
            "story {} has no token {} to replace",
            forced.chain + 1,
            forced.position + 1
        );
        Err(Trouble::Request { run: None, message })
    }

    /// The present run, if the page means this one.
    fn present(&mut self, id: RunId) -> Option<&mut Run> {
        self.run.as_mut().filter(|run| run.id() == id)
    }

    /// The present run, if the page means this one and it was not stopped.
    fn open(&mut self, id: RunId) -> Option<&mut Run> {
        self.present(id).filter(|run| run.takes_terms())
    }

    fn fail(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Request { run, message } => say(&Event::Failed { run, message }),
            Trouble::Device(reason) => {
                (self.house, self.run) = (None, None);
                say(&Event::Unavailable { reason });
            }
        }
    }
}

/// An error when the browser has refused one of the GPU's programs: what was computed with it is no longer to be believed. Asked
/// before numbers leave the room, as another length of text or number of chains is another program.
fn trust_device() -> Result<(), Trouble> {
    journal::error().map_or(Ok(()), |error| Err(Trouble::Device(error)))
}

/// Moves what was said into `waiting`. Of new knobs only the last count.
pub fn listen(inbox: &mut Inbox, waiting: &mut VecDeque<Command>) {
    while let Ok(command) = inbox.try_recv() {
        let newer = matches!(command, Command::Shape { .. });
        if newer && matches!(waiting.back(), Some(Command::Shape { .. })) {
            waiting.pop_back();
        }
        waiting.push_back(command);
    }
}

fn first(rows: Vec<Vec<f32>>) -> Vec<f32> {
    rows.into_iter().next().unwrap_or_default()
}
