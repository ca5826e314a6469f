//! Building the site: everything that trunk needs, then trunk. What goes into the site is said in `www/index.html`,
//! and how it is built in `Trunk.toml`.

use std::process::Command;

use anyhow::{Context, Result};

use crate::project::Project;
use crate::shell::{run, timed};
use crate::{tools, wasm_target};

/// The root `Cargo.toml`'s profile for the files that travel to the reader.
pub const PROFILE: &str = "wasm";

/// Installs what building the site takes (compiler, site tools, the crates' sources) and gives trunk, ready to be told what
/// to do.
pub fn trunk(project: &Project) -> Result<Command> {
    let compiler = wasm_target::ensure(project)?;
    tools::ensure(project)?;
    // Trunk is told to stay offline, which it passes on to cargo.
    run(project.command("cargo").args(["fetch", "--quiet"]))
        .context("fetching the crates' sources")?;
    let mut trunk = project.command("trunk");
    compiler.apply(&mut trunk);
    Ok(trunk)
}

/// Builds the deployable site into `dist/`.
pub fn build(project: &Project) -> Result<()> {
    let mut trunk = trunk(project)?;
    timed(
        "Build the site (first time 10 to 20 minutes on two cores, then seconds to minutes)",
        || {
            run(trunk.args(["build", "--release", "--cargo-profile", PROFILE]))
                .context("the site did not build: the compiler's messages above say why")
        },
    )
}
