//! One budget as it was measured, and the numbers that are told of it.

use statistics::{distinct_n, self_bleu};

use super::judges::{Judge, SHOWN};
use crate::Inputs;
use crate::answers::entropy_bits;
use crate::bootstrap::interval_95;
use crate::results::Estimate;
use crate::sampling::SampledChain;

/// N-grams of self-BLEU.
const GRAMS: usize = 4;

/// What was found behind one opening.
pub struct Behind {
    /// `Σ KL` in nats, mean over the chains that were measured.
    pub nats: f64,
    /// The predictor's log-odds of gladness, mean over chains.
    reward: f64,
    /// Gladness by the story world's labels, mean over chains, 0 to 1.
    gladness: f64,
    /// Chains by attractor; those that end in none come last.
    ends: Vec<usize>,
    /// Of these chains against each other; not a number where too few are long enough.
    self_bleu: f64,
    /// Share of distinct pairs of tokens; not a number where there are none.
    distinct_2: f64,
    /// What judges get: by judge, then by how many samples they are shown.
    pub values: [[f64; SHOWN.len()]; Judge::ALL.len()],
}

impl Behind {
    /// Of all chains of an opening.
    pub fn of(chains: &[SampledChain], nats: f64, inputs: &Inputs) -> Self {
        let endings: Vec<Option<usize>> = chains
            .iter()
            .map(|chain| inputs.attractors.recognise(&chain.text).ends_in)
            .collect();
        let kinds = inputs.attractors.attractors().len();
        let mut ends = vec![0; kinds + 1];
        for ending in &endings {
            ends[ending.unwrap_or(kinds)] += 1;
        }
        let texts: Vec<&[u32]> = chains.iter().map(|chain| chain.tokens.as_slice()).collect();
        let mean = |value: &dyn Fn(usize) -> f64| {
            (0..chains.len()).map(value).sum::<f64>() / chains.len() as f64
        };
        Self {
            nats,
            reward: mean(&|chain| inputs.predictor.score(&chains[chain].text).log_odds),
            gladness: mean(&|chain| inputs.gladness(endings[chain])),
            ends,
            self_bleu: self_bleu(&texts, GRAMS).unwrap_or(f64::NAN),
            distinct_2: distinct_n(&texts, 2).unwrap_or(f64::NAN),
            values: Judge::ALL.map(|judge| SHOWN.map(|k| judge.value(&endings, inputs, k))),
        }
    }
}

#[cfg(test)]
impl Behind {
    /// With a given divergence, and given values for every judge.
    pub fn planted(nats: f64, values: [f64; SHOWN.len()]) -> Self {
        Self {
            nats,
            reward: 0.0,
            gladness: 0.0,
            ends: vec![1],
            self_bleu: 0.0,
            distinct_2: 0.0,
            values: [values; Judge::ALL.len()],
        }
    }
}

/// One budget.
pub struct Point {
    /// Names it in keys.
    pub key: String,
    /// Names it for people.
    pub label: String,
    /// Whether it is a mixture of base and tuned.
    pub realigned: bool,
    /// Opening by opening; the same openings at every point.
    pub behind: Vec<Behind>,
    /// What is told of it, with intervals; see [`estimates`].
    pub told: Vec<Estimate>,
}

impl Point {
    /// The number that a key of this point ends in.
    pub fn estimate(&self, what: &str) -> Option<&Estimate> {
        let key = format!("{}.{what}", self.key);
        self.told.iter().find(|one| one.key == key)
    }

    /// All openings.
    fn all(&self) -> Vec<&Behind> {
        self.behind.iter().collect()
    }

    /// Those that a resample drew.
    pub fn drawn(&self, places: &[usize]) -> Vec<&Behind> {
        places.iter().map(|&place| &self.behind[place]).collect()
    }

    /// Chains over all openings.
    fn chains(&self) -> usize {
        self.behind.iter().flat_map(|one| &one.ends).sum()
    }
}

/// Mean over openings, of those where the value is a number.
pub fn mean_of(behind: &[&Behind], value: impl Fn(&Behind) -> f64) -> f64 {
    let values: Vec<f64> = behind
        .iter()
        .map(|one| value(one))
        .filter(|it| it.is_finite())
        .collect();
    crate::bootstrap::mean(&values)
}

/// Effective number of endings `2^H` over the chains of all openings; ending in none is one more kind.
fn endings(behind: &[&Behind]) -> f64 {
    let kinds = behind.first().map_or(0, |one| one.ends.len());
    let sizes: Vec<f64> = (0..kinds)
        .map(|kind| behind.iter().map(|one| one.ends[kind]).sum::<usize>() as f64)
        .collect();
    let all: f64 = sizes.iter().sum();
    let shares: Vec<f64> = sizes.iter().map(|size| size / all).collect();
    entropy_bits(&shares).exp2()
}

/// A number of the chains behind some openings.
type Measure = fn(&[&Behind]) -> f64;

/// What is drawn against divergence: name, title, the axis' label, and the number.
pub const MEASURES: [(&str, &str, &str, Measure); 5] = [
    (
        "reward",
        "Reward",
        "reward, log-odds of gladness",
        |behind| mean_of(behind, |one| one.reward),
    ),
    (
        "gladness",
        "True gladness",
        "gladness of endings, %",
        |behind| 100.0 * mean_of(behind, |one| one.gladness),
    ),
    (
        "endings",
        "Kinds of ending",
        "effective kinds of ending",
        endings,
    ),
    (
        "self-bleu",
        "Likeness of an opening's chains",
        "self-BLEU, 4-grams",
        |behind| mean_of(behind, |one| one.self_bleu),
    ),
    (
        "distinct-2",
        "Distinct pairs of tokens",
        "distinct pairs among an opening's chains, %",
        |behind| 100.0 * mean_of(behind, |one| one.distinct_2),
    ),
];

/// The numbers of one budget, with intervals over openings.
pub fn estimates(point: &Point, seed: u64) -> Vec<Estimate> {
    let all = point.all();
    let samples = all.len();
    let one = |what: &str, label: &str, unit: &str, of: &dyn Fn(&[&Behind]) -> f64| {
        let interval = interval_95(samples, seed, |drawn| of(&point.drawn(drawn)));
        Estimate::exact(
            format!("{}.{what}", point.key),
            format!("{}: {label}", point.label),
            unit,
            of(&all),
        )
        .within(interval, samples)
    };
    let mut estimates = vec![one(
        "kl",
        "divergence from the base, a completion",
        "nats",
        &|behind| mean_of(behind, |one| one.nats),
    )];
    for (name, _, label, of) in MEASURES {
        let (label, unit) = label
            .strip_suffix(", %")
            .map_or((label, ""), |label| (label, "%"));
        estimates.push(one(name, label, unit, &of));
    }
    for (place, judge) in Judge::ALL.into_iter().enumerate() {
        for (shown, k) in SHOWN.into_iter().enumerate() {
            let label = format!("best of {k} for a judge who wants {}", judge.wants());
            estimates.push(one(
                &format!("{}.v{k}", judge.name()),
                &label,
                "",
                &|behind| mean_of(behind, |one| one.values[place][shown]),
            ));
        }
    }
    let chains = point.chains();
    estimates.push(Estimate::exact(
        format!("{}.chains", point.key),
        format!("{}: chains behind {samples} openings", point.label),
        "",
        chains as f64,
    ));
    estimates
}
