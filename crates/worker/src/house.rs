//! The model that is served, and the adapters of it that were asked for.

use std::collections::BTreeMap;

use experiments::{Material, MaterialFiles};
use protocol::{Event, Stage};
use transformer::{Adapter, AdapterFiles, Engine, Model};

use crate::fetch;
use crate::port::say;

/// A base and its adapters.
pub struct House {
    base: Model,
    /// Address of the model's folder, ending in `/`.
    folder: String,
    /// Those that were fetched, by folder name. Their weights are small; merged ones are as large as the base's.
    adapters: BTreeMap<String, Adapter>,
    /// The adapter that is asked now, merged.
    tuned: Option<(String, Engine)>,
    /// What experiments ask, once one was run.
    material: Option<Material>,
}

impl House {
    /// A base that nobody has tuned yet.
    pub fn new(base: Model, folder: &str) -> Self {
        Self {
            base,
            folder: folder.to_owned(),
            adapters: BTreeMap::new(),
            tuned: None,
            material: None,
        }
    }

    /// A prompt's tokens.
    ///
    /// # Errors
    /// In words for the reader, when the model cannot read it or then has no room for `length` more.
    pub fn read(&self, prompt: &str, length: usize) -> Result<Vec<u32>, String> {
        let read = self.base.read(prompt, length);
        read.map_err(|error| error.to_string())
    }

    /// Puts an adapter beside the base, or none; fetches it if it is not there yet.
    ///
    /// # Errors
    /// In words for the reader, when it cannot be fetched or is no adapter of this base. The base then stands alone.
    pub async fn tune(&mut self, adapter: Option<&str>) -> Result<(), String> {
        if self.tuned.as_ref().map(|(name, _)| name.as_str()) == adapter {
            return Ok(());
        }
        self.tuned = None;
        let Some(name) = adapter else { return Ok(()) };
        self.bring(name).await?;
        let engine = self.base.engine.adapted(&self.adapters[name]);
        self.tuned = Some((name.to_owned(), engine));
        Ok(())
    }

    /// Fetches an adapter if it is not there yet.
    ///
    /// # Errors
    /// In words for the reader, when it cannot be fetched or is no adapter of this base.
    pub async fn bring(&mut self, name: &str) -> Result<(), String> {
        if !self.adapters.contains_key(name) {
            let loaded = self.fetch(name).await?;
            self.adapters.insert(name.to_owned(), loaded);
        }
        Ok(())
    }

    /// Fetches what experiments ask if it is not there yet.
    ///
    /// # Errors
    /// In words for the reader, when a file of it cannot be fetched or read.
    pub async fn stock(&mut self) -> Result<(), String> {
        if self.material.is_some() {
            return Ok(());
        }
        say(&Event::Progress {
            stage: Stage::Material,
            done: 0,
            total: None,
        });
        let material = Material::read(&MaterialFiles {
            truth: &self.text("truth.json").await?,
            openings: &self.text("openings.json").await?,
            attractors: &self.text("attractors.json").await?,
            reward: &self.text("reward/weights.json").await?,
            held_out: &self.text("held-out.json").await?,
        });
        self.material = Some(material.map_err(|error| error.to_string())?);
        Ok(())
    }

    /// The base as a model that experiments ask, and what they ask it; none before [`Self::stock`].
    pub fn stocked(&self) -> Option<(&Model, &Material)> {
        Some((&self.base, self.material.as_ref()?))
    }

    /// The base with an adapter merged into it; none before [`Self::bring`].
    pub fn adapted(&self, name: &str) -> Option<Model> {
        Some(Model {
            vocabulary: self.base.vocabulary.clone(),
            engine: self.base.engine.adapted(self.adapters.get(name)?),
        })
    }

    async fn text(&self, file: &str) -> Result<String, String> {
        let bytes = fetch::fetch(&format!("{}{file}", self.folder), |_, _| ()).await?;
        String::from_utf8(bytes).map_err(|_| format!("the model's {file} is no text"))
    }

    /// The base, and what stands beside it.
    pub fn engines(&self) -> (&Engine, Option<&Engine>) {
        (
            &self.base.engine,
            self.tuned.as_ref().map(|(_, engine)| engine),
        )
    }

    async fn fetch(&self, name: &str) -> Result<Adapter, String> {
        let folder = format!("{}adapters/{name}/", self.folder);
        let files = AdapterFiles {
            config: fetch::fetch(&format!("{folder}adapter_config.json"), |_, _| ()).await?,
            weights: fetch::fetch(
                &format!("{folder}adapter_model.safetensors"),
                |done, total| {
                    let stage = Stage::Adapter;
                    say(&Event::Progress { stage, done, total });
                },
            )
            .await?,
        };
        Adapter::load(&files, &self.base.engine)
            .map_err(|error| format!("the adapter {name} cannot be used: {error}"))
    }
}
