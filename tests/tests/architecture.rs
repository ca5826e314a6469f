//! Which crate may depend on which: the layers of ARCHITECTURE.md, checked against `cargo metadata`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The workspace's crates that each crate may depend on, its tests included. Nothing may depend on app, worker, cli or xtask.
const MAY_DEPEND_ON: [(&str, &[&str]); 16] = [
    ("decoding", &[]),
    ("protocol", &["decoding"]),
    ("quantization", &[]),
    ("transformer", &["decoding", "quantization"]),
    ("statistics", &["decoding"]),
    ("words", &[]),
    ("sentiment", &["words", "statistics"]),
    ("attractors", &["words"]),
    ("bundle", &[]),
    (
        "experiments",
        &[
            "attractors",
            "bundle",
            "sentiment",
            "words",
            "statistics",
            "decoding",
        ],
    ),
    (
        "training",
        &[
            "bundle",
            "transformer",
            "sentiment",
            "statistics",
            "decoding",
            "quantization",
        ],
    ),
    (
        "worker",
        &[
            "protocol",
            "bundle",
            "experiments",
            "transformer",
            "decoding",
        ],
    ),
    (
        "app",
        &[
            "protocol",
            "bundle",
            "experiments",
            "attractors",
            "sentiment",
            "statistics",
            "decoding",
        ],
    ),
    (
        "cli",
        &[
            "protocol",
            "bundle",
            "experiments",
            "attractors",
            "training",
            "transformer",
            "sentiment",
            "statistics",
            "decoding",
        ],
    ),
    ("xtask", &["quantization"]),
    (
        "tests",
        &[
            "protocol",
            "experiments",
            "attractors",
            "training",
            "transformer",
            "sentiment",
            "statistics",
            "decoding",
            "quantization",
        ],
    ),
];

/// `cargo metadata`: the workspace and everything that it depends on.
struct Workspace {
    /// Package names by id.
    names: BTreeMap<String, String>,
    /// Ids of each package's normal dependencies (no dev- or build-dependencies), with every feature of the workspace on.
    normal_dependencies: BTreeMap<String, Vec<String>>,
    /// Each member's dependencies inside the workspace, dev-dependencies included.
    internal: BTreeMap<String, BTreeSet<String>>,
    /// Each member's direct dependencies, dev-dependencies left out.
    direct: BTreeMap<String, BTreeSet<String>>,
}

impl Workspace {
    fn load() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version=1", "--all-features"])
            .current_dir(tests::site::root())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let list = |value: &Value| value.as_array().unwrap().clone();

        let members: BTreeSet<String> = list(&metadata["workspace_members"])
            .iter()
            .map(text)
            .collect();
        let packages = list(&metadata["packages"]);
        let names: BTreeMap<_, _> = packages
            .iter()
            .map(|package| (text(&package["id"]), text(&package["name"])))
            .collect();
        let members_by_name: BTreeSet<_> = members.iter().map(|id| names[id].clone()).collect();

        let mut internal = BTreeMap::new();
        let mut direct = BTreeMap::new();
        for package in packages
            .iter()
            .filter(|package| members.contains(&text(&package["id"])))
        {
            let dependencies = list(&package["dependencies"]);
            let all = dependencies
                .iter()
                .map(|dependency| text(&dependency["name"]));
            internal.insert(
                text(&package["name"]),
                all.filter(|name| members_by_name.contains(name)).collect(),
            );
            let built = dependencies
                .iter()
                .filter(|dependency| dependency["kind"].is_null());
            direct.insert(
                text(&package["name"]),
                built.map(|dependency| text(&dependency["name"])).collect(),
            );
        }
        let normal_dependencies = list(&metadata["resolve"]["nodes"])
            .iter()
            .map(|node| {
                let is_normal = |dependency: &&Value| {
                    list(&dependency["dep_kinds"])
                        .iter()
                        .any(|kind| kind["kind"].is_null())
                };
                let ids = list(&node["deps"])
                    .iter()
                    .filter(is_normal)
                    .map(|dependency| text(&dependency["pkg"]))
                    .collect();
                (text(&node["id"]), ids)
            })
            .collect();
        Self {
            names,
            normal_dependencies,
            internal,
            direct,
        }
    }

    /// Names of everything that a crate is built with, at any depth.
    fn transitive(&self, crate_name: &str) -> BTreeSet<&str> {
        let (id, _) = self
            .names
            .iter()
            .find(|(id, name)| *name == crate_name && id.contains("path+file"))
            .unwrap();
        let mut seen = BTreeSet::new();
        let mut pending = vec![id];
        while let Some(id) = pending.pop() {
            if seen.insert(id) {
                pending.extend(&self.normal_dependencies[id]);
            }
        }
        seen.into_iter().map(|id| self.names[id].as_str()).collect()
    }
}

