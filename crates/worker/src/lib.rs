//! The engine room: a loop inside a Web Worker that hears commands, computes, and says events.
//!
//! Lives here: loading a model over the network, proving a GPU, the loop around `transformer::Swarm`, and running
//! `experiments` on the loaded model. Does not live
//! here: the maths of decoding, the network, and anything that the reader sees.

mod fetch;
mod house;
mod journal;
mod pause;
mod port;
mod proof;
mod room;
mod run;
mod trial;

use protocol::{DeviceKind, Event, VERSION};
use wasm_bindgen_futures::spawn_local;

/// Starts the loop. A panic is told to the page, which then goes on with another engine.
pub fn begin(kind: DeviceKind) {
    std::panic::set_hook(Box::new(|panic| {
        console_error_panic_hook::hook(panic);
        port::say(&Event::Unavailable {
            reason: format!("this engine stopped ({panic}); reload the page"),
        });
    }));
    journal::begin();
    let inbox = port::open();
    port::say(&Event::Hello { version: VERSION });
    spawn_local(room::serve(kind, inbox));
}
