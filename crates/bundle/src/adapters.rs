//! `adapters/index.json`: the adapters of a model.

use serde::{Deserialize, Serialize};

use crate::{ADAPTERS, Parse};

/// One adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdapterInfo {
    /// Its folder's name, beside the index.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it was trained for, in one line.
    pub about: String,
    /// The KL budget that it was tuned under, nats per completion; only where it belongs to the sweep of such budgets.
    pub budget_nats: Option<f64>,
}

/// The adapters of a model: first those without a budget, as they are listed, then the sweep from the least budget on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<AdapterInfo>", into = "Vec<AdapterInfo>")]
pub struct AdapterIndex(Vec<AdapterInfo>);

impl AdapterIndex {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &AdapterInfo> {
        self.0.iter()
    }

    /// The adapter of this name.
    pub fn named(&self, name: &str) -> Option<&AdapterInfo> {
        self.0.iter().find(|info| info.name == name)
    }

    /// The title of the adapter of this name; the name itself where the index does not have it.
    pub fn title<'a>(&'a self, name: &'a str) -> &'a str {
        self.named(name).map_or(name, |info| &info.title)
    }

    /// Those without a KL budget.
    pub fn single(&self) -> impl Iterator<Item = &AdapterInfo> {
        self.0.iter().filter(|info| info.budget_nats.is_none())
    }

    /// Those of the sweep with their budgets in nats, the least budget first.
    pub fn sweep(&self) -> impl Iterator<Item = (&AdapterInfo, f64)> {
        self.0
            .iter()
            .filter_map(|info| Some((info, info.budget_nats?)))
    }
}

impl From<Vec<AdapterInfo>> for AdapterIndex {
    fn from(mut adapters: Vec<AdapterInfo>) -> Self {
        let budget = |info: &AdapterInfo| info.budget_nats.unwrap_or(f64::NEG_INFINITY);
        adapters.sort_by(|one, other| budget(one).total_cmp(&budget(other)));
        Self(adapters)
    }
}

impl From<AdapterIndex> for Vec<AdapterInfo> {
    fn from(index: AdapterIndex) -> Self {
        index.0
    }
}

impl Parse for AdapterIndex {
    const FILE: &'static str = ADAPTERS;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sweep_goes_from_the_least_budget_to_the_greatest() {
        let adapters = AdapterIndex::parse(
            r#"[
                { "name": "b16", "title": "16", "about": "", "budget_nats": 16 },
                { "name": "wedding", "title": "Wedding", "about": "glad", "budget_nats": null },
                { "name": "b4", "title": "4", "about": "", "budget_nats": 4.5 },
                { "name": "helper", "title": "Helper", "about": "helps" }
            ]"#,
        )
        .unwrap();
        let sweep: Vec<(&str, f64)> = adapters
            .sweep()
            .map(|(info, nats)| (info.name.as_str(), nats))
            .collect();
        assert_eq!(sweep, [("b4", 4.5), ("b16", 16.0)]);
        let single: Vec<&str> = adapters.single().map(|info| &*info.name).collect();
        assert_eq!(single, ["wedding", "helper"]);
        assert_eq!(adapters.title("wedding"), "Wedding");
        assert_eq!(adapters.title("unlisted"), "unlisted");
    }

    #[test]
    fn another_file_is_no_index() {
        for json in ["{}", r#"[{"name": "x"}]"#, "<html>"] {
            let error = AdapterIndex::parse(json).unwrap_err().to_string();
            assert!(error.starts_with("adapters/index.json"), "{error}");
        }
    }
}
