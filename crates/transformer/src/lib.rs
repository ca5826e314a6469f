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
mod kv_cache;
mod language_model;
mod llama_model;
mod network;
mod pipeline;
mod projection;
mod prompt;
mod rope;
pub mod self_test;
mod swarm;
mod tokenizer;
mod tokenizer_file;
mod weights;

pub use adapter::{Adapter, AdapterFiles, BASE_KEY};
pub use adapter_config::AdapterConfig;
pub use config::{LONGEST_CONTEXT, LlamaConfig};
pub use device::DeviceError;
pub use error::{AdapterError, LoadError};
pub use kv_cache::{LayerCache, WriteIndex};
pub use language_model::InferenceError;
pub use llama_model::{Batch, LlamaModel, Prefix, fingerprint};
pub use network::{Attention, Block, FeedForward, Llama};
pub use pipeline::{ModelFiles, Pipeline};
pub use projection::Projection;
pub use prompt::PromptError;
pub use rope::{Rotary, Rotation};
pub use swarm::{ChainLogits, Picked, Plan, Realignment, Swarm};
pub use tokenizer::Tokenizer;
pub use weights::NamedTensor;
