//! Samples completions of a prompt, and computes the logits from which their tokens were sampled.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use decoding::{Shaping, coin};
use transformer::{DeviceError, Llama, LlamaModel, Plan, Rotary, Swarm};

/// The seed of a group's random draws; each step and prompt has its own.
pub fn seed_of(seed: u64, step: usize, slot: usize) -> u64 {
    let unit = (1_u64 << 53) as f64;
    (coin(seed, step as u32, slot as u32).value() * unit) as u64
}

/// Samples a group of completions of at most `length` tokens at temperature 1; a completion that ends by itself includes the
/// end-of-text token. The tokens equal those of `collapse sample` with the same seed.
///
/// # Errors
/// When the device fails.
///
/// # Panics
/// When [`LlamaModel::remaining_context`] refuses the prompt, or is less than `length`.
pub fn sample(
    engine: &LlamaModel,
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

/// A prompt with its completions, packed for one forward pass.
pub struct PackedCompletions {
    inputs: Tensor<2, Int>,
    mask: Tensor<4, Bool>,
    /// Positions in `[completions * time]` from whose logits the tokens were sampled.
    token_positions: Tensor<1, Int>,
}

impl PackedCompletions {
    /// Packs non-empty completions after their prompt, padded on the right.
    pub fn new(prompt: &[u32], completions: &[Vec<u32>], device: &Device) -> Self {
        let longest = completions.iter().map(Vec::len).max().unwrap_or(1);
        // The last token of a completion is sampled, but never an input.
        let time = prompt.len() + longest - 1;
        let rows = completions.len();
        let mut inputs = vec![0; rows * time];
        let mut token_positions = Vec::new();
        for ((row, inputs), tokens) in inputs.chunks_exact_mut(time).enumerate().zip(completions) {
            let read = prompt.iter().chain(&tokens[..tokens.len() - 1]);
            for (input, &token) in inputs.iter_mut().zip(read) {
                *input = token as i32;
            }
            let first = row * time + prompt.len() - 1;
            token_positions.extend((first..first + tokens.len()).map(|position| position as i32));
        }
        let tokens = token_positions.len();
        Self {
            inputs: Tensor::from_data(TensorData::new(inputs, [rows, time]), device),
            mask: Tensor::<2, Bool>::tril_mask([time, time], 0, device).unsqueeze::<4>(),
            token_positions: Tensor::from_data(TensorData::new(token_positions, [tokens]), device),
        }
    }

    /// The logits from which the tokens were sampled, completion after completion. Only these positions pass the output
    /// projection.
    ///
    /// # Shapes
    /// - output: `[tokens of all completions, vocab]`
    pub fn logits(&self, network: &Llama, rotary: &Rotary) -> Tensor<2> {
        let [rows, time] = self.inputs.dims();
        let states = network.forward(
            self.inputs.clone(),
            &rotary.range(0, time),
            &self.mask,
            None,
        );
        let width = states.dims()[2];
        let picked = states
            .reshape([rows * time, width])
            .select(0, self.token_positions.clone());
        network.logits(picked)
    }
}
