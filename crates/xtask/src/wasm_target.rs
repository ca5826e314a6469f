//! A compiler for `wasm32-unknown-unknown`: the pinned one with the target that rustup adds, else Debian's.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::debian_rust;
use crate::project::Project;
use crate::shell::{output, run, timed};

/// The target of everything that runs in the browser.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Which compiler builds for the browser.
pub enum Compiler {
    /// The one that builds everything else.
    Pinned,
    /// Debian's, started by this program.
    Debian(PathBuf),
}

impl Compiler {
    /// Makes a command compile with this compiler.
    pub fn apply<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        match self {
            Self::Pinned => command,
            Self::Debian(program) => command.env("RUSTC", program),
        }
    }
}

/// Makes sure that there is a compiler for the browser, and returns which.
pub fn ensure(project: &Project) -> Result<Compiler> {
    if has_target(Command::new("rustc").current_dir(project.root())) {
        return Ok(Compiler::Pinned);
    }
    let added = timed(
        "Add the compiler's wasm32 target with rustup (seconds, once)",
        || {
            run(Command::new("rustup")
                .current_dir(project.root())
                .args(["target", "add", TARGET]))
        },
    );
    match added {
        Ok(()) => Ok(Compiler::Pinned),
        Err(refusal) => {
            println!("    rustup cannot ({refusal:#}); trying Debian's compiler instead.");
            let program = debian_rust::ensure(project)
                .context("neither rustup nor Debian provides a wasm32 compiler")?;
            Ok(Compiler::Debian(program))
        }
    }
}

/// Whether a compiler finds the target's standard library.
pub fn has_target(rustc: &mut Command) -> bool {
    output(rustc.args(["--print", "target-libdir", "--target", TARGET]))
        .is_some_and(|folder| Path::new(&folder).is_dir())
}
