//! The contents of `report.json`. Units are in the names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use statistics::Mean;
use training::calibration::Calibration;

use super::answers::FamilyAnswers;
use super::requests::RequestResults;

/// Everything.
#[derive(Serialize, Deserialize)]
pub struct Findings {
    /// Name of the model's folder.
    pub model: String,
    /// The settings of every measurement.
    pub settings: Settings,
    /// In the catalogue's order.
    pub attractors: Vec<Named>,
    /// From near to far.
    pub groups: Vec<OpeningSet>,
    /// The base, then its adapters.
    pub models: Vec<Measured>,
    /// How well attractors are recognised.
    pub checks: Vec<Checked>,
    /// The goals.
    pub targets: Vec<Target>,
}

/// What a measurement depends on besides the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Openings.
    pub openings: usize,
    /// Chains per opening.
    pub chains: usize,
    /// At most so many tokens per chain.
    pub length: usize,
    /// Seed of the random draws.
    pub seed: u64,
    /// Held-out stories that were scored; none without a text.
    pub held_out_stories: usize,
    /// Of every input file, by its role.
    pub fingerprints: BTreeMap<String, String>,
}

/// A short name, and one for people.
#[derive(Clone, Serialize, Deserialize)]
pub struct Named {
    pub name: String,
    pub title: String,
}

/// A group of openings.
#[derive(Clone, Serialize, Deserialize)]
pub struct OpeningSet {
    pub name: String,
    pub title: String,
    pub openings: usize,
    /// Where they come from.
    pub origin: String,
    pub licence: String,
}

/// One model.
#[derive(Clone, Serialize, Deserialize)]
pub struct Measured {
    /// `base`, or the adapter's.
    pub name: String,
    /// Changes with weights and settings; a measurement with the same key is reused.
    pub key: String,
    /// Of the weights: the base's, or the adapter's.
    pub fingerprint: String,
    /// The KL budget of its recipe, nats per completion.
    pub target_nats: Option<f64>,
    /// All openings together.
    pub overall: Measures,
    /// By group of openings.
    pub groups: Vec<Measures>,
    /// Entropy by position, mean over the chains that are that long.
    pub entropy_bits: Vec<f64>,
    /// Of the wedding and of the attractor that most of its chains end in, or of that one alone.
    pub hitting: Vec<Hitting>,
    /// Of stories that it was not trained on.
    pub held_out: Option<HeldOut>,
    /// Against the truth table.
    pub calibration: Option<Calibration>,
    /// Its answers to the truth table's questions.
    pub answers: Vec<FamilyAnswers>,
    /// Its stories when a happy or a sad one is requested.
    #[serde(alias = "told")]
    pub requests: Vec<RequestResults>,
}

/// What is measured of the chains of some openings.
#[derive(Clone, Serialize, Deserialize)]
pub struct Measures {
    pub openings: usize,
    pub chains: usize,
    /// Share of chains that ended by themselves.
    pub ended: f64,
    /// Tokens of a chain, mean.
    pub tokens: f64,
    /// By attractor in the catalogue's order, then of none.
    pub shares: Vec<Counted>,
    pub basins: BasinMeasures,
    pub diversity: Diversity,
    /// Nats per completion.
    pub kl_nats: Mean,
    /// Sentiment score (log-odds of a happy text), nats.
    pub reward: Option<Mean>,
}

/// A counted share with its 95 % interval.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Counted {
    pub chains: usize,
    pub share: f64,
    pub low: f64,
    pub high: f64,
}

/// One basin or many; chains that end in no attractor are a basin of their own.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct BasinMeasures {
    pub entropy_bits: f64,
    /// Mean over openings.
    pub entropy_within_bits: f64,
    /// Share of the largest basin.
    pub globality: f64,
    /// Mutual information of opening and attractor, plug-in estimate.
    #[serde(alias = "information_bits")]
    pub mutual_information_bits: f64,
    /// With Miller's and Madow's correction.
    pub information_corrected_bits: f64,
    /// Plug-in estimate after chains are assigned to openings at random.
    pub information_by_chance_bits: f64,
}

