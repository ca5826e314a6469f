//! `openings.json`: openings of stories in groups, which chains continue.

use serde::{Deserialize, Serialize};

use crate::{BundleError, OPENINGS, Parse};

/// All groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Openings {
    /// What they are for.
    #[serde(default)]
    pub about: String,
    /// From near the training text to far from it.
    pub groups: Vec<OpeningGroup>,
}

/// Openings of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningGroup {
    /// Short name: `world`, `tinystories`, `tales`, `far`.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Where they come from.
    #[serde(default)]
    pub origin: String,
    /// Under which licence they are.
    #[serde(default)]
    pub licence: String,
    /// The texts.
    pub openings: Vec<String>,
}

impl Openings {
    /// Every opening with the index of its group, in the file's order.
    pub fn all(&self) -> Vec<(usize, &str)> {
        self.first(usize::MAX)
    }

    /// The first openings of every group: `(group, opening)`, group after group.
    pub fn first(&self, per_group: usize) -> Vec<(usize, &str)> {
        let groups = self.groups.iter().enumerate();
        groups
            .flat_map(|(group, of)| {
                let openings = of.openings.iter().take(per_group);
                openings.map(move |opening| (group, opening.as_str()))
            })
            .collect()
    }
}

impl Parse for Openings {
    const FILE: &'static str = OPENINGS;

    fn check(&self) -> Result<(), BundleError> {
        let wrong = |field: String, problem: &str| {
            Err(BundleError::Value {
                file: OPENINGS,
                field,
                problem: problem.to_owned(),
            })
        };
        if self.groups.is_empty() {
            return wrong("groups".to_owned(), "has no group");
        }
        match self.groups.iter().find(|group| group.openings.is_empty()) {
            Some(group) => wrong(format!("groups.{}", group.name), "has no openings"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_are_counted_by_group_and_an_empty_group_is_named() {
        let json = r#"{"groups": [{"name": "near", "title": "Near", "openings": ["A", "B"]},
                                  {"name": "far", "title": "Far", "openings": ["C"]}]}"#;
        let openings = Openings::parse(json).unwrap();
        assert_eq!(openings.all(), [(0, "A"), (0, "B"), (1, "C")]);
        assert_eq!(openings.first(1), [(0, "A"), (1, "C")]);
        let error = Openings::parse(&json.replace("\"C\"", "")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "openings.json: `groups.far` has no openings"
        );
        assert!(Openings::parse(r#"{"groups": []}"#).is_err());
    }
}
