//! The loop: hear all that was said, act on it, compute one token, rest, and again.

use std::collections::VecDeque;

use decoding::Shaping;
use futures::StreamExt as _;
use protocol::{Chains, Command, DeviceKind, Ending, Event, Length, Prompted, RunId};
use transformer::{DeviceError, Model, Plan, Swarm, device};

use crate::journal;
use crate::pause::Pause;
use crate::port::{Inbox, say};
use crate::proof;
use crate::run::Run;

/// Chains that are picked again between two looks into the inbox: a slider may have moved on meanwhile.
const REPICKED_AT_ONCE: usize = 8;

/// Serves the page for as long as the worker lives.
pub async fn serve(kind: DeviceKind, inbox: Inbox) {
    let mut room = Room { kind, inbox, waiting: VecDeque::new(), pause: Pause::new(), model: None, run: None };
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
    /// This command only; the room goes on.
    Request(String),
    /// The device: the room serves no more.
    Device(String),
}

impl From<DeviceError> for Trouble {
    fn from(error: DeviceError) -> Self {
        Self::Device(error.to_string())
    }
}

struct Room {
    kind: DeviceKind,
    inbox: Inbox,
    /// Heard and not yet acted on.
    waiting: VecDeque<Command>,
    pause: Pause,
    model: Option<Model>,
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

    /// Moves what was said into `waiting`. Of new knobs only the last count.
    fn listen(&mut self) {
        while let Ok(command) = self.inbox.try_recv() {
            let newer = matches!(command, Command::Shape { .. });
            if newer && matches!(self.waiting.back(), Some(Command::Shape { .. })) {
                self.waiting.pop_back();
            }
            self.waiting.push_back(command);
        }
    }

    async fn act(&mut self, command: Command) -> Result<(), Trouble> {
        match command {
            Command::Load { folder } => self.load(&folder).await,
            Command::Prompt { text } => self.prompt(text).await,
            Command::Generate { run, prompt, chains, length, seed, shaping } => {
                self.generate(run, prompt, chains, length, seed, shaping).await
            }
            Command::Shape { run, shaping, seed } => {
                self.reshape(run, shaping, seed).await;
                Ok(())
            }
            Command::Force { run, forced } => {
                if let Some(run) = self.running(run) {
                    if !run.force(forced) {
                        return Err(Trouble::Request(format!(
                            "chain {} has no token {} to replace",
                            forced.chain, forced.position
                        )));
                    }
                    run.rewound();
                }
                Ok(())
            }
            Command::Look { run, chain, position } => {
                if let Some(run) = self.running(run) {
                    run.look(chain, position);
                }
                Ok(())
            }
            Command::Stop { run } => {
                if let Some(run) = self.running(run) {
                    run.end(Ending::Stopped);
                }
                Ok(())
            }
        }
    }

    /// One token of the present run, and a rest in which the browser may deliver commands.
    async fn compute(&mut self) -> Result<(), Trouble> {
        if let Some(run) = &mut self.run {
            run.step().await?;
            if let Some(error) = journal::error() {
                return Err(Trouble::Device(error));
            }
        }
        self.pause.rest().await;
        Ok(())
    }

    async fn load(&mut self, folder: &str) -> Result<(), Trouble> {
        let ready = proof::load(self.kind, folder).await.map_err(Trouble::Device)?;
        let config = ready.model.engine.config();
        say(&Event::Ready {
            device: ready.report,
            vocabulary: ready.model.vocabulary.bytes().to_vec(),
            beginning_of_text: config.bos_token_id,
            end_of_text: config.eos_token_id,
            context: config.max_position_embeddings as u32,
        });
        self.model = Some(ready.model);
        Ok(())
    }

    async fn prompt(&mut self, text: String) -> Result<(), Trouble> {
        let (model, tokens) = self.read(&text, 1)?;
        let rows = device::read_rows(model.engine.read(&tokens).logits).await?;
        let logits = rows.into_iter().next().unwrap_or_default();
        say(&Event::Prompted(Prompted { text, tokens, logits }));
        Ok(())
    }

    async fn generate(
        &mut self,
        id: RunId,
        prompt: String,
        chains: Chains,
        length: Length,
        seed: u64,
        shaping: Shaping,
    ) -> Result<(), Trouble> {
        if let Some(run) = &mut self.run {
            run.end(Ending::Stopped);
        }
        let length = length.get() as usize;
        let (model, tokens) = self.read(&prompt, length)?;
        let plan = Plan { shaping, seed, length };
        let swarm = Swarm::start(&model.engine, tokens.clone(), chains.get() as usize, plan).await?;
        let logits = swarm.row(0, 0).unwrap_or_default().to_vec();
        say(&Event::Prompted(Prompted { text: prompt, tokens, logits }));
        self.run = Some(Run::new(id, swarm));
        Ok(())
    }

    /// A prompt's tokens, if the model can read them and still has room for `length` more.
    fn read(&self, prompt: &str, length: usize) -> Result<(&Model, Vec<u32>), Trouble> {
        let model =
            self.model.as_ref().ok_or_else(|| Trouble::Request("no model is loaded yet".to_owned()))?;
        let tokens = model.vocabulary.encode(prompt).map_err(|error| Trouble::Request(error.to_string()))?;
        let room = model.engine.room(&tokens).map_err(|error| Trouble::Request(error.to_string()))?;
        if room < length {
            return Err(Trouble::Request(format!(
                "after this prompt the model has room for {room} tokens, not {length}; shorten the prompt or the length"
            )));
        }
        Ok((model, tokens))
    }

    /// New knobs: picks every chain again, and starts over when newer ones arrive meanwhile.
    async fn reshape(&mut self, id: RunId, mut shaping: Shaping, mut seed: u64) {
        let Some(run) = self.running(id) else { return };
        run.set_plan(shaping, seed);
        let mut chain = 0;
        while self.running(id).is_some_and(|run| run.repick(chain)) {
            chain += 1;
            if chain.is_multiple_of(REPICKED_AT_ONCE) {
                self.pause.rest().await;
                self.listen();
                match self.waiting.front() {
                    Some(Command::Shape { run, shaping: newer, seed: coins }) if *run == id => {
                        (shaping, seed) = (*newer, *coins);
                        self.waiting.pop_front();
                        if let Some(run) = self.running(id) {
                            run.set_plan(shaping, seed);
                        }
                        chain = 0;
                    }
                    // Another run, or a stop, makes the rest of this work useless.
                    Some(Command::Generate { .. } | Command::Stop { .. }) => break,
                    _ => {}
                }
            }
        }
        if let Some(run) = self.running(id) {
            run.rewound();
        }
    }

    /// The present run, if the page means this one.
    fn running(&mut self, id: RunId) -> Option<&mut Run> {
        self.run.as_mut().filter(|run| run.id() == id)
    }

    fn fail(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Request(message) => say(&Event::Failed { message }),
            Trouble::Device(reason) => {
                if let Some(run) = &mut self.run {
                    run.end(Ending::Failed);
                }
                (self.model, self.run) = (None, None);
                say(&Event::Unavailable { reason });
            }
        }
    }
}
