//! The schema of a model's folder: the JSON files beside its weights.
//!
//! Lives here: what each file is called and what its fields mean, once for those who write it (training, the command line) and
//! those who read it (experiments, worker, page). Does not live here: weights and tokenizer (`transformer`), the matching of
//! attractors (`attractors`), the scoring of a text (`sentiment`), the results of experiments (`experiments`), and I/O.
//!
//! Every file is optional: a model that lacks one lacks what is made of it. Fields that are not known are passed over, so that
//! an older page reads a newer folder.

mod adapters;
mod openings;
mod parse;
mod texts;
mod truth;

pub use adapters::{AdapterIndex, AdapterInfo};
pub use openings::{OpeningGroup, Openings};
pub use parse::{BundleError, Parse};
pub use texts::{Beginnings, HeldOut};
pub use truth::{Answer, Family, Question, RequestTruth, TruthTable};

/// [`TruthTable`].
pub const TRUTH: &str = "truth.json";
/// [`Openings`].
pub const OPENINGS: &str = "openings.json";
/// [`HeldOut`].
pub const HELD_OUT: &str = "held-out.json";
/// [`Beginnings`].
pub const BEGINNINGS: &str = "beginnings.json";
/// [`AdapterIndex`]; each adapter is a folder beside it.
pub const ADAPTERS: &str = "adapters/index.json";
/// An `attractors::Catalogue`: which words mark which ending.
pub const ATTRACTORS: &str = "attractors.json";
/// A `sentiment::Predictor`: the reward model of its adapters.
pub const REWARD: &str = "reward/weights.json";
/// [`PublishedIndex`]; the results of each experiment are a file beside it, see [`published`].
pub const PUBLISHED: &str = "experiments/index.json";

/// The results of one experiment at full size: an `experiments::Published`.
pub fn published(experiment: &str) -> String {
    format!("experiments/{experiment}.json")
}

/// Names of the experiments whose results are published beside a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct PublishedIndex(pub Vec<String>);

impl Parse for PublishedIndex {
    const FILE: &'static str = PUBLISHED;
}
