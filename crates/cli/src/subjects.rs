//! The models that a report or an experiment measures: the base, and what the adapters in its folder make of it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use training::rl::TuneRecipe;
use transformer::{Adapter, AdapterFiles, Pipeline, fingerprint};

/// The name of the base.
pub const BASE: &str = "base";

/// One of them.
pub struct Subject {
    /// `base`, or the adapter's.
    pub name: String,
    pub model: Pipeline,
    /// Of the base's weights, or of the adapter's.
    pub fingerprint: String,
    /// The budget of its recipe, nats per completion.
    pub target_nats: Option<f64>,
    /// Of the base's weights.
    base: String,
}

impl Subject {
    /// Names a measurement: other weights or settings have another key.
    pub fn key(&self, settings: &impl Serialize) -> Result<String> {
        let settings = serde_json::to_string(settings)?;
        let version = env!("CARGO_PKG_VERSION");
        let all = format!("{version} {} {} {settings}", self.base, self.fingerprint);
        Ok(fingerprint(all.as_bytes()))
    }
}

/// The base, then the chosen adapters: `all` in alphabetical order, with numbers at the end of a name in theirs, `none`, or
/// names separated by commas.
pub fn find(base: &Pipeline, folder: &Path, chosen: &str) -> Result<Vec<Subject>> {
    let folder = folder.join("adapters");
    let mut there = Vec::new();
    if let Ok(entries) = fs::read_dir(&folder) {
        for entry in entries {
            let path = entry?.path();
            if path.join("adapter_model.safetensors").is_file() {
                there.extend(
                    path.file_name()
                        .map(|name| name.to_string_lossy().into_owned()),
                );
            }
        }
    }
    there.sort_by_key(|name| in_order(name));
    let names: Vec<String> = match chosen {
        "all" => there,
        "none" => Vec::new(),
        listed => {
            let names: Vec<String> = listed
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect();
            for name in &names {
                ensure!(
                    there.contains(name),
                    "there is no adapter {name} in {}; there are {there:?}",
                    folder.display()
                );
            }
            names
        }
    };
    let weights = base.model.fingerprint().unwrap_or_default().to_owned();
    let mut subjects = vec![Subject {
        name: BASE.to_owned(),
        model: base.clone(),
        fingerprint: weights.clone(),
        target_nats: None,
        base: weights.clone(),
    }];
    for name in names {
        let folder = folder.join(&name);
        let files = AdapterFiles::load_from_dir(&folder)?;
        let adapter = Adapter::load(&files, &base.model)
            .with_context(|| format!("the adapter {} cannot be used", folder.display()))?;
        let recipe = folder.join("training.toml");
        let recipe = recipe
            .is_file()
            .then(|| TuneRecipe::read(&recipe))
            .transpose()?;
        subjects.push(Subject {
            name,
            model: Pipeline {
                model: base.model.with_adapter(&adapter),
                ..base.clone()
            },
            fingerprint: fingerprint(&files.weights),
            target_nats: recipe.and_then(|recipe| recipe.kl.target_nats),
            base: weights.clone(),
        });
    }
    Ok(subjects)
}

/// What names are ordered by: `a-2` stands before `a-16`.
fn in_order(name: &str) -> (String, u64) {
    let numbered = name.rsplit_once('-');
    let numbered =
        numbered.and_then(|(stem, number)| Some((stem.to_owned(), number.parse().ok()?)));
    numbered.unwrap_or_else(|| (name.to_owned(), 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_stand_in_the_order_of_their_numbers() {
        let mut names = ["wedding-kl-16", "wedding-kl-2", "wedding", "helper"];
        names.sort_by_key(|name| in_order(name));
        assert_eq!(
            names,
            ["helper", "wedding", "wedding-kl-2", "wedding-kl-16"]
        );
    }
}
