//! Which room may name which: the walls of ARCHITECTURE.md, held against what cargo itself says of the workspace.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The rooms that each room may name, for building or for its own tests. Nothing may name app, worker, cli or xtask.
const MAY_NAME: [(&str, &[&str]); 13] = [
    ("decoding", &[]),
    ("protocol", &["decoding"]),
    ("transformer", &["decoding"]),
    ("words", &[]),
    ("sentiment", &["words"]),
    ("attractors", &["words"]),
    (
        "experiments",
        &["attractors", "sentiment", "words", "decoding"],
    ),
    ("training", &["transformer", "sentiment", "decoding"]),
    (
        "worker",
        &["protocol", "experiments", "transformer", "decoding"],
    ),
    (
        "app",
        &[
            "protocol",
            "experiments",
            "attractors",
            "sentiment",
            "decoding",
        ],
    ),
    (
        "cli",
        &[
            "protocol",
            "experiments",
            "attractors",
            "training",
            "transformer",
            "sentiment",
            "decoding",
        ],
    ),
    ("xtask", &[]),
    (
        "tests",
        &[
            "protocol",
            "experiments",
            "attractors",
            "training",
            "transformer",
            "sentiment",
            "decoding",
        ],
    ),
];

/// What cargo says of the workspace and everything that it depends on.
struct Workspace {
    /// Package names by id.
    names: BTreeMap<String, String>,
    /// Ids of what a package is built with (not for tests, not at build time), with every feature of the workspace on.
    built_with: BTreeMap<String, Vec<String>>,
    /// Names of the workspace's packages that a member asks for, also for its tests.
    names_rooms: BTreeMap<String, BTreeSet<String>>,
    /// Names of the packages that a member asks for, tests left out.
    asks_for: BTreeMap<String, BTreeSet<String>>,
}

impl Workspace {
    fn read() -> Self {
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
        let rooms: BTreeSet<_> = members.iter().map(|id| names[id].clone()).collect();

        let mut names_rooms = BTreeMap::new();
        let mut asks_for = BTreeMap::new();
        for package in packages
            .iter()
            .filter(|package| members.contains(&text(&package["id"])))
        {
            let dependencies = list(&package["dependencies"]);
            let all = dependencies
                .iter()
                .map(|dependency| text(&dependency["name"]));
            names_rooms.insert(
                text(&package["name"]),
                all.filter(|name| rooms.contains(name)).collect(),
            );
            let built = dependencies
                .iter()
                .filter(|dependency| dependency["kind"].is_null());
            asks_for.insert(
                text(&package["name"]),
                built.map(|dependency| text(&dependency["name"])).collect(),
            );
        }
        let built_with = list(&metadata["resolve"]["nodes"])
            .iter()
            .map(|node| {
                let of_build = |dependency: &&Value| {
                    list(&dependency["dep_kinds"])
                        .iter()
                        .any(|kind| kind["kind"].is_null())
                };
                let ids = list(&node["deps"])
                    .iter()
                    .filter(of_build)
                    .map(|dependency| text(&dependency["pkg"]))
                    .collect();
                (text(&node["id"]), ids)
            })
            .collect();
        Self {
            names,
            built_with,
            names_rooms,
            asks_for,
        }
    }

    /// Names of everything that a package is built with, at any depth.
    fn everything_below(&self, room: &str) -> BTreeSet<&str> {
        let (id, _) = self
            .names
            .iter()
            .find(|(id, name)| *name == room && id.contains("path+file"))
            .unwrap();
        let mut seen = BTreeSet::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(&self.built_with[id]);
            }
        }
        seen.into_iter().map(|id| self.names[id].as_str()).collect()
    }
}

#[test]
fn every_room_names_only_the_rooms_that_it_may_name() {
    let workspace = Workspace::read();
    let may_name = BTreeMap::from(MAY_NAME);
    for (room, named) in &workspace.names_rooms {
        let allowed = may_name
            .get(room.as_str())
            .unwrap_or_else(|| panic!("{room} is a new room: say here what it may name"));
        for other in named {
            assert!(
                allowed.contains(&other.as_str()),
                "{room} names {other}: take another way, or change the wall with a reason"
            );
        }
    }
    assert_eq!(
        workspace.names_rooms.len(),
        MAY_NAME.len(),
        "a room of the list above is gone"
    );
}

