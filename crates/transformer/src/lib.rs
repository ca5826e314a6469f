//! Token ids in, logits out, on any burn `Device`.

mod cache;
mod config;
mod error;
mod network;
mod rope;
mod weights;

pub use cache::LayerCache;
pub use config::LlamaConfig;
pub use error::LoadError;
pub use network::{Attention, Block, FeedForward, Llama};
pub use rope::{RotaryTable, Rotation};
pub use weights::NamedTensor;