#[test]
fn every_crate_depends_only_on_the_crates_that_it_may() {
    let workspace = Workspace::load();
    let may_depend_on = BTreeMap::from(MAY_DEPEND_ON);
    for (name, dependencies) in &workspace.internal {
        let allowed = may_depend_on
            .get(name.as_str())
            .unwrap_or_else(|| panic!("{name} is a new crate: list what it may depend on"));
        for other in dependencies {
            assert!(
                allowed.contains(&other.as_str()),
                "{name} depends on {other}: avoid it, or change the layers with a reason"
            );
        }
    }
    assert_eq!(
        workspace.internal.len(),
        MAY_DEPEND_ON.len(),
        "a crate of the list above is gone"
    );
}

#[test]
fn the_page_never_links_burn() {
    let workspace = Workspace::load();
    let linked = workspace.transitive("app");
    assert!(linked.contains("yew"), "the page is made with yew");
    assert_eq!(
        linked
            .iter()
            .filter(|name| name.starts_with("burn") || name.starts_with("cubecl"))
            .count(),
        0,
        "{linked:?}"
    );
}

#[test]
fn the_worker_never_links_yew() {
    let workspace = Workspace::load();
    let linked = workspace.transitive("worker");
    assert!(linked.contains("burn"), "the worker computes with burn");
    assert!(!linked.contains("yew"));
}

#[test]
fn decoding_and_statistics_stay_pure_mathematics() {
    let workspace = Workspace::load();
    let pure: [(&str, &[&str]); 2] = [
        ("decoding", &["serde", "thiserror"]),
        ("statistics", &["decoding", "miniz_oxide", "serde"]),
    ];
    for (name, allowed) in pure {
        let direct = &workspace.direct[name];
        assert!(
            direct.iter().all(|it| allowed.contains(&it.as_str())),
            "{name} depends on {direct:?}"
        );
    }
}

/// wasm-bindgen's tool must be of the version of its library; three files name it.
#[test]
fn the_versions_of_the_site_tools_agree() {
    let read = |path: &str| std::fs::read_to_string(tests::site::root().join(path)).unwrap();
    let between = |text: &str, before: &str| {
        let (_, rest) = text
            .split_once(before)
            .unwrap_or_else(|| panic!("no {before}"));
        rest.split_once('"').unwrap().0.to_owned()
    };
    let (trunk, tools) = (read("Trunk.toml"), read("crates/xtask/src/tools.rs"));
    let library = between(&read("Cargo.toml"), "\nwasm-bindgen = \"=");
    assert_eq!(library, between(&trunk, "\nwasm_bindgen = \""));
    assert_eq!(library, between(&tools, "WASM_BINDGEN: &str = \""));
    let binaryen = between(&tools, "BINARYEN: &str = \"");
    assert_eq!(
        format!("version_{binaryen}"),
        between(&trunk, "\nwasm_opt = \"")
    );
}

/// A browser cannot block on its GPU. `clippy.toml` forbids burn's synchronous reads; this test holds that the awaited read-back
/// stays in one place, which checks the numbers that it hands on.
#[test]
fn tensors_are_read_back_in_one_place() {
    let mut read_backs = Vec::new();
    for name in ["decoding", "transformer", "worker"] {
        for path in sources(&tests::site::root().join("crates").join(name).join("src")) {
            let text = std::fs::read_to_string(&path).unwrap();
            let shipped = text.split("#[cfg(test)]").next().unwrap();
            read_backs.extend(shipped.matches("_data_async()").map(|_| path.clone()));
        }
    }
    assert_eq!(read_backs.len(), 1, "{read_backs:?}");
    assert!(read_backs[0].ends_with("transformer/src/device.rs"));
}

/// Paths in backquotes and targets of links, relative to the root or to `crates/`. Patterns (`*`), placeholders (`NAME`), addresses and what
/// a build makes are left out.
#[test]
fn the_docs_name_files_that_exist() {
    let root = tests::site::root();
    let mut checked = 0;
    for document in ["README.md", "ARCHITECTURE.md"] {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        let quoted = text.split('`').skip(1).step_by(2);
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for path in quoted.chain(links).filter(|path| is_path(path)) {
            let found = root.join(path).exists() || root.join("crates").join(path).exists();
            assert!(found, "{document} names {path}, which does not exist");
            checked += 1;
        }
    }
    assert!(checked > 60, "only {checked} paths were found in the docs");
}

fn is_path(quoted: &str) -> bool {
    (quoted.contains('/') || quoted.split('.').next_back() == Some("rs"))
        && !quoted.contains([' ', '*', ':', '\n'])
        && !quoted.contains("NAME")
        && !quoted.starts_with("dist/")
}

/// All Rust files of a folder and of the folders in it.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn sources_are_found_in_folders_of_folders() {
    let found = sources(&tests::site::root().join("crates/worker/src"));
    for file in ["src/lib.rs", "src/bin/worker_cpu.rs"] {
        assert!(found.iter().any(|path| path.ends_with(file)), "{file}");
    }
}
