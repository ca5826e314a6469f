//! One module per command.

pub mod bench;
pub mod bless;
pub mod check;
pub mod serve;
pub mod size;
pub mod test;
