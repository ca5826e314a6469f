//! What is measured of the chains that a decoder picked.

use std::collections::BTreeMap;

use statistics::{LoopPeriod, distinct_n, self_bleu};

use crate::bootstrap::mean;
use crate::results::Point;
use crate::sampling::SampledChain;
use crate::table::{Metric, Row, Table, metrics};
use crate::zipf::zipf_exponent;

/// Positions that a point of the curve of surprisal is the mean of.
const WINDOW: usize = 8;
/// N-grams of self-BLEU have up to so many tokens, as in Holtzman et al.
const BLEU: usize = 4;
/// Texts are left out in at most so many turns of a jackknife.
const TURNS: usize = 32;

metrics! {
    pub LOOPS = wilson "loops", "%", "stories that end in a loop";
    pub SURPRISAL = bootstrap "surprisal", "nats", "surprisal per token under the unshaped model";
    pub PERIOD = bootstrap "period", "tokens", "median period of the loops";
    pub DISTINCT_2 = jackknife "distinct-2", "", "distinct pairs of tokens among all";
    pub SELF_BLEU = jackknife "self-bleu", "", "self-BLEU of up to 4 tokens";
    ZIPF = jackknife "zipf", "", "exponent of Zipf's law";
    DISTINCT_1 = jackknife "distinct-1", "", "distinct tokens among all";
    DISTINCT_3 = jackknife "distinct-3", "", "distinct triples of tokens among all";
}

/// The estimators that the controls try. Tests put broken ones in their place.
#[derive(Clone, Copy, Debug)]
pub struct Estimators {
    /// The loop that tokens end in.
    pub period: fn(&[u32]) -> Option<LoopPeriod>,
    /// The exponent of Zipf's law.
    pub zipf: fn(&[usize]) -> Option<f64>,
    /// Distinct n-grams among all.
    pub distinct: fn(&[&[u32]], usize) -> Option<f64>,
    /// How much texts resemble each other.
    pub bleu: fn(&[&[u32]], usize) -> Option<f64>,
}

impl Default for Estimators {
    fn default() -> Self {
        Self {
            period: statistics::loop_period,
            zipf: zipf_exponent,
            distinct: |texts, n| distinct_n(texts, n),
            bleu: |texts, n| self_bleu(texts, n),
        }
    }
}

/// The chains of one decoder.
pub struct Measured<'a> {
    /// Names it: a model's decoder.
    pub row: Row,
    /// One behind each opening.
    pub chains: &'a [SampledChain],
    /// How many of the first are compared with each other.
    pub set: usize,
    /// Seed of the intervals.
    pub seed: u64,
}

impl Measured<'_> {
    /// Puts all numbers into the table, those that answer the claim first.
    pub fn add_to_table(&self, table: &mut Table, by: &Estimators) {
        let loops = self
            .chains
            .iter()
            .filter_map(|one| (by.period)(&one.tokens));
        let periods: Vec<f64> = loops.map(|it| it.period as f64).collect();
        table.share(&self.row, &LOOPS, periods.len(), self.chains.len());
        table.mean(&self.row, &SURPRISAL, &self.costs(), self.seed);
        // Without a loop there are no periods.
        if !periods.is_empty() {
            let periods: Vec<&f64> = periods.iter().collect();
            table.statistic(&self.row, &PERIOD, &periods, self.seed, |drawn| {
                median(drawn.iter().copied().copied().collect())
            });
        }
        let texts = self.chains.iter().take(self.set);
        let texts: Vec<&[u32]> = texts.map(|chain| chain.tokens.as_slice()).collect();
        let of_set: [(Metric, Measure<'_>); 5] = [
            (DISTINCT_2, &|set| (by.distinct)(set, 2)),
            (SELF_BLEU, &|set| (by.bleu)(set, BLEU)),
            (ZIPF, &|set| (by.zipf)(&counts(set))),
            (DISTINCT_1, &|set| (by.distinct)(set, 1)),
            (DISTINCT_3, &|set| (by.distinct)(set, 3)),
        ];
        for (metric, measure) in of_set {
            let value = measure(&texts).unwrap_or(f64::NAN);
            // All are at least 0, and all but Zipf's exponent at most 1.
            let most = if metric == ZIPF { f64::INFINITY } else { 1.0 };
            let within =
                jackknife_95(&texts, measure).map(|(low, high)| (low.max(0.0), high.min(most)));
            table.put(&self.row, &metric, value, within, texts.len());
        }
    }

    /// The mean cost of a token in each chain that has any, nats.
    pub fn costs(&self) -> Vec<f64> {
        let chains = self
            .chains
            .iter()
            .filter(|chain| !chain.surprisal_nats.is_empty());
        chains.map(|chain| mean(&chain.surprisal_nats)).collect()
    }

    /// Surprisal by position: the mean of the chains' means in windows of eight tokens, with 1.96 standard errors on either side.
    /// Chains that have ended no longer count.
    pub fn by_position(&self) -> Vec<Point> {
        let longest = self
            .chains
            .iter()
            .map(|chain| chain.surprisal_nats.len())
            .max();
        let windows = longest.unwrap_or(0).div_ceil(WINDOW);
        let points = (0..windows).filter_map(|window| {
            let start = window * WINDOW;
            let means: Vec<f64> = self
                .chains
                .iter()
                .filter_map(|chain| {
                    let own = chain.surprisal_nats.get(start..)?;
                    let own = &own[..own.len().min(WINDOW)];
                    (!own.is_empty()).then(|| mean(own))
                })
                .collect();
            let found = statistics::Mean::of(&means)?;
            let within = found
                .standard_error
                .map(|error| (found.mean - 1.96 * error, found.mean + 1.96 * error));
            Some(Point::at(start as f64 + 0.5 * (WINDOW as f64 + 1.0), found.mean).within(within))
        });
        points.collect()
    }
}

