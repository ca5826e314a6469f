//! How the models of this project are made: the story world, the facts, the corpus, the vocabulary, pretraining, the sentiment
//! predictor's fit, tuning and evaluation.
//!
//! Natively only: nothing here reaches the browser.

#![allow(
    clippy::disallowed_methods,
    reason = "training runs natively, where waiting for a device is allowed"
)]

pub mod batches;
pub mod calibration;
pub mod checkpoint;
mod clip;
pub mod corpus;
pub mod crew;
mod error;
pub mod evaluate;
pub mod export;
pub mod facts;
mod log;
pub mod loss;
pub mod predictor;
pub mod pretrain;
pub mod recipe;
pub mod schedule;
mod shards;
pub mod tuning;
pub mod vocabulary;
pub mod world;

pub use error::TrainingError;
