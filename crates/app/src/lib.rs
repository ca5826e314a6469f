//! The page: state, figures, components, and the threads to its engine workers.
//!
//! `state` and `figures` and the rules in `engine::choice` are pure and tested natively; `components` lays them out;
//! `engine` talks to workers, `shelf` reads the small files beside a model. No tensor and no softmax lives here: the numbers come from `decoding` and from the worker.

mod address;
mod components;
mod engine;
mod figures;
mod shelf;
mod state;

pub use components::App;
