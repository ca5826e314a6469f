//! Building the site: everything that trunk needs, then trunk. What goes into the site is said in `www/index.html`,
//! and how it is built in `Trunk.toml`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::project::{Project, files_below};
use crate::shell::{run, timed};
use crate::{tools, wasm_target};

/// The root `Cargo.toml`'s profile for the deployed site.
pub const PROFILE: &str = "wasm";

/// Installs what a build of the site needs (compiler, site tools, the crates' sources) and returns the command `trunk`, without a
/// subcommand.
pub fn trunk(project: &Project) -> Result<Command> {
    let compiler = wasm_target::ensure(project)?;
    tools::ensure(project)?;
    // Trunk runs offline (Trunk.toml), and passes that on to cargo.
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
                .context("the site did not build: the compiler's messages above say why")?;
            pack_weights(&project.dist())?;
            list_sizes(&project.dist())?;
            copy_headers(project)
        },
    )
}

/// Copies the headers that some static hosts read. Trunk would need a link for them in the page.
fn copy_headers(project: &Project) -> Result<()> {
    let (from, to) = (
        project.root().join("www/_headers"),
        project.dist().join("_headers"),
    );
    fs::copy(&from, &to)
        .map(|_bytes| ())
        .with_context(|| format!("copying {} to {}", from.display(), to.display()))
}

/// Packs the weights of models whose matrices are rounded to int8 rows: the same numbers in half the bytes. Others stay in f16.
fn pack_weights(dist: &Path) -> Result<()> {
    let is_model = |file: &PathBuf| file.ends_with("model.safetensors");
    for file in files_below(dist)?.into_iter().filter(is_model) {
        let bytes = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        if let Some(packed) = quantization::pack(&bytes) {
            fs::write(&file, packed).with_context(|| format!("writing {}", file.display()))?;
        }
    }
    Ok(())
}

/// Writes `sizes.json`: the size in bytes of each large file, by its path. A server that compresses on the fly sends no usable content
/// length, so the page's progress bars need this list.
fn list_sizes(dist: &Path) -> Result<()> {
    let is_large = |file: &PathBuf| {
        let kind = file.extension();
        kind.is_some_and(|kind| kind == "wasm" || kind == "safetensors")
    };
    let mut sizes = BTreeMap::new();
    for file in files_below(dist)?.into_iter().filter(is_large) {
        let bytes = fs::metadata(&file)
            .with_context(|| format!("looking at {}", file.display()))?
            .len();
        let below = file.strip_prefix(dist).expect("listed below dist");
        let parts: Vec<_> = below.iter().map(OsStr::to_string_lossy).collect();
        sizes.insert(parts.join("/"), bytes);
    }
    let list = dist.join("sizes.json");
    let text = serde_json::to_string(&sizes).expect("names and numbers are JSON");
    fs::write(&list, text).with_context(|| format!("writing {}", list.display()))
}