#[test]
fn the_page_never_links_burn() {
    let workspace = Workspace::read();
    let below = workspace.everything_below("app");
    assert!(below.contains("yew"), "the page is made with yew");
    assert_eq!(
        below
            .iter()
            .filter(|name| name.starts_with("burn") || name.starts_with("cubecl"))
            .count(),
        0,
        "{below:?}"
    );
}

#[test]
fn the_worker_never_links_yew() {
    let workspace = Workspace::read();
    let below = workspace.everything_below("worker");
    assert!(below.contains("burn"), "the worker computes with burn");
    assert!(!below.contains("yew"));
}

#[test]
fn decoding_stays_pure_mathematics() {
    let workspace = Workspace::read();
    let allowed = BTreeSet::from(["serde".to_owned(), "thiserror".to_owned()]);
    let asked = &workspace.asks_for["decoding"];
    assert!(asked.is_subset(&allowed), "decoding asks for {asked:?}");
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

/// A browser cannot wait for its GPU: one place awaits what a device computed, and no code that reaches wasm reads it
/// otherwise.
#[test]
fn nothing_that_reaches_the_browser_reads_a_device_synchronously() {
    let mut awaited = 0;
    for room in ["decoding", "transformer", "worker"] {
        for path in sources(&tests::site::root().join("crates").join(room).join("src")) {
            let text = std::fs::read_to_string(&path).unwrap();
            let shipped = text.split("#[cfg(test)]").next().unwrap();
            if let Some(call) = synchronous_read(shipped) {
                panic!("{} calls {call}", path.display());
            }
            awaited += shipped.matches("_data_async()").count();
        }
    }
    assert_eq!(
        awaited, 1,
        "one place reads back: transformer's device module"
    );
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

/// The first call in a text by which burn 0.22 reads a device, or waits for it, at once. Its sorts do so where a backend has none
/// of its own; a slice's `.sort()` takes no dimension.
fn synchronous_read(text: &str) -> Option<&'static str> {
    const CALLS: [&str; 16] = [
        "into_data()",
        "to_data()",
        "_data_as::<",
        "_vec_as::<",
        "_data_dtype(",
        "into_scalar()",
        "into_scalar::<",
        ".sync()",
        "argsort",
        ".sort_descending",
        ".sort_with_indices",
        "topk",
        ".nonzero()",
        "argwhere()",
        ".mask_select(",
        ".all_close(",
    ];
    let sorted = || {
        text.split(".sort(")
            .skip(1)
            .any(|rest| !rest.starts_with(')'))
    };
    CALLS
        .into_iter()
        .find(|call| text.contains(call))
        .or_else(|| sorted().then_some(".sort(dimension)"))
}

#[test]
fn synchronous_reads_are_told_from_calls_that_look_like_them() {
    for read in [
        "logits.into_data()",
        "logits.try_to_data()?",
        "x.max().into_scalar::<f32>()",
        "x.max().try_into_scalar()?",
        "logits.sort(1)",
        "logits.argsort_descending(1)",
        "logits.topk_with_indices(5, 1)",
        "mask.nonzero()",
        "device.sync()",
    ] {
        assert!(synchronous_read(read).is_some(), "{read}");
    }
    for other in [
        "rows.into_data_async().await",
        "ids.sort(); ids.sort_unstable(); ids.sort_by_key(order)",
        "data.try_into_vec::<f32>()",
        "TensorData::new(ids, [1])",
    ] {
        assert_eq!(synchronous_read(other), None, "{other}");
    }
}

#[test]
fn sources_are_found_in_folders_of_folders() {
    let found = sources(&tests::site::root().join("crates/worker/src"));
    for file in ["src/room.rs", "src/bin/worker_cpu.rs"] {
        assert!(found.iter().any(|path| path.ends_with(file)), "{file}");
    }
}
