//! The recorded run that plays until an engine answers.

use gloo_timers::callback::Timeout;
use js_sys::{ArrayBuffer, Promise, Uint8Array};
use protocol::{Recording, read_link};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;
use yew::UseReducerHandle;

use crate::state::{Action, EventSource, State};

/// Fetches a recording of the model and plays it under its own prompt and knobs, whatever the link asks for. Its absence is no fault.
pub async fn play(file: &str, state: UseReducerHandle<State>) {
    let Some(recording) = fetch(file).await else {
        return;
    };
    let (settings, _) = read_link(&recording.link);
    if state.live || settings.model != state.settings.model {
        return;
    }
    state.dispatch(Action::Play(settings));
    let mut now_ms = 0;
    for frame in recording.frames {
        if frame.at_ms > now_ms {
            sleep(frame.at_ms - now_ms).await;
            now_ms = frame.at_ms;
        }
        // Through a handle of its own, which keeps only what is read through it.
        if state.clone().live {
            return;
        }
        state.dispatch(Action::Events(vec![(EventSource::Recording, frame.event)]));
    }
}

async fn fetch(file: &str) -> Option<Recording> {
    let response = JsFuture::from(web_sys::window()?.fetch_with_str(file))
        .await
        .ok()?;
    let response: Response = response.dyn_into().ok().filter(Response::ok)?;
    let buffer: ArrayBuffer = JsFuture::from(response.array_buffer().ok()?)
        .await
        .ok()?
        .dyn_into()
        .ok()?;
    Recording::from_bytes(&Uint8Array::new(&buffer).to_vec()).ok()
}

async fn sleep(ms: u32) {
    let promise = Promise::new(&mut |resolve, _| {
        Timeout::new(ms, move || {
            resolve
                .call0(&wasm_bindgen::JsValue::NULL)
                .expect("a promise can be resolved");
        })
        .forget();
    });
    JsFuture::from(promise)
        .await
        .expect("this promise is never rejected");
}
