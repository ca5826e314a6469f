//! Causal grouped-query attention of one sequence, forward and backward.
//!
//! Queries are computed in blocks of positions, each against the keys up to its end: half of the products that a mask would
//! hide are never computed. Rows of queries are ordered by position and then by head of the group, so that a block of positions
//! is a block of rows.

use burn::tensor::{Device, Tensor, TensorData};
use transformer::LlamaConfig;

use super::kernels::{add, causal_softmax, causal_softmax_backward};
use super::values::{slice, slice_mut};

/// Positions whose scores are computed in one product.
const BLOCK: usize = 128;

/// Sizes of the heads, and the angles of rotary positions.
pub struct Heads {
    /// Heads of keys and values.
    keys: usize,
    /// Query heads per key head.
    group: usize,
    head_dim: usize,
    /// Cosines and sines of each position, `[context, head_dim / 2]`.
    rotations: Vec<(f32, f32)>,
    device: Device,
}

/// What the backward pass needs of a sequence.
pub struct SequenceCache {
    /// `[key_heads, time * group, head_dim]`, rotated and divided by `sqrt(head_dim)`.
    queries: Tensor<3>,
    /// `[key_heads, time, head_dim]`, rotated.
    keys: Tensor<3>,
    /// `[key_heads, time, head_dim]`
    values: Tensor<3>,
    /// By block, `[key_heads, block * group, keys]`.
    probabilities: Vec<Tensor<3>>,
}

impl Heads {
    /// The heads of a network; `device` is untracked.
    pub fn new(config: &LlamaConfig, rotary: &transformer::Rotary, device: &Device) -> Self {
        let positions = 0..config.max_position_embeddings;
        Self {
            keys: config.num_key_value_heads,
            group: config.num_attention_heads / config.num_key_value_heads,
            head_dim: config.head_dim,
            rotations: positions
                .flat_map(|position| rotary.cos_sin(position))
                .collect(),
            device: device.clone(),
        }
    }

    /// Width of a row of queries.
    pub fn query_width(&self) -> usize {
        self.keys * self.group * self.head_dim
    }

    /// Width of a row of keys or of values.
    pub fn key_width(&self) -> usize {
        self.keys * self.head_dim
    }

    /// Width of a row of queries, keys and values.
    pub fn projected_width(&self) -> usize {
        self.query_width() + 2 * self.key_width()
    }

    /// Attention over one sequence.
    ///
    /// # Shapes
    /// - projected: `[time, query_width + 2 * key_width]`: queries, keys, values
    /// - out: `[time, query_width]`, overwritten
    pub fn forward(&self, projected: &[f32], out: &mut [f32]) -> SequenceCache {
        let time = projected.len() / self.projected_width();
        let (group, head_dim) = (self.group, self.head_dim);
        let mut queries = vec![0.0; time * self.query_width()];
        let mut keys = vec![0.0; time * self.key_width()];
        let mut values = vec![0.0; time * self.key_width()];
        let scale = 1.0 / (head_dim as f32).sqrt();
        let rows = projected.chunks_exact(self.projected_width());
        for (position, row) in rows.enumerate() {
            let (query, rest) = row.split_at(self.query_width());
            let (key, value) = rest.split_at(self.key_width());
            for (head, query) in query.chunks_exact(head_dim).enumerate() {
                let (key_head, member) = (head / group, head % group);
                let row = (key_head * time + position) * group + member;
                let to = &mut queries[row * head_dim..][..head_dim];
                self.rotate(query, position, scale, to);
            }
            let pairs = key.chunks_exact(head_dim).zip(value.chunks_exact(head_dim));
            for (key_head, (key, value)) in pairs.enumerate() {
                let start = (key_head * time + position) * head_dim;
                self.rotate(key, position, 1.0, &mut keys[start..start + head_dim]);
                values[start..start + head_dim].copy_from_slice(value);
            }
        }
        let queries = self.tensor(queries, time * group);
        let keys = self.tensor(keys, time);
        let values = self.tensor(values, time);
        let mut probabilities = Vec::new();
        for (first, end) in blocks(time) {
            let rows = queries
                .clone()
                .narrow(1, first * group, (end - first) * group);
            let seen = keys.clone().narrow(1, 0, end);
            let mut scores = rows.matmul(seen.swap_dims(1, 2)).into_data();
            causal_softmax(slice_mut(&mut scores), end, group, first);
            let block = Tensor::<3>::from_data(scores, &self.device);
            let mixed = block.clone().matmul(values.clone().narrow(1, 0, end));
            let mixed = mixed.into_data();
            self.to_rows(slice(&mixed), first, end, out);
            probabilities.push(block);
        }
        SequenceCache {
            queries,
            keys,
            values,
            probabilities,
        }
    }

