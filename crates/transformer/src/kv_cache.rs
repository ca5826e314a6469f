//! The KV cache: keys and values of earlier tokens.
//!
//! A cache has one *row* per chain, and in it one *slot* per position. The owner of the cache keeps the length of each chain: so
//! truncating a chain costs nothing, and its next tokens overwrite the stale slots.

use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor, TensorData};

/// Keys and values of one block, pre-allocated.
#[derive(Clone, Debug)]
pub struct LayerCache {
    /// `[rows, key_value_heads, slots, head_dim]`
    keys: Tensor<4>,
    /// `[rows, key_value_heads, slots, head_dim]`
    values: Tensor<4>,
}

/// Cache slots that the next tokens of the first rows are written to.
#[derive(Clone, Debug)]
pub struct WriteIndex {
    place: Place,
    /// WriteIndex that the longest of these rows fills, the next tokens included.
    filled: usize,
}

#[derive(Clone, Debug)]
enum Place {
    /// All rows from this slot on.
    Shared(usize),
    /// One slot per row, as indices into the flattened `[rows * key_value_heads * slots, head_dim]`.
    Own(Box<Tensor<1, Int>>),
}

impl WriteIndex {
    /// The first `time` slots of every row.
    pub fn first(time: usize) -> Self {
        Self {
            place: Place::Shared(0),
            filled: time,
        }
    }

    /// # Shapes
    /// - all, output: `[rows of the cache, key_value_heads, slots, head_dim]`
    /// - new: `[rows, key_value_heads, time, head_dim]`
    fn write(&self, all: Tensor<4>, new: Tensor<4>) -> Tensor<4> {
        let [rows, heads, time, head_dim] = new.dims();
        match &self.place {
            &Place::Shared(slot) => {
                all.slice_assign([0..rows, 0..heads, slot..slot + time, 0..head_dim], new)
            }
            Place::Own(lines) => {
                let shape = all.dims();
                all.reshape([shape[0] * heads * shape[2], head_dim])
                    .select_assign(
                        0,
                        Tensor::clone(lines),
                        new.reshape([rows * heads, head_dim]),
                        IndexingUpdateOp::Assign,
                    )
                    .reshape(shape)
            }
        }
    }
}

impl LayerCache {
    /// An empty cache of `slots` tokens per row.
    pub fn new(rows: usize, heads: usize, slots: usize, head_dim: usize, device: &Device) -> Self {
        let shape = [rows, heads, slots, head_dim];
        Self {
            keys: Tensor::zeros(shape, device),
            values: Tensor::zeros(shape, device),
        }
    }

    /// The next slots of the first rows, whose lengths are given. One index works for the caches of all blocks.
    ///
    /// # Panics
    /// When a row is full.
    pub fn next_index(&self, lengths: &[usize]) -> WriteIndex {
        let [_, heads, slots, _] = self.keys.dims();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        assert!(longest < slots, "a cache has no slot left");
        let place = if lengths.iter().all(|&tokens| tokens == longest) {
            Place::Shared(longest)
        } else {
            let lines: Vec<i32> = lengths
                .iter()
                .enumerate()
                .flat_map(|(row, &slot)| {
                    (0..heads).map(move |head| ((row * heads + head) * slots + slot) as i32)
                })
                .collect();
            let count = lines.len();
            let data = TensorData::new(lines, [count]);
            Place::Own(Box::new(Tensor::from_data(data, &self.keys.device())))
        };
        WriteIndex {
            place,
            filled: longest + 1,
        }
    }

    /// Writes keys and values of the first rows, and returns these rows' slots up to the longest of them.
    ///
    /// # Shapes
    /// - keys, values: `[rows, key_value_heads, time, head_dim]`, time 1 where each row has its own slot
    /// - output: `[rows, key_value_heads, filled, head_dim]`
    pub fn write(
        &mut self,
        keys: Tensor<4>,
        values: Tensor<4>,
        index: &WriteIndex,
    ) -> (Tensor<4>, Tensor<4>) {
        let rows = keys.dims()[0];
        self.keys.inplace(|all| index.write(all, keys));
        self.values.inplace(|all| index.write(all, values));
        let filled = |all: &Tensor<4>| all.clone().narrow(0, 0, rows).narrow(2, 0, index.filled);
        (filled(&self.keys), filled(&self.values))
    }

    /// Copies a full cache of one row (a prefilled prompt) to the start of every row.
    pub fn broadcast_prefix(&mut self, shared: &LayerCache) {
        let [_, heads, time, head_dim] = shared.keys.dims();
        let rows = self.keys.dims()[0];
        let repeat = |all: &Tensor<4>| all.clone().expand([rows, heads, time, head_dim]);
        self.write(
            repeat(&shared.keys),
            repeat(&shared.values),
            &WriteIndex::first(time),
        );
    }

    /// Keeps some rows.
    ///
    /// # Shapes
    /// - rows: `[kept]`, indices below the number of rows
    pub fn select(&mut self, rows: &Tensor<1, Int>) {
        self.keys.inplace(|all| all.select(0, rows.clone()));
        self.values.inplace(|all| all.select(0, rows.clone()));
    }

    /// Copies rows `from` over rows `to`; other rows stay.
    ///
    /// # Shapes
    /// - from, to: `[moved]`, indices below the number of rows; none twice in `to`
    pub fn swap_rows(&mut self, from: &Tensor<1, Int>, to: &Tensor<1, Int>) {
        let moved = |all: Tensor<4>| {
            let shape @ [rows, heads, slots, head_dim] = all.dims();
            let all = all.reshape([rows, heads * slots * head_dim]);
            let moved = all.clone().select(0, from.clone());
            all.select_assign(0, to.clone(), moved, IndexingUpdateOp::Assign)
                .reshape(shape)
        };
        self.keys.inplace(moved);
        self.values.inplace(moved);
    }
}
