//! The whole page as one value, and [`State::after`], the one place where it changes.
//!
//! The state holds logits, tokens and knobs. Probabilities, entropies and pictures are derived from it (`figures`), and so
//! is what the workers are to be told ([`errands`]). Pure: no browser, no clock, no workers.

mod chain;
mod dial;
mod errands;
mod hearing;
mod language;
mod run;
mod status;
mod swarm;

use std::rc::Rc;

use decoding::Shaping;
use protocol::{
    Chains, Command, DeviceKind, Ending, Event, Forced, Length, LinkNote, RECORDED_RUN, RunId,
    Settings,
};
use yew::Reducible;

pub use chain::{BLOCK, Chain, Word};
pub use dial::Dial;
pub use errands::{Errand, errands};
pub use language::Language;
pub use run::{Phase, Run, Stop, Terms, Voice};
pub use status::{Status, status};
pub use swarm::Swarm;

use crate::engine::choice::{Adapter, Engines, Standing};

/// Everything that the page knows.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// What a link holds.
    pub settings: Settings,
    /// Sentences for the reader: parts of a link that were not used, and failures.
    pub notes: Vec<String>,
    /// The two engines.
    pub engines: Engines,
    /// The model's tokens, once known.
    pub language: Option<Rc<Language>>,
    /// Whether an engine has been ready; before that a recording may play.
    pub live: bool,
    /// Whether the settings are to be run by themselves once an engine is ready.
    pub run_when_ready: bool,
    /// The prompt that the next-token panel is about.
    pub reading: Reading,
    /// Why the model cannot read that prompt, if it said so.
    pub refusal: Option<String>,
    /// The row after that prompt.
    pub prompt_row: Option<Rc<Row>>,
    /// Which row the next-token panel shows.
    pub focus: Focus,
    /// The present run.
    pub run: Option<Run>,
    /// Its chains.
    pub swarm: Rc<Swarm>,
    /// A run on another device that has lost its reader, and whose worker was not told yet.
    pub left_running: Option<(DeviceKind, RunId)>,
    /// The terms of the recording, while one is shown.
    pub recorded: Option<Terms>,
    last_run: RunId,
}

/// A prompt to be read by the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The prompt.
    pub text: Rc<str>,
    /// Whether a worker is to be asked for its row.
    pub wanted: bool,
}

/// One row of logits and where it stands.
#[derive(Debug, PartialEq)]
pub struct Row {
    /// `[vocab]`, before any shaping.
    pub logits: Vec<f32>,
    /// All tokens before it, for the repetition penalty.
    pub history: Vec<u32>,
    /// The text before it.
    pub after: String,
    /// Whose coin falls on it.
    pub chain: u32,
    /// The generated token that it decides, from 0.
    pub position: u32,
}

/// Which row the next-token panel shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Focus {
    /// The one after the prompt.
    Prompt,
    /// The one that a token of a chain was picked from.
    Token {
        /// Which chain.
        chain: u32,
        /// Which generated token.
        position: u32,
        /// The row, once the worker has sent it.
        row: Option<Rc<Row>>,
        /// How the asking stands.
        look: Look,
    },
}

/// How the asking for a token's row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A worker is to be asked.
    Wanted,
    /// It was asked.
    Asked,
    /// The row is there.
    Had,
    /// The tokens before it changed; to be asked again once the chain has come so far.
    Lost,
}

/// Everything that can happen.
#[derive(Clone, Debug)]
pub enum Action {
    /// A knob moved.
    Shape(Shaping),
    /// Other coins.
    Seed(u64),
    /// More or fewer chains, from the next run on.
    Chains(Chains),
    /// Longer or shorter chains, from the next run on.
    Length(Length),
    /// The prompt was edited.
    Prompt(String),
    /// The prompt has rested: show its row.
    Read,
    /// Decode a swarm of the present settings.
    Generate,
    /// End the run.
    Stop,
    /// Show the row that a token was picked from.
    Open {
        /// Which chain.
        chain: u32,
        /// Which generated token.
        position: u32,
    },
    /// Show the prompt's row again.
    Close,
    /// Put this token where the shown row stands.
    Force(u32),
    /// The reader followed a link.
    Follow(Settings, Vec<LinkNote>),
    /// A recording of these settings begins to play.
    Play(Settings),
    /// What engines and the recording said, in order.
    Heard(Vec<(Voice, Event)>),
    /// An engine's worker was started.
    Started(DeviceKind),
    /// An engine will not serve, and why.
    Refused(DeviceKind, String),
    /// What the browser says about WebGPU.
    Adapter(Adapter),
    /// These errands were sent.
    Told(Vec<Errand>),
    /// The reader has read a note.
    Dismiss(usize),
}

