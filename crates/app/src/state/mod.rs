//! The whole page as one value, and [`State::after`], the one place where it changes.
//!
//! The state holds logits, tokens and knobs. Probabilities, entropies and pictures are derived from it (`figures`), and so
//! is what the workers are to be told ([`errands`]). Pure: no browser, no clock, no workers.

mod bench;
mod chain;
mod dial;
mod errands;
mod hearing;
mod language;
mod row;
mod run;
mod status;
mod swarm;
mod tuning;

use std::rc::Rc;

use attractors::Catalogue;
use decoding::Shaping;
use experiments::shipped::Shipped;
use protocol::{
    Chains, Command, DeviceKind, Ending, Event, Forced, Lambda, Length, LinkNote, RECORDED_RUN,
    RunId, Settings, View,
};
use sentiment::Predictor;
use yew::Reducible;

pub use bench::{Bench, Trial, TrialPhase};
#[cfg(test)]
pub use chain::Measure;
pub use chain::{BLOCK, Chain, Word};
pub use dial::Dial;
pub use errands::{Errand, errands};
pub use language::Language;
pub use row::Row;
pub use run::{More, Order, Phase, Run, Side, Stop, Terms, Voice};
pub use status::{Status, sentence, status};
pub use swarm::{Stories, Swarm};
pub use tuning::{Tuning, Tunings};

use crate::{
    engine::choice::{Adapter, Engines, Progress, Standing},
    figures::numbers::counted,
};

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
    /// The adapters that lie beside the model.
    pub tunings: Rc<Tunings>,
    /// The attractors that are marked in the stories, where the model has a list of them.
    pub catalogue: Option<Rc<Catalogue>>,
    /// What the words of the stories are coloured by.
    pub colouring: Colouring,
    /// What predicts gladness, once it was wanted.
    pub predictor: Option<Rc<Predictor>>,
    /// An adapter on its way.
    pub fetching: Option<(DeviceKind, Progress)>,
    /// An adapter with which something failed, while the base tries the same.
    pub suspect: Option<Suspect>,
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
    /// The Experiments tab.
    pub bench: Bench,
    last_run: RunId,
}

/// What the words of the stories are coloured by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colouring {
    /// How unlikely a token was.
    #[default]
    Surprisal,
    /// What a word adds to the predicted gladness of its story.
    Gladness,
}

/// A prompt to be read by the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The prompt.
    pub text: Rc<str>,
    /// The adapter that reads it too, if one is on.
    pub adapter: Option<String>,
    /// Whether a worker is to be asked for its row.
    pub wanted: bool,
    /// Whether its row is there.
    pub had: bool,
}

impl Reading {
    /// The settings' prompt, not read yet.
    fn of(settings: &Settings, wanted: bool) -> Self {
        Self {
            text: settings.prompt.as_str().into(),
            adapter: settings.adapter.clone(),
            wanted,
            had: false,
        }
    }
}

/// An adapter with which something failed. Whether it is to blame is known once the base has tried the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// Its folder's name.
    pub adapter: String,
    /// What was said.
    pub message: String,
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

/// The token of the swarm whose row the next-token panel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Which chain.
    pub chain: u32,
    /// Which generated token.
    pub position: u32,
    /// Which story that chain tells, from 0.
    pub story: u32,
    /// Who tells it.
    pub side: Side,
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
    /// More or less of the adapter.
    Realign(Lambda),
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
    /// Another adapter, or none: decode a swarm with it.
    Tune(Option<String>),
    /// Whether the base tells every story too: decode a swarm so.
    Compare(bool),
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
    /// The adapters beside the model are known.
    Adapters(Rc<Tunings>),
    /// The attractors of the model are known.
    Attractors(Rc<Catalogue>),
    /// Colour the stories by something else.
    Colour(Colouring),
    /// The predictor of gladness, or why there is none.
    Predictor(Result<Rc<Predictor>, String>),
    /// Something beside the model cannot be used, and why.
    Missing(String),
    /// These errands were sent.
    Told(Vec<Errand>),
    /// Another part of the page.
    View(View),
    /// Open the experiment of this name.
    Choose(String),
    /// Run the opened experiment.
    TryOut,
    /// End the experiment that runs; what it found stays.
    GiveUp,
    /// The experiments whose results ship beside the model.
    Shelf(Rc<[String]>),
    /// What ships of one, or why that cannot be used.
    Shipped(String, Result<Rc<Shipped>, String>),
    /// The reader has read a note.
    Dismiss(usize),
}

