//! One worker: messages as transferred bytes, both ways.
//!
//! Until the engine's wasm runs, `www/worker.js` speaks for it, in plain objects.

use js_sys::{Array, ArrayBuffer, Uint8Array};
use protocol::{Command, DeviceKind, Event, Progress, Stage, Unavailable, decode, encode};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

/// A running worker. It ends with the page.
pub struct WorkerHandle {
    worker: Worker,
    _heard: Closure<dyn Fn(MessageEvent)>,
    _broken: Closure<dyn Fn(ErrorEvent)>,
}

impl WorkerHandle {
    /// Starts the worker of a kind. A worker that breaks is heard as `Unavailable`.
    pub fn start(
        kind: DeviceKind,
        on_event: impl Fn(Event) + Clone + 'static,
    ) -> Result<Self, String> {
        // The engine is named after the worker's binary.
        let file = match kind {
            DeviceKind::Cpu => "./worker.js?engine=worker-cpu",
            DeviceKind::WebGpu => "./worker.js?engine=worker-webgpu",
        };
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(file, &options).map_err(|_| {
            format!("the browser cannot start {file}; it may be too old for module workers")
        })?;
        let heard = {
            let on_event = on_event.clone();
            Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
                on_event(event(&message.data()));
            })
        };
        let broken = Closure::<dyn Fn(ErrorEvent)>::new(move |error: ErrorEvent| {
            // A file that cannot be fetched gives a plain event without a message.
            let said = js_sys::Reflect::get(&error, &"message".into())
                .ok()
                .and_then(|said| said.as_string());
            let reason = said
                .filter(|said| !said.is_empty())
                .unwrap_or_else(|| format!("{file} cannot be fetched or run"));
            on_event(Event::Unavailable(Unavailable::device(reason)));
        });
        worker.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        worker.set_onmessageerror(Some(broken.as_ref().unchecked_ref()));
        worker.set_onerror(Some(broken.as_ref().unchecked_ref()));
        Ok(Self {
            worker,
            _heard: heard,
            _broken: broken,
        })
    }

    /// Sends a command.
    pub fn send(&self, command: &Command) {
        let message = encode(command).expect("every command can be written");
        let bytes = Uint8Array::from(message.as_slice());
        let transfer = Array::of1(&bytes.buffer());
        self.worker
            .post_message_with_transfer(&bytes, &transfer)
            .expect("fresh bytes can be transferred");
    }
}

/// What a message says: of `www/worker.js` while the engine's wasm is on its way, else of the engine.
fn event(data: &JsValue) -> Event {
    let part = |key: &str| js_sys::Reflect::get(data, &key.into()).unwrap_or(JsValue::UNDEFINED);
    if let Some(reason) = part("failed").as_string() {
        return Event::Unavailable(Unavailable::device(reason));
    }
    if let Some(done) = part("done").as_f64() {
        return Event::Progress(Progress {
            stage: Stage::EngineWasm,
            done: done as u64,
            total: part("total").as_f64().map(|total| total as u64),
        });
    }
    decode(&bytes(data))
        .unwrap_or_else(|error| Event::Unavailable(Unavailable::device(error.to_string())))
}

fn bytes(data: &JsValue) -> Vec<u8> {
    match data.dyn_ref::<ArrayBuffer>() {
        Some(buffer) => Uint8Array::new(buffer).to_vec(),
        None => data
            .dyn_ref::<Uint8Array>()
            .map(Uint8Array::to_vec)
            .unwrap_or_default(),
    }
}
