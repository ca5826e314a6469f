//! What the tests of the whole share: a static web server, a headless Chromium, the page as a typed object,
//! and a tiny model.
//!
//! The tests themselves lie in `tests/tests/`. No test of a single crate is here; those lie beside their crate.

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
