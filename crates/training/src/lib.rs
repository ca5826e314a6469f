//! Makes the models of this project: story world, facts, corpus, tokenizer, pretraining, the sentiment predictor's fit,
//! reinforcement learning of adapters, and evaluation.
//!
//! Native only: nothing here is part of the page.

#![allow(
    clippy::disallowed_methods,
    reason = "training runs natively, where waiting for a device is allowed"
)]

mod backprop;
pub mod batch_gradient;
pub mod batches;
pub mod calibration;
pub mod checkpoint;
mod clip;
pub mod control;
pub mod corpus;
mod epochs;
mod error;
pub mod evaluate;
pub mod export;
pub mod facts;
mod files;
mod log;
pub mod loss;
pub mod predictor;
pub mod pretrain;
pub mod recipe;
pub mod rl;
pub mod schedule;
mod shards;
pub mod teacher;
pub mod tokenizer;
pub mod worker_pool;
pub mod world;

pub use control::Control;
pub use error::TrainingError;