impl State {
    /// The page as a link opens it.
    pub fn new(mut settings: Settings, notes: Vec<LinkNote>) -> Self {
        let reading = Reading::of(&settings, false);
        let notes = notes.into_iter().map(|note| note.0);
        let notes = notes.chain(bench::known(&mut settings)).collect();
        Self {
            settings,
            notes,
            engines: Engines::default(),
            language: None,
            live: false,
            run_when_ready: true,
            reading,
            refusal: None,
            tunings: Rc::default(),
            catalogue: None,
            colouring: Colouring::default(),
            predictor: None,
            fetching: None,
            suspect: None,
            prompt_row: None,
            focus: Focus::Prompt,
            run: None,
            swarm: Rc::default(),
            left_running: None,
            recorded: None,
            bench: Bench::default(),
            last_run: RECORDED_RUN,
        }
    }

    /// The knobs and coins as they stand.
    pub fn terms(&self) -> Terms {
        Terms {
            shaping: self.settings.shaping,
            lambda: self.settings.lambda,
            seed: self.settings.seed,
        }
    }

    /// The device that the next run goes to.
    pub fn serving(&self) -> Option<DeviceKind> {
        self.engines.serving(self.settings.device, self.chains())
    }

    /// Chains of the next run: one of every story, or two.
    pub fn chains(&self) -> u32 {
        let order = Order::of(&self.settings);
        order.chains.get() * order.sides()
    }

    /// The row that the next-token panel shows.
    pub fn row(&self) -> Option<&Rc<Row>> {
        match &self.focus {
            Focus::Token { row: Some(row), .. } => Some(row),
            _ => self.prompt_row.as_ref(),
        }
    }

    /// The opened token, if one is.
    pub fn opened(&self) -> Option<Opened> {
        let Focus::Token {
            chain, position, ..
        } = self.focus
        else {
            return None;
        };
        let (story, side) = self.run.as_ref()?.order.place(chain);
        Some(Opened {
            chain,
            position,
            story,
            side,
        })
    }

    /// Why the stories are not those of the present settings, where they will not follow by themselves.
    pub fn stale(&self) -> Option<String> {
        let run = self.run.as_ref().filter(|run| run.device().is_some())?;
        if *run.order.prompt != *self.settings.prompt {
            let mut after = run.order.prompt.trim();
            if let Some((start, _)) = after.char_indices().rev().nth(23) {
                after = after[start..].trim_start();
            }
            return Some(format!(
                "told after “…{after}”; tell again for the new prompt"
            ));
        }
        let (chains, length) = (self.settings.chains, self.settings.length);
        if (run.order.chains, run.order.length) != (chains, length) {
            let stories = counted(chains.get().into(), "story", "stories");
            let tokens = counted(length.get().into(), "token", "tokens");
            return Some(format!("tell again for {stories} of at most {tokens}"));
        }
        let why = if run.told == Some(self.terms()) {
            "to branch"
        } else {
            "for the new knobs"
        };
        (run.phase == Phase::Ended(Ending::Stopped)).then(|| format!("stopped; tell again {why}"))
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
        self.run.as_ref().is_some_and(Run::is_kept)
    }

