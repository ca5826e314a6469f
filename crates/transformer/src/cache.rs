//! Keys and values of the tokens that a batch has already seen.
//!
//! A cache has *slots*: slot `i` holds one token of every chain. Which position that token has, and whether a chain may
//! still look at it, is kept by whoever owns the cache, so that chains of different lengths share one tensor.

use burn::tensor::{Device, Int, Tensor};

/// One block's keys and values, pre-allocated.
#[derive(Clone, Debug)]
pub struct LayerCache {
    /// `[batch, key_value_heads, capacity, head_dim]`
    keys: Tensor<4>,
    /// `[batch, key_value_heads, capacity, head_dim]`
    values: Tensor<4>,
    used: usize,
}

impl LayerCache {
    /// Room for `capacity` slots.
    pub fn new(
        batch: usize,
        heads: usize,
        capacity: usize,
        head_dim: usize,
        device: &Device,
    ) -> Self {
        let shape = [batch, heads, capacity, head_dim];
        Self {
            keys: Tensor::zeros(shape, device),
            values: Tensor::zeros(shape, device),
            used: 0,
        }
    }

    /// Slots written.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Writes the next slots and returns all that are written.
    ///
    /// # Shapes
    /// - keys, values: `[batch, key_value_heads, time, head_dim]`
    /// - output: `[batch, key_value_heads, used, head_dim]`
    ///
    /// # Panics
    /// When there are more than the cache has room for.
    pub fn append(&mut self, keys: Tensor<4>, values: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let [batch, heads, time, head_dim] = keys.dims();
        let end = self.used + time;
        assert!(end <= self.keys.dims()[2], "a cache has no slot left");
        let slots = [0..batch, 0..heads, self.used..end, 0..head_dim];
        self.keys
            .inplace(|all| all.slice_assign(slots.clone(), keys));
        self.values.inplace(|all| all.slice_assign(slots, values));
        self.used = end;
        (
            self.keys.clone().narrow(2, 0, end),
            self.values.clone().narrow(2, 0, end),
        )
    }

    /// Writes the first slots of every chain from a cache of one chain.
    pub fn append_shared(&mut self, shared: &LayerCache, batch: usize) {
        let repeat = |all: &Tensor<4>| {
            let [_, heads, _, head_dim] = all.dims();
            all.clone()
                .narrow(2, 0, shared.used)
                .expand([batch, heads, shared.used, head_dim])
        };
        self.append(repeat(&shared.keys), repeat(&shared.values));
    }

    /// Keeps some chains.
    ///
    /// # Shapes
    /// - chains: `[kept]`, indices below the batch size
    pub fn select(&mut self, chains: &Tensor<1, Int>) {
        self.keys.inplace(|all| all.select(0, chains.clone()));
        self.values.inplace(|all| all.select(0, chains.clone()));
    }
}
