//! Rotary position embedding (Su et al. 2021, arXiv 2104.09864), in Hugging Face's layout: the pair of feature `i` is
//! feature `i + head_dim / 2`.

use burn::tensor::{Device, Tensor, TensorData};

use crate::LlamaConfig;

/// The rotary frequencies. Cosines and sines are computed for the positions of each batch, so a long context takes no memory;
/// compared with a step of the network their cost is not measurable.
#[derive(Clone, Debug)]
pub struct Rotary {
    /// Radians per position, `[head_dim / 2]`.
    frequencies: Vec<f64>,
    device: Device,
}

/// Cosines and sines of the positions of one batch, ready to broadcast over heads.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// `[batch or 1, 1, time, head_dim]`
    cosines: Tensor<4>,
    /// `[batch or 1, 1, time, head_dim]`, the first half negated
    sines: Tensor<4>,
}

impl Rotary {
    /// The frequencies of a network, for tensors on `device`.
    pub fn new(config: &LlamaConfig, device: &Device) -> Self {
        let width = config.head_dim;
        Self {
            frequencies: (0..width / 2)
                .map(|pair| config.rope_theta.powf(-2.0 * pair as f64 / width as f64))
                .collect(),
            device: device.clone(),
        }
    }

    /// Cosine and sine of each pair of features at a position, `head_dim / 2` of them. Angles are computed in f64: at position
    /// 1,000 an f32 angle is off by 1e-4.
    pub fn cos_sin(&self, position: usize) -> impl Iterator<Item = (f32, f32)> {
        self.frequencies.iter().map(move |frequency| {
            let (sine, cosine) = (position as f64 * frequency).sin_cos();
            (cosine as f32, sine as f32)
        })
    }

    /// The rotation of positions `start..start + time`, the same for every sequence of the batch.
    pub fn range(&self, start: usize, time: usize) -> Rotation {
        self.rotation(start..start + time, [1, time])
    }

    /// The rotation of one position per sequence.
    pub fn at(&self, positions: &[usize]) -> Rotation {
        match positions {
            // Chains of one length share a rotation.
            [first, rest @ ..] if rest.iter().all(|position| position == first) => {
                self.range(*first, 1)
            }
            _ => self.rotation(positions.iter().copied(), [positions.len(), 1]),
        }
    }

    fn rotation(
        &self,
        positions: impl Iterator<Item = usize>,
        [batch, time]: [usize; 2],
    ) -> Rotation {
        let width = 2 * self.frequencies.len();
        let mut cosines: Vec<f32> = Vec::with_capacity(batch * time * width);
        let mut sines: Vec<f32> = Vec::with_capacity(batch * time * width);
        for position in positions {
            let (cosine, sine): (Vec<f32>, Vec<f32>) = self.cos_sin(position).unzip();
            cosines.extend(cosine.iter().chain(&cosine));
            sines.extend(sine.iter().map(|sine| -sine));
            sines.extend(sine);
        }
        let tensor = |values: Vec<f32>| {
            Tensor::from_data(
                TensorData::new(values, [batch, 1, time, width]),
                &self.device,
            )
        };
        Rotation {
            cosines: tensor(cosines),
            sines: tensor(sines),
        }
    }
}

impl Rotation {
    /// Rotates queries or keys by their positions.
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
