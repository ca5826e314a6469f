//! Rotary position embedding (Su et al. 2021, arXiv 2104.09864), in Hugging Face's layout: the pair of feature `i` is
//! feature `i + head_dim / 2`.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::LlamaConfig;

/// Cosines and sines of every position, `[max_position_embeddings, head_dim]` each.
#[derive(Clone, Debug)]
pub struct RotaryTable {
    cosines: Tensor<2>,
    sines: Tensor<2>,
}

/// Cosines and sines of the positions of one batch, ready to broadcast over heads.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// `[batch or 1, 1, time, head_dim]`
    cosines: Tensor<4>,
    /// `[batch or 1, 1, time, head_dim]`, the first half negated
    sines: Tensor<4>,
}

impl RotaryTable {
    /// Angles are computed in f64: at position 1,000 an f32 angle is off by 1e-4.
    pub fn new(config: &LlamaConfig, device: &Device) -> Self {
        let (positions, width) = (config.max_position_embeddings, config.head_dim);
        let half = width / 2;
        let frequencies: Vec<f64> = (0..half)
            .map(|pair| config.rope_theta.powf(-2.0 * pair as f64 / width as f64))
            .collect();
        let mut cosines: Vec<f32> = Vec::with_capacity(positions * width);
        let mut sines: Vec<f32> = Vec::with_capacity(positions * width);
        for position in 0..positions {
            let turns = frequencies
                .iter()
                .map(|frequency| (position as f64 * frequency).sin_cos());
            let (sine, cosine): (Vec<f32>, Vec<f32>) =
                turns.map(|(s, c)| (s as f32, c as f32)).unzip();
            cosines.extend(cosine.iter().chain(&cosine));
            sines.extend(sine.iter().map(|sine| -sine));
            sines.extend(sine);
        }
        Self {
            cosines: Tensor::from_data(TensorData::new(cosines, [positions, width]), device),
            sines: Tensor::from_data(TensorData::new(sines, [positions, width]), device),
        }
    }

    /// The rotation of positions `start..start + time`, the same for every sequence of the batch.
    pub fn range(&self, start: usize, time: usize) -> Rotation {
        let pick = |table: &Tensor<2>| table.clone().narrow(0, start, time).unsqueeze::<4>();
        Rotation {
            cosines: pick(&self.cosines),
            sines: pick(&self.sines),
        }
    }

    /// The rotation of given positions.
    ///
    /// # Shapes
    /// - positions: `[batch, time]`, each below `max_position_embeddings`
    pub fn at(&self, positions: Tensor<2, Int>) -> Rotation {
        let [batch, time] = positions.dims();
        let flat = positions.flatten::<1>(0, 1);
        let pick = |table: &Tensor<2>| {
            let width = table.dims()[1];
            table
                .clone()
                .select(0, flat.clone())
                .reshape([batch, 1, time, width])
        };
        Rotation {
            cosines: pick(&self.cosines),
            sines: pick(&self.sines),
        }
    }
}

impl Rotation {
    /// Turns queries or keys to their positions.
    ///
    /// # Shapes
    /// - input, output: `[batch, heads, time, head_dim]`
    pub fn apply(&self, heads: Tensor<4>) -> Tensor<4> {
        let half = heads.dims()[3] / 2;
        let first = heads.clone().narrow(3, 0, half);
        let second = heads.clone().narrow(3, half, half);
        let swapped = Tensor::cat(vec![second, first], 3);
        heads * self.cosines.clone() + swapped * self.sines.clone()
    }
}
