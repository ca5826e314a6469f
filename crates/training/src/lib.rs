//! How the models of this project are made: the story world, the facts, the corpus, the vocabulary, pretraining, evaluation,
//! and the sentiment predictor's fit.
//!
//! Natively only: nothing here reaches the browser.

pub mod batches;
pub mod calibration;
pub mod checkpoint;
mod clip;
pub mod corpus;
mod error;
pub mod evaluate;
pub mod export;
pub mod facts;
pub mod loss;
pub mod predictor;
pub mod pretrain;
pub mod recipe;
pub mod schedule;
mod shards;
pub mod vocabulary;
pub mod world;

pub use error::TrainingError;