/// A number of a set of texts.
type Measure<'a> = &'a dyn Fn(&[&[u32]]) -> Option<f64>;

/// Occurrences of each token.
fn counts(texts: &[&[u32]]) -> Vec<usize> {
    let mut counts = BTreeMap::new();
    for token in texts.iter().copied().flatten() {
        *counts.entry(token).or_insert(0) += 1;
    }
    counts.into_values().collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// The 95 % interval of a number of a set by the jackknife: the texts are left out in turns, `se² = (g - 1) / g Σ (x_i - x̄)²` over
/// the `g` turns (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 11), and the ends are Student's `t` of
/// `g - 1` degrees of freedom away. The bootstrap would draw texts twice, which such numbers count as repetition. `None` where the
/// number is not defined, or there are fewer than three texts.
fn jackknife_95(texts: &[&[u32]], measure: Measure<'_>) -> Option<(f64, f64)> {
    let turns = texts.len().min(TURNS);
    if turns < 3 {
        return None;
    }
    let without = |turn: usize| {
        let left: Vec<&[u32]> = texts
            .iter()
            .enumerate()
            .filter(|(place, _)| place % turns != turn)
            .map(|(_, text)| *text)
            .collect();
        measure(&left)
    };
    let values: Vec<f64> = (0..turns).map(without).collect::<Option<_>>()?;
    let centre = mean(&values);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    let error = ((turns - 1) as f64 / turns as f64 * squares).sqrt();
    let half = student_95((turns - 1) as f64) * error;
    let value = measure(texts)?;
    Some((value - half, value + half))
}

/// Student's `t` of two-sided 95 %, by its expansion in the degrees of freedom to the second order (Abramowitz and Stegun 26.7.5):
/// off by less than 0.03 from five degrees on.
fn student_95(freedom: f64) -> f64 {
    let z: f64 = 1.959_963_984_540_054;
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    z + first / freedom + second / freedom.powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use decoding::coin;

    #[test]
    fn students_t_is_that_of_the_tables() {
        for (freedom, t) in [(5.0, 2.571), (15.0, 2.131), (31.0, 2.040)] {
            assert!((student_95(freedom) - t).abs() < 0.03, "{freedom}");
        }
    }

    /// Of a mean the jackknife's standard error is the textbook's, so its interval holds the true mean as often as it says.
    #[test]
    fn the_jackknife_covers_as_often_as_it_says() {
        let trials = 400;
        let mean_length: Measure<'_> = &|set| {
            let sum: usize = set.iter().map(|text| text.len()).sum();
            Some(sum as f64 / set.len() as f64)
        };
        let covered = (0..trials)
            .filter(|&trial| {
                let texts: Vec<Vec<u32>> = (0..16)
                    .map(|unit| {
                        let length: f64 = (0..4).map(|part| coin(trial, unit, part).value()).sum();
                        vec![0; (1000.0 * length) as usize]
                    })
                    .collect();
                let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
                let (low, high) = jackknife_95(&texts, mean_length).unwrap();
                low <= 1999.5 && 1999.5 <= high
            })
            .count();
        // 95 % of 400 are 380, give or take 4.4.
        assert!((366..=394).contains(&covered), "{covered}");
    }

    #[test]
    fn positions_of_ended_chains_do_not_count() {
        let chain = |surprisal_nats: Vec<f64>| SampledChain {
            tokens: vec![1; surprisal_nats.len()],
            ended: true,
            surprisal_nats,
            text: String::new(),
        };
        let chains = [chain(vec![1.0; 8]), chain(vec![3.0; 16])];
        let chains = Measured {
            row: Row::of("a"),
            chains: &chains,
            set: 2,
            seed: 1,
        };
        let points = chains.by_position();
        assert_eq!(points.len(), 2);
        assert_eq!((points[0].x, points[0].y), (4.5, 2.0));
        assert_eq!((points[1].x, points[1].y, points[1].low), (12.5, 3.0, None));
        assert_eq!(chains.costs(), [1.0, 3.0]);
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![3.0, 1.0]), 2.0);
        assert!(median(Vec::new()).is_nan());
    }
}
