//! What the libraries log, in the browser's console; and whether any of it was an error.
//!
//! On wasm a shader that fails validation is only *logged*: the launch seems to succeed and leaves wrong data behind
//! (cubecl issue 1641). So an error in the log is a failure of the device.

use std::sync::Mutex;

use log::{Level, LevelFilter, Log, Metadata, Record};
use wasm_bindgen::JsValue;

struct Journal {
    first_error: Mutex<Option<String>>,
}

static JOURNAL: Journal = Journal {
    first_error: Mutex::new(None),
};

impl Log for Journal {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = format!("{}: {}", record.target(), record.args());
        // As a warning: the page tells the reader, and the console keeps what was said.
        web_sys::console::warn_1(&JsValue::from_str(&line));
        if record.level() == Level::Error
            && let Ok(mut first) = self.first_error.lock()
        {
            first.get_or_insert(line);
        }
    }

    fn flush(&self) {}
}

/// Installs the journal.
pub fn begin() {
    // Only a second call can fail, and there is none.
    let _ = log::set_logger(&JOURNAL);
    log::set_max_level(LevelFilter::Warn);
}

/// The first error since the worker began.
pub fn error() -> Option<String> {
    JOURNAL.first_error.lock().ok()?.clone()
}
