//! The whole page as one value, and [`State::after`], the one place where it changes.
//!
//! The state holds logits, tokens and knobs. Probabilities, entropies and pictures are derived from it (`figures`), and so
//! are the commands that the workers have yet to get ([`pending_effects`]). Pure: no browser, no clock, no workers.

mod chain;
mod detokenizer;
mod dial;
mod engines;
mod events;
mod experiments_tab;
mod outbox;
mod row;
mod run;
mod status;
mod swarm;

use std::rc::Rc;

use attractors::Catalogue;
use decoding::Shaping;
use experiments::Published;
use protocol::{
    Chains, DeviceKind, Event, ForcedToken, Lambda, Length, LinkNote, Progress, RECORDED_RUN,
    RunId, RunSpec, Settings, View,
};
use sentiment::Predictor;
use yew::Reducible;

pub use bundle::{AdapterIndex, AdapterInfo};
#[cfg(test)]
pub use chain::Measure;
pub use chain::{BLOCK, Chain, Word};
pub use detokenizer::Detokenizer;
pub use dial::Dial;
pub use engines::{
    EngineStatus, Engines, Failure, GpuAdapter, NextStep, device_name, with_full_stop,
};
pub use experiments_tab::{ExperimentPhase, ExperimentRun, ExperimentsTab};
pub use outbox::{Effect, Outbox, pending_effects};
pub use protocol::{SamplingParams, Side};
pub use row::Row;
pub use run::{EventSource, More, Phase, Run};
pub use status::{Status, progress_sentence, status};
pub use swarm::{Stories, Swarm};

use crate::numbers::counted;

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
    pub detokenizer: Option<Rc<Detokenizer>>,
    /// Whether an engine has been ready; before that a recording may play.
    pub live: bool,
    /// Whether the settings are to be run by themselves once an engine is ready.
    pub run_when_ready: bool,
    /// The prompt that the next-token panel is about.
    pub prompt_request: PromptRequest,
    /// Why the model cannot read that prompt, if it said so.
    pub refusal: Option<String>,
    /// The adapters that lie beside the model.
    pub adapters: Rc<AdapterIndex>,
    /// The attractors that are marked in the stories, where the model has a list of them.
    pub catalogue: Option<Rc<Catalogue>>,
    /// What the words of the stories are coloured by.
    pub colouring: Colouring,
    /// What predicts sentiment, once it was wanted.
    pub predictor: Option<Rc<Predictor>>,
    /// An adapter on its way.
    pub fetching: Option<(DeviceKind, Progress)>,
    /// The row after that prompt.
    pub prompt_row: Option<Rc<Row>>,
    /// Which row the next-token panel shows.
    pub focus: Focus,
    /// The present run.
    pub run: Option<Run>,
    /// Its chains.
    pub swarm: Rc<Swarm>,
    /// What its worker was sent, and which runs have yet to be sent a stop.
    pub outbox: Outbox,
    /// The params of the recording, while one is shown.
    pub recorded: Option<SamplingParams>,
    /// The Experiments tab.
    pub experiments_tab: ExperimentsTab,
    last_run: RunId,
}

/// What the words of the stories are coloured by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colouring {
    /// How unlikely a token was.
    #[default]
    Surprisal,
    /// What a word adds to the predicted sentiment of its story.
    Sentiment,
}

/// A prompt to be read by the model.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptRequest {
    /// The prompt.
    pub text: Rc<str>,
    /// The adapter that reads it too, if one is on.
    pub adapter: Option<String>,
    /// How the request for its row stands; idle where the row comes with a run.
    pub status: Request,
}

