//! What is seen. Components lay out what `state` holds and `figures` derive, and turn clicks into actions.

mod about;
mod app;
mod badge;
mod bars;
mod canvas;
mod chain;
mod chart;
mod curve;
mod debounce;
mod dials;
mod endings;
mod experiment;
mod header;
mod knob;
mod memo_per_chain;
mod model_picker;
mod next_token;
mod prompt;
mod ptr_eq;
mod results;
mod ruler;
mod series;
mod status_line;
mod swarm;
mod term;

pub use app::App;
