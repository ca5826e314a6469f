//! Token ids in, logits out, on any burn `Device`; and the swarm of chains that decodes with them.
//!
//! Lives here: Llama-architecture models from Hugging Face folders, LoRA adapters, the key-value cache, batches of chains, devices and
//! the one read-back. Does not live here: distributions and coins (`decoding`), training, anything of the browser.

mod adapter;
mod adapter_config;
mod cache;
mod config;
pub mod device;
mod dropout;
mod engine;
mod error;
mod language_model;
mod model;
mod network;
mod projection;
mod prompt;
mod rope;
pub mod self_test;
mod swarm;
mod text;
mod tokenizer_file;
mod weights;

pub use adapter::{Adapter, AdapterFiles, BASE_KEY};
pub use adapter_config::AdapterConfig;
pub use cache::{LayerCache, Slots};
pub use config::{LONGEST_CONTEXT, LlamaConfig};
pub use device::DeviceError;
pub use engine::{Batch, Engine, Prefix, fingerprint};
pub use error::{AdapterError, LoadError};
pub use language_model::AskError;
pub use model::{Model, ModelFiles};
pub use network::{Attention, Block, FeedForward, Llama};
pub use projection::Projection;
pub use prompt::PromptError;
pub use rope::{Rotary, Rotation};
pub use swarm::{Beside, Picked, Plan, Rows, Swarm};
pub use text::Vocabulary;
pub use weights::NamedTensor;
