//! Where things lie: the clone, and the cache folder outside it that every clone of this user shares.
//!
//! The cache is `${XDG_CACHE_HOME:-~/.cache}/mode-collapse-playground/` with `target/` (compiled crates), `tools/` (trunk,
//! wasm-bindgen, wasm-opt) and `python/` (a virtual environment). It may be deleted at any time. What is installed there
//! is said in `tools`, `python` and `wasm_target`.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The folders that the tasks read and write.
pub struct Project {
    root: PathBuf,
    cache: PathBuf,
}

impl Project {
    /// Finds the clone that this binary was built from, and the user's cache folder.
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .expect("crates/xtask lies two folders below the root")
            .to_path_buf();
        let user_caches = match env::var_os("XDG_CACHE_HOME") {
            Some(folder) if !folder.is_empty() => PathBuf::from(folder),
            _ => env::home_dir()
                .context("no home folder: set XDG_CACHE_HOME to a folder for caches")?
                .join(".cache"),
        };
        Ok(Self {
            root,
            cache: user_caches.join("mode-collapse-playground"),
        })
    }

    /// The root of the clone.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Tools that cargo and npm install for this project only.
    pub fn tools(&self) -> PathBuf {
        self.cache.join("tools")
    }

    /// The virtual environment for the conformance tests.
    pub fn python(&self) -> PathBuf {
        self.cache.join("python")
    }

    /// Debian's compiler with a wasm32 standard library, where rustup has none.
    pub fn debian_rust(&self) -> PathBuf {
        self.cache.join("debian-rust")
    }

    /// Compiled crates: the user's `CARGO_TARGET_DIR`, or the shared cache.
    pub fn target(&self) -> PathBuf {
        env::var_os("CARGO_TARGET_DIR").map_or_else(
            || self.cache.join("target"),
            |folder| self.root.join(folder),
        )
    }

    /// The deployable site that `cargo xtask build` leaves.
    pub fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// A command that runs in the root of the clone, finds the installed tools, and shares the compiled crates.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.root)
            .env("PATH", self.search_path())
            .env("CARGO_TARGET_DIR", self.target());
        command
    }

    /// `PATH` with the installed tools first.
    fn search_path(&self) -> OsString {
        let ours = [
            self.tools().join("bin"),
            self.tools().join("node_modules/.bin"),
        ];
        let theirs = env::var_os("PATH").unwrap_or_default();
        env::join_paths(ours.into_iter().chain(env::split_paths(&theirs)))
            .expect("the cache folder's path holds no path separator")
    }
}