impl State {
    /// The page as a link opens it.
    pub fn new(settings: Settings, notes: Vec<LinkNote>) -> Self {
        let reading = Reading {
            text: settings.prompt.as_str().into(),
            wanted: false,
        };
        Self {
            settings,
            notes: notes.into_iter().map(|note| note.0).collect(),
            engines: Engines::default(),
            language: None,
            live: false,
            run_when_ready: true,
            reading,
            refusal: None,
            prompt_row: None,
            focus: Focus::Prompt,
            run: None,
            swarm: Rc::default(),
            left_running: None,
            recorded: None,
            last_run: RECORDED_RUN,
        }
    }

    /// The knobs and coins as they stand.
    pub fn terms(&self) -> Terms {
        Terms {
            shaping: self.settings.shaping,
            seed: self.settings.seed,
        }
    }

    /// The device that the next run goes to.
    pub fn serving(&self) -> Option<DeviceKind> {
        self.engines
            .serving(self.settings.device, self.settings.chains.get())
    }

    /// The row that the next-token panel shows.
    pub fn row(&self) -> Option<&Rc<Row>> {
        match &self.focus {
            Focus::Token { row: Some(row), .. } => Some(row),
            _ => self.prompt_row.as_ref(),
        }
    }

    /// Why the stories are not those of the present settings, where they will not follow by themselves.
    pub fn stale(&self) -> Option<String> {
        let run = self.run.as_ref().filter(|run| run.device().is_some())?;
        if *run.prompt != *self.settings.prompt {
            let mut after = run.prompt.trim();
            if let Some((start, _)) = after.char_indices().rev().nth(23) {
                after = after[start..].trim_start();
            }
            return Some(format!(
                "told after “…{after}”; tell again for the new prompt"
            ));
        }
        let stopped = run.phase == Phase::Ended(Ending::Stopped);
        (stopped && run.told != Some(self.terms()))
            .then(|| "stopped; tell again for the new knobs".to_owned())
    }

    /// The token that stands where the shown row is decided, if the reader put it there against the coin. Nothing while the
    /// worker is at work.
    pub fn put_there(&self) -> Option<u32> {
        let (chain, position) = self.shown_place();
        let run = self.run.as_ref()?;
        if !self.can_force() || run.is_running(self.terms()) {
            return None;
        }
        let chain = self.swarm.chain(chain)?;
        chain.tokens().nth(position as usize)
    }

    /// Whether a token of the swarm can be opened.
    pub fn can_open(&self) -> bool {
        self.run.as_ref().is_some_and(Run::is_held)
    }

    /// Whether a token can be put where the shown row stands: the row is one of the present run's, and the chain has come so far.
    pub fn can_force(&self) -> bool {
        let (chain, position) = self.shown_place();
        let there = self
            .swarm
            .chain(chain)
            .is_some_and(|chain| (position as usize) < chain.len());
        let of_this_run = match (&self.focus, self.row(), &self.run) {
            (Focus::Token { .. }, Some(row), Some(_)) => {
                (row.chain, row.position) == (chain, position)
            }
            (Focus::Prompt, Some(row), Some(run)) => row.after == *run.prompt,
            _ => false,
        };
        self.can_open() && there && of_this_run
    }

    /// The state after something has happened.
    #[must_use]
    pub fn after(mut self, action: Action) -> Self {
        match action {
            Action::Shape(shaping) => self.settings.shaping = shaping,
            Action::Seed(seed) => self.settings.seed = seed,
            Action::Chains(chains) => self.settings.chains = chains,
            Action::Length(length) => self.settings.length = length,
            Action::Prompt(prompt) => {
                self.settings.prompt = prompt;
                self.run_when_ready = false;
            }
            Action::Read => self.read(),
            Action::Generate => self.begin(),
            Action::Stop => self.stop(),
            Action::Open { chain, position } => self.open(chain, position),
            Action::Close => self.focus = Focus::Prompt,
            Action::Force(token) => self.force(token),
            Action::Follow(settings, notes) => {
                let rerun = settings.prompt != self.settings.prompt
                    || settings.chains != self.settings.chains
                    || settings.length != self.settings.length;
                self.engines
                    .reconsider(self.settings.device, settings.device);
                self.settings = settings;
                self.notes.extend(notes.into_iter().map(|note| note.0));
                if rerun {
                    self.begin();
                }
            }
            Action::Play(settings) => self.play(&settings),
            Action::Heard(events) => {
                for (voice, event) in events {
                    self.hear(voice, event);
                }
            }
            Action::Started(kind) => *self.engines.of_mut(kind) = Standing::Starting(None),
            Action::Refused(kind, reason) => self.refuse(kind, &reason),
            Action::Adapter(adapter) => self.engines.adapter = Some(adapter),
            Action::Told(errands) => {
                for errand in errands {
                    self.remember(errand);
                }
            }
            Action::Dismiss(note) => {
                if note < self.notes.len() {
                    self.notes.remove(note);
                }
            }
        }
        self
    }

