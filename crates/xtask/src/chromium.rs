//! A browser for the tests and benchmarks: an installed Chrome or Chromium, else the system's `chromium` package.
//!
//! Which of these names is started is decided by the browser tests' own driver (`tests/src/browser.rs`).

use anyhow::Result;

use crate::packages;

/// Names under which Chrome and Chromium are installed.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Makes sure that a browser is there; `CHROME` may name one elsewhere.
pub fn ensure() -> Result<()> {
    if std::env::var_os("CHROME").is_some() {
        return Ok(());
    }
    packages::ensure("the browser tests", &NAMES, &["chromium"])
}
