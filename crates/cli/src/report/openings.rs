//! The openings that a report's chains continue, in groups; read from a file beside the model.

use std::path::Path;

use anyhow::ensure;
use serde::Deserialize;

use super::read_file;

/// All groups.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Openings {
    /// What they are for; for readers of the file.
    #[serde(rename = "about")]
    _about: String,
    /// From near to far.
    pub groups: Vec<OpeningGroup>,
}

/// Openings of one kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpeningGroup {
    /// Short name.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Where they come from.
    pub origin: String,
    /// Under which licence they are.
    pub licence: String,
    /// The texts.
    pub openings: Vec<String>,
}

impl Openings {
    /// Reads a file of openings.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let openings: Self = serde_json::from_str(&read_file(path, "openings")?)?;
        let empty = |group: &OpeningGroup| group.openings.is_empty();
        ensure!(
            !openings.groups.is_empty() && !openings.groups.iter().any(empty),
            "{} has a group without openings, or no group",
            path.display()
        );
        Ok(openings)
    }

    /// Every opening with the number of its group, in the file's order.
    pub fn all(&self) -> Vec<(usize, &str)> {
        let groups = self.groups.iter().enumerate();
        groups
            .flat_map(|(number, group)| {
                group
                    .openings
                    .iter()
                    .map(move |text| (number, text.as_str()))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_storytellers_openings_are_many_different_and_of_four_groups() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/storyteller/openings.json");
        let openings = Openings::read(&path).unwrap();
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
        let openings = Openings::read(&storyteller.join("openings.json")).unwrap();
        let file = std::fs::read_to_string(storyteller.join("beginnings.json")).unwrap();
        let beginnings: serde_json::Value = serde_json::from_str(&file).unwrap();
        let beginnings = beginnings["beginnings"].as_array().unwrap();
        assert!(beginnings.len() > 200);
        for (_, opening) in openings.all() {
            let tuned_on = |text: &&serde_json::Value| text.as_str().unwrap().starts_with(opening);
            assert_eq!(beginnings.iter().find(tuned_on), None);
        }
    }
}
