//! The model that is served, and the adapters of it that were asked for.

use std::collections::BTreeMap;

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
}

impl House {
    /// A base that nobody has tuned yet.
    pub fn new(base: Model, folder: &str) -> Self {
        Self {
            base,
            folder: folder.to_owned(),
            adapters: BTreeMap::new(),
            tuned: None,
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
        if !self.adapters.contains_key(name) {
            let loaded = self.fetch(name).await?;
            self.adapters.insert(name.to_owned(), loaded);
        }
        let engine = self.base.engine.adapted(&self.adapters[name]);
        self.tuned = Some((name.to_owned(), engine));
        Ok(())
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
