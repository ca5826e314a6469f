//! `held-out.json` and `beginnings.json`: texts by people, for comparing and for tuning.

use serde::{Deserialize, Serialize};

use crate::{BEGINNINGS, HELD_OUT, Parse};

/// Whole stories by people that no model here was trained on. Experiments compare generated stories with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOut {
    /// Where they come from.
    #[serde(default)]
    pub about: String,
    /// Under which licence they are.
    #[serde(default)]
    pub licence: String,
    /// The texts.
    pub stories: Vec<String>,
}

/// Beginnings of stories from outside the story world: prompts of a tuning run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beginnings {
    /// What they are for.
    pub about: String,
    /// Where they come from.
    pub origin: String,
    /// Under which licence they are.
    pub licence: String,
    /// The texts.
    pub beginnings: Vec<String>,
}

impl Parse for HeldOut {
    const FILE: &'static str = HELD_OUT;
}

impl Parse for Beginnings {
    const FILE: &'static str = BEGINNINGS;
}
