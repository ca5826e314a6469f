//! What experiments are run with: the model, its adapters, and the files beside it.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use experiments::{InputFiles, Inputs};
use transformer::{ModelFiles, Pipeline, device};

use crate::subjects::{self, Subject};

/// Everything that is read before anything is run.
pub struct LoadedModels {
    /// The files beside the model.
    pub inputs: Inputs,
    /// The base and the adapters of each choice, as `--adapters` takes it.
    choices: HashMap<String, Vec<usize>>,
    /// All models that some choice names.
    models: Vec<Subject>,
}

/// The models of one choice.
pub struct Chosen<'a> {
    /// The base first.
    pub subjects: Vec<experiments::Subject<'a, Pipeline>>,
    /// The fingerprint of each one's weights, by its name.
    pub fingerprints: BTreeMap<String, String>,
}

impl LoadedModels {
    /// Reads the model's folder, and every adapter that is chosen somewhere.
    pub fn read<'a>(folder: &Path, choices: impl Iterator<Item = &'a str>) -> Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).with_context(|| {
                format!(
                    "cannot read {}: experiments ask what truth.json, openings.json, attractors.json, held-out.json and \
                     reward/weights.json of the model's folder say; models/storyteller has them all",
                    path.display()
                )
            })
        };
        let inputs = Inputs::read(&InputFiles {
            truth: &read(bundle::TRUTH)?,
            openings: &read(bundle::OPENINGS)?,
            attractors: &read(bundle::ATTRACTORS)?,
            reward: &read(bundle::REWARD)?,
            held_out: &read(bundle::HELD_OUT)?,
        })?;
        let base = Pipeline::load(&ModelFiles::load_from_dir(folder)?, &device::cpu())
            .with_context(|| format!("the model {} cannot be used", folder.display()))?;
        let mut models = Self {
            inputs,
            choices: HashMap::new(),
            models: Vec::new(),
        };
        for choice in choices {
            if models.choices.contains_key(choice) {
                continue;
            }
            let mut places = Vec::new();
            for subject in subjects::find(&base, folder, choice)? {
                let known = models
                    .models
                    .iter()
                    .position(|known| known.name == subject.name);
                places.push(known.unwrap_or(models.models.len()));
                if known.is_none() {
                    models.models.push(subject);
                }
            }
            models.choices.insert(choice.to_owned(), places);
        }
        Ok(models)
    }

    /// The models of a choice that was read.
    pub fn chosen(&self, choice: &str) -> Result<Chosen<'_>> {
        let places = self.choices.get(choice).context("every choice was read")?;
        let models = || places.iter().map(|&place| &self.models[place]);
        let subjects = models().map(|one| experiments::Subject {
            name: &one.name,
            budget_nats: one.target_nats,
            model: &one.model,
        });
        let fingerprints = models().map(|one| (one.name.clone(), one.fingerprint.clone()));
        Ok(Chosen {
            subjects: subjects.collect(),
            fingerprints: fingerprints.collect(),
        })
    }
}