impl PromptRequest {
    /// The settings' prompt, not read yet.
    fn of(settings: &Settings, status: Request) -> Self {
        Self {
            text: settings.prompt.as_str().into(),
            adapter: settings.adapter.clone(),
            status,
        }
    }
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
        request: Request,
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

/// How a request to a worker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Nothing is asked for.
    Idle,
    /// To be sent.
    Pending,
    /// Sent, and not answered.
    Sent,
    /// Answered.
    Received,
    /// What it was about has changed; to be sent again once that is there.
    Outdated,
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
    /// The prompt has not changed for a moment: compute its next-token distribution.
    Prefill,
    /// Another adapter, or none: decode a swarm with it.
    Tune(Option<String>),
    /// Whether the base tells every story too: decode a swarm so.
    Compare(bool),
    /// Generate stories of the present settings; new ones where those are there already.
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
    /// What engines and the recording said, in spec.
    Events(Vec<(EventSource, Event)>),
    /// An engine's worker was started.
    Started(DeviceKind),
    /// An engine will not serve, and why.
    Unavailable(DeviceKind, String),
    /// What the browser says about WebGPU.
    GpuAdapter(GpuAdapter),
    /// The adapters beside the model are known.
    Adapters(Rc<AdapterIndex>),
    /// The attractors of the model are known.
    Attractors(Rc<Catalogue>),
    /// Colour the stories by something else.
    Colour(Colouring),
    /// The predictor of sentiment, or why there is none.
    Predictor(Result<Rc<Predictor>, String>),
    /// Something beside the model cannot be used, and why.
    Missing(String),
    /// These effects were sent.
    Sent(Vec<Effect>),
    /// Another part of the page.
    View(View),
    /// Open the experiment of this name.
    Choose(String),
    /// Run the opened experiment.
    RunExperiment,
    /// End the experiment that runs; what it found stays.
    CancelExperiment,
    /// The experiments whose results are published with the model, or why the list could not be had.
    PublishedList(Result<Rc<[String]>, String>),
    /// What ships of one, or why that cannot be used.
    PublishedResults(String, Result<Rc<Published>, String>),
    /// The reader has read a note.
    Dismiss(usize),
}

impl State {
    /// The page as a link opens it.
    pub fn new(mut settings: Settings, notes: Vec<LinkNote>) -> Self {
        let prompt_request = PromptRequest::of(&settings, Request::Idle);
        let notes = notes.into_iter().map(|note| note.0);
        let notes = notes.chain(experiments_tab::known(&mut settings)).collect();
        Self {
            settings,
            notes,
            engines: Engines::default(),
            detokenizer: None,
            live: false,
            run_when_ready: true,
            prompt_request,
            refusal: None,
            adapters: Rc::default(),
            catalogue: None,
            colouring: Colouring::default(),
            predictor: None,
            fetching: None,
            prompt_row: None,
            focus: Focus::Prompt,
            run: None,
            swarm: Rc::default(),
            outbox: Outbox::default(),
            recorded: None,
            experiments_tab: ExperimentsTab::default(),
            last_run: RECORDED_RUN,
        }
    }

    /// The knobs and coins as they stand.
    pub fn params(&self) -> SamplingParams {
        SamplingParams::of(&self.settings)
    }

    /// The device that the next run goes to.
    pub fn active_device(&self) -> Option<DeviceKind> {
        self.engines
            .active_device(self.settings.device, self.chains())
    }

    /// Whether no engine is there, and none will come.
    pub fn has_failed(&self) -> bool {
        self.engines.all_failed(self.settings.device).is_some()
    }

    /// Chains of the next run: one of every story, or two.
    pub fn chains(&self) -> u32 {
        let spec = RunSpec::of(&self.settings);
        spec.chains.get() * spec.sides()
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
        let (story, side) = self.run.as_ref()?.spec.place(chain);
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
        if *run.spec.prompt != *self.settings.prompt {
            let mut after = run.spec.prompt.trim();
            if let Some((start, _)) = after.char_indices().rev().nth(23) {
                after = after[start..].trim_start();
            }
            return Some(format!(
                "these continue “…{after}”; generate again for the new prompt"
            ));
        }
        let (chains, length) = (self.settings.chains, self.settings.length);
        if (run.spec.chains, run.spec.length) != (chains, length) {
            let stories = counted(chains.get().into(), "story", "stories");
            let tokens = counted(length.get().into(), "token", "tokens");
            return Some(format!("generate again for {stories} of at most {tokens}"));
        }
        let why = if self.outbox.params == Some(self.params()) {
            "to branch"
        } else {
            "with the new settings"
        };
        (run.phase == Phase::Stopped).then(|| format!("stopped; generate again {why}"))
    }

    /// The token that stands where the shown row is decided, if the reader put it there against the coin. Nothing while the
    /// worker is at work.
    pub fn put_there(&self) -> Option<u32> {
        let (chain, position) = self.shown_place();
        if !self.can_force() || self.more() != More::No {
            return None;
        }
        let chain = self.swarm.chain(chain)?;
        chain.tokens().nth(position as usize)
    }

    /// Whether a token of the swarm can be opened.
    pub fn can_open(&self) -> bool {
        self.run.as_ref().is_some_and(Run::has_logits)
    }

