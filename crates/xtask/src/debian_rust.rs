//! A wasm32 compiler from Debian's packages, for machines where rustup cannot reach its server to add the target.
//!
//! Debian ships rustc with the source of the standard library but without its wasm32 build, which is made here once. The result lies in
//! the project's cache: a sysroot of links to Debian's files, and a script that starts Debian's rustc with it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::packages;
use crate::project::Project;
use crate::shell::{output, run, timed};
use crate::wasm_target::{TARGET, has_target};

const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
const LINKER: &str = "/usr/bin/lld-22";

/// Makes sure that the compiler is there, and returns the program to start.
pub fn ensure(project: &Project) -> Result<PathBuf> {
    let home = project.debian_rust();
    let program = home.join("rustc");
    if has_target(&mut Command::new(&program)) {
        return Ok(program);
    }
    if !Path::new(LINKER).is_file() || !Path::new("/usr/lib/rustlib/src").is_dir() {
        packages::install(
            "a wasm32 compiler",
            &["rustc-web", "cargo-web", "rust-web-src", "lld-22"],
        )?;
    }
    timed(
        "Build the wasm32 standard library with Debian's compiler (1 CPU-minute, once)",
        || {
            let sysroot = home.join("sysroot");
            link_sysroot(&sysroot)?;
            build_standard_library(&home.join("build"), &sysroot)?;
            write_program(&program, &sysroot)
        },
    )?;
    Ok(program)
}

/// A sysroot with Debian's libraries for this machine, and its lld under the name that rustc looks for.
fn link_sysroot(sysroot: &Path) -> Result<()> {
    let about =
        output(Command::new(RUSTC).arg("-vV")).with_context(|| format!("{RUSTC} does not run"))?;
    let host = about
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc names its host")?;
    if sysroot.exists() {
        fs::remove_dir_all(sysroot).with_context(|| format!("removing {}", sysroot.display()))?;
    }
    let here = sysroot.join("lib/rustlib").join(host);
    fs::create_dir_all(here.join("bin")).with_context(|| format!("creating {}", here.display()))?;
    symlink(
        Path::new("/usr/lib/rustlib").join(host).join("lib"),
        here.join("lib"),
    )?;
    symlink(LINKER, here.join("bin/rust-lld"))?;
    Ok(())
}

/// Builds the standard library below an empty crate, and keeps its compiled crates.
fn build_standard_library(folder: &Path, sysroot: &Path) -> Result<()> {
    fs::create_dir_all(folder.join("src"))
        .with_context(|| format!("creating {}", folder.display()))?;
    fs::write(
        folder.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nedition = \"2024\"\n[workspace]\n",
    )?;
    fs::write(folder.join("src/lib.rs"), "")?;
    run(Command::new(CARGO)
        .current_dir(folder)
        .args([
            "build",
            "--release",
            "--target",
            TARGET,
            "--target-dir",
            "target",
        ])
        .arg("-Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test")
        .env("RUSTC", RUSTC)
        // Building std is a nightly feature; std is built by exactly the compiler that it belongs to.
        .env("RUSTC_BOOTSTRAP", "1")
        // The site is optimised at link time, for which the library must carry its bitcode.
        .env("RUSTFLAGS", "-C embed-bitcode=yes")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO_TARGET_DIR"))?;
    let built = folder.join("target").join(TARGET).join("release/deps");
    let kept = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    fs::create_dir_all(&kept).with_context(|| format!("creating {}", kept.display()))?;
    for entry in fs::read_dir(&built).with_context(|| format!("listing {}", built.display()))? {
        let file = entry?.path();
        let name = file.file_name().unwrap_or_default();
        let is_library = file
            .extension()
            .is_some_and(|extension| extension == "rlib" || extension == "rmeta");
        if is_library && !name.to_string_lossy().starts_with("libempty") {
            fs::copy(&file, kept.join(name))
                .with_context(|| format!("copying {}", file.display()))?;
        }
    }
    fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))
}

/// Writes a script that starts Debian's rustc with our sysroot.
fn write_program(program: &Path, sysroot: &Path) -> Result<()> {
    fs::write(
        program,
        format!(
            "#!/bin/sh\nexec {RUSTC} --sysroot '{}' \"$@\"\n",
            sysroot.display()
        ),
    )?;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("making {} executable", program.display()))
}
