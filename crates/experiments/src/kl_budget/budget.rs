//! One budget as it was measured, and its numbers.

use statistics::{distinct_n, entropy_of_counts_bits, self_bleu};

use super::judges::{Judge, SHOWN};
use crate::Inputs;
use crate::bootstrap::mean;
use crate::sampling::SampledChain;
use crate::table::{Metric, Row, Table, metrics};

/// N-grams of self-BLEU.
const GRAMS: usize = 4;

metrics! {
    pub KL = bootstrap "kl", "nats", "KL divergence from the base, per completion";
}

/// A number of the stories behind some openings.
type Measure = fn(&[&OpeningSample]) -> f64;

/// What is drawn against divergence: the metric, the figure's title, and the number.
pub const MEASURES: [(Metric, &str, Measure); 5] = [
    (
        Metric::bootstrap("reward", "reward, sentiment score (log-odds)", ""),
        "Reward",
        |openings| mean_of(openings, |one| one.reward),
    ),
    (
        Metric::bootstrap("gladness", "happiness of endings by their labels", "%"),
        "Happy endings",
        |openings| 100.0 * mean_of(openings, |one| one.happiness),
    ),
    (
        Metric::bootstrap("endings", "effective kinds of ending", ""),
        "Kinds of ending",
        endings,
    ),
    (
        Metric::bootstrap(
            "self-bleu",
            "self-BLEU of the stories behind one opening, 4-grams",
            "",
        ),
        "How alike the stories behind one opening are",
        |openings| mean_of(openings, |one| one.self_bleu),
    ),
    (
        Metric::bootstrap(
            "distinct-2",
            "distinct pairs of tokens in the stories behind one opening",
            "%",
        ),
        "Distinct pairs of tokens",
        |openings| 100.0 * mean_of(openings, |one| one.distinct_2),
    ),
];

/// What a judge gets of the best of `k`.
pub fn best_of(judge: Judge, k: usize) -> Metric {
    let label = format!("best of {k} for a judge who wants {}", judge.wants());
    Metric::of(format!("{}.v{k}", judge.name()), label, "")
}

/// What was measured of the stories behind one opening.
pub struct OpeningSample {
    /// KL divergence from the base, nats per completion, mean over the chains that were measured.
    pub nats: f64,
    /// The sentiment score (log-odds), mean over chains.
    reward: f64,
    /// Happiness of the endings by the story world's labels, mean over chains, 0 to 1.
    happiness: f64,
    /// Chains by attractor; those that end in none come last.
    ends: Vec<usize>,
    /// Of these chains against each other; not a number where too few are long enough.
    self_bleu: f64,
    /// Share of distinct pairs of tokens; not a number where there are none.
    distinct_2: f64,
    /// What judges get: by judge, then by how many samples they are shown.
    pub values: [[f64; SHOWN.len()]; Judge::ALL.len()],
}

impl OpeningSample {
    /// Of all chains of an opening.
    pub fn of(chains: &[SampledChain], nats: f64, inputs: &Inputs) -> Self {
        let endings: Vec<Option<usize>> = chains
            .iter()
            .map(|chain| {
                inputs
                    .attractors
                    .story(&chain.text, chain.ended)
                    .attractor()
            })
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
            happiness: mean(&|chain| inputs.happiness(endings[chain])),
            ends,
            self_bleu: self_bleu(&texts, GRAMS).unwrap_or(f64::NAN),
            distinct_2: distinct_n(&texts, 2).unwrap_or(f64::NAN),
            values: Judge::ALL.map(|judge| SHOWN.map(|k| judge.value(&endings, inputs, k))),
        }
    }
}

#[cfg(test)]
impl OpeningSample {
    /// With a given divergence, and given values for every judge.
    pub fn planted(nats: f64, values: [f64; SHOWN.len()]) -> Self {
        Self {
            nats,
            reward: 0.0,
            happiness: 0.0,
            ends: vec![1],
            self_bleu: 0.0,
            distinct_2: 0.0,
            values: [values; Judge::ALL.len()],
        }
    }
}

/// One budget.
pub struct Budget {
    /// Names it.
    pub row: Row,
    /// Whether it is a mixture of base and tuned.
    pub realigned: bool,
    /// Opening by opening; the same openings at every budget.
    pub openings: Vec<OpeningSample>,
    /// Its numbers, with intervals over openings.
    pub table: Table,
}

impl Budget {
    /// With its numbers.
    pub fn of(row: Row, realigned: bool, openings: Vec<OpeningSample>, seed: u64) -> Self {
        let mut table = Table::default();
        let all: Vec<&OpeningSample> = openings.iter().collect();
        let nats = |openings: &[&OpeningSample]| mean_of(openings, |one| one.nats);
        table.statistic(&row, &KL, &all, seed, nats);
        for (metric, _, measure) in MEASURES {
            table.statistic(&row, &metric, &all, seed, measure);
        }
        for (place, judge) in Judge::ALL.into_iter().enumerate() {
            for (shown, k) in SHOWN.into_iter().enumerate() {
                table.statistic(&row, &best_of(judge, k), &all, seed, |openings| {
                    mean_of(openings, |one| one.values[place][shown])
                });
            }
        }
        let chains: usize = openings.iter().flat_map(|one| &one.ends).sum();
        let label = format!("stories behind {} openings", all.len());
        table.set(&row, &Metric::of("chains", label, ""), chains as f64);
        Self {
            row,
            realigned,
            openings,
            table,
        }
    }

    /// The openings that a resample drew.
    pub fn drawn(&self, places: &[usize]) -> Vec<&OpeningSample> {
        places.iter().map(|&place| &self.openings[place]).collect()
    }
}

/// Mean over openings, of those where the value is a number.
pub fn mean_of(openings: &[&OpeningSample], value: impl Fn(&OpeningSample) -> f64) -> f64 {
    let values = openings.iter().map(|one| value(one));
    mean(&values.filter(|it| it.is_finite()).collect::<Vec<_>>())
}

/// Effective number of endings `2^H` over the chains of all openings; ending in none is one more kind.
fn endings(openings: &[&OpeningSample]) -> f64 {
    let kinds = openings.first().map_or(0, |one| one.ends.len());
    let sizes: Vec<usize> = (0..kinds)
        .map(|kind| openings.iter().map(|one| one.ends[kind]).sum())
        .collect();
    entropy_of_counts_bits(&sizes).exp2()
}
