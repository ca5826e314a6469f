//! The threads to the engine workers: starting them, speaking, hearing, and replaying a recording until they answer.
//!
//! [`use_engines`] is the only door. What is said is decided by `state::errands`, what is heard by `State::after`, which
//! device serves by [`choice`]; here is only the browser.

mod adapter;
pub mod choice;
mod frame;
mod replay;
mod thread;

use std::{cell::RefCell, rc::Rc};

use protocol::{Command, DeviceKind, Event, LinkNote, Settings, VERSION};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::{
    address,
    state::{Action, State, Voice, errands},
};
use choice::Step;
pub use frame::{after_ms, forget, next_frame};
use thread::Thread;

/// A hand that has not moved a knob for so long rests.
const HAND_RESTS_MS: f64 = 100.0;

/// While a knob moves, a swarm is re-decoded and redrawn at most so often: redrawing takes longer than a frame, and so few
/// frames are late.
const PATIENCE_MS: f64 = 1000.0;

/// With fewer cores, page and browser need them all while a knob moves: re-decoding waits until the hand rests.
const CORES: f64 = 4.0;

/// Everything here that is not state.
#[derive(Default)]
struct Room {
    cpu: Option<Thread>,
    webgpu: Option<Thread>,
    /// Heard and not yet delivered.
    inbox: Vec<(Voice, Event)>,
    /// When it was last delivered, milliseconds of the clock.
    delivered_ms: f64,
    /// When new knobs were last sent.
    shaped_ms: f64,
    /// When a knob last moved.
    turned_ms: f64,
    /// A frame is coming in which to speak.
    speaking: bool,
}

impl Room {
    /// How long something done last at `last_ms` is still to wait for the hand to rest; none when its time has come.
    fn wait_ms(&self, now_ms: f64, last_ms: f64) -> Option<u32> {
        let hand = self.turned_ms + HAND_RESTS_MS - now_ms;
        let patience = if cores() < CORES {
            f64::INFINITY
        } else {
            last_ms + PATIENCE_MS - now_ms
        };
        let wait = hand.min(patience);
        (wait > 0.0).then_some(wait.ceil() as u32)
    }

    fn thread(&mut self, kind: DeviceKind) -> &mut Option<Thread> {
        match kind {
            DeviceKind::Cpu => &mut self.cpu,
            DeviceKind::WebGpu => &mut self.webgpu,
        }
    }
}

/// Keeps the workers going for a state: starts them, tells them what the state wants, and dispatches what they say.
#[hook]
pub fn use_engines(state: &UseReducerHandle<State>) {
    let room = use_mut_ref(Room::default);

    {
        let (state, room) = (state.clone(), room.clone());
        use_effect_with((), move |()| {
            spawn_local(replay::play("recorded.bin", state.clone()));
            spawn_local(async move {
                // Through a handle of its own, which keeps only what is read through it.
                let settings = state.clone().settings.clone();
                let default = Settings::default().model;
                if settings.model != default && !address::has_model(&settings.model).await {
                    let note = format!(
                        "The link's “model” was not used: there is no model {} here.",
                        settings.model
                    );
                    let settings = Settings {
                        model: default,
                        ..settings
                    };
                    state.dispatch(Action::Follow(settings, vec![LinkNote(note)]));
                }
                start(DeviceKind::Cpu, &state, &room);
            });
        });
    }
    {
        let step = state.engines.next_step(state.settings.device);
        let (state, room) = (state.clone(), room.clone());
        use_effect_with(step, move |step| match step {
            Step::Wait => {}
            Step::Ask => {
                spawn_local(async move { state.dispatch(Action::Adapter(adapter::ask().await)) });
            }
            Step::Start => start(DeviceKind::WebGpu, &state, &room),
            Step::Refuse(reason) => {
                state.dispatch(Action::Refused(DeviceKind::WebGpu, reason.clone()));
            }
        });
    }
    {
        let room = room.clone();
        use_effect_with(state.terms(), move |_| {
            room.borrow_mut().turned_ms = js_sys::Date::now();
        });
    }
    {
        let state = state.clone();
        use_effect(move || {
            if !errands(&state).is_empty()
                && !std::mem::replace(&mut room.borrow_mut().speaking, true)
            {
                next_frame(move || speak(state, room));
            }
        });
    }
}

/// Delivers what was heard, in one piece: the page draws once a frame however many tokens came.
///
/// While a knob is moving its panel goes first: redrawing a large swarm takes longer than a frame, so it waits for the hand
/// to rest, but never for long.
fn deliver(state: UseReducerHandle<State>, room: Rc<RefCell<Room>>) {
    let mut open = room.borrow_mut();
    let now_ms = js_sys::Date::now();
    if let Some(ms) = open.wait_ms(now_ms, open.delivered_ms) {
        drop(open);
        after_ms(ms, move || next_frame(move || deliver(state, room)));
        return;
    }
    open.delivered_ms = now_ms;
    let heard = std::mem::take(&mut open.inbox);
    drop(open);
    state.dispatch(Action::Heard(heard));
}

/// Says everything that is to be said. New knobs wait while the hand moves, as the swarm that they change does.
fn speak(state: UseReducerHandle<State>, room: Rc<RefCell<Room>>) {
    // A handle keeps every state that was read through it; this one is dropped after a single reading.
    let errands = errands(&state.clone());
    let mut open = room.borrow_mut();
    let now_ms = js_sys::Date::now();
    let knobs = errands
        .iter()
        .filter(|errand| matches!(errand.command, Command::Shape { .. }))
        .count();
    if knobs > 0
        && knobs == errands.len()
        && let Some(ms) = open.wait_ms(now_ms, open.shaped_ms)
    {
        drop(open);
        after_ms(ms, move || speak(state, room));
        return;
    }
    open.speaking = false;
    if knobs > 0 {
        open.shaped_ms = now_ms;
    }
    for errand in &errands {
        if let Some(thread) = open.thread(errand.to) {
            thread.say(&errand.command);
        }
    }
    drop(open);
    if !errands.is_empty() {
        state.dispatch(Action::Told(errands));
    }
}

/// How many threads the browser says this machine runs at once.
fn cores() -> f64 {
    web_sys::window().map_or(CORES, |window| window.navigator().hardware_concurrency())
}

/// Starts an engine's worker. Once it says hello, and only then does it listen, it is told to load the model.
fn start(kind: DeviceKind, state: &UseReducerHandle<State>, room: &Rc<RefCell<Room>>) {
    let hear = {
        let (state, room) = (state.clone(), Rc::downgrade(room));
        move |event| {
            let Some(room) = room.upgrade() else { return };
            let mut open = room.borrow_mut();
            if event == (Event::Hello { version: VERSION })
                && let Some(thread) = open.thread(kind)
            {
                let folder = address::model_folder(&state.settings.model);
                thread.say(&Command::Load { folder });
            }
            open.inbox.push((Voice::Device(kind), event));
            if open.inbox.len() == 1 {
                let (state, room) = (state.clone(), room.clone());
                next_frame(move || deliver(state, room));
            }
        }
    };
    state.dispatch(Action::Started(kind));
    match Thread::start(kind, hear) {
        Ok(thread) => *room.borrow_mut().thread(kind) = Some(thread),
        Err(reason) => state.dispatch(Action::Refused(kind, reason)),
    }
}
