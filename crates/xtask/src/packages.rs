//! What only the system's package manager can give: a browser for the tests, node for wasm-opt, Python for conformance.
//!
//! On Debian and Ubuntu through `apt-get`; elsewhere the error says what to install.

use std::process::Command;

use anyhow::{Result, bail};

use crate::shell::{on_path, output, run, timed};

/// Makes sure that one of `programs` is there, else installs `packages`.
pub fn ensure(purpose: &str, programs: &[&str], packages: &[&str]) -> Result<()> {
    if programs.iter().any(|program| on_path(program)) {
        return Ok(());
    }
    install(purpose, packages)?;
    if programs.iter().any(|program| on_path(program)) {
        return Ok(());
    }
    bail!(
        "{} still not found on PATH after installing {}",
        programs.join(" or "),
        packages.join(", ")
    )
}

/// Installs Debian packages, through sudo for anyone but root.
pub fn install(purpose: &str, packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    if !on_path("apt-get") {
        bail!(
            "{purpose} needs {names}: install it with your system's package manager and run this again"
        );
    }
    timed(&format!("Install {names} with apt-get ({purpose})"), || {
        run(apt_get().args(["update", "-qq"]))?;
        run(apt_get()
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(packages))
    })
}

fn apt_get() -> Command {
    let root = output(Command::new("id").arg("-u")).as_deref() == Some("0");
    let mut command = Command::new(if root { "env" } else { "sudo" });
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    command
}
