//! The openings that a report's chains continue, in groups; read from a file beside the model.

use std::path::Path;

use anyhow::Context as _;
use bundle::{Openings, Parse as _};

use super::read_file;

/// Reads a file of openings.
pub fn read(path: &Path) -> anyhow::Result<Openings> {
    Openings::parse(&read_file(path, "openings")?)
        .with_context(|| format!("cannot use {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_storytellers_openings_are_many_different_and_of_four_groups() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/storyteller/openings.json");
        let openings = read(&path).unwrap();
        let names: Vec<&str> = openings
            .groups
            .iter()
            .map(|group| group.name.as_str())
            .collect();
        assert_eq!(names, ["world", "tinystories", "tales", "far"]);
        assert!(
            openings
                .groups
                .iter()
                .all(|group| group.openings.len() >= 30)
        );
        let all = openings.all();
        let texts: BTreeSet<&str> = all.iter().map(|(_, text)| *text).collect();
        assert!(all.len() >= 120 && texts.len() == all.len());
        assert_eq!(all[0], (0, "I went to the hardware store to buy a hammer."));
    }

    #[test]
    fn no_text_that_adapters_are_tuned_on_begins_with_an_opening() {
        let storyteller = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/storyteller");
        let openings = read(&storyteller.join("openings.json")).unwrap();
        let file = std::fs::read_to_string(storyteller.join("beginnings.json")).unwrap();
        let beginnings = bundle::Beginnings::parse(&file).unwrap().beginnings;
        assert!(beginnings.len() > 200);
        for (_, opening) in openings.all() {
            let tuned_on = |text: &&String| text.starts_with(opening);
            assert_eq!(beginnings.iter().find(tuned_on), None);
        }
    }
}
