//! What the integration tests share: a static web server, a headless Chromium, the page as a typed object, and a tiny model.
//!
//! The tests themselves are in `tests/tests/`; tests of a single crate are in that crate.

#![allow(
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    reason = "every failure ends a test, in its own words"
)]

pub mod browser;
pub mod collapse;
mod devtools;
pub mod page;
pub mod site;
pub mod tiny;
