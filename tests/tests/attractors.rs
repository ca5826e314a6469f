//! The catalogue of attractors agrees with the story world's own labels, on stories of a seed that is used nowhere else.
//!
//! The report (`collapse report`) has the table by attractor.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;

use attractors::Catalogue;
use statistics::Agreement;
use training::world::World;

/// Not a seed of training, of the sentiment classifier or of the openings.
const SEED: u64 = 71;
const STORIES: u64 = 3000;

fn catalogue() -> Catalogue {
    let path = tests::site::root().join("models/storyteller/attractors.json");
    Catalogue::from_json(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_kind_of_ending_belongs_to_one_attractor() {
    let (catalogue, world) = (catalogue(), World::new().unwrap());
    let claimed = catalogue.attractors().iter().flat_map(|it| &it.endings);
    let mut claims: BTreeMap<&str, usize> = BTreeMap::new();
    for ending in claimed {
        *claims.entry(ending).or_default() += 1;
    }
    let of_world: BTreeMap<&str, usize> = world.endings().map(|(name, _)| (name, 1)).collect();
    assert_eq!(claims, of_world);
}

#[test]
fn the_words_find_the_endings_that_the_world_told() {
    let (catalogue, world) = (catalogue(), World::new().unwrap());
    let kinds = catalogue.attractors();
    let none = kinds.len();
    let told = (0..STORIES).map(|index| world.story(SEED, index));
    // Behind a section break there is a new beginning, not the ending.
    let judged = told
        .filter(|story| !story.text.contains("***"))
        .map(|story| {
            let of_label =
                |kind: &attractors::Attractor| kind.endings.contains(&story.labels.ending);
            let label = kinds.iter().position(of_label).unwrap();
            (
                label,
                catalogue
                    .story(&story.text, true)
                    .attractor()
                    .unwrap_or(none),
            )
        });
    let found = Agreement::of(none + 1, judged);
    assert!(found.things() > 2000);
    let wedding = catalogue.position("wedding").unwrap();
    let (precision, recall) = (found.precision(wedding), found.recall(wedding));
    assert!(
        precision > Some(0.98) && recall > Some(0.98),
        "{precision:?}, {recall:?}"
    );
    assert!(found.share() > Some(0.98), "{:?}", found.share());
    assert!(found.kappa() > Some(0.98), "{:?}", found.kappa());
    for (kind, attractor) in kinds.iter().enumerate() {
        let recall = found.recall(kind);
        assert!(
            recall.is_none_or(|recall| recall > 0.9),
            "{}: {recall:?}",
            attractor.name
        );
    }
}