/// How much chains repeat each other.
#[derive(Clone, Serialize, Deserialize)]
pub struct Diversity {
    /// Share of distinct 1-, 2- and 3-grams of tokens among the chains of an opening, mean over openings.
    pub distinct: [Option<f64>; 3],
    /// The same among all chains.
    pub distinct_over_all: [Option<f64>; 3],
    /// Self-BLEU with up to 4-grams of the chains of an opening, mean over openings.
    pub self_bleu: Option<f64>,
    /// Measures that a report of an earlier version lacks.
    #[serde(default)]
    pub field: Option<FieldDiversity>,
}

/// Diversity in the measures that the field reports. Means over openings.
#[derive(Clone, Serialize, Deserialize)]
pub struct FieldDiversity {
    /// Finished stories, whose endings the next four are about.
    pub finished: usize,
    /// Expected different endings among [`DISTINCT_OF`](super::measures::DISTINCT_OF) finished stories of an opening.
    pub distinct_k: Option<Mean>,
    /// Discrete semantic entropy of an opening's endings, bits.
    pub semantic_entropy_bits: Option<Mean>,
    /// Effective number of endings over all openings, Hill number of order 1.
    pub effective_endings: Option<f64>,
    /// The share of endings to come that are among those seen (Good and Turing).
    pub coverage: Option<f64>,
    /// Compression ratio of an opening's texts.
    pub compression_ratio: Option<Mean>,
    /// Vendi score of an opening's texts, by 1- to 4-grams of tokens.
    pub vendi_score: Option<Mean>,
}

/// How soon chains hit an attractor.
#[derive(Clone, Serialize, Deserialize)]
pub struct Hitting {
    pub attractor: String,
    /// Tokens by which a hit is as likely as not.
    pub median_tokens: Option<u32>,
    /// Estimated probability of a hit, after every number of tokens at which there was one.
    pub curve: Vec<CurveStep>,
}

/// A step of the curve.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct CurveStep {
    pub tokens: u32,
    pub hit_by: f64,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// Held-out stories.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct HeldOut {
    pub bits_per_byte: f64,
    pub stories: usize,
    pub tokens: usize,
    pub bytes: usize,
}

/// The recogniser of attractors compared with other labels.
#[derive(Debug, Serialize, Deserialize)]
pub struct Checked {
    /// The other labels.
    pub with: String,
    pub texts: usize,
    pub agreed: Counted,
    /// Cohen's, beyond chance.
    pub kappa: Option<f64>,
    /// By attractor, then none.
    pub kinds: Vec<CheckedKind>,
}

/// One attractor of the comparison.
#[derive(Debug, Serialize, Deserialize)]
pub struct CheckedKind {
    pub attractor: String,
    /// Texts of this kind by the other labels.
    pub texts: usize,
    /// Texts that the recogniser gave it.
    pub recognised: usize,
    pub both: usize,
}

/// A goal.
#[derive(Serialize, Deserialize)]
pub struct Target {
    pub what: String,
    /// In words, with its unit.
    pub aim: String,
    /// What was found; none where it was not measured.
    pub found: Option<String>,
    pub met: Option<bool>,
}

impl Findings {
    /// The measurements of a model by its name.
    pub fn model(&self, name: &str) -> Option<&Measured> {
        self.models.iter().find(|model| model.name == name)
    }

    /// The index of an attractor among the shares.
    pub fn attractor(&self, name: &str) -> Option<usize> {
        self.attractors.iter().position(|one| one.name == name)
    }
}

impl Measured {
    /// The curve of an attractor.
    pub fn hitting(&self, attractor: &str) -> Option<&Hitting> {
        self.hitting.iter().find(|one| one.attractor == attractor)
    }
}
