//! The engine worker: an event loop inside a Web Worker that receives commands, computes, and sends events.
//!
//! Lives here: loading a model over the network, testing a GPU, the loop around `transformer::Swarm`, and running `experiments`
//! on the loaded model. Does not live here: the maths of decoding, the network, and anything that the reader sees.

mod browser;
mod download;
mod event_loop;
mod experiment_run;
mod failure;
mod generation;
mod host;
mod inbox;
mod model_store;
mod startup;
#[cfg(test)]
mod tests;

use protocol::{DeviceKind, Event, Hello, Unavailable, VERSION};
use wasm_bindgen_futures::spawn_local;

/// Starts the event loop. A panic is reported to the page, which then goes on with another engine.
pub fn start(kind: DeviceKind) {
    std::panic::set_hook(Box::new(|panic| {
        console_error_panic_hook::hook(panic);
        browser::send(&Event::Unavailable(Unavailable::device(format!(
            "this engine stopped ({panic}); reload the page"
        ))));
    }));
    let (browser, commands) = browser::Browser::open();
    browser::send(&Event::Hello(Hello { version: VERSION }));
    spawn_local(event_loop::serve(
        browser,
        kind,
        inbox::Inbox::new(commands),
    ));
}
