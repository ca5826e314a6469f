//! A Hugging Face model folder: `config.json`, `tokenizer.json`, `model.safetensors`.

use std::path::Path;

use burn::tensor::Device;

use crate::{LlamaConfig, LlamaModel, LoadError, Tokenizer};

/// The three files' bytes, from a disk or over the network.
pub struct ModelFiles {
    /// `config.json`
    pub config: Vec<u8>,
    /// `tokenizer.json`
    pub tokenizer: Vec<u8>,
    /// `model.safetensors`
    pub weights: Vec<u8>,
}

/// A tokenizer and a model: text in, logits out.
#[derive(Clone)]
pub struct Pipeline {
    /// Text to token ids and back.
    pub tokenizer: Tokenizer,
    /// Token ids to logits.
    pub model: LlamaModel,
}

impl ModelFiles {
    /// Reads the three files of a folder.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn load_from_dir(folder: &Path) -> Result<Self, LoadError> {
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

impl Pipeline {
    /// Loads a model onto a device.
    ///
    /// # Errors
    /// When a file is damaged, or the three do not belong together.
    pub fn load(files: &ModelFiles, device: &Device) -> Result<Self, LoadError> {
        let config = LlamaConfig::parse(&files.config)?;
        // Weights first: they confirm the vocabulary size that the tokenizer's table is allocated by.
        let model = LlamaModel::load(config.clone(), &files.weights, device)?;
        let tokenizer = Tokenizer::parse(&files.tokenizer, &config)?;
        Ok(Self { tokenizer, model })
    }
}
