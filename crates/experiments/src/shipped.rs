//! Results that were computed at full size and ship beside a model: `experiments/<name>.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Findings;

/// One such file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shipped {
    /// When, and from what.
    pub made: Made,
    /// What was found.
    pub findings: Findings,
}

/// Where shipped findings come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The day, as `2026-11-23`.
    pub date: String,
    /// A fingerprint of every model's weights, by the name that the findings call it.
    pub models: BTreeMap<String, String>,
}
