//! Token ids in descending order of their logits, sorted lazily: only as far as the caller iterates.
//!
//! The order: tokens of positive probability first, then the others; within each, the highest logit first, ties by the lowest
//! id. While no cut changes which tokens are possible, temperature and scale never change it (the repetition penalty can), so the
//! same random draw moves to a neighbouring token when a knob moves a little. It is also the order in which the page draws the
//! ruler, the widest segment on the left.

use std::iter::FusedIterator;

/// Tokens within e^-7, about a thousandth, of the largest probability are looked at first: usually a few dozen.
const LIKELY_WITHIN_NATS: f64 = 7.0;

/// An iterator over token ids in descending order.
pub(crate) struct SortedDesc<'a> {
    logits: &'a [f32],
    masses: &'a [f64],
    likely_from: f32,
    tier: Tier,
    ids: LazySort<u64>,
}

#[derive(Clone, Copy)]
enum Tier {
    Likely,
    Unlikely,
    Impossible,
    Done,
}

impl<'a> SortedDesc<'a> {
    /// Starts at the top of a row whose masses are proportional to `exp(beta * logit)`, or zero where a token was cut; `max_logit` is
    /// the row's highest logit, whose token may be cut as well.
    pub(crate) fn new(logits: &'a [f32], masses: &'a [f64], max_logit: f32, beta: f64) -> Self {
        let likely_from = (f64::from(max_logit) - LIKELY_WITHIN_NATS / beta) as f32;
        Self {
            logits,
            masses,
            likely_from,
            tier: Tier::Likely,
            ids: LazySort::new(Vec::new()),
        }
    }

    fn sort_where(&mut self, belongs: impl Fn(f32, f64) -> bool) {
        let row = self.logits.iter().zip(self.masses).zip(0_u32..);
        let keys = row
            .filter(|((logit, mass), _)| belongs(**logit, **mass))
            .map(|((logit, _), id)| key(*logit, id));
        self.ids = LazySort::new(keys.collect());
    }
}

impl Iterator for SortedDesc<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        loop {
            if let Some(key) = self.ids.next() {
                return Some(key as u32); // the low half of a key is the id
            }
            let threshold = self.likely_from;
            self.tier = match self.tier {
                Tier::Likely => {
                    self.sort_where(|logit, mass| mass > 0.0 && logit >= threshold);
                    Tier::Unlikely
                }
                Tier::Unlikely => {
                    self.sort_where(|logit, mass| mass > 0.0 && logit < threshold);
                    Tier::Impossible
                }
                Tier::Impossible => {
                    self.sort_where(|_, mass| mass == 0.0);
                    Tier::Done
                }
                Tier::Done => return None,
            };
        }
    }
}

impl FusedIterator for SortedDesc<'_> {}

/// A key that ascends as the logit descends and, among equal logits, as the id ascends.
fn key(logit: f32, id: u32) -> u64 {
    let bits = logit.to_bits();
    // IEEE floats order like integers once the negative half is turned around.
    let ascending = if bits >> 31 == 0 {
        bits | 1 << 31
    } else {
        !bits
    };
    u64::from(!ascending) << 32 | u64::from(id)
}

/// An iterator over keys in ascending order that sorts one stretch at a time: taking the first few of many costs one linear pass.
pub(crate) struct LazySort<K> {
    keys: Vec<K>,
    sorted: usize,
    taken: usize,
}

impl<K: Ord + Copy> LazySort<K> {
    /// The first stretch; each next one is twice what was sorted before it.
    const FIRST_STRETCH: usize = 64;

    pub(crate) fn new(keys: Vec<K>) -> Self {
        Self {
            keys,
            sorted: 0,
            taken: 0,
        }
    }

    fn sort_on(&mut self) {
        let rest = &mut self.keys[self.sorted..];
        let stretch = Self::FIRST_STRETCH.max(2 * self.sorted);
        if rest.len() > 2 * stretch {
            rest.select_nth_unstable(stretch);
            rest[..stretch].sort_unstable();
            self.sorted += stretch;
        } else {
            rest.sort_unstable();
            self.sorted = self.keys.len();
        }
    }
}

impl<K: Ord + Copy> Iterator for LazySort<K> {
    type Item = K;

    fn next(&mut self) -> Option<K> {
        if self.taken == self.sorted {
            self.sort_on();
        }
        let key = self.keys.get(self.taken).copied()?;
        self.taken += 1;
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coin;

    #[test]
    fn a_lazy_sort_taken_to_the_end_is_a_sort() {
        for length in [0, 1, 63, 64, 65, 128, 129, 1_000, 5_000] {
            let keys: Vec<u64> = (0..length)
                .map(|n| (coin(1, 0, n).value() * 2_000.0) as u64)
                .collect();
            let mut sorted = keys.clone();
            sorted.sort_unstable();
            assert_eq!(LazySort::new(keys).collect::<Vec<_>>(), sorted);
        }
    }

    #[test]
    fn keys_ascend_as_logits_fall_and_then_by_id() {
        let logits = [
            f32::MAX,
            2.0,
            f32::MIN_POSITIVE,
            0.0,
            -f32::MIN_POSITIVE,
            -2.0,
            f32::MIN,
            f32::NEG_INFINITY,
        ];
        assert!(
            logits
                .windows(2)
                .all(|pair| key(pair[0], 9) < key(pair[1], 3))
        );
        assert!(key(1.0, 3) < key(1.0, 9));
    }
}
