//! One worker: messages as transferred bytes, both ways.

use js_sys::{Array, ArrayBuffer, Uint8Array};
use protocol::{Command, DeviceKind, Event, decode, encode};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

/// A running worker. It ends with the page.
pub struct Thread {
    worker: Worker,
    _heard: Closure<dyn Fn(MessageEvent)>,
    _broken: Closure<dyn Fn(ErrorEvent)>,
}

impl Thread {
    /// Starts the worker of a kind. A worker that breaks is heard as `Unavailable`.
    pub fn start(kind: DeviceKind, hear: impl Fn(Event) + Clone + 'static) -> Result<Self, String> {
        // Trunk's loaders: named after the worker's binary, they start its wasm.
        let file = match kind {
            DeviceKind::Cpu => "./worker-cpu_loader.js",
            DeviceKind::WebGpu => "./worker-webgpu_loader.js",
        };
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(file, &options).map_err(|_| {
            format!("the browser cannot start {file}; it may be too old for module workers")
        })?;
        let heard = {
            let hear = hear.clone();
            Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
                hear(
                    decode(&bytes(&message.data())).unwrap_or_else(|error| Event::Unavailable {
                        reason: error.to_string(),
                    }),
                );
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
            hear(Event::Unavailable { reason });
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
    pub fn say(&self, command: &Command) {
        let message = encode(command).expect("every command can be written");
        let bytes = Uint8Array::from(message.as_slice());
        let transfer = Array::of1(&bytes.buffer());
        self.worker
            .post_message_with_transfer(&bytes, &transfer)
            .expect("fresh bytes can be transferred");
    }
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
