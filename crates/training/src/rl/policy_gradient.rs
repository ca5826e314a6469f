//! The gradient of reward and KL divergence with respect to logits, attached to them by a surrogate.
//!
//! With `π = softmax(z)` at one position, `∂ ln π(y) / ∂z_v = 1{v = y} - π_v` and `∂k / ∂z_v = π_v (ln(π_v / p_v) - k)`. Both are
//! computed here row by row in plain loops: a row stays in the processor's first cache, where the same formula over tensors
//! passes some twenty times over `[rows, vocab]`. Autodiff takes over below the logits.

use burn::tensor::{Tensor, TensorData};
use decoding::{Shaping, log_softmax, shape};

/// The loss of some completions, with their divergences and entropies.
pub struct PolicyLoss {
    /// A scalar with the gradient of `-J`; its value has no meaning.
    pub surrogate: Tensor<1>,
    /// By completion and token: the divergence of the policy from the base at the token's position, nats.
    pub kl_nats: Vec<Vec<f64>>,
    /// By completion and token: the entropy of the policy at the token's position, nats.
    pub entropy_nats: Vec<Vec<f64>>,
}

/// The loss of completions of one prompt, each with its weight in the average (or its probability, in a full expectation).
///
/// `advantages` computes the advantage of each token, by completion, from the divergences.
///
/// # Shapes
/// - policy: `[tokens, vocab]`, tracked: the logits from which the tokens of all completions were sampled, in order
/// - base: `[tokens, vocab]`, untracked
///
/// # Panics
/// When there is not one row per token.
pub fn policy_loss(
    policy: Tensor<2>,
    base: Tensor<2>,
    completions: &[Vec<u32>],
    weights: &[f64],
    coefficient: f64,
    advantages: impl FnOnce(&[Vec<f64>]) -> Vec<Vec<f64>>,
) -> PolicyLoss {
    let [rows, vocabulary] = policy.dims();
    let tokens: usize = completions.iter().map(Vec::len).sum();
    assert_eq!(rows, tokens, "one row per token");
    let device = base.device();
    let mut probabilities = values(policy.clone().inner());
    let mut log_ratios = values(base);
    let mut measured = probabilities
        .chunks_exact_mut(vocabulary)
        .zip(log_ratios.chunks_exact_mut(vocabulary))
        .map(|(policy, base)| compare(policy, base));
    let measured: Vec<Vec<PositionStats>> = completions
        .iter()
        .map(|tokens| measured.by_ref().take(tokens.len()).collect())
        .collect();
    let each = |value: fn(&PositionStats) -> f64| -> Vec<Vec<f64>> {
        let lists = measured.iter();
        lists.map(|list| list.iter().map(value).collect()).collect()
    };
    let kl_nats = each(|row| row.kl_nats);
    let entropy_nats = each(|row| row.entropy_nats);

    let advantages = advantages(&kl_nats);
    let mut gradients = probabilities.chunks_exact_mut(vocabulary);
    let mut log_ratios = log_ratios.chunks_exact(vocabulary);
    for (completion, tokens) in completions.iter().enumerate() {
        for (place, &token) in tokens.iter().enumerate() {
            let row = gradients.next().expect("one row per token");
            let log_ratios = log_ratios.next().expect("one row per token");
            let weight = weights[completion];
            let score = (weight * advantages[completion][place]) as f32;
            let kl_weight = (weight * coefficient) as f32;
            let kl = kl_nats[completion][place] as f32;
            for (value, log_ratio) in row.iter_mut().zip(log_ratios) {
                *value *= score + kl_weight * (log_ratio - kl);
            }
            row[token as usize] -= score;
        }
    }
    let gradient = Tensor::from_data(TensorData::new(probabilities, [rows, vocabulary]), &device);
    PolicyLoss {
        surrogate: (policy * Tensor::from_inner(gradient)).sum(),
        kl_nats,
        entropy_nats,
    }
}

/// Divergence and entropy of a policy at one position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PositionStats {
    /// Divergence from the base, summed over the vocabulary, nats.
    pub kl_nats: f64,
    /// Entropy of the policy, nats.
    pub entropy_nats: f64,
}

/// Turns a row of the policy's logits into probabilities, and the base's row into `ln(π / p)`. Softmax is `decoding`'s, in f64.
fn compare(policy: &mut [f32], base: &mut [f32]) -> PositionStats {
    let probabilities = shape(policy, &[], &Shaping::default());
    let (own, other) = (log_softmax(policy), log_softmax(base));
    let mut measured = PositionStats {
        kl_nats: 0.0,
        entropy_nats: 0.0,
    };
    for (place, &probability) in probabilities.probabilities().iter().enumerate() {
        let log_ratio = own[place] - other[place];
        measured.kl_nats += probability * log_ratio;
        measured.entropy_nats -= probability * own[place];
        (policy[place], base[place]) = (probability as f32, log_ratio as f32);
    }
    measured
}

fn values(rows: Tensor<2>) -> Vec<f32> {
    let data = rows.into_data();
    data.try_into_vec::<f32>()
        .expect("logits are computed in f32")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divergence_and_entropy_follow_their_definitions() {
        let (mut policy, mut base) = (
            [0.0, 2_f32.ln() + 7.0 - 7.0, 0.0],
            [5.0, 5.0, 5.0 + 2_f32.ln()],
        );
        let measured = compare(&mut policy, &mut base);
        let expected = 0.5 * 2_f64.ln() + 0.25 * 0.5_f64.ln();
        assert!((measured.kl_nats - expected).abs() < 1e-6);
        assert!((measured.entropy_nats - 1.5 * 2_f64.ln()).abs() < 1e-6);
        for (value, expected) in policy.iter().zip([0.25, 0.5, 0.25]) {
            assert!((value - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn a_row_does_not_diverge_from_itself() {
        let row = [0.3, -1.0, 12.5, 4.0];
        assert_eq!(compare(&mut row.clone(), &mut row.clone()).kl_nats, 0.0);
    }
}
