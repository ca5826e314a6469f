//! From chains to what is said of them. The estimators are in `statistics`.

use std::collections::BTreeMap;

use attractors::{Catalogue, Ending};
use statistics::{
    ContingencyTable, HitStep, Interval, Mean, Observation, compression_ratio, coverage,
    distinct_k, distinct_n, entropy_of_counts_bits, hill_number, hitting_curve, ngram_kernel,
    self_bleu, vendi_score, wilson_95,
};

use super::chains::Chain;
use super::findings::{
    BasinMeasures, Counted, CurveStep, Diversity, FieldDiversity, Hitting, Measures,
};

/// Permutations of chains over openings, for the baseline of mutual information.
const DEALS: u32 = 100;
/// N-grams of self-BLEU: up to four, as in Texygen.
const BLEU_GRAMS: usize = 4;
/// Stories that distinct_k is about, as many as in NoveltyBench.
pub const DISTINCT_OF: usize = 10;

/// What is measured of the chains of these openings, one list an opening.
///
/// # Panics
/// When there are no chains.
pub fn measure(catalogue: &Catalogue, openings: &[&[Chain]], seed: u64) -> Measures {
    let none = catalogue.attractors().len();
    let basin = |chain: &Chain| chain.ends_in.unwrap_or(none);
    let chains = || openings.iter().copied().flatten();
    let count = chains().count();
    let mean = |value: fn(&Chain) -> f64| chains().map(value).sum::<f64>() / count as f64;
    let shares =
        (0..=none).map(|kind| share(chains().filter(|chain| basin(chain) == kind).count(), count));
    let numbered = openings.iter().enumerate();
    let basins = ContingencyTable::of(
        numbered
            .flat_map(|(opening, chains)| chains.iter().map(move |chain| (opening, basin(chain)))),
    );
    let judged = chains().all(|chain| chain.log_odds.is_some());
    Measures {
        openings: openings.len(),
        chains: count,
        ended: mean(|chain| if chain.ended { 1.0 } else { 0.0 }),
        tokens: mean(|chain| chain.tokens.len() as f64),
        shares: shares.collect(),
        basins: BasinMeasures {
            entropy_bits: basins.entropy_bits(),
            entropy_within_bits: basins.conditional_entropy_bits(),
            globality: basins.largest_share().expect("there are chains"),
            mutual_information_bits: basins.mutual_information_bits(),
            information_corrected_bits: basins.mutual_information_corrected_bits(),
            information_by_chance_bits: basins.mutual_information_by_chance_bits(seed, DEALS),
        },
        diversity: diversity(openings),
        kl_nats: estimate(openings, |chain| chain.kl_nats),
        reward: judged.then(|| estimate(openings, |chain| chain.log_odds.unwrap_or_default())),
    }
}

/// A share with its interval.
pub fn share(chains: usize, of: usize) -> Counted {
    let Interval { low, high } = wilson_95(chains, of).unwrap_or(Interval {
        low: 0.0,
        high: 1.0,
    });
    Counted {
        chains,
        share: chains as f64 / of.max(1) as f64,
        low,
        high,
    }
}

/// Chains of an opening are alike, so an opening's mean is one value.
pub fn estimate<C: AsRef<[Chain]>>(openings: &[C], value: fn(&Chain) -> f64) -> Mean {
    let mean = |chains: &C| {
        let chains = chains.as_ref();
        chains.iter().map(value).sum::<f64>() / chains.len() as f64
    };
    let means: Vec<f64> = openings.iter().map(mean).collect();
    Mean::of(&means).expect("there are openings")
}

fn diversity(openings: &[&[Chain]]) -> Diversity {
    let tokens = |chains: &[Chain]| -> Vec<Vec<u32>> {
        chains.iter().map(|chain| chain.tokens.clone()).collect()
    };
    let each: Vec<Vec<Vec<u32>>> = openings.iter().map(|chains| tokens(chains)).collect();
    let mean = |of: &dyn Fn(&[Vec<u32>]) -> Option<f64>| {
        let values: Vec<f64> = each.iter().filter_map(|chains| of(chains)).collect();
        Mean::of(&values).map(|found| found.mean)
    };
    let all = each.concat();
    Diversity {
        distinct: [1, 2, 3].map(|n| mean(&|chains| distinct_n(chains, n))),
        distinct_over_all: [1, 2, 3].map(|n| distinct_n(&all, n)),
        self_bleu: mean(&|chains| self_bleu(chains, BLEU_GRAMS)),
        field: Some(field_diversity(openings, &each)),
    }
}

fn field_diversity(openings: &[&[Chain]], tokens: &[Vec<Vec<u32>>]) -> FieldDiversity {
    let counts: Vec<Vec<usize>> = openings.iter().map(|chains| endings(*chains)).collect();
    let all = endings(openings.iter().copied().flatten());
    let mean =
        |values: Vec<Option<f64>>| Mean::of(&values.into_iter().flatten().collect::<Vec<_>>());
    let ended = |counts: &[usize]| counts.iter().sum::<usize>() > 0;
    FieldDiversity {
        finished: all.iter().sum(),
        distinct_k: mean(
            counts
                .iter()
                .map(|it| distinct_k(it, DISTINCT_OF))
                .collect(),
        ),
        semantic_entropy_bits: mean(
            counts
                .iter()
                .map(|it| ended(it).then(|| entropy_of_counts_bits(it)))
                .collect(),
        ),
        effective_endings: hill_number(&all, 1.0),
        coverage: coverage(&all),
        compression_ratio: mean(
            openings
                .iter()
                .map(|chains| {
                    let texts: Vec<&str> = chains.iter().map(|it| it.text.as_str()).collect();
                    compression_ratio(&texts)
                })
                .collect(),
        ),
        vendi_score: mean(
            tokens
                .iter()
                .map(|chains| vendi_score(&ngram_kernel(chains)))
                .collect(),
        ),
    }
}

