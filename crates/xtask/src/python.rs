//! A virtual environment for the conformance scripts, which compare with Hugging Face's `transformers`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::packages;
use crate::project::Project;
use crate::shell::{on_path, run, timed};

/// Where the scripts and their `requirements.txt` lie.
pub const SCRIPTS: &str = "tests/python";

/// Creates the environment, unless it already holds exactly what `requirements.txt` says; returns its `python`.
pub fn ensure(project: &Project) -> Result<PathBuf> {
    let home = project.python();
    let python = home.join("bin/python");
    let wanted_file = project.root().join(SCRIPTS).join("requirements.txt");
    let wanted = fs::read_to_string(&wanted_file)
        .with_context(|| format!("reading {}", wanted_file.display()))?;
    // The copy of the requirements is written last, so that an interrupted install counts as none.
    let stamp = home.join("installed-requirements.txt");
    if python.is_file() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    if !on_path("python3") {
        packages::install("the conformance tests", &["python3", "python3-venv"])?;
    }
    timed(
        "Install torch and transformers for the conformance tests (downloads 3 GB, minutes, once)",
        || {
            if !python.is_file() {
                create(&home)?;
            }
            run(Command::new(&python)
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--no-cache-dir",
                    "-r",
                ])
                .arg(&wanted_file))?;
            fs::write(&stamp, &wanted).with_context(|| format!("writing {}", stamp.display()))
        },
    )?;
    Ok(python)
}

/// The scripts whose name begins with `prefix` and ends with `suffix` (before `.py`), in order of name.
pub fn scripts(project: &Project, prefix: &str, suffix: &str) -> Result<Vec<PathBuf>> {
    let folder = project.root().join(SCRIPTS);
    let mut scripts = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(prefix) && name.ends_with(&format!("{suffix}.py")) {
            scripts.push(path);
        }
    }
    scripts.sort();
    Ok(scripts)
}

/// Debian keeps the `venv` module in a package of its own.
fn create(home: &Path) -> Result<()> {
    let venv = || run(Command::new("python3").args(["-m", "venv"]).arg(home));
    venv().or_else(|_| {
        packages::install("the conformance tests", &["python3-venv"])?;
        venv()
    })
}
