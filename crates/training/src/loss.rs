//! Next-token cross-entropy and its gradient.

use burn::tensor::{IndexingUpdateOp, Int, Tensor, activation};

/// The loss of one batch.
pub struct Loss {
    /// A scalar with the gradient of the mean cross-entropy; its value has no meaning.
    pub surrogate: Tensor<1>,
    /// Sum of `-ln p(target)` over the weighted rows, nats; without gradient.
    pub total_nats: Tensor<1>,
}

/// Mean cross-entropy over the rows of weight 1.
///
/// The gradient of cross-entropy with respect to logits is `softmax(z) - onehot(target)`. It is computed here once,
/// without autodiff, and attached by the surrogate `sum(z * gradient)`: the backward pass then takes one product where
/// that of `log_softmax` and `gather` takes some ten passes over `[rows, vocab]`.
///
/// # Shapes
/// - logits: `[rows, vocab]`, tracked
/// - targets, weights: `[rows]`, untracked; weights are 0 (padding) or 1, with at least one 1
pub fn cross_entropy(
    logits: Tensor<2>,
    targets: Tensor<1, Int>,
    weights: Tensor<1>,
    counted: usize,
) -> Loss {
    let rows = targets.dims()[0];
    let plain = logits.clone().inner();
    let targets = targets.reshape([rows, 1]);
    let weights = weights.reshape([rows, 1]);
    let highest = plain.clone().max_dim(1);
    let probabilities = activation::softmax(plain.clone(), 1);
    // ln p(target) = z_target - max - ln sum exp(z - max), and the row's largest p is exp(max - max) / sum.
    let log_sum = highest.clone() - probabilities.clone().max_dim(1).log();
    let chosen = plain.gather(1, targets.clone());
    let total_nats = ((log_sum - chosen) * weights.clone()).sum();
    let minus_one = weights.ones_like().neg();
    let gradient = probabilities.scatter(1, targets, minus_one, IndexingUpdateOp::Add)
        * (weights / counted as f64); // [rows, vocab]
    let surrogate = (logits * Tensor::from_inner(gradient)).sum();
    Loss {
        surrogate,
        total_nats,
    }
}
