//! `cargo xtask serve`: build the site and serve it on this machine, rebuilding when a source file is saved.
//!
//! Trunk serves: it knows wasm's MIME type and reloads the page. wasm-opt and minifying are left out; so are whole-program optimisation
//! and the WebGPU engine, unless asked for: they take most of a build's time, and most work on the page needs neither.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::project::Project;
use crate::shell::run;
use crate::site;

/// The root `Cargo.toml`'s profile for a quick build.
const QUICK_PROFILE: &str = "wasm-quick";

/// Serves until interrupted. `release` optimises as `build` does; `webgpu` builds the second engine, too.
pub fn serve(project: &Project, port: u16, release: bool, webgpu: bool) -> Result<()> {
    TcpListener::bind(("127.0.0.1", port)).with_context(|| {
        format!(
            "port {port} of 127.0.0.1 is taken: stop what uses it, or choose another with --port"
        )
    })?;
    let mut trunk = site::trunk(project)?;
    trunk.arg("serve");
    if !webgpu {
        trunk.arg(page_without_webgpu(project)?);
    }
    println!(
        "==> Build the site, then serve it at http://127.0.0.1:{port}/ (the first build takes minutes)"
    );
    if !release {
        println!(
            "    Built quickly: the page is slower than the deployed one. --release shows its real speed."
        );
    }
    if !webgpu {
        println!("    Without the WebGPU engine: the page computes on the CPU. --webgpu adds it.");
    }
    println!("    Stop with Ctrl-C.");
    let profile = if release {
        site::PROFILE
    } else {
        QUICK_PROFILE
    };
    run(trunk
        .args(["--cargo-profile", profile])
        .args(["--address", "127.0.0.1", "--port", &port.to_string()])
        .arg("--dist")
        .arg(project.target().join("served-site")))
}

/// Writes `www/index.cpu.html`, the page's frame whose WebGPU engine trunk skips. Trunk watches the copy: after a change of
/// `www/index.html` itself, start `serve` again.
fn page_without_webgpu(project: &Project) -> Result<PathBuf> {
    let folder = project.root().join("www");
    let (from, to) = (folder.join("index.html"), folder.join("index.cpu.html"));
    let page = fs::read_to_string(&from).with_context(|| format!("reading {}", from.display()))?;
    let page = skip_webgpu(&page)?;
    fs::write(&to, page).with_context(|| format!("writing {}", to.display()))?;
    Ok(to)
}

/// Marks the link of the WebGPU engine, so that trunk does not build it.
fn skip_webgpu(page: &str) -> Result<String> {
    const LINK: &str = "data-bin=\"worker-webgpu\"";
    if page.matches(LINK).count() != 1 {
        bail!("www/index.html has not one link with {LINK}: serve with --webgpu");
    }
    Ok(page.replace(LINK, &format!("{LINK} data-trunk-skip")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_webgpu_engine_is_skipped() {
        let project = Project::find().unwrap();
        let page = fs::read_to_string(project.root().join("www/index.html")).unwrap();
        let served = skip_webgpu(&page).unwrap();
        assert_eq!(served.matches("data-trunk-skip").count(), 1);
        assert_eq!(served.replace(" data-trunk-skip", ""), page);
        assert!(skip_webgpu("<p>no engines</p>").is_err());
    }
}
