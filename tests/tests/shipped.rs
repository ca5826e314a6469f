//! The published results: the list that the page loads names exactly the files that are there, and they can be parsed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;

use experiments::{Published, find};
use tests::site::root;

#[test]
fn the_list_of_shipped_results_names_what_is_there() {
    let folder = root().join("models/storyteller/experiments");
    let list = fs::read_to_string(folder.join("index.json")).unwrap();
    let listed: BTreeSet<String> = serde_json::from_str(&list).unwrap();
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap());
    let there: BTreeSet<String> = files
        .filter_map(|file| {
            let name = file.file_name().into_string().unwrap();
            let name = name.strip_suffix(".json")?;
            (name != "index").then(|| name.to_owned())
        })
        .collect();
    assert_eq!(listed, there);
    for name in there {
        assert!(find(&name).is_some(), "{name} is no experiment");
        let json = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let published: Published = serde_json::from_str(&json).unwrap();
        assert_eq!(published.findings.experiment, name);
    }
}
