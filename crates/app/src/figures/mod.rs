//! What is derived from the state for the eye: numbers, bars, curves. Pure; the components only lay it out.

pub mod attractors;
pub mod chart;
pub mod csv;
pub mod curve;
pub mod next_token;
pub mod overlay;
pub mod sentiment;
mod token_spans;
