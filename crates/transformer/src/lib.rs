//! Token ids in, logits out, on any burn `Device`; and the swarm of chains that decodes with them.
//!
//! Lives here: Llama-architecture models and tokenizers from Hugging Face folders, LoRA adapters, the KV cache, batches of chains,
//! devices and the one read-back. Does not live here: distributions and sampling (`decoding`), training, anything of the browser.

mod adapter;
mod adapter_config;
mod config;
pub mod device;
mod dropout;
mod error;
pub mod file_kind;
mod generation_config;
mod kv_cache;
mod language_model;
mod llama_model;
mod network;
mod pipeline;
mod projection;
mod prompt;
mod rope;
mod safetensors_file;
pub mod self_test;
mod swarm;
mod template;
mod tokenizer;
mod tokenizer_file;
mod weights;

pub use adapter::{Adapter, AdapterFiles, BASE_KEY};
pub use adapter_config::{AdapterConfig, LoraRules};
pub use config::{LONGEST_CONTEXT, LlamaConfig};
pub use device::DeviceError;
pub use error::{AdapterError, LoadError};
pub use kv_cache::{LayerCache, WriteIndex};
pub use language_model::InferenceError;
pub use llama_model::{Batch, LlamaModel, Prefix, fingerprint};
pub use network::{Attention, Block, FeedForward, Llama};
pub use pipeline::{ModelFiles, Pipeline, shard_names};
pub use projection::Projection;
pub use prompt::PromptError;
pub use rope::{Rotary, Rotation};
pub use swarm::{ChainLogits, Picked, Plan, Realignment, Swarm};
pub use tokenizer::Tokenizer;
pub use weights::NamedTensor;
