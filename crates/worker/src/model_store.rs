//! The loaded model, its adapters, and the inputs of experiments: each fetched when first needed, then kept.

use std::collections::BTreeMap;

use experiments::{InputFiles, Inputs};
use protocol::{Event, FailureCause, Progress, Stage};
use transformer::{Adapter, AdapterFiles, LlamaModel, Pipeline};

use crate::download::{DownloadError, download};
use crate::failure::Failure;
use crate::host::Host;

/// A base model and what belongs to it.
pub struct ModelStore {
    base: Pipeline,
    /// Address of the model's folder, ending in `/`.
    folder: String,
    /// The fetched adapters, by folder name. Their factors are small; merged weights are as large as the base's.
    adapters: BTreeMap<String, Adapter>,
    /// The selected adapter, merged into the base.
    tuned: Option<(String, LlamaModel)>,
    /// Inputs of experiments, once one was run.
    inputs: Option<Inputs>,
}

impl ModelStore {
    /// A base without adapters.
    pub fn new(base: Pipeline, folder: &str) -> Self {
        Self {
            base,
            folder: folder.to_owned(),
            adapters: BTreeMap::new(),
            tuned: None,
            inputs: None,
        }
    }

    /// A prompt's tokens.
    ///
    /// # Errors
    /// When the prompt cannot be encoded or leaves no room for `length` tokens.
    pub fn encode(&self, prompt: &str, length: usize) -> Result<Vec<u32>, Failure> {
        Ok(self.base.encode_prompt(prompt, length)?)
    }

    /// Merges an adapter into a copy of the base, or drops that copy; fetches the adapter if needed.
    ///
    /// # Errors
    /// When it cannot be fetched or does not fit the base. Then no adapter is selected.
    pub async fn select_adapter(
        &mut self,
        host: &impl Host,
        adapter: Option<&str>,
    ) -> Result<(), Failure> {
        if self.tuned.as_ref().map(|(name, _)| name.as_str()) == adapter {
            return Ok(());
        }
        self.tuned = None;
        let Some(name) = adapter else { return Ok(()) };
        self.load_adapter(host, name).await?;
        let tuned = self.base.model.with_adapter(&self.adapters[name]);
        self.tuned = Some((name.to_owned(), tuned));
        Ok(())
    }

    /// Fetches an adapter if needed.
    ///
    /// # Errors
    /// When it cannot be fetched or does not fit the base.
    pub async fn load_adapter(&mut self, host: &impl Host, name: &str) -> Result<(), Failure> {
        if !self.adapters.contains_key(name) {
            let loaded = self.fetch(host, name).await?;
            self.adapters.insert(name.to_owned(), loaded);
        }
        Ok(())
    }

    /// Fetches the inputs of experiments if needed.
    ///
    /// # Errors
    /// When one of their files cannot be fetched or parsed.
    pub async fn load_inputs(&mut self, host: &impl Host) -> Result<(), Failure> {
        if self.inputs.is_some() {
            return Ok(());
        }
        host.send(Event::Progress(Progress {
            stage: Stage::ExperimentInputs,
            done: 0,
            total: None,
        }));
        let inputs = Inputs::read(&InputFiles {
            truth: &self.text(host, bundle::TRUTH).await?,
            openings: &self.text(host, bundle::OPENINGS).await?,
            attractors: &self.text(host, bundle::ATTRACTORS).await?,
            reward: &self.text(host, bundle::REWARD).await?,
            held_out: &self.text(host, bundle::HELD_OUT).await?,
        });
        self.inputs = Some(inputs.map_err(|error| Failure::new(FailureCause::File, error))?);
        Ok(())
    }

    /// The base, and the inputs of experiments; none before [`Self::load_inputs`].
    pub fn inputs(&self) -> Option<(&Pipeline, &Inputs)> {
        Some((&self.base, self.inputs.as_ref()?))
    }

    /// The base with an adapter merged into it; none before [`Self::load_adapter`].
    pub fn adapted(&self, name: &str) -> Option<Pipeline> {
        Some(Pipeline {
            tokenizer: self.base.tokenizer.clone(),
            model: self.base.model.with_adapter(self.adapters.get(name)?),
        })
    }

    /// The base, and the tuned model where an adapter is selected.
    pub fn models(&self) -> (&LlamaModel, Option<&LlamaModel>) {
        (
            &self.base.model,
            self.tuned.as_ref().map(|(_, model)| model),
        )
    }

    async fn text(&self, host: &impl Host, file: &str) -> Result<String, Failure> {
        let bytes = download(host, &format!("{}{file}", self.folder), |_, _| ()).await?;
        String::from_utf8(bytes).map_err(|_| {
            Failure::new(
                FailureCause::File,
                format!("the model's {file} is not UTF-8 text"),
            )
        })
    }

    async fn fetch(&self, host: &impl Host, name: &str) -> Result<Adapter, Failure> {
        let folder = format!("{}adapters/{name}/", self.folder);
        let files = adapter_files(host, &folder).await.map_err(|error| {
            let message = match &error {
                DownloadError::Missing { address, status } => format!(
                    "there is no adapter {name} realignment this model: {address} is not there (the server says {status})"
                ),
                _ => format!("the adapter {name} cannot be fetched: {error}"),
            };
            Failure::new(FailureCause::Adapter, message)
        })?;
        Adapter::load(&files, &self.base.model).map_err(|error| {
            let message = format!("the adapter {name} cannot be used: {error}");
            Failure::new(FailureCause::Adapter, message)
        })
    }
}

async fn adapter_files(host: &impl Host, folder: &str) -> Result<AdapterFiles, DownloadError> {
    let progress = |done, total| {
        let stage = Stage::Adapter;
        host.send(Event::Progress(Progress { stage, done, total }));
    };
    Ok(AdapterFiles {
        config: download(host, &format!("{folder}adapter_config.json"), |_, _| ()).await?,
        weights: download(
            host,
            &format!("{folder}adapter_model.safetensors"),
            progress,
        )
        .await?,
    })
}
