//! The gradient of a training step in closed form is that of autodiff.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    clippy::disallowed_methods,
    reason = "tests run natively, where waiting for a device is allowed"
)]

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use training::batch_gradient::BatchGradient;
use transformer::{Llama, LlamaConfig};

/// All gradients of a module by parameter, in its order.
struct Collect<'a> {
    gradients: &'a GradientsParams,
    found: Vec<Vec<f32>>,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradients.get::<D>(param.id).unwrap();
        assert_eq!(gradient.dims(), param.dims());
        self.found
            .push(gradient.into_data().iter::<f32>().collect());
    }
}

fn collected(model: &Llama, gradients: &GradientsParams) -> Vec<Vec<f32>> {
    let mut collect = Collect {
        gradients,
        found: Vec::new(),
    };
    model.visit(&mut collect);
    collect.found
}

/// Sequences with more positions than a block of attention has, and with one.
fn sequences() -> Vec<Vec<u32>> {
    [150, 2, 40, 129, 7]
        .into_iter()
        .map(|length| {
            let token = |place: u32| place * place * 7 % 61;
            (length..2 * length).map(token).collect()
        })
        .collect()
}

fn config(tied: bool, key_heads: usize) -> LlamaConfig {
    LlamaConfig {
        vocab_size: 61,
        hidden_size: 24,
        intermediate_size: 40,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: key_heads,
        head_dim: 6,
        max_position_embeddings: 160,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        tie_word_embeddings: tied,
        bos_token_id: Some(0),
        eos_token_id: vec![0],
    }
}

/// Larger matrices than initial ones, so that attention and gates are far from uniform.
struct Enlarge;

impl ModuleMapper for Enlarge {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let factor = if D == 2 { 12.0 } else { 1.0 };
        let larger = param.val().inner() * factor;
        Param::initialized(param.id, Tensor::from_inner(larger).require_grad())
    }
}

#[test]
fn the_closed_form_is_the_gradient_of_autodiff() {
    let device = Device::flex();
    for (tied, key_heads, shards) in [(true, 2, 2), (false, 4, 1), (true, 1, 3)] {
        let config = config(tied, key_heads);
        device.seed(5);
        let model = config
            .init(0.0, &device.clone().autodiff())
            .map(&mut Enlarge);
        let sequences = sequences();
        let batch: Vec<usize> = (0..sequences.len()).collect();
        let closed = BatchGradient::new(&config, 0.0, shards, &device).unwrap();
        let autodiff = BatchGradient::by_autodiff(&config, shards, &device).unwrap();
        let (loss, gradients, predicted) = closed.of(&model, &batch, &sequences, 0);
        let (expected_loss, expected, expected_count) = autodiff.of(&model, &batch, &sequences, 0);
        assert_eq!(predicted, expected_count);
        assert!((loss - expected_loss).abs() < 1e-5 * expected_loss);
        let pairs = collected(&model, &gradients).into_iter();
        for (part, (found, expected)) in pairs.zip(collected(&model, &expected)).enumerate() {
            let norm = |values: &[f32]| {
                let squares = values.iter().map(|value| f64::from(value * value));
                squares.sum::<f64>().sqrt()
            };
            let difference: Vec<f32> = found.iter().zip(&expected).map(|(a, b)| a - b).collect();
            let (off, size) = (norm(&difference), norm(&expected));
            assert!(
                size > 1e-6 && off < 1e-5 * size,
                "parameter {part}: {off} of {size}"
            );
        }
    }
}
