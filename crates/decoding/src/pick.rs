//! What is told of a picked token: where it stands, and how likely it was. Picking it is `distribution`'s.

use serde::{Deserialize, Serialize};

/// One chain's new token.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pick {
    /// Which chain, from 0.
    pub chain: u32,
    /// Which generated token of the chain, from 0.
    pub position: u32,
    /// The token.
    pub token: u32,
    /// `-log2 p` of the token under the knobs, bits.
    pub surprisal_bits: f32,
    /// Entropy of the distribution it was picked from, bits.
    pub entropy_bits: f32,
    /// This was the chain's last token (end of text, or the length is reached).
    pub last: bool,
}
