//! Licences, sources and known faults of what this project is built from: crates by cargo-deny, npm packages by their own
//! `package.json`. What is allowed of crates is said in `deny.toml`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::project::Project;
use crate::shell::run;
use crate::tools;

/// Licences that npm packages may have: those of `deny.toml` that occur among them.
const ALLOWED: [&str; 4] = ["Apache-2.0", "BSD-3-Clause", "MIT", "0BSD"];

/// What is read of a `package.json`.
#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    /// An SPDX expression; absent in packages that say it in an outdated way.
    license: Option<String>,
}

/// Licences, duplicate versions and sources of all crates, and licences of all npm packages.
pub fn check(project: &Project) -> Result<()> {
    tools::ensure_cargo_deny(project)?;
    // It looks at the crates of every platform; a build fetches only its own.
    run(project.command("cargo").args(["fetch", "--locked"]))?;
    run(project.command("cargo-deny").args([
        "--offline",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]))
    .context("cargo-deny found something")?;
    tools::ensure_npm_packages(project)?;
    check_npm(&project.tools().join("node_modules"))
}

/// Known vulnerabilities and yanked versions among the crates. Needs the network: the database is fetched anew.
pub fn advisories(project: &Project) -> Result<()> {
    tools::ensure_cargo_deny(project)?;
    run(project
        .command("cargo-deny")
        .args(["check", "--hide-inclusion-graph", "advisories"]))
    .context(
        "cargo-deny found an advisory, or could not fetch its database (the messages above say which)",
    )
}

/// Fails when an npm package has a licence that is not allowed, or names none.
fn check_npm(node_modules: &Path) -> Result<()> {
    let packages = npm_packages(node_modules)?;
    if packages.is_empty() {
        bail!("no npm packages in {}", node_modules.display());
    }
    let mut refused = Vec::new();
    for Package {
        name,
        version,
        license,
    } in &packages
    {
        let license = license.as_deref().unwrap_or("none named");
        println!("    {name} {version}: {license}");
        if !ALLOWED.contains(&license) {
            refused.push(format!("{name} {version} ({license})"));
        }
    }
    if !refused.is_empty() {
        bail!(
            "npm packages with a licence that is not among {}: {}",
            ALLOWED.join(", "),
            refused.join("; ")
        );
    }
    Ok(())
}

/// The packages in a `node_modules` folder, scoped and nested ones too, in order of their paths.
fn npm_packages(node_modules: &Path) -> Result<Vec<Package>> {
    let mut packages = Vec::new();
    let mut folders: Vec<_> = fs::read_dir(node_modules)
        .with_context(|| format!("listing {}", node_modules.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    folders.sort();
    for folder in folders.iter().filter(|path| path.is_dir()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('@') {
            packages.extend(npm_packages(folder)?);
            continue;
        }
        let manifest = folder.join("package.json");
        if !manifest.is_file() {
            continue;
        }
        let text = fs::read_to_string(&manifest)
            .with_context(|| format!("reading {}", manifest.display()))?;
        packages.push(
            serde_json::from_str(&text)
                .with_context(|| format!("{} is not a package's manifest", manifest.display()))?,
        );
        let nested = folder.join("node_modules");
        if nested.is_dir() {
            packages.extend(npm_packages(&nested)?);
        }
    }
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_npm_package_needs_an_allowed_licence() {
        let root = std::env::temp_dir().join(format!("xtask-npm-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let folder = root.join(path);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("package.json"), text).unwrap();
        };
        fs::create_dir_all(root.join(".bin")).unwrap();
        assert!(check_npm(&root).is_err(), "an empty folder is not checked");
        write("one", r#"{"name":"one","version":"1.0.0","license":"MIT"}"#);
        write(
            "@scope/two",
            r#"{"name":"@scope/two","version":"2.0.0","license":"0BSD"}"#,
        );
        check_npm(&root).unwrap();
        write(
            "one/node_modules/three",
            r#"{"name":"three","version":"3.0.0","license":"GPL-3.0-only"}"#,
        );
        write("four", r#"{"name":"four","version":"4.0.0"}"#);
        let error = check_npm(&root).unwrap_err().to_string();
        for wrong in ["three 3.0.0 (GPL-3.0-only)", "four 4.0.0 (none named)"] {
            assert!(error.contains(wrong), "{error}");
        }
        assert!(
            !error.contains("one 1.0.0") && !error.contains("two"),
            "{error}"
        );
        fs::remove_dir_all(root).unwrap();
    }
}
