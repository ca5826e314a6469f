//! `cargo xtask serve`: build the site and serve it on this machine, rebuilding when a source file is saved.
//!
//! Trunk serves: it knows wasm's MIME type and reloads the page. The compiler optimises as for `build` (one cache for
//! both); wasm-opt and minifying are left out, because they take minutes and change nothing that one sees.

use std::net::TcpListener;

use anyhow::{Context, Result};

use crate::project::Project;
use crate::shell::run;
use crate::site;

/// Serves until interrupted.
pub fn serve(project: &Project, port: u16) -> Result<()> {
    TcpListener::bind(("127.0.0.1", port)).with_context(|| {
        format!(
            "port {port} of 127.0.0.1 is taken: stop what uses it, or choose another with --port"
        )
    })?;
    let mut trunk = site::trunk(project)?;
    println!(
        "==> Build the site, then serve it at http://127.0.0.1:{port}/ (the first build takes 10 to 20 minutes on two cores)"
    );
    println!("    Stop with Ctrl-C.");
    run(trunk
        .args(["serve", "--cargo-profile", site::PROFILE])
        .args(["--address", "127.0.0.1", "--port", &port.to_string()])
        .arg("--dist")
        .arg(project.target().join("served-site")))
}
