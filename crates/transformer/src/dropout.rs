//! Dropout (Srivastava et al. 2014) whose masks are a function of seed, place and element.
//!
//! burn draws masks from one global generator: threads that compute shards of a batch in parallel would race for
//! it, and runs would not be reproducible.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use decoding::coin;

/// Drops features while training. Inactive before [`Self::reseed`].
#[derive(Module, Debug)]
pub struct Dropout {
    share: f64,
    /// Seed of the masks; unused while inactive.
    seed: u64,
    place: u32,
    active: bool,
}

impl Dropout {
    /// Dropout of this share of all features.
    pub fn new(share: f64) -> Self {
        Self {
            share,
            seed: 0,
            place: 0,
            active: false,
        }
    }

    /// Turns dropout on. Masks of the next passes are `coin(seed, place, element)`, with one place per call of a pass.
    pub fn reseed(&mut self, seed: u64, place: u32) {
        *self = Self {
            share: self.share,
            seed,
            place,
            active: true,
        };
    }

    /// Zeroes features and rescales the others by `1 / (1 - share)`. `call` counts the calls of one pass, from 0.
    pub fn forward<const D: usize>(&self, input: Tensor<D>, call: u32) -> Tensor<D> {
        if !self.active || self.share == 0.0 {
            return input;
        }
        let kept = (1.0 / (1.0 - self.share)) as f32;
        let shape = input.shape();
        let mask: Vec<f32> = (0..shape.num_elements() as u32)
            .map(|element| {
                if coin(self.seed, self.place + call, element).value() < self.share {
                    0.0
                } else {
                    kept
                }
            })
            .collect();
        let mask = Tensor::from_data(TensorData::new(mask, shape), &input.device());
        input * mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ones() -> Tensor<2> {
        Tensor::ones([100, 50], &crate::device::cpu())
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "tests run natively, where waiting for a device is allowed"
    )]
    fn values(tensor: Tensor<2>) -> Vec<f32> {
        tensor.into_data().iter::<f32>().collect()
    }

    #[test]
    fn nothing_is_dropped_before_the_first_seed() {
        assert_eq!(values(Dropout::new(0.5).forward(ones(), 0)), values(ones()));
    }

    #[test]
    fn the_share_is_dropped_and_the_mean_is_kept() {
        let mut dropout = Dropout::new(0.2);
        dropout.reseed(1, 0);
        let passed = values(dropout.forward(ones(), 0));
        let dropped = passed.iter().filter(|&&value| value == 0.0).count();
        // 5,000 draws at 0.2: a standard deviation of 28.
        assert!((880..1120).contains(&dropped), "{dropped}");
        assert!(passed.iter().all(|&value| value == 0.0 || value == 1.25));
    }

    #[test]
    fn masks_depend_on_seed_and_place_alone() {
        let mask = |seed, place, call| {
            let mut dropout = Dropout::new(0.2);
            dropout.reseed(seed, place);
            values(dropout.forward(ones(), call))
        };
        assert_eq!(mask(1, 2, 1), mask(1, 3, 0));
        assert_ne!(mask(1, 2, 0), mask(1, 3, 0));
        assert_ne!(mask(1, 2, 0), mask(2, 2, 0));
    }
}