    /// The gradient of a sequence's queries, keys and values.
    ///
    /// # Shapes
    /// - dout: `[time, query_width]`
    /// - dprojected: `[time, query_width + 2 * key_width]`, overwritten
    pub fn backward(&self, cache: SequenceCache, dout: &[f32], dprojected: &mut [f32]) {
        let (group, head_dim) = (self.group, self.head_dim);
        let time = dout.len() / self.query_width();
        let mut by_head = vec![0.0; dout.len()];
        for (position, row) in dout.chunks_exact(self.query_width()).enumerate() {
            for (head, values) in row.chunks_exact(head_dim).enumerate() {
                let row = (head / group * time + position) * group + head % group;
                by_head[row * head_dim..][..head_dim].copy_from_slice(values);
            }
        }
        let dout = self.tensor(by_head, time * group);
        let mut dkeys = vec![0.0; time * self.key_width()];
        let mut dvalues = vec![0.0; time * self.key_width()];
        let scale = 1.0 / (head_dim as f32).sqrt();
        for ((first, end), block) in blocks(time).zip(cache.probabilities) {
            let rows = (first * group, (end - first) * group);
            let dout = dout.clone().narrow(1, rows.0, rows.1);
            let seen = cache.values.clone().narrow(1, 0, end);
            let mut gradient = dout.clone().matmul(seen.swap_dims(1, 2)).into_data();
            let part = block.clone().swap_dims(1, 2).matmul(dout).into_data();
            self.add_rows(&mut dvalues, slice(&part), end);
            let block = block.into_data();
            causal_softmax_backward(slice_mut(&mut gradient), slice(&block), end);
            let gradient = Tensor::<3>::from_data(gradient, &self.device);
            let queries = cache.queries.clone().narrow(1, rows.0, rows.1);
            let part = gradient.clone().swap_dims(1, 2).matmul(queries).into_data();
            self.add_rows(&mut dkeys, slice(&part), end);
            let keys = cache.keys.clone().narrow(1, 0, end);
            let dqueries = gradient.matmul(keys).into_data();
            for (row, dquery) in slice(&dqueries).chunks_exact(head_dim).enumerate() {
                let (key_head, row) = (row / rows.1, row % rows.1);
                let (position, head) = (first + row / group, key_head * group + row % group);
                let start = position * self.projected_width() + head * head_dim;
                let to = &mut dprojected[start..start + head_dim];
                self.rotate_back(dquery, position, scale, to);
            }
        }
        let rows = dkeys
            .chunks_exact(head_dim)
            .zip(dvalues.chunks_exact(head_dim));
        for (row, (dkey, dvalue)) in rows.enumerate() {
            let (key_head, position) = (row / time, row % time);
            let row =
                &mut dprojected[position * self.projected_width()..][..self.projected_width()];
            let (_, row) = row.split_at_mut(self.query_width());
            let (to_key, to_value) = row.split_at_mut(self.key_width());
            let columns = key_head * head_dim..(key_head + 1) * head_dim;
            self.rotate_back(dkey, position, 1.0, &mut to_key[columns.clone()]);
            to_value[columns].copy_from_slice(dvalue);
        }
    }

    fn tensor(&self, values: Vec<f32>, rows: usize) -> Tensor<3> {
        let shape = [self.keys, rows, self.head_dim];
        Tensor::from_data(TensorData::new(values, shape), &self.device)
    }

    fn angles(&self, position: usize) -> &[(f32, f32)] {
        let half = self.head_dim / 2;
        &self.rotations[position * half..(position + 1) * half]
    }

    /// Rotates a head to its position and scales it.
    fn rotate(&self, head: &[f32], position: usize, scale: f32, to: &mut [f32]) {
        let half = self.head_dim / 2;
        let (to_first, to_second) = to.split_at_mut(half);
        let pairs = head[..half].iter().zip(&head[half..]);
        let to = to_first.iter_mut().zip(to_second);
        for (((first, second), (cosine, sine)), to) in pairs.zip(self.angles(position)).zip(to) {
            *to.0 = (first * cosine - second * sine) * scale;
            *to.1 = (second * cosine + first * sine) * scale;
        }
    }

    /// Backward pass of [`Self::rotate`]: the inverse rotation.
    fn rotate_back(&self, head: &[f32], position: usize, scale: f32, to: &mut [f32]) {
        let half = self.head_dim / 2;
        let (to_first, to_second) = to.split_at_mut(half);
        let pairs = head[..half].iter().zip(&head[half..]);
        let to = to_first.iter_mut().zip(to_second);
        for (((first, second), (cosine, sine)), to) in pairs.zip(self.angles(position)).zip(to) {
            *to.0 = (first * cosine + second * sine) * scale;
            *to.1 = (second * cosine - first * sine) * scale;
        }
    }

    /// Writes a block `[key_heads, (end - first) * group, head_dim]` to its rows of `[time, query_width]`.
    fn to_rows(&self, block: &[f32], first: usize, end: usize, out: &mut [f32]) {
        let rows = (end - first) * self.group;
        for (row, values) in block.chunks_exact(self.head_dim).enumerate() {
            let (key_head, row) = (row / rows, row % rows);
            let head = key_head * self.group + row % self.group;
            let start = (first + row / self.group) * self.query_width() + head * self.head_dim;
            out[start..start + self.head_dim].copy_from_slice(values);
        }
    }

    /// Adds `[key_heads, end, head_dim]` to the first `end` rows of each head of `[key_heads, time, head_dim]`.
    fn add_rows(&self, sum: &mut [f32], part: &[f32], end: usize) {
        let time = sum.len() / self.key_width();
        let heads = sum.chunks_exact_mut(time * self.head_dim);
        for (sum, part) in heads.zip(part.chunks_exact(end * self.head_dim)) {
            add(&mut sum[..part.len()], part);
        }
    }
}

/// First and last position (exclusive) of each block.
fn blocks(time: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..time)
        .step_by(BLOCK)
        .map(move |first| (first, (first + BLOCK).min(time)))
}
