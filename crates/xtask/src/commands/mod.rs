//! One module a command.

pub mod serve;
pub mod size;
