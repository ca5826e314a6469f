//! Weights in int8 with one power-of-two scale per row.
//!
//! A weight `q * 2^e` with an integer `|q| <= 127` is exact in f16 for `-24 <= e <= 9`. So weights that are rounded so once
//! ([`rows`]) are the same numbers in a Hugging Face folder in f16 and in a file of half the size ([`mod@file`]), and every program
//! computes the same logits from either. Nothing here depends on tensors or devices: the command line rounds, the site's build
//! packs, the loader expands.

pub mod file;
pub mod rows;

pub use file::{ExpandError, expand, pack};
pub use rows::round_rows;
