//! Where things lie: the clone, and the cache folder outside it that every clone of this user shares.
//!
//! The cache is `${XDG_CACHE_HOME:-~/.cache}/mode-collapse-playground/` with `target/` (compiled crates), `tools/` (trunk,
//! wasm-bindgen, wasm-opt) and `python/` (a virtual environment). It may be deleted at any time. The modules `tools`, `python` and
//! `wasm_target` install into it.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

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

    /// Marks this clone's sources as changed when another clone used the target folder last. Clones share it, and cargo compares only
    /// times: without this, code compiled from another clone could pass as this one's.
    pub fn claim_target(&self) -> Result<()> {
        self.claim(&self.target())
    }

    fn claim(&self, target: &Path) -> Result<()> {
        let claim = target.join("clone.txt");
        let root = self.root.to_string_lossy();
        if fs::read_to_string(&claim).is_ok_and(|last| last == root) {
            return Ok(());
        }
        for folder in ["crates", "tests"] {
            for file in files_below(&self.root.join(folder))? {
                if file.extension().is_some_and(|kind| kind == "rs") {
                    touch(&file)?;
                }
            }
        }
        fs::create_dir_all(target)
            .and_then(|()| fs::write(&claim, root.as_bytes()))
            .with_context(|| format!("cannot write {}", claim.display()))
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

/// All files below a folder.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))?
        {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    Ok(files)
}

/// Gives a file the present time.
fn touch(file: &Path) -> Result<()> {
    File::options()
        .append(true)
        .open(file)
        .and_then(|open| open.set_modified(SystemTime::now()))
        .with_context(|| format!("cannot touch {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_count_as_changed_after_another_clone_only() {
        let folder = env::temp_dir().join(format!("xtask-clones-{}", std::process::id()));
        let clone = |name: &str| Project {
            root: folder.join(name),
            cache: folder.join("cache"),
        };
        let source = |project: &Project| project.root.join("crates/one/src/lib.rs");
        let old = SystemTime::UNIX_EPOCH;
        let clones = ["a", "b"].map(clone);
        let age = |project: &Project| {
            let file = File::options().append(true).open(source(project)).unwrap();
            file.set_modified(old).unwrap();
        };
        for project in &clones {
            fs::create_dir_all(source(project).parent().unwrap()).unwrap();
            fs::create_dir_all(project.root.join("tests")).unwrap();
            fs::write(source(project), "").unwrap();
        }
        let [a, b] = &clones;
        for (project, changed) in [(a, true), (a, false), (b, true), (a, true), (a, false)] {
            age(project);
            project.claim(&folder.join("target")).unwrap();
            let time = fs::metadata(source(project)).unwrap().modified().unwrap();
            assert_eq!(time > old, changed, "{}", project.root.display());
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
