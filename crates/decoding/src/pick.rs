//! A sampled token with its position and probability. Sampling itself is in `distribution`.

use serde::{Deserialize, Serialize};

/// One sampled token of one chain.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pick {
    /// Index of the chain, from 0.
    pub chain: u32,
    /// Index of the token among the chain's generated tokens, from 0.
    pub position: u32,
    /// The token.
    pub token: u32,
    /// `-log2 p` of the token under the sampling parameters, bits.
    pub surprisal_bits: f32,
    /// Entropy of the distribution it was sampled from, bits.
    pub entropy_bits: f32,
    /// Whether the chain is finished (end of text, or the length is reached).
    pub last: bool,
}
