//! The cuts: top-k, top-p, min-p, locally typical. Each sets weights to zero and sees only what the one before it kept.
//!
//! They follow the logits processors of Hugging Face's `transformers` (`generation/logits_process.py`, 5.17), with ties decided
//! where those leave them to the sort.

use crate::logits::WeightedLogits;
use crate::sorted::{LazySort, SortedDesc};

impl WeightedLogits {
    /// Keeps the `k` highest logits and all that tie with the last of them. Decided on logits, not on weights, so that it also
    /// holds in the limit of `β = 0`.
    pub(crate) fn keep_top_k(&mut self, k: usize) {
        if k == 0 || k >= self.logits.len() {
            return;
        }
        let mut descending = self.logits.clone();
        let (_, &mut last_kept, _) =
            descending.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
        self.keep(|logit, _| logit >= last_kept);
    }

    /// Keeps the nucleus: from the top of the order, the fewest tokens whose masses reach the share `p`.
    pub(crate) fn keep_top_p(&mut self, p: f64) {
        let wanted = p * self.sums().mass;
        let mut reached = 0.0;
        let last =
            SortedDesc::new(&self.logits, &self.weights, self.max_logit, self.beta).find(|&id| {
                reached += self.weights[id as usize];
                reached >= wanted
            });
        let Some(last) = last else { return };
        let last_logit = self.logits[last as usize];
        for ((weight, logit), id) in self.weights.iter_mut().zip(&self.logits).zip(0..) {
            if *logit < last_logit || (*logit == last_logit && id > last) {
                *weight = 0.0;
            }
        }
    }

    /// Keeps the tokens at least `min_p` times as probable as the top one, whose weight is 1.
    pub(crate) fn keep_min_p(&mut self, min_p: f64) {
        self.keep(|_, weight| weight >= min_p);
    }

    /// Keeps the tokens whose surprisal is nearest to the entropy, the fewest that reach the share `mass`, and all at the same
    /// distance as the last of them.
    pub(crate) fn keep_typical_p(&mut self, mass: f64) {
        let sums = self.sums();
        // ln w at which the surprisal `ln Z - ln w` is the entropy `ln Z - Σ w ln w / Z`. Without a logarithm of the platform's: see
        // `exponential`.
        let expected = sums.mass_log / sums.mass;
        let kept = (0..self.weights.len()).filter(|&id| self.weights[id] > 0.0);
        // Distances are not negative, so their bits sort as they do.
        let distances = kept.map(|id| ((self.exponent(id) - expected).abs().to_bits(), id as u32));
        let mut reached = 0.0;
        let last = LazySort::new(distances.collect()).find(|&(_, id)| {
            reached += self.weights[id as usize];
            reached >= mass * sums.mass
        });
        let Some((farthest, _)) = last else { return };
        for id in 0..self.weights.len() {
            if (self.exponent(id) - expected).abs().to_bits() > farthest {
                self.weights[id] = 0.0;
            }
        }
    }

    fn keep(&mut self, keeps: impl Fn(f32, f64) -> bool) {
        for (weight, logit) in self.weights.iter_mut().zip(&self.logits) {
            if !keeps(*logit, *weight) {
                *weight = 0.0;
            }
        }
    }
}
