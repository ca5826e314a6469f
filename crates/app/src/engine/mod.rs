//! The engine workers: starting them, sending commands, delivering events, and replaying a recording until they answer.
//!
//! [`use_engines`] is the only entry. What is sent is decided by `state::pending_effects`, what an event does by `State::after`,
//! which device serves by `state::Engines`; here is only the browser.

mod frame;
mod gpu_adapter;
mod replay;
mod worker_handle;

use std::{cell::RefCell, rc::Rc};

use gloo_timers::callback::Timeout;
use protocol::{Command, DeviceKind, Event, Hello, LinkNote, LoadRequest, Settings, VERSION};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::{
    address,
    state::{Action, EventSource, NextStep, State, pending_effects},
};
use frame::next_frame;
use worker_handle::WorkerHandle;

/// A hand that has not moved a knob for so long rests.
const HAND_RESTS_MS: f64 = 100.0;

/// While a knob moves, a swarm is re-decoded and redrawn at most so often: redrawing takes longer than a frame, and so few
/// frames are late.
const PATIENCE_MS: f64 = 1000.0;

/// With fewer cores, page and browser need them all while a knob moves: re-decoding waits until the hand rests.
const CORES: f64 = 4.0;

/// Everything here that is not state.
#[derive(Default)]
struct EngineHandles {
    cpu: Option<WorkerHandle>,
    webgpu: Option<WorkerHandle>,
    /// Heard and not yet delivered.
    inbox: Vec<(EventSource, Event)>,
    /// When it was last delivered, milliseconds of the clock.
    delivered_ms: f64,
    /// When new knobs were last sent.
    shaped_ms: f64,
    /// When a knob last moved.
    knob_moved_ms: f64,
    /// A frame is coming in which to send.
    sending: bool,
    deliver_timer: Option<Timeout>,
    send_timer: Option<Timeout>,
}

impl EngineHandles {
    /// How long something done last at `last_ms` is still to wait for the hand to rest; none when its time has come.
    fn wait_ms(&self, now_ms: f64, last_ms: f64) -> Option<u32> {
        let hand = self.knob_moved_ms + HAND_RESTS_MS - now_ms;
        let patience = if cores() < CORES {
            f64::INFINITY
        } else {
            last_ms + PATIENCE_MS - now_ms
        };
        let wait = hand.min(patience);
        (wait > 0.0).then_some(wait.ceil() as u32)
    }

    fn worker(&mut self, kind: DeviceKind) -> &mut Option<WorkerHandle> {
        match kind {
            DeviceKind::Cpu => &mut self.cpu,
            DeviceKind::WebGpu => &mut self.webgpu,
        }
    }
}

/// Keeps the workers going for a state: starts them, tells them what the state wants, and dispatches what they say.
#[hook]
pub fn use_engines(state: &UseReducerHandle<State>) {
    let handles = use_mut_ref(EngineHandles::default);

    {
        let (state, handles) = (state.clone(), handles.clone());
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
                start(DeviceKind::Cpu, &state, &handles);
            });
        });
    }
    {
        let step = state.engines.next_step(state.settings.device);
        let (state, handles) = (state.clone(), handles.clone());
        use_effect_with(step, move |step| match step {
            NextStep::Wait => {}
            NextStep::Ask => {
                spawn_local(
                    async move { state.dispatch(Action::GpuAdapter(gpu_adapter::ask().await)) },
                );
            }
            NextStep::Start => start(DeviceKind::WebGpu, &state, &handles),
            NextStep::Refuse(reason) => {
                state.dispatch(Action::Unavailable(DeviceKind::WebGpu, reason.clone()));
            }
        });
    }
    {
        let handles = handles.clone();
        use_effect_with(state.params(), move |_| {
            handles.borrow_mut().knob_moved_ms = js_sys::Date::now();
        });
    }
    {
        let state = state.clone();
        use_effect(move || {
            if !pending_effects(&state).is_empty()
                && !std::mem::replace(&mut handles.borrow_mut().sending, true)
            {
                next_frame(move || send_pending(state, &handles));
            }
        });
    }
}

/// Delivers what was events, in one piece: the page draws once a frame however many tokens came.
///
/// While a knob is moving its panel goes first: redrawing a large swarm takes longer than a frame, so it waits for the hand
/// to rest, but never for long.
fn deliver(state: UseReducerHandle<State>, handles: &Rc<RefCell<EngineHandles>>) {
    let mut open = handles.borrow_mut();
    let now_ms = js_sys::Date::now();
    if let Some(ms) = open.wait_ms(now_ms, open.delivered_ms) {
        drop(open);
        let again = Timeout::new(ms, {
            let handles = handles.clone();
            move || next_frame(move || deliver(state, &handles))
        });
        handles.borrow_mut().deliver_timer = Some(again);
        return;
    }
    open.delivered_ms = now_ms;
    let events = std::mem::take(&mut open.inbox);
    drop(open);
    state.dispatch(Action::Events(events));
}

/// Says everything that is to be said. New knobs wait while the hand moves, as the swarm that they change does.
fn send_pending(state: UseReducerHandle<State>, handles: &Rc<RefCell<EngineHandles>>) {
    // A handle keeps every state that was read through it; this one is dropped after a single reading.
    let effects = pending_effects(&state.clone());
    let mut open = handles.borrow_mut();
    let now_ms = js_sys::Date::now();
    let knobs = effects
        .iter()
        .filter(|effect| matches!(effect.command, Command::Resample(_)))
        .count();
    if knobs > 0
        && knobs == effects.len()
        && let Some(ms) = open.wait_ms(now_ms, open.shaped_ms)
    {
        drop(open);
        let again = Timeout::new(ms, {
            let handles = handles.clone();
            move || send_pending(state, &handles)
        });
        handles.borrow_mut().send_timer = Some(again);
        return;
    }
    open.sending = false;
    if knobs > 0 {
        open.shaped_ms = now_ms;
    }
    for effect in &effects {
        if let Some(worker) = open.worker(effect.to) {
            worker.send(&effect.command);
        }
    }
    drop(open);
    if !effects.is_empty() {
        state.dispatch(Action::Sent(effects));
    }
}

/// How many threads the browser says this machine runs at once.
fn cores() -> f64 {
    web_sys::window().map_or(CORES, |window| window.navigator().hardware_concurrency())
}

/// Starts an engine's worker. When it has said hello, and not before, it is sent the command to load the model.
fn start(kind: DeviceKind, state: &UseReducerHandle<State>, handles: &Rc<RefCell<EngineHandles>>) {
    let on_event = {
        let (state, handles) = (state.clone(), Rc::downgrade(handles));
        move |event| {
            let Some(handles) = handles.upgrade() else {
                return;
            };
            let mut open = handles.borrow_mut();
            if event == (Event::Hello(Hello { version: VERSION }))
                && let Some(worker) = open.worker(kind)
            {
                let folder = address::model_folder(&state.settings.model);
                worker.send(&Command::Load(LoadRequest { folder }));
            }
            open.inbox.push((EventSource::Device(kind), event));
            if open.inbox.len() == 1 {
                let (state, handles) = (state.clone(), handles.clone());
                next_frame(move || deliver(state, &handles));
            }
        }
    };
    state.dispatch(Action::Started(kind));
    match WorkerHandle::start(kind, on_event) {
        Ok(worker) => *handles.borrow_mut().worker(kind) = Some(worker),
        Err(reason) => state.dispatch(Action::Unavailable(kind, reason)),
    }
}
