//! `cargo xtask bless`: regenerates the committed expectations, after a change that is meant to change them.
//!
//! The fixtures come from Hugging Face's `transformers` (`tests/python/*_fixtures.py`); the golden tokens and the
//! recording that the page opens with from our own models.
//! Review the diff before committing it.

use anyhow::Result;

use crate::native::{self, cargo_test};
use crate::project::Project;
use crate::python;
use crate::shell::{run, timed};

/// Regenerates everything that a script can regenerate.
pub fn bless(project: &Project) -> Result<()> {
    let python = python::ensure(project)?;
    for script in python::scripts(project, "", "_fixtures")? {
        timed(&format!("Make fixtures with {}", script.display()), || {
            run(project.command(&python.to_string_lossy()).arg(&script))
        })?;
    }
    timed("Make the golden outputs", || {
        run(cargo_test(project, &["--test", "golden"]).env("BLESS", "1"))
    })?;
    timed("Record the run that the page opens with", || {
        let collapse = native::collapse(project)?;
        run(project.command(&collapse.to_string_lossy()).arg("record"))
    })?;
    println!("Now review what changed: `git diff --stat`, then the diff itself.");
    Ok(())
}
