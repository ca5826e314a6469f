//! Keys and values of the tokens that chains have read.
//!
//! A cache has a *row* for every chain, and in it a *slot* for every position. How many of a chain's slots count is kept by
//! whoever owns the cache: so a chain forgets tokens at no cost, and writes over them when it comes to their slots again.

use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor, TensorData};

/// One block's keys and values, pre-allocated.
#[derive(Clone, Debug)]
pub struct LayerCache {
    /// `[rows, key_value_heads, slots, head_dim]`
    keys: Tensor<4>,
    /// `[rows, key_value_heads, slots, head_dim]`
    values: Tensor<4>,
}

/// Where the first rows of a cache write their next tokens.
#[derive(Clone, Debug)]
pub struct Slots {
    place: Place,
    /// Slots that the longest of these rows fills, the next tokens included.
    filled: usize,
}

#[derive(Clone, Debug)]
enum Place {
    /// All rows from this slot on.
    Shared(usize),
    /// Every row one slot of its own, as lines of `[rows * key_value_heads * slots, head_dim]`.
    Own(Box<Tensor<1, Int>>),
}

impl Slots {
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
    /// Room for `slots` tokens a row.
    pub fn new(rows: usize, heads: usize, slots: usize, head_dim: usize, device: &Device) -> Self {
        let shape = [rows, heads, slots, head_dim];
        Self {
            keys: Tensor::zeros(shape, device),
            values: Tensor::zeros(shape, device),
        }
    }

    /// The next slots of the first rows, which have read so many tokens. They serve every cache of this size.
    ///
    /// # Panics
    /// When a row is full.
    pub fn next_slots(&self, read: &[usize]) -> Slots {
        let [_, heads, slots, _] = self.keys.dims();
        let longest = read.iter().copied().max().unwrap_or(0);
        assert!(longest < slots, "a cache has no slot left");
        let place = if read.iter().all(|&tokens| tokens == longest) {
            Place::Shared(longest)
        } else {
            let lines: Vec<i32> = read
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
        Slots {
            place,
            filled: longest + 1,
        }
    }

    /// Writes tokens of the first rows, and gives all slots of these rows that the longest of them has filled.
    ///
    /// # Shapes
    /// - keys, values: `[rows, key_value_heads, time, head_dim]`, time 1 where rows have slots of their own
    /// - output: `[rows, key_value_heads, filled, head_dim]`
    pub fn write(
        &mut self,
        keys: Tensor<4>,
        values: Tensor<4>,
        slots: &Slots,
    ) -> (Tensor<4>, Tensor<4>) {
        let rows = keys.dims()[0];
        self.keys.inplace(|all| slots.write(all, keys));
        self.values.inplace(|all| slots.write(all, values));
        let filled = |all: &Tensor<4>| all.clone().narrow(0, 0, rows).narrow(2, 0, slots.filled);
        (filled(&self.keys), filled(&self.values))
    }

    /// Begins every row with the tokens of a cache that has one row and no slot free.
    pub fn begin_with(&mut self, shared: &LayerCache) {
        let [_, heads, time, head_dim] = shared.keys.dims();
        let rows = self.keys.dims()[0];
        let repeat = |all: &Tensor<4>| all.clone().expand([rows, heads, time, head_dim]);
        self.write(
            repeat(&shared.keys),
            repeat(&shared.values),
            &Slots::first(time),
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

    /// Puts copies of some rows in the place of others; what is not named stays where it is.
    ///
    /// # Shapes
    /// - from, to: `[moved]`, indices below the number of rows; none twice in `to`
    pub fn move_rows(&mut self, from: &Tensor<1, Int>, to: &Tensor<1, Int>) {
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
