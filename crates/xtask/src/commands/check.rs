//! `cargo xtask check`: formatting and lints, for a quick answer while writing.

use anyhow::{Context, Result};

use crate::project::Project;
use crate::shell::{run, timed};
use crate::{site, wasm_target};

/// Formatting, then lints.
pub fn check(project: &Project) -> Result<()> {
    timed("Formatting", || format(project))?;
    timed("Lints", || lint(project))
}

/// Whether every source file is formatted.
pub fn format(project: &Project) -> Result<()> {
    run(project.command("cargo").args(["fmt", "--all", "--check"]))
        .context("some files are not formatted")
}

/// Clippy without warnings: everything natively, then what travels to the browser as the browser gets it.
///
/// The profiles are those of the tests and of the site, so that build scripts and macros are compiled once.
pub fn lint(project: &Project) -> Result<()> {
    wasm_target::ensure()?;
    let clippy = |arguments: &[&str]| {
        run(project
            .command("cargo")
            .arg("clippy")
            .args(arguments)
            .args(["--", "--deny", "warnings"]))
    };
    clippy(&[
        "--workspace",
        "--all-targets",
        "--release",
        "--features",
        "tests/browser",
    ])?;
    let for_browser = [
        "--target",
        "wasm32-unknown-unknown",
        "--profile",
        site::PROFILE,
    ];
    clippy(&[&["--package", "app"][..], &for_browser].concat())?;
    clippy(
        &[
            &["--package", "worker", "--features", "webgpu"][..],
            &for_browser,
        ]
        .concat(),
    )
}