/// How many finished stories have each of their different endings.
fn endings<'c>(chains: impl IntoIterator<Item = &'c Chain>) -> Vec<usize> {
    let mut counts: BTreeMap<&Ending, usize> = BTreeMap::new();
    for chain in chains.into_iter().filter(|chain| chain.ended) {
        *counts.entry(&chain.ending).or_default() += 1;
    }
    counts.into_values().collect()
}

/// Entropy by position: the mean over the chains that have come so far.
pub fn entropy_by_position(chains: &[Vec<Chain>], length: usize) -> Vec<f64> {
    let at = |position: usize| {
        let come = chains
            .iter()
            .flatten()
            .filter_map(|chain| chain.entropy_bits.get(position));
        Mean::of(&come.copied().collect::<Vec<_>>()).map(|found| found.mean)
    };
    (0..length).map_while(at).collect()
}

/// How soon chains hit an attractor. A chain without a hit is watched until the limit of length, also where it ended by itself
/// before: it will never hit.
pub fn hitting(
    catalogue: &Catalogue,
    attractor: usize,
    chains: &[Vec<Chain>],
    length: usize,
) -> Hitting {
    let watch = |chain: &Chain| {
        let hit = chain.first_hits[attractor];
        Observation {
            tokens: hit.unwrap_or(length as u32),
            hit: hit.is_some(),
        }
    };
    let watches: Vec<Observation> = chains.iter().flatten().map(watch).collect();
    let curve = hitting_curve(&watches);
    let step = |step: &HitStep| CurveStep {
        tokens: step.tokens,
        hit_by: step.hit_by,
        low: step.interval.map(|interval| interval.low),
        high: step.interval.map(|interval| interval.high),
    };
    Hitting {
        attractor: catalogue.attractors()[attractor].name.clone(),
        median_tokens: curve.median(),
        curve: curve.steps.iter().map(step).collect(),
    }
}

/// The attractor that most chains end in; of equals the first.
pub fn largest(shares: &[Counted]) -> Option<usize> {
    let attractors = &shares[..shares.len() - 1];
    let most = attractors.iter().map(|share| share.chains).max()?;
    attractors
        .iter()
        .position(|share| share.chains == most && most > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::catalogue;

    fn chain(ends_in: Option<usize>, hit: Option<u32>, tokens: &[u32]) -> Chain {
        let mut first_hits = vec![None; catalogue().attractors().len()];
        first_hits[0] = hit;
        Chain {
            tokens: tokens.to_vec(),
            ended: hit.is_none(),
            text: String::new(),
            ends_in,
            ending: ends_in.map_or(Ending::Other(String::new()), Ending::Attractor),
            first_hits,
            kl_nats: tokens.len() as f64,
            entropy_bits: tokens.iter().map(|token| f64::from(*token)).collect(),
            log_odds: Some(1.0),
        }
    }

    #[test]
    fn measures_are_those_of_the_chains() {
        let chains = [
            vec![
                chain(Some(0), Some(2), &[1, 2, 3]),
                chain(Some(0), Some(3), &[1, 2, 3]),
            ],
            vec![chain(None, None, &[5]), chain(Some(2), None, &[6])],
        ];
        let openings: Vec<&[Chain]> = chains.iter().map(Vec::as_slice).collect();
        let found = measure(&catalogue(), &openings, 1);
        assert_eq!(
            (found.openings, found.chains, found.ended, found.tokens),
            (2, 4, 0.5, 2.0)
        );
        assert_eq!(
            found.shares.iter().map(|share| share.chains).sum::<usize>(),
            4
        );
        assert_eq!((found.shares[0].share, found.shares[2].chains), (0.5, 1));
        assert_eq!(found.shares.last().unwrap().chains, 1);
        assert_eq!(
            (found.basins.globality, found.basins.entropy_bits),
            (0.5, 1.5)
        );
        assert_eq!(found.basins.mutual_information_bits, 1.0);
        assert_eq!(
            (found.kl_nats.mean, found.kl_nats.standard_error),
            (2.0, Some(1.0))
        );
        assert_eq!(found.diversity.distinct[0], Some(0.75));
        assert_eq!(found.diversity.self_bleu, None);
        assert_eq!(largest(&found.shares), Some(0));
        assert_eq!(entropy_by_position(&chains, 9), [3.25, 2.0, 3.0]);
    }

    #[test]
    fn a_chain_that_ended_without_a_hit_is_watched_to_the_limit() {
        let chains = [vec![
            chain(Some(0), Some(2), &[1; 8]),
            chain(None, None, &[5]),
        ]];
        let found = hitting(&catalogue(), 0, &chains, 8);
        assert_eq!(
            (
                found.curve.len(),
                found.curve[0].tokens,
                found.curve[0].hit_by
            ),
            (1, 2, 0.5)
        );
        assert_eq!(
            (found.attractor.as_str(), found.median_tokens),
            ("wedding", Some(2))
        );
    }
}
