//! A Hugging Face model folder: `config.json`, `tokenizer.json` and `model.safetensors`, in one file or several, and where they
//! exist `generation_config.json` and `tokenizer_config.json`.

use std::collections::BTreeSet;
use std::path::Path;

use burn::tensor::Device;
use serde_json::Value;

use crate::file_kind::json_object;
use crate::generation_config;
use crate::{LlamaConfig, LlamaModel, LoadError, Tokenizer};

/// The files' bytes, from a disk or over the network.
pub struct ModelFiles {
    /// `config.json`
    pub config: Vec<u8>,
    /// `generation_config.json`, where there is one: its end-of-text tokens count in place of config.json's.
    pub generation_config: Option<Vec<u8>>,
    /// `tokenizer.json`
    pub tokenizer: Vec<u8>,
    /// `tokenizer_config.json`, where there is one: it can put the beginning-of-text token before prompts, or not.
    pub tokenizer_config: Option<Vec<u8>>,
    /// `model.safetensors`, or the first file that `model.safetensors.index.json` lists
    pub weights: Vec<u8>,
    /// The other files of the index.
    pub further_weights: Vec<Vec<u8>>,
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
    /// Reads the files of a folder.
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
        let maybe = |name: &str| {
            let exists = folder.join(name).exists();
            exists.then(|| read(name)).transpose()
        };
        let config = read("config.json")?;
        let tokenizer = read("tokenizer.json")?;
        let has = |name: &str| folder.join(name).exists();
        let mut parts = if !has(WEIGHTS) && has(INDEX) {
            let names = shard_names(&read(INDEX)?)?;
            names
                .iter()
                .map(|name| read(name))
                .collect::<Result<Vec<_>, _>>()?
        } else {
            if let Some(found) = other_format(folder).filter(|_| !has(WEIGHTS)) {
                return Err(LoadError::OtherFormat {
                    folder: folder.display().to_string(),
                    found,
                });
            }
            vec![read(WEIGHTS)?]
        };
        let further_weights = parts.split_off(1);
        Ok(Self {
            config,
            generation_config: maybe("generation_config.json")?,
            tokenizer,
            tokenizer_config: maybe("tokenizer_config.json")?,
            weights: parts.remove(0),
            further_weights,
        })
    }
}

const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// The files that `model.safetensors.index.json` lists, each once, in order of name.
///
/// # Errors
/// When it is no such index, or names files of other folders.
pub fn shard_names(json: &[u8]) -> Result<Vec<String>, LoadError> {
    let wrong = |problem: String| LoadError::Json {
        file: INDEX,
        problem,
    };
    let index = json_object(json).map_err(wrong)?;
    let map = index.get("weight_map").and_then(Value::as_object);
    let map = map.filter(|map| !map.is_empty());
    let map = map.ok_or_else(|| wrong("it has no `weight_map` of tensors and files".to_owned()))?;
    let mut names = BTreeSet::new();
    for (tensor, name) in map {
        let plain = name
            .as_str()
            .filter(|name| !name.contains(['/', '\\']) && !name.starts_with('.'));
        let plain = plain.ok_or_else(|| {
            wrong(format!(
                "`{tensor}` lies in {name}, which is no file of this folder"
            ))
        })?;
        names.insert(plain.to_owned());
    }
    Ok(names.into_iter().collect())
}

/// A file with weights that are not read here.
fn other_format(folder: &Path) -> Option<String> {
    let names = std::fs::read_dir(folder).ok()?.flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let kinds = ["bin", "pt", "pth", "ckpt", "gguf", "h5", "msgpack", "onnx"];
    let is_other = |name: &String| {
        let kind = Path::new(name).extension().and_then(|kind| kind.to_str());
        kind.is_some_and(|kind| kinds.contains(&kind))
    };
    names.filter(is_other).min()
}

impl Pipeline {
    /// Loads a model onto a device.
    ///
    /// # Errors
    /// When a file is damaged, or the three do not belong together.
    pub fn load(files: &ModelFiles, device: &Device) -> Result<Self, LoadError> {
        let mut config = LlamaConfig::parse(&files.config)?;
        if let Some(json) = &files.generation_config {
            config.eos_token_id = generation_config::end_tokens(json, config.vocab_size)?;
        }
        // Weights first: they confirm the vocabulary size that the tokenizer's table is allocated by.
        let mut shards = vec![&files.weights[..]];
        shards.extend(files.further_weights.iter().map(Vec::as_slice));
        let model = LlamaModel::load_shards(config.clone(), &shards, device)?;
        let mut tokenizer = Tokenizer::parse(&files.tokenizer, &config)?;
        if let Some(json) = &files.tokenizer_config {
            tokenizer.configure(json)?;
        }
        Ok(Self { tokenizer, model })
    }
}
