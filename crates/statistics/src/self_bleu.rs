//! Self-BLEU: how much a set of sequences repeats itself (Zhu et al. 2018, "Texygen", arXiv 1802.01886).
//!
//! The mean over the sequences of BLEU (Papineni et al. 2002, ACL) of each against all the others as its references: the geometric
//! mean of the shares of its 1- to n-grams that occur in one of them, each counted at most as often as there, times
//! `min(1, e^(1 - r / c))` for its length `c` and the nearest length `r` of a reference (the shorter of two). An n-gram length
//! without a match counts as a tenth of one match, Chen and Cherry's first smoothing (2014, WMT), as in Texygen's code.

use std::collections::HashMap;

/// What stands for no match.
const NO_MATCH: f64 = 0.1;

/// The two largest counts of an n-gram in any sequence.
#[derive(Clone, Copy, Default)]
struct Most {
    first: usize,
    second: usize,
}

impl Most {
    fn add(&mut self, count: usize) {
        if count > self.first {
            *self = Self {
                first: count,
                second: self.first,
            };
        } else {
            self.second = self.second.max(count);
        }
    }

    /// The largest count in a sequence other than one that has `own`.
    fn elsewhere(self, own: usize) -> usize {
        if own == self.first {
            self.second
        } else {
            self.first
        }
    }
}

/// Self-BLEU with n-grams of 1 to `n` tokens, above 0 (nothing in common) to 1 (each sequence lies in another): high where
/// samples resemble each other. Compare it only between sets of equally many sequences of the same tokens: more references always
/// match more. `None` where `n` is 0, or fewer than two sequences have `n` tokens; shorter ones are left out.
///
/// Time is proportional to the tokens times `n`, plus the square of the number of sequences.
pub fn self_bleu<S: AsRef<[u32]>>(sequences: &[S], n: usize) -> Option<f64> {
    let long: Vec<&[u32]> = sequences
        .iter()
        .map(AsRef::as_ref)
        .filter(|it| it.len() >= n.max(1))
        .collect();
    if n == 0 || long.len() < 2 {
        return None;
    }
    // By sequence: the sum over n-gram lengths of the logarithm of the matched share.
    let mut log_shares = vec![0.0; long.len()];
    for size in 1..=n {
        let counts: Vec<HashMap<&[u32], usize>> =
            long.iter().map(|tokens| count(tokens, size)).collect();
        let mut most: HashMap<&[u32], Most> = HashMap::new();
        for (gram, &count) in counts.iter().flatten() {
            most.entry(gram).or_default().add(count);
        }
        for (counts, log_share) in counts.iter().zip(&mut log_shares) {
            let matched: usize = counts
                .iter()
                .map(|(gram, &own)| own.min(most[gram].elsewhere(own)))
                .sum();
            let all: usize = counts.values().sum();
            *log_share += (f64::max(matched as f64, NO_MATCH) / all as f64).ln();
        }
    }
    let score = |(at, log_share): (usize, &f64)| (log_share / n as f64 + brevity(&long, at)).exp();
    let sum: f64 = log_shares.iter().enumerate().map(score).sum();
    Some(sum / long.len() as f64)
}

fn count(tokens: &[u32], size: usize) -> HashMap<&[u32], usize> {
    let mut counts = HashMap::new();
    for gram in tokens.windows(size) {
        *counts.entry(gram).or_default() += 1;
    }
    counts
}

/// Logarithm of the brevity penalty of one sequence against the others.
fn brevity(sequences: &[&[u32]], at: usize) -> f64 {
    let own = sequences[at].len();
    let others = sequences
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != at);
    let nearest = others
        .map(|(_, tokens)| tokens.len())
        .min_by_key(|length| (length.abs_diff(own), *length));
    nearest.map_or(0.0, |nearest| (1.0 - nearest as f64 / own as f64).min(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} instead of {expected}"
        );
    }

    #[test]
    fn copies_score_one() {
        close(self_bleu(&[[1, 2, 3, 4], [1, 2, 3, 4]], 4), 1.0);
    }

    #[test]
    fn strangers_score_what_stands_for_no_match() {
        // Four unigrams and three bigrams, none matched.
        close(
            self_bleu(&[[1, 2, 3, 4], [5, 6, 7, 8]], 2),
            (0.1_f64 / 4.0 * 0.1 / 3.0).sqrt(),
        );
    }

    #[test]
    fn a_match_counts_at_most_as_often_as_in_one_reference() {
        // 1 1 1 against 1 1 2 and 1 2 2: two of three unigrams, one of two bigrams.
        let first = (2.0_f64 / 3.0 * 0.5).sqrt();
        // 1 1 2 against the others: all unigrams (two 1 in the first, 2 in the last), and both bigrams.
        let second = 1.0;
        // 1 2 2: one 1 and one 2, for the second has one 2; of 1 2 and 2 2, the first.
        let third = (2.0_f64 / 3.0 * 0.5).sqrt();
        close(
            self_bleu(&[[1, 1, 1], [1, 1, 2], [1, 2, 2]], 2),
            (first + second + third) / 3.0,
        );
    }

    #[test]
    fn a_short_sequence_pays_for_its_brevity() {
        // The short one is wholly matched, at e^(1 - 4/2); of the long one, two of four.
        close(
            self_bleu(&[&[1, 2][..], &[1, 2, 3, 4]], 1),
            f64::midpoint((-1_f64).exp(), 0.5),
        );
    }

    #[test]
    fn too_few_sequences_have_no_score() {
        assert_eq!(self_bleu(&[[1, 2]], 1), None);
        assert_eq!(self_bleu(&[&[1, 2, 3][..], &[1]], 2), None);
        assert_eq!(self_bleu(&[[1, 2], [1, 2]], 0), None);
        assert_eq!(self_bleu::<[u32; 0]>(&[[], []], 1), None);
    }

    /// BLEU of one sequence as its definition reads.
    fn bleu(candidate: &[u32], references: &[&[u32]], n: usize) -> f64 {
        let mut log = 0.0;
        for size in 1..=n {
            let occurs = |tokens: &[u32], gram: &[u32]| {
                tokens.windows(size).filter(|it| *it == gram).count()
            };
            let mut grams: Vec<&[u32]> = candidate.windows(size).collect();
            let all = grams.len() as f64;
            grams.sort_unstable();
            grams.dedup();
            let clipped = |gram: &&[u32]| {
                let most = references
                    .iter()
                    .map(|tokens| occurs(tokens, gram))
                    .max()
                    .unwrap();
                occurs(candidate, gram).min(most)
            };
            log += (f64::max(grams.iter().map(clipped).sum::<usize>() as f64, NO_MATCH) / all).ln()
                / n as f64;
        }
        let own = candidate.len() as i64;
        let nearest = references
            .iter()
            .map(|it| it.len() as i64)
            .min_by_key(|it| ((it - own).abs(), *it))
            .unwrap();
        log.exp() * (1.0 - nearest as f64 / own as f64).exp().min(1.0)
    }

    proptest! {
        #[test]
        fn it_is_the_mean_of_bleu_as_defined(
            sequences in proptest::collection::vec(proptest::collection::vec(0_u32..4, 3..9), 2..6),
            n in 1_usize..4,
        ) {
            let one = |at: usize| {
                let others: Vec<&[u32]> =
                    sequences.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, it)| &it[..]).collect();
                bleu(&sequences[at], &others, n)
            };
            let mean = (0..sequences.len()).map(one).sum::<f64>() / sequences.len() as f64;
            prop_assert!((self_bleu(&sequences, n).unwrap() - mean).abs() < 1e-12);
        }
    }
}
