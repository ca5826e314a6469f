//! Which sequences a run trains on, and in which batches: epochs over the corpus until the run's tokens are reached. All of it
//! depends on the recipe alone, so a run can resume at any step, and a longer run begins with the steps of a shorter one.

use std::ops::Range;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::batches::{Batch, make_batches};
use crate::recipe::Recipe;

/// The corpus as tokens.
pub struct Sequences {
    /// All sequences, source after source.
    pub tokens: Vec<Vec<u32>>,
    /// Of each source: its sequences, and the passes over them per epoch.
    pub sources: Vec<(Range<usize>, f64)>,
}

impl Sequences {
    /// The batches of a run.
    pub fn batches(&self, recipe: &Recipe) -> Vec<Batch> {
        let mut batches = Vec::new();
        let mut predicted = 0;
        for epoch in 0.. {
            let indices = self.epoch(epoch, recipe.seed);
            let lengths: Vec<usize> = indices.iter().map(|&it| self.tokens[it].len()).collect();
            let seed = recipe.seed.wrapping_add(epoch);
            let shape = &recipe.batches;
            for mut batch in make_batches(&lengths, shape.tokens, shape.pool, seed) {
                for place in &mut batch {
                    predicted += lengths[*place] as u64 - 1;
                    *place = indices[*place];
                }
                batches.push(batch);
                if recipe.tokens.is_some_and(|most| predicted >= most) {
                    return batches;
                }
            }
            if recipe.tokens.is_none() || indices.is_empty() {
                break;
            }
        }
        batches
    }

    /// The sequences of an epoch, before they are shuffled. A fraction of a pass takes the next part of the source in an order
    /// that is shuffled anew whenever all of the source has had its turn.
    fn epoch(&self, epoch: u64, seed: u64) -> Vec<usize> {
        let mut indices = Vec::new();
        for (number, (range, passes)) in self.sources.iter().enumerate() {
            if passes.fract() == 0.0 {
                for _ in 0..*passes as usize {
                    indices.extend(range.clone());
                }
                continue;
            }
            let until =
                |epochs: u64| (epochs as f64 * passes * range.len() as f64).round() as usize;
            let mut order: Option<(usize, Vec<usize>)> = None;
            for place in until(epoch)..until(epoch + 1) {
                let turn = place / range.len();
                let order = match &mut order {
                    Some((of, order)) if *of == turn => order,
                    other => &mut other.insert((turn, shuffled(range, seed, number, turn))).1,
                };
                indices.push(order[place % range.len()]);
            }
        }
        indices
    }
}

fn shuffled(range: &Range<usize>, seed: u64, source: usize, turn: usize) -> Vec<usize> {
    let mut order: Vec<usize> = range.clone().collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((source as u64) << 32 | turn as u64);
    order.shuffle(&mut rng);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequences(passes: [f64; 2]) -> Sequences {
        Sequences {
            tokens: vec![vec![0; 5]; 30],
            sources: vec![(0..10, passes[0]), (10..30, passes[1])],
        }
    }

    fn counts(indices: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut counts = vec![0; 30];
        indices.into_iter().for_each(|index| counts[index] += 1);
        counts
    }

    #[test]
    fn whole_passes_repeat_a_source() {
        let epoch = sequences([2.0, 1.0]).epoch(0, 1);
        assert_eq!(counts(epoch), [[2; 10].as_slice(), &[1; 20]].concat());
        assert!(sequences([0.0, 0.0]).epoch(0, 1).is_empty());
    }

    #[test]
    fn fractions_take_every_sequence_equally_often_over_epochs() {
        let sequences = sequences([1.0, 0.3]);
        let epochs: Vec<Vec<usize>> = (0..10).map(|epoch| sequences.epoch(epoch, 1)).collect();
        assert!(epochs.iter().all(|epoch| epoch.len() == 10 + 6));
        assert_ne!(epochs[0], epochs[1]);
        assert_eq!(
            counts(epochs.concat()),
            [[10; 10].as_slice(), &[3; 20]].concat()
        );
    }
}
