//! The KL divergence of completions, from the logits at every token that was sampled.
//!
//! `KL(policy || base)` of whole completions is the mean, over completions sampled from the policy at temperature 1, of the sum over
//! their tokens of the divergence of next-token distributions. Each term is exact over the vocabulary, so the estimate varies less than
//! that from the log-ratios of the sampled tokens.

use decoding::{Shaping, kl_nats, shape};

/// How a policy's next-token distribution differs from the base's.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TokenDivergence {
    /// `KL(policy || base)`, nats per token.
    pub kl_nats: f64,
    /// Entropy of the policy, bits per token.
    pub entropy_bits: f64,
}

/// Compares two rows of logits over one vocabulary, both at temperature 1.
///
/// # Shapes
/// - policy, base: `[vocab]`
pub fn token_divergence(policy: &[f32], base: &[f32]) -> TokenDivergence {
    let plain = Shaping::default();
    let policy = shape(policy, &[], &plain);
    let base = shape(base, &[], &plain);
    TokenDivergence {
        kl_nats: kl_nats(policy.probabilities(), base.probabilities()),
        entropy_bits: policy.entropy_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_worked_out_by_hand() {
        // One half and two quarters against two quarters and one half: 1/2 ln 2 + 1/4 ln 1/2.
        let policy = [0.0, 2_f32.ln(), 0.0];
        let base = [5.0, 5.0, 5.0 + 2_f32.ln()];
        let found = token_divergence(&policy, &base);
        assert!((found.kl_nats - 0.25 * 2_f64.ln()).abs() < 1e-6);
        assert!((found.entropy_bits - 1.5).abs() < 1e-6);
    }

    #[test]
    fn a_row_does_not_diverge_from_itself() {
        let row = [0.3, -1.0, 12.5, 4.0];
        assert_eq!(token_divergence(&row, &row).kl_nats, 0.0);
    }
}
