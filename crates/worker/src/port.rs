//! The worker's end of the line to the page: bytes in an `ArrayBuffer` that changes hands.

use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use js_sys::{Array, Uint8Array};
use protocol::{Command, Event, decode, encode};
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

/// Commands in the order in which the page said them.
pub type Inbox = UnboundedReceiver<Command>;

/// The worker's global scope.
pub fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Listens from now on.
pub fn open() -> Inbox {
    let (outside, inside) = unbounded();
    let hear = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
        let bytes = Uint8Array::new(&message.data()).to_vec();
        match decode(&bytes) {
            // The other end lives as long as the loop; a command after its end has no hearer.
            Ok(command) => drop(outside.unbounded_send(command)),
            Err(error) => say(&Event::Unavailable {
                reason: error.to_string(),
            }),
        }
    });
    scope().set_onmessage(Some(hear.as_ref().unchecked_ref()));
    // Listens for as long as the worker lives.
    hear.forget();
    inside
}

/// Sends an event.
pub fn say(event: &Event) {
    let message = encode(event).expect("every event can be written");
    let bytes = Uint8Array::from(message.as_slice());
    let transfer = Array::of1(&bytes.buffer());
    scope()
        .post_message_with_transfer(&bytes, &transfer)
        .expect("fresh bytes can be transferred");
}

/// Milliseconds of the worker's clock.
pub fn now_ms() -> f64 {
    scope().performance().map_or(0.0, |clock| clock.now())
}