    /// Whether a chain can go on from another token.
    pub fn can_branch(&self) -> bool {
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
            (Focus::Prompt, Some(row), Some(run)) => row.after == *run.order.prompt,
            _ => false,
        };
        self.can_branch() && there && of_this_run
    }

    /// The state after something has happened.
    #[must_use]
    pub fn after(mut self, action: Action) -> Self {
        match action {
            Action::Shape(shaping) => self.settings.shaping = shaping,
            Action::Realign(lambda) => self.settings.lambda = lambda,
            Action::Seed(seed) => self.settings.seed = seed,
            Action::Chains(chains) => self.settings.chains = chains,
            Action::Length(length) => self.settings.length = length,
            Action::Prompt(prompt) => {
                self.settings.prompt = prompt;
                self.run_when_ready = false;
            }
            Action::Read => self.read(),
            Action::Tune(adapter) => {
                let settings = Settings {
                    adapter,
                    ..self.settings.clone()
                };
                self.set_out(settings);
            }
            Action::Compare(compare) => {
                let settings = Settings {
                    compare,
                    ..self.settings.clone()
                };
                self.set_out(settings);
            }
            Action::Generate => self.begin(),
            Action::Stop => self.stop(),
            Action::Open { chain, position } => self.open(chain, position),
            Action::Close => self.focus = Focus::Prompt,
            Action::Force(token) => self.force(token),
            Action::Follow(mut settings, notes) => {
                self.engines
                    .reconsider(self.settings.device, settings.device);
                self.notes.extend(notes.into_iter().map(|note| note.0));
                self.notes.extend(bench::known(&mut settings));
                self.set_out(settings);
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
            Action::Adapters(tunings) => self.tunings = tunings,
            Action::Attractors(catalogue) => self.catalogue = Some(catalogue),
            Action::Colour(colouring) => self.colouring = colouring,
            Action::Predictor(Ok(predictor)) => self.predictor = Some(predictor),
            Action::Predictor(Err(note)) => {
                self.colouring = Colouring::Surprisal;
                self.notes.push(note);
            }
            Action::Missing(note) => self.notes.push(note),
            Action::Told(errands) => {
                for errand in errands {
                    self.remember(errand);
                }
            }
            Action::View(view) => self.view(view),
            Action::Choose(name) => self.settings.experiment = Some(name),
            Action::TryOut => self.try_out(),
            Action::GiveUp => self.give_up(),
            Action::Shelf(shelf) => self.bench.shelf = Some(shelf),
            Action::Shipped(name, shipped) => _ = self.bench.shipped.insert(name, shipped),
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
            self.suspect = None;
            self.reading = Reading::of(&self.settings, true);
            self.focus = Focus::Prompt;
        }
    }

    /// Begins a run of the present settings; the `Prompted` that comes with it also fills the next-token panel.
    fn begin(&mut self) {
        self.reading = Reading::of(&self.settings, false);
        self.suspect = None;
        self.focus = Focus::Prompt;
        match self.serving() {
            Some(device) if !self.stories_wait() => {
                self.begin_on(device, Order::of(&self.settings));
            }
            _ => self.run_when_ready = true,
        }
    }

    /// Puts a new run in the place of the present one.
    fn begin_on(&mut self, device: DeviceKind, order: Order) {
        if let Some(before) = &self.run
            && let Some(kind) = before.device()
            && kind != device
            && before.phase == Phase::Running
        {
            self.left_running = Some((kind, before.id));
        }
        let id = self.next_run();
        self.swarm = Rc::new(Swarm::of(order.chains.get(), order.sides()));
        self.run = Some(Run::new(id, Voice::Device(device), order));
        self.recorded = None;
        self.run_when_ready = false;
    }

    /// A name that no run had.
    fn next_run(&mut self) -> RunId {
        self.last_run = RunId(self.last_run.0.wrapping_add(1).max(1));
        self.last_run
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
        let order = Order::of(settings);
        self.swarm = Rc::new(Swarm::of(order.chains.get(), order.sides()));
        self.run = Some(Run::new(RECORDED_RUN, Voice::Recording, order));
        self.recorded = Some(Terms {
            shaping: settings.shaping,
            lambda: settings.lambda,
            seed: settings.seed,
        });
    }

    fn remember(&mut self, errand: Errand) {
        let Errand { to, command } = errand;
        if let Command::Prompt { text, adapter } = &command {
            self.reading.wanted &=
                (&**text, adapter) != (&*self.reading.text, &self.reading.adapter);
            return;
        }
        if let Command::Stop { run } = command {
            self.bench.stopping.retain(|stopped| *stopped != (to, run));
            if self.left_running == Some((to, run)) {
                self.left_running = None;
            }
        }
        if let Command::Experiment { run: id, .. } = command {
            let trial = self.bench.trial.as_mut().filter(|trial| trial.id == id);
            if let Some(trial) = trial {
                trial.device = Some(to);
            }
            return;
        }
        let Some(run) = &mut self.run else { return };
        match command {
            Command::Generate {
                run: id,
                shaping,
                lambda,
                seed,
                ..
            } if id == run.id => {
                run.told = Some(Terms {
                    shaping,
                    lambda,
                    seed,
                });
            }
            Command::Shape {
                run: id,
                turn,
                shaping,
                lambda,
                seed,
            } if id == run.id => {
                run.told = Some(Terms {
                    shaping,
                    lambda,
                    seed,
                });
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
