//! Whether a device computes what the CPU computes, and how long a step takes on it.
//!
//! A shader that fails validation in a browser gives wrong numbers without an error. So a GPU is used only after [`compare`] found
//! that it agrees with the CPU on the loaded model.

use burn::tensor::Tensor;

use crate::LlamaModel;
use crate::device::{DeviceError, read_back, read_logits};

/// Largest difference of two devices that both work, relative to the spread (highest minus lowest logit) of a row.
///
/// WebGPU against CPU measured 1e-6 on a healthy software adapter; drivers differ in `exp` and in the order of sums, and
/// WGSL allows a few more ulp. A kernel that went wrong differs by a tenth and more. At one thousandth of a spread of 20
/// nats a logit is off by 0.02, so a probability changes by a factor of `e^0.04` at most, 4%: its own logit and those that it is
/// compared with may be off in opposite directions.
pub const TOLERANCE: f64 = 1e-3;

/// How far two models agree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Largest difference of a logit, relative to its row's spread on the reference; infinite where one is not finite.
    pub largest_difference: f64,
}

impl Agreement {
    /// True when the difference is within [`TOLERANCE`].
    pub fn holds(self) -> bool {
        self.largest_difference <= TOLERANCE
    }
}

/// Runs the same tokens through both models: prefill, steps of three chains, steps after two were truncated, and steps of two
/// chains while the third waits.
///
/// # Errors
/// When a device fails.
pub async fn compare(
    subject: &LlamaModel,
    reference: &LlamaModel,
) -> Result<Agreement, DeviceError> {
    let mut largest_difference: f64 = 0.0;
    for (ours, theirs) in reference_pass(subject)
        .into_iter()
        .zip(reference_pass(reference))
    {
        let (ours, theirs) = (read_back(ours).await?, read_back(theirs).await?);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            largest_difference = largest_difference.max(difference(ours, theirs));
        }
    }
    Ok(Agreement { largest_difference })
}

/// Mean time of a step with `chains` chains, its read-back included, ms. `clock` gives ms. Infinite for a model whose
/// context is too short for a step.
///
/// # Errors
/// When the device fails.
///
/// # Panics
/// When `chains` is 0.
pub async fn step_time_ms(
    model: &LlamaModel,
    chains: usize,
    clock: impl Fn() -> f64,
) -> Result<f64, DeviceError> {
    // The first steps compile shaders and fill caches.
    const UNTIMED: usize = 2;
    const TIMED: usize = 8;
    let context = model.config().max_position_embeddings;
    let steps = (UNTIMED + TIMED).min(context - 1);
    let untimed = UNTIMED.min(steps / 2);
    if steps == 0 {
        return Ok(f64::INFINITY);
    }
    let prefix = model.prefill(&tokens(model, 0, 16.min(context - steps)));
    let mut batch = model.start_batch(&prefix, chains, steps);
    for step in 0..untimed {
        read_logits(model.step(&mut batch, &tokens(model, step, chains))).await?;
    }
    let began = clock();
    for step in untimed..steps {
        read_logits(model.step(&mut batch, &tokens(model, step, chains))).await?;
    }
    Ok((clock() - began) / (steps - untimed) as f64)
}

/// Logits of a fixed sequence of calls, as long as the context allows.
fn reference_pass(model: &LlamaModel) -> Vec<Tensor<2>> {
    let context = model.config().max_position_embeddings;
    let prompt = 12.min(context);
    let remaining = context - prompt;
    let own = tokens(model, 100, 2.min(remaining));
    let steps = 4.min(remaining - own.len());

    let prefix = model.prefill(&tokens(model, 0, prompt));
    let mut batch = model.start_batch(&prefix, 3, own.len() + steps);
    let mut rows = vec![prefix.logits];
    for &token in &own {
        rows.push(model.step(&mut batch, &[token; 3]));
    }
    batch.rewind(1, 0);
    batch.rewind(2, own.len() / 2);
    for step in 0..steps {
        let chains = if step < 2 { &[0, 1, 2][..] } else { &[2, 0] };
        let fed = tokens(model, 200 + 10 * step, chains.len());
        rows.push(model.step_chains(&mut batch, chains, &fed));
    }
    rows
}

