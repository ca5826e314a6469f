//! What is seen. Components lay out what `state` holds and `figures` derive, and turn clicks into actions.

mod about;
mod app;
mod badge;
mod bars;
mod canvas;
mod chain;
mod chart;
mod curve;
mod dials;
mod each;
mod endings;
mod findings;
mod header;
mod knob;
mod lab;
mod lagging;
mod next_token;
mod prompt;
mod ruler;
mod same;
mod series;
mod status_line;
mod storyteller;
mod swarm;

pub use app::App;
