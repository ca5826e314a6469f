//! Batching: which sequences go into which batch. The order depends on the seed alone, so a run can resume at any step.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Indices of the sequences of one batch, of similar lengths.
pub type Batch = Vec<usize>;

/// Distributes all sequences over batches of at most `tokens` tokens, padding included.
///
/// Sequences are shuffled, sorted by length inside pools of `pool`, cut into batches, and the batches are shuffled.
pub fn make_batches(lengths: &[usize], tokens: usize, pool: usize, seed: u64) -> Vec<Batch> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.shuffle(&mut rng);
    let mut batches = Vec::new();
    for pool in order.chunks_mut(pool) {
        pool.sort_by_key(|&index| lengths[index]);
        let mut batch = Batch::new();
        for &index in pool.iter() {
            // In ascending order: the new sequence is the longest and sets the padded length.
            if !batch.is_empty() && (batch.len() + 1) * lengths[index] > tokens {
                batches.push(std::mem::take(&mut batch));
            }
            batch.push(index);
        }
        batches.push(batch);
    }
    batches.shuffle(&mut rng);
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths() -> Vec<usize> {
        (0..500).map(|index| 2 + (index * 37) % 300).collect()
    }

    #[test]
    fn every_sequence_is_in_one_batch() {
        let mut batched: Vec<usize> = make_batches(&lengths(), 1024, 64, 1).concat();
        batched.sort_unstable();
        assert_eq!(batched, (0..500).collect::<Vec<_>>());
    }

    #[test]
    fn no_batch_is_larger_than_allowed() {
        let lengths = lengths();
        for batch in make_batches(&lengths, 1024, 64, 1) {
            let longest = batch.iter().map(|&index| lengths[index]).max().unwrap();
            assert!(batch.len() * longest <= 1024);
        }
    }

    #[test]
    fn the_order_depends_on_the_seed_alone() {
        assert_eq!(
            make_batches(&lengths(), 1024, 64, 1),
            make_batches(&lengths(), 1024, 64, 1)
        );
        assert_ne!(
            make_batches(&lengths(), 1024, 64, 1),
            make_batches(&lengths(), 1024, 64, 2)
        );
    }

    #[test]
    fn little_of_a_batch_is_padding() {
        // As long as stories are.
        let lengths: Vec<usize> = (0..500).map(|index| 100 + (index * 37) % 200).collect();
        let (mut used, mut padded) = (0, 0);
        for batch in make_batches(&lengths, 4096, 64, 1) {
            let longest = batch.iter().map(|&index| lengths[index]).max().unwrap();
            used += batch.iter().map(|&index| lengths[index]).sum::<usize>();
            padded += batch.len() * longest;
        }
        assert!(used * 10 > padded * 8, "{used} of {padded}");
    }
}