/// Ids spread over the whole vocabulary, the same for every model of a size.
fn tokens(model: &LlamaModel, start: usize, count: usize) -> Vec<u32> {
    let vocabulary = model.config().vocab_size as u64;
    // Knuth's multiplicative hash: neighbours come to lie far apart.
    (start..start + count)
        .map(|index| ((index as u64 + 1) * 2_654_435_761 % vocabulary) as u32)
        .collect()
}

/// Largest difference of two rows, relative to the spread of the second.
fn difference(ours: &[f32], theirs: &[f32]) -> f64 {
    if ours.len() != theirs.len() || ours.iter().chain(theirs).any(|logit| !logit.is_finite()) {
        return f64::INFINITY;
    }
    let lowest = theirs.iter().copied().fold(f32::INFINITY, f32::min);
    let highest = theirs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let largest = ours
        .iter()
        .zip(theirs)
        .map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs())
        .fold(0.0, f64::max);
    // A row of equal logits has no spread; there any difference is all the difference.
    if largest == 0.0 {
        0.0
    } else {
        largest / f64::from(highest - lowest)
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;

    use super::*;
    use crate::LlamaConfig;
    use crate::device::cpu;

    fn model(context: usize, disturbance: f32) -> LlamaModel {
        let config = LlamaConfig {
            vocab_size: 50,
            hidden_size: 16,
            intermediate_size: 24,
            num_hidden_layers: 2,
            num_attention_heads: 4,
            num_key_value_heads: 2,
            head_dim: 4,
            max_position_embeddings: context,
            rms_norm_eps: 1e-5,
            rope_theta: 10_000.0,
            tie_word_embeddings: true,
            bos_token_id: Some(0),
            eos_token_id: vec![0],
        };
        let device = cpu();
        device.seed(7);
        let mut network = config.init(0.0, &device);
        let gate = &mut network.blocks[1].feed_forward.gate;
        let weight = gate.weight.val();
        let [rows, columns] = weight.dims();
        let one = Tensor::<2>::ones([1, 1], &device) * disturbance;
        gate.weight =
            Param::from_tensor(weight.slice_assign([rows - 1..rows, columns - 1..columns], one));
        LlamaModel::new(config, network, &device)
    }

    #[test]
    fn a_model_agrees_with_itself_whatever_its_context() {
        for context in [1, 2, 3, 5, 13, 14, 15, 18, 64] {
            let model = model(context, 0.0);
            let agreement =
                pollster::block_on(compare(&model, &model)).expect("the CPU does not fail");
            assert_eq!(agreement.largest_difference, 0.0);
            assert!(agreement.holds());
        }
    }

    #[test]
    fn one_wrong_weight_breaks_the_agreement() {
        let agreement = pollster::block_on(compare(&model(64, 1.0), &model(64, 0.0)))
            .expect("the CPU does not fail");
        assert!(!agreement.holds(), "{agreement:?}");
    }

    #[test]
    fn a_weight_that_is_no_number_is_infinitely_wrong() {
        let agreement = pollster::block_on(compare(&model(64, f32::NAN), &model(64, 0.0)))
            .expect("the CPU does not fail");
        assert_eq!(agreement.largest_difference, f64::INFINITY);
    }

    #[test]
    fn the_mean_time_of_a_step_is_what_the_clock_says() {
        // Every look at this clock takes a second: of two looks, one lies between.
        let looks = std::cell::Cell::new(0.0);
        let clock = || {
            looks.set(looks.get() + 1000.0);
            looks.get()
        };
        let pace = pollster::block_on(step_time_ms(&model(64, 0.0), 3, clock))
            .expect("the CPU does not fail");
        assert_eq!(pace, 1000.0 / 8.0);
        let pace = pollster::block_on(step_time_ms(&model(1, 0.0), 3, clock))
            .expect("the CPU does not fail");
        assert_eq!(pace, f64::INFINITY);
    }
}
