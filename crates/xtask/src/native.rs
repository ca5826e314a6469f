//! Native builds: in release, because debug tensors are a hundred times slower, and always of the whole workspace with its tests.
//! burn compiles for ten CPU-minutes per set of features, and this keeps the sets at one.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::project::Project;
use crate::shell::run;

/// `cargo test --release --workspace` with more arguments, which may choose targets but not packages.
pub fn cargo_test(project: &Project, arguments: &[&str]) -> Command {
    let mut cargo = project.command("cargo");
    cargo
        .args(["test", "--release", "--workspace"])
        .args(arguments);
    cargo
}

/// Builds the command line and returns its path.
pub fn collapse(project: &Project) -> Result<PathBuf> {
    run(&mut cargo_test(project, &["--no-run", "--quiet"]))?;
    Ok(project.target().join("release/collapse"))
}
