//! A Hugging Face model folder: `config.json`, `tokenizer.json`, `model.safetensors`.

use std::path::Path;

use burn::tensor::Device;

use crate::{Engine, LlamaConfig, LoadError, Vocabulary};

/// The three files' bytes, from a disk or over the network.
pub struct ModelFiles {
    /// `config.json`
    pub config: Vec<u8>,
    /// `tokenizer.json`
    pub tokenizer: Vec<u8>,
    /// `model.safetensors`
    pub weights: Vec<u8>,
}

/// A model that reads text and gives logits.
#[derive(Clone)]
pub struct Model {
    /// Text to tokens and back.
    pub vocabulary: Vocabulary,
    /// Tokens to logits.
    pub engine: Engine,
}

impl ModelFiles {
    /// Reads the three files of a folder.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn read(folder: &Path) -> Result<Self, LoadError> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|source| LoadError::Read {
                path: path.display().to_string(),
                source,
            })
        };
        Ok(Self {
            config: read("config.json")?,
            tokenizer: read("tokenizer.json")?,
            weights: read("model.safetensors")?,
        })
    }
}

impl Model {
    /// Brings a model onto a device.
    ///
    /// # Errors
    /// When a file is damaged, or the three do not belong together.
    pub fn load(files: &ModelFiles, device: &Device) -> Result<Self, LoadError> {
        let config = LlamaConfig::parse(&files.config)?;
        // Weights first: they prove the sizes by which the vocabulary's table is then allocated.
        let engine = Engine::load(config.clone(), &files.weights, device)?;
        let vocabulary = Vocabulary::parse(&files.tokenizer, &config)?;
        Ok(Self { vocabulary, engine })
    }
}
