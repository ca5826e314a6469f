//! `cargo xtask check`: formatting, words, lints and documentation, for a quick answer while writing.

use anyhow::{Context, Result};

use crate::project::Project;
use crate::shell::{run, timed};
use crate::wasm_target::{self, Compiler, TARGET};
use crate::{retired, site};

/// Formatting, retired words, clippy, rustdoc.
pub fn check(project: &Project) -> Result<()> {
    timed("Formatting", || format(project))?;
    timed("Words", || retired::check(project))?;
    timed("Lints", || lint(project))?;
    timed("Documentation", || docs(project))
}

/// Whether every source file is formatted.
pub fn format(project: &Project) -> Result<()> {
    run(project.command("cargo").args(["fmt", "--all", "--check"]))
        .context("some files are not formatted")
}

/// Clippy without warnings: everything natively, then the browser's crates for the browser.
///
/// The profiles are those of the tests and of the site, so that build scripts and macros are compiled once.
pub fn lint(project: &Project) -> Result<()> {
    let clippy = |arguments: &[&str]| {
        let mut clippy = project.command("cargo");
        run(clippy
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
    match wasm_target::ensure(project)? {
        Compiler::Pinned => {
            let browser = ["--target", TARGET, "--profile", site::PROFILE];
            clippy(&[&["--package", "app"][..], &browser].concat())?;
            clippy(
                &[
                    &["--package", "worker", "--features", "webgpu"][..],
                    &browser,
                ]
                .concat(),
            )
        }
        Compiler::Debian(_) => {
            println!("    Not linted for the browser: Debian's compiler for wasm32 has no clippy.");
            Ok(())
        }
    }
}

/// Rustdoc without warnings, private items included: no broken link, no bare address.
pub fn docs(project: &Project) -> Result<()> {
    run(project
        .command("cargo")
        .env("RUSTDOCFLAGS", "--deny warnings")
        .args([
            "doc",
            "--workspace",
            "--no-deps",
            "--document-private-items",
        ])
        .args(["--release", "--features", "tests/browser"]))
    .context("some documentation has a broken link")
}
