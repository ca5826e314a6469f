//! The three site tools at pinned versions: trunk, wasm-bindgen and wasm-opt; and the charting library that the page loads, which goes
//! to `www/vendor`. The compiler's wasm32 target is the business of `wasm_target`.
//!
//! A tool of the right version on `PATH` is used as it is. Otherwise it is compiled into the project's cache, without link-time
//! optimisation: trunk's own release profile takes 13 CPU-minutes for a tool that runs for seconds.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::packages;
use crate::project::Project;
use crate::shell::{output, run, timed};

const TRUNK: &str = "0.22.1";
/// Must equal the `wasm-bindgen` of the root `Cargo.toml`.
const WASM_BINDGEN: &str = "0.2.130";
/// The npm package `binaryen` carries wasm-opt as a script for node; Debian's is too old for today's wasm.
const BINARYEN: &str = "132";
/// Apache ECharts, from npm (Apache-2.0).
const ECHARTS: &str = "6.0.0";
const CARGO_DENY: &str = "0.20.2";

/// Installs what is missing or of another version; silent when all is there.
pub fn ensure(project: &Project) -> Result<()> {
    if !is_version(project, "wasm-bindgen", WASM_BINDGEN) {
        timed(
            &format!("Install wasm-bindgen {WASM_BINDGEN} (2 CPU-minutes, once)"),
            || {
                // Its lock file names a dependency that has been withdrawn, so it is not `--locked`.
                cargo_install(
                    project,
                    "wasm-bindgen-cli",
                    WASM_BINDGEN,
                    &["--no-default-features"],
                )
            },
        )?;
    }
    if !is_version(project, "trunk", TRUNK) {
        timed(
            &format!("Install trunk {TRUNK} (6 CPU-minutes, once)"),
            || {
                let flags = [
                    "--locked",
                    "--ignore-rust-version",
                    "--no-default-features",
                    "--features",
                    "rustls",
                ];
                cargo_install(project, "trunk", TRUNK, &flags)
            },
        )?;
    }
    ensure_npm_packages(project)?;
    for (program, version) in [
        ("wasm-bindgen", WASM_BINDGEN),
        ("trunk", TRUNK),
        ("wasm-opt", BINARYEN),
    ] {
        if !is_version(project, program, version) {
            bail!(
                "{program} {version} was installed but does not run: delete {} and try again",
                project.tools().display()
            );
        }
    }
    copy_echarts(project)
}

/// Installs wasm-opt and ECharts from npm.
pub fn ensure_npm_packages(project: &Project) -> Result<()> {
    if !is_version(project, "wasm-opt", BINARYEN) {
        packages::ensure("wasm-opt", &["npm"], &["nodejs", "npm"])?;
        npm_install(project, "wasm-opt", &format!("binaryen@{BINARYEN}.0.0"))?;
    }
    let package = echarts(project);
    let is_there = || {
        fs::read_to_string(package.join("package.json"))
            .is_ok_and(|json| json.contains(&format!("\"version\": \"{ECHARTS}\"")))
    };
    if !is_there() {
        packages::ensure("ECharts", &["npm"], &["nodejs", "npm"])?;
        npm_install(project, "ECharts", &format!("echarts@{ECHARTS}"))?;
    }
    if !is_there() {
        bail!(
            "ECharts {ECHARTS} was installed but is not there: delete {} and try again",
            package.display()
        );
    }
    Ok(())
}

/// Where npm puts ECharts.
fn echarts(project: &Project) -> PathBuf {
    project.tools().join("node_modules/echarts")
}

/// Puts ECharts where trunk finds it, as one file that a browser imports.
fn copy_echarts(project: &Project) -> Result<()> {
    let package = echarts(project);
    let vendor = project.root().join("www/vendor");
    fs::create_dir_all(&vendor).with_context(|| format!("creating {}", vendor.display()))?;
    // `.js`, as plain hosts know no other name for a script.
    for (from, to) in [
        ("dist/echarts.esm.min.mjs", "echarts.js"),
        ("LICENSE", "echarts.LICENSE.txt"),
    ] {
        let (from, to) = (package.join(from), vendor.join(to));
        let file = fs::read(&from).with_context(|| format!("reading {}", from.display()))?;
        // Written only when it changes: `serve` watches the folder.
        if fs::read(&to).is_ok_and(|present| present == file) {
            continue;
        }
        fs::write(&to, file).with_context(|| format!("writing {}", to.display()))?;
    }
    Ok(())
}

/// Installs an npm package into the project's cache.
fn npm_install(project: &Project, what: &str, package: &str) -> Result<()> {
    timed(
        &format!("Install {what} from npm: {package} (seconds, once)"),
        || {
            let tools = project.tools();
            fs::create_dir_all(&tools).with_context(|| format!("creating {}", tools.display()))?;
            run(project
                .command("npm")
                .args([
                    "install",
                    "--no-fund",
                    "--no-audit",
                    "--loglevel=error",
                    "--prefix",
                ])
                .arg(tools)
                .arg(package))
        },
    )
}

/// Installs cargo-deny, which reads the licences and versions of all dependencies.
pub fn ensure_cargo_deny(project: &Project) -> Result<()> {
    if is_version(project, "cargo-deny", CARGO_DENY) {
        return Ok(());
    }
    timed(
        &format!("Install cargo-deny {CARGO_DENY} (5 CPU-minutes, once)"),
        || {
            cargo_install(
                project,
                "cargo-deny",
                CARGO_DENY,
                &["--locked", "--no-default-features"],
            )
        },
    )
}

/// `cargo install` into the project's cache, tuned for the time until the tool runs.
pub fn cargo_install(project: &Project, name: &str, version: &str, flags: &[&str]) -> Result<()> {
    let build = project.tools().join("build");
    run(lean(
        project
            .command("cargo")
            .args(["install", name, "--version", version, "--root"]),
    )
    .arg(project.tools())
    .arg("--target-dir")
    .arg(&build)
    .args(flags))?;
    // Half a gigabyte that nothing needs again.
    fs::remove_dir_all(&build).with_context(|| format!("removing {}", build.display()))
}

/// Whether the program on the tools' path says that it is this version.
pub fn is_version(project: &Project, program: &str, version: &str) -> bool {
    output(project.command(program).arg("--version"))
        .is_some_and(|text| text.split_whitespace().any(|word| word == version))
}

fn lean(command: &mut Command) -> &mut Command {
    command
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
}
