//! The adapters that lie beside a model, as its `adapters/index.json` lists them.

use serde::Deserialize;

/// One adapter.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct AdapterInfo {
    /// Its folder's name.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it was tuned to, in one line.
    pub about: String,
    /// Its KL budget, nats per completion; only for adapters of the budget sweep.
    pub budget_nats: Option<f64>,
}

/// The adapters of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AdapterIndex(Vec<AdapterInfo>);

impl AdapterIndex {
    /// Reads an index.
    ///
    /// # Errors
    /// When the text is no such list.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        let mut adapters: Vec<AdapterInfo> = serde_json::from_str(json)?;
        // Those without a budget as they are listed, then the sweep.
        let budget = |info: &AdapterInfo| info.budget_nats.unwrap_or(f64::NEG_INFINITY);
        adapters.sort_by(|one, other| budget(one).total_cmp(&budget(other)));
        Ok(Self(adapters))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The adapter of this name.
    pub fn named(&self, name: &str) -> Option<&AdapterInfo> {
        self.0.iter().find(|info| info.name == name)
    }

    /// What people call the adapter of this name: its title, where the index has one.
    pub fn title<'a>(&'a self, name: &'a str) -> &'a str {
        self.named(name).map_or(name, |info| &info.title)
    }

    /// Those that stand for themselves.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sweep_goes_from_the_least_budget_to_the_greatest() {
        let adapters = AdapterIndex::from_json(
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
            assert!(AdapterIndex::from_json(json).is_err(), "{json}");
        }
    }
}
