//! The shipped folder opens, and what is written of it is the same file.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use bundle::{
    AdapterIndex, Beginnings, HeldOut, Openings, Parse, PublishedIndex, TruthTable, published,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/storyteller")
}

fn open<P: Parse>() -> P {
    P::parse(&fs::read_to_string(folder().join(P::FILE)).unwrap()).unwrap()
}

#[test]
fn every_file_of_the_storyteller_opens() {
    let truth: TruthTable = open();
    assert!(truth.requests.is_some());
    assert!(truth.families.iter().any(|family| family.name == "d6"));
    let groups: Vec<String> = open::<Openings>()
        .groups
        .into_iter()
        .map(|group| group.name)
        .collect();
    assert_eq!(groups, ["world", "tinystories", "tales", "far"]);
    assert!(!open::<HeldOut>().stories.is_empty());
    assert!(open::<Beginnings>().beginnings.len() > 200);
    let adapters: AdapterIndex = open();
    for adapter in adapters.iter() {
        let adapter = folder().join("adapters").join(&adapter.name);
        assert!(adapter.is_dir(), "{} is listed", adapter.display());
    }
    for experiment in open::<PublishedIndex>().0 {
        assert!(folder().join(published(&experiment)).is_file());
    }
    for file in [bundle::ATTRACTORS, bundle::REWARD] {
        assert!(folder().join(file).is_file());
    }
}

#[test]
fn the_truth_table_is_written_as_it_was_read() {
    let file = fs::read_to_string(folder().join(TruthTable::FILE)).unwrap();
    assert_eq!(TruthTable::parse(&file).unwrap().to_json(), file);
}
