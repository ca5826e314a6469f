//! The command `collapse`, as the tests call it: arguments in, JSON out.

use std::env;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::site::root;

/// Runs `collapse` on the project's own model and reads the JSON that it prints.
///
/// The binary is the one built beside the running test; `cargo xtask test` builds it first.
pub fn run(arguments: &[&str]) -> Result<Value> {
    let tests = env::current_exe().context("finding the running test")?;
    let profile = tests
        .ancestors()
        .nth(2)
        .context("tests lie in <profile>/deps")?;
    let output = Command::new(profile.join("collapse"))
        .args(arguments)
        .arg("--model")
        .arg(root().join("models/storyteller"))
        .output()
        .context("starting collapse: build it first, with `cargo build --release -p cli`")?;
    if !output.status.success() {
        bail!(
            "collapse {arguments:?} ended with {}:\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    serde_json::from_slice(&output.stdout).context("collapse prints JSON")
}