    /// Whether a chain can go on from another token.
    pub fn can_branch(&self) -> bool {
        self.takes_changes()
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
            (Focus::Prompt, Some(row), Some(run)) => row.after == *run.spec.prompt,
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
            Action::Prefill => self.request_prefill(),
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
            Action::Generate => self.generate(),
            Action::Stop => self.stop(),
            Action::Open { chain, position } => self.open(chain, position),
            Action::Close => self.focus = Focus::Prompt,
            Action::Force(token) => self.force(token),
            Action::Follow(mut settings, notes) => {
                self.engines
                    .reconsider(self.settings.device, settings.device);
                self.notes.extend(notes.into_iter().map(|note| note.0));
                self.notes.extend(experiments_tab::known(&mut settings));
                self.set_out(settings);
            }
            Action::Play(settings) => self.play(&settings),
            Action::Events(events) => {
                for (source, event) in events {
                    self.handle_event(source, event);
                }
            }
            Action::Started(kind) => *self.engines.of_mut(kind) = EngineStatus::Starting(None),
            Action::Unavailable(kind, reason) => self.mark_unavailable(kind, &reason),
            Action::GpuAdapter(adapter) => self.engines.adapter = Some(adapter),
            Action::Adapters(adapters) => self.adapters = adapters,
            Action::Attractors(catalogue) => self.catalogue = Some(catalogue),
            Action::Colour(colouring) => self.colouring = colouring,
            Action::Predictor(Ok(predictor)) => self.predictor = Some(predictor),
            Action::Predictor(Err(note)) => {
                self.colouring = Colouring::Surprisal;
                self.notes.push(note);
            }
            Action::Missing(note) => self.notes.push(note),
            Action::Sent(effects) => {
                for effect in effects {
                    self.mark_sent(effect);
                }
            }
            Action::View(view) => self.view(view),
            Action::Choose(name) => self.settings.experiment = Some(name),
            Action::RunExperiment => self.run_experiment(),
            Action::CancelExperiment => self.cancel_experiment(),
            Action::PublishedList(list) => self.experiments_tab.published_list = Some(list),
            Action::PublishedResults(name, published) => {
                self.experiments_tab.published.insert(name, published);
            }
            Action::Dismiss(note) => {
                if note < self.notes.len() {
                    self.notes.remove(note);
                }
            }
        }
        self
    }

    fn request_prefill(&mut self) {
        if *self.prompt_request.text != *self.settings.prompt {
            self.refusal = None;
            self.prompt_request = PromptRequest::of(&self.settings, Request::Pending);
            self.focus = Focus::Prompt;
        }
    }

    /// Generates stories: others than those that are there already, which the same seed would only repeat.
    fn generate(&mut self) {
        let repeats = |run: &Run| {
            run.spec == RunSpec::of(&self.settings)
                && self.outbox.params == Some(self.params())
                && matches!(run.phase, Phase::Decoding | Phase::Settled)
        };
        if self.run.as_ref().is_some_and(repeats) && !self.stories_wait() {
            self.settings.seed = self.settings.seed.wrapping_add(1);
        }
        self.begin();
    }

    /// Begins a run of the present settings; the `Prefilled` that comes with it also fills the next-token panel.
    fn begin(&mut self) {
        self.prompt_request = PromptRequest::of(&self.settings, Request::Idle);
        self.focus = Focus::Prompt;
        match self.active_device() {
            Some(device) if !self.stories_wait() => {
                self.begin_on(device, RunSpec::of(&self.settings));
            }
            _ => self.run_when_ready = true,
        }
    }

    /// Puts a new run in the place of the present one.
    fn begin_on(&mut self, device: DeviceKind, spec: RunSpec) {
        if let Some(before) = &self.run
            && let Some(kind) = before.device()
        {
            self.outbox.stops.retain(|(_, run)| *run != before.id);
            // On the same device the new run ends it.
            if kind != device && before.is_active() {
                self.outbox.stop(kind, before.id);
            }
        }
        self.outbox.begin_run();
        let id = self.next_run();
        self.swarm = Rc::new(Swarm::of(spec.chains.get(), spec.sides()));
        self.run = Some(Run::new(id, EventSource::Device(device), spec));
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
        let more = self.more();
        if let Some(run) = &mut self.run
            && let Some(device) = run.device()
            && run.phase != Phase::Stopping
            && more != More::No
        {
            run.phase = Phase::Stopping;
            self.outbox.stop(device, run.id);
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
                request: Request::Pending,
            };
        }
    }

    fn force(&mut self, token: u32) {
        let (chain, position) = self.shown_place();
        if self.can_force() {
            self.outbox.forced = Some(ForcedToken {
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
        let spec = RunSpec::of(settings);
        self.swarm = Rc::new(Swarm::of(spec.chains.get(), spec.sides()));
        self.outbox.begin_run();
        self.run = Some(Run::new(RECORDED_RUN, EventSource::Recording, spec));
        self.recorded = Some(SamplingParams::of(settings));
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
