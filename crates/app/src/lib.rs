//! The page: state, figures, components, and the threads to its engine workers.
//!
//! `state` and `figures` are pure and tested natively; `components` lays them out;
//! `engine` talks to workers, `sidecars` reads the small files beside a model. No tensor and no softmax lives here: the numbers come from `decoding` and from the worker.

mod address;
mod components;
mod engine;
mod figures;
mod glossary;
mod numbers;
mod sidecars;
mod state;

pub use components::App;
