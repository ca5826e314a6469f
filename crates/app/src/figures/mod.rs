//! What is derived from the state for the eye: numbers, bars, curves. Pure; the components only lay it out.

pub mod chart;
pub mod csv;
pub mod curve;
pub mod endings;
pub mod next_token;
pub mod overlay;
pub mod sentiment;
pub mod shared;
mod token_spans;
