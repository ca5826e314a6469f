//! Forwards the libraries' log to the browser's console, and keeps its first error.
//!
//! On wasm a shader that fails validation is only *logged*: the launch seems to succeed and leaves wrong data behind
//! (cubecl issue 1641). So an error in the log is a failure of the device.

use std::sync::Mutex;

use log::{Level, LevelFilter, Log, Metadata, Record};
use wasm_bindgen::JsValue;

struct Capture {
    first_error: Mutex<Option<String>>,
}

static CAPTURE: Capture = Capture {
    first_error: Mutex::new(None),
};

impl Log for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = format!("{}: {}", record.target(), record.args());
        // As a warning: the page shows errors itself.
        web_sys::console::warn_1(&JsValue::from_str(&line));
        if record.level() == Level::Error
            && let Ok(mut first) = self.first_error.lock()
        {
            first.get_or_insert(line);
        }
    }

    fn flush(&self) {}
}

/// Installs the logger.
pub fn install() {
    // Only a second call can fail, and there is none.
    let _ = log::set_logger(&CAPTURE);
    log::set_max_level(LevelFilter::Warn);
}

/// The first error since [`install`].
pub fn first_error() -> Option<String> {
    CAPTURE.first_error.lock().ok()?.clone()
}
