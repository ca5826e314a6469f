//! The next frame of the browser.

use gloo_timers::callback::Timeout;
use gloo_utils::{document, window};
use wasm_bindgen::{JsCast as _, closure::Closure};

/// Calls once before the next frame is painted; soon, where the page is hidden and paints none.
pub fn next_frame(call: impl FnOnce() + 'static) {
    if document().hidden() {
        Timeout::new(0, call).forget();
    } else {
        // Frees itself once it was called; what gloo gives would have to be kept until then.
        let call = Closure::once_into_js(call);
        window()
            .request_animation_frame(call.unchecked_ref())
            .expect("a window has frames");
    }
}
