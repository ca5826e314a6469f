//! The worker's end of the message channel to the page: bytes in transferred `ArrayBuffer`s.

use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use js_sys::{Array, Uint8Array};
use protocol::{Command, Event, Unavailable, decode, encode};
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

/// The worker's global scope.
pub fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Starts to receive commands.
pub fn open() -> UnboundedReceiver<Command> {
    let (outside, inside) = unbounded();
    let receive = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
        let bytes = Uint8Array::new(&message.data()).to_vec();
        match decode(&bytes) {
            // The other end lives as long as the loop; a command after its end has no receiver.
            Ok(command) => drop(outside.unbounded_send(command)),
            Err(error) => send(&Event::Unavailable(Unavailable::device(error.to_string()))),
        }
    });
    scope().set_onmessage(Some(receive.as_ref().unchecked_ref()));
    // Listens for as long as the worker lives.
    receive.forget();
    inside
}

/// Sends an event.
pub fn send(event: &Event) {
    let message = encode(event).expect("every event can be written");
    let bytes = Uint8Array::from(message.as_slice());
    let transfer = Array::of1(&bytes.buffer());
    scope()
        .post_message_with_transfer(&bytes, &transfer)
        .expect("fresh bytes can be transferred");
}
