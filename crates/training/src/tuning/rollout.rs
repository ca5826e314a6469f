//! Completions of a prompt, and the rows from which their tokens were picked.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use decoding::{Shaping, coin};
use transformer::{DeviceError, Engine, Llama, Plan, Rotary, Swarm};

/// The coins of a group: a coin itself, so that every step and prompt has its own.
pub fn seed_of(seed: u64, step: usize, slot: usize) -> u64 {
    let unit = (1_u64 << 53) as f64;
    (coin(seed, step as u32, slot as u32).value() * unit) as u64
}

/// Draws a group of completions of at most `length` tokens from the model as it is; those that end by themselves end with the
/// end-of-text token. The tokens are those of `collapse sample` with the same seed.
///
/// # Errors
/// When the device fails.
///
/// # Panics
/// When [`Engine::room`] refuses the prompt, or is less than `length`.
pub fn sample(
    engine: &Engine,
    prompt: &[u32],
    group: usize,
    length: usize,
    seed: u64,
) -> Result<Vec<Vec<u32>>, DeviceError> {
    let plan = Plan {
        shaping: Shaping::default(),
        seed,
        length,
    };
    pollster::block_on(async {
        let mut swarm = Swarm::start(engine, prompt.to_vec(), group, plan).await?;
        while !swarm.is_done() {
            swarm.step().await?;
        }
        let tokens = |chain| {
            swarm
                .picked(chain)
                .iter()
                .map(|picked| picked.token)
                .collect()
        };
        Ok((0..group).map(tokens).collect())
    })
}

/// Completions of one prompt as a network reads them in one pass.
pub struct Passage {
    inputs: Tensor<2, Int>,
    hidden: Tensor<4, Bool>,
    /// Where in `[completions * time]` the tokens were picked.
    places: Tensor<1, Int>,
}

impl Passage {
    /// Lays out completions, none of them empty, behind their prompt, padded on the right.
    pub fn new(prompt: &[u32], completions: &[Vec<u32>], device: &Device) -> Self {
        let longest = completions.iter().map(Vec::len).max().unwrap_or(1);
        // The last token of a completion is picked, but never read.
        let time = prompt.len() + longest - 1;
        let rows = completions.len();
        let mut inputs = vec![0; rows * time];
        let mut places = Vec::new();
        for ((row, inputs), tokens) in inputs.chunks_exact_mut(time).enumerate().zip(completions) {
            let read = prompt.iter().chain(&tokens[..tokens.len() - 1]);
            for (input, &token) in inputs.iter_mut().zip(read) {
                *input = token as i32;
            }
            let first = row * time + prompt.len() - 1;
            places.extend((first..first + tokens.len()).map(|place| place as i32));
        }
        let picked = places.len();
        Self {
            inputs: Tensor::from_data(TensorData::new(inputs, [rows, time]), device),
            hidden: Tensor::<2, Bool>::tril_mask([time, time], 0, device).unsqueeze::<4>(),
            places: Tensor::from_data(TensorData::new(places, [picked]), device),
        }
    }

    /// The logits from which the tokens were picked, completion after completion. Only these rows are multiplied with the
    /// vocabulary.
    ///
    /// # Shapes
    /// - output: `[tokens of all completions, vocab]`
    pub fn logits(&self, network: &Llama, rotary: &Rotary) -> Tensor<2> {
        let [rows, time] = self.inputs.dims();
        let stream = network.stream(
            self.inputs.clone(),
            &rotary.range(0, time),
            &self.hidden,
            None,
        );
        let width = stream.dims()[2];
        let picked = stream
            .reshape([rows * time, width])
            .select(0, self.places.clone());
        network.logits(picked)
    }
}