    fn read(&mut self) {
        if *self.reading.text != *self.settings.prompt {
            self.refusal = None;
            self.reading = Reading {
                text: self.settings.prompt.as_str().into(),
                wanted: true,
            };
            self.focus = Focus::Prompt;
        }
    }

    /// Begins a run of the present settings; the `Prompted` that comes with it also fills the next-token panel.
    fn begin(&mut self) {
        self.reading = Reading {
            text: self.settings.prompt.as_str().into(),
            wanted: false,
        };
        self.focus = Focus::Prompt;
        match self.serving() {
            Some(device) => {
                let Settings { chains, length, .. } = self.settings;
                self.begin_on(device, self.reading.text.clone(), chains, length);
            }
            None => self.run_when_ready = true,
        }
    }

    /// Puts a new run in the place of the present one.
    fn begin_on(&mut self, device: DeviceKind, prompt: Rc<str>, chains: Chains, length: Length) {
        if let Some(before) = &self.run
            && let Some(kind) = before.device()
            && kind != device
            && before.phase == Phase::Running
        {
            self.left_running = Some((kind, before.id));
        }
        self.last_run = RunId(self.last_run.0.wrapping_add(1).max(1));
        let voice = Voice::Device(device);
        self.run = Some(Run::new(self.last_run, voice, prompt, chains, length));
        self.swarm = Rc::new(Swarm::of(chains.get()));
        self.recorded = None;
        self.run_when_ready = false;
    }

    fn stop(&mut self) {
        self.run_when_ready = false;
        let terms = self.terms();
        if let Some(run) = &mut self.run
            && run.stop == Stop::No
            && run.device().is_some()
            && run.is_running(terms)
        {
            run.stop = Stop::Wanted;
        }
    }

    fn open(&mut self, chain: u32, position: u32) {
        let there = self
            .swarm
            .chain(chain)
            .is_some_and(|chain| (position as usize) < chain.len());
        if there && self.can_open() {
            self.focus = Focus::Token {
                chain,
                position,
                row: None,
                look: Look::Wanted,
            };
        }
    }

    fn force(&mut self, token: u32) {
        let (chain, position) = self.shown_place();
        if self.can_force()
            && let Some(run) = &mut self.run
        {
            run.force = Some(Forced {
                chain,
                position,
                token,
            });
        }
    }

    /// Where the token stands that the shown row decides.
    fn shown_place(&self) -> (u32, u32) {
        match &self.focus {
            Focus::Token {
                chain, position, ..
            } => (*chain, *position),
            Focus::Prompt => (0, 0),
        }
    }

    fn play(&mut self, settings: &Settings) {
        if self.live {
            return;
        }
        let Settings { chains, length, .. } = *settings;
        let prompt: Rc<str> = settings.prompt.as_str().into();
        self.run = Some(Run::new(
            RECORDED_RUN,
            Voice::Recording,
            prompt,
            chains,
            length,
        ));
        self.swarm = Rc::new(Swarm::of(chains.get()));
        self.recorded = Some(Terms {
            shaping: settings.shaping,
            seed: settings.seed,
        });
    }

    fn remember(&mut self, errand: Errand) {
        let Errand { to, command } = errand;
        if let Command::Prompt { text, .. } = &command {
            self.reading.wanted &= **text != *self.reading.text;
            return;
        }
        if let Command::Stop { run } = command
            && self.left_running == Some((to, run))
        {
            self.left_running = None;
        }
        let Some(run) = &mut self.run else { return };
        match command {
            Command::Generate {
                run: id,
                shaping,
                seed,
                ..
            } if id == run.id => run.told = Some(Terms { shaping, seed }),
            Command::Shape {
                run: id,
                turn,
                shaping,
                seed,
                ..
            } if id == run.id => {
                run.told = Some(Terms { shaping, seed });
                (run.turn, run.phase) = (turn, Phase::Running);
            }
            Command::Force {
                run: id,
                turn,
                forced,
            } if id == run.id && run.force == Some(forced) => {
                run.force = None;
                (run.turn, run.phase) = (turn, Phase::Running);
            }
            Command::Stop { run: id } if id == run.id => run.stop = Stop::Told,
            Command::Look {
                chain, position, ..
            } => {
                if let Focus::Token {
                    chain: c,
                    position: p,
                    look,
                    ..
                } = &mut self.focus
                    && (*c, *p) == (chain, position)
                {
                    *look = Look::Asked;
                }
            }
            _ => {}
        }
    }
}

impl Reducible for State {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        Rc::new(Rc::unwrap_or_clone(self).after(action))
    }
}

#[cfg(test)]
mod tests;
