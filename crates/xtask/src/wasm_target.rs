//! The standard library for `wasm32-unknown-unknown`: from rustup.

use std::process::Command;

use anyhow::{Context, Result};

use crate::shell::{output, run, timed};

const TARGET: &str = "wasm32-unknown-unknown";

/// Makes sure that the compiler can build for browsers.
pub fn ensure() -> Result<()> {
    if is_there() {
        return Ok(());
    }
    timed(
        "Add the compiler's wasm32 target with rustup (seconds, once)",
        || {
            run(Command::new("rustup").args(["target", "add", TARGET]))
                .context("rustup could not add the wasm32 target")
        },
    )
}

fn is_there() -> bool {
    output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))
        .is_some_and(|folder| std::path::Path::new(&folder).is_dir())
}
