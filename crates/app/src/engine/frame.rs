//! The browser's two clocks: the next frame, and a time from now.

use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::Window;

fn window() -> Window {
    web_sys::window().expect("the page runs in a window")
}

/// Calls once before the next frame is painted; soon, where the page is hidden and paints none.
pub fn next_frame(call: impl FnOnce() + 'static) {
    let hidden = window()
        .document()
        .is_some_and(|document| document.hidden());
    if hidden {
        after_ms(0, call);
    } else {
        let call = Closure::once_into_js(call);
        window()
            .request_animation_frame(call.unchecked_ref())
            .expect("a window has frames");
    }
}

/// Calls once after some milliseconds; the number names the timer for [`forget`].
pub fn after_ms(ms: u32, call: impl FnOnce() + 'static) -> i32 {
    let call = Closure::once_into_js(call);
    let ms = i32::try_from(ms).unwrap_or(i32::MAX);
    window()
        .set_timeout_with_callback_and_timeout_and_arguments_0(call.unchecked_ref(), ms)
        .expect("a window has timers")
}

/// Calls a timer off.
pub fn forget(timer: i32) {
    window().clear_timeout_with_handle(timer);
}
