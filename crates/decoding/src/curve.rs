//! Entropy as a function of the inverse temperature β, exactly, for the model's raw logits (no penalty, no cuts).
//!
//! `H(β) = ln Z - β E[z - max z]`, with `Z = Σ exp(β (z - max z))`, and `dH/dβ = -β Var[z]` under the same distribution, so
//! entropy falls as β grows (derived from the exponential family's log-normaliser; see Wainwright and Jordan 2008, 3.4).

use std::f64::consts::LN_2;

use crate::exponential::{clamp, exp};
use crate::logits;
use crate::sums::{Lanes, padded};

/// Terms below e^-60 of the largest are dropped: 150,000 of them together are below 1e-18 bits.
const NEGLIGIBLE_NATS: f64 = 60.0;

/// Entropy in bits at each β (1 / logit), in the order given. Infinity is greedy: 0 bits. Negative numbers and NaN count as 0.
///
/// Costs one sort of the row, then at most one exponential a token and β; tokens too improbable to count are dropped as β grows.
/// The curve depends on the logits alone: keep it while only knobs move.
pub fn entropy_curve(logits: &[f32], betas: &[f64]) -> Vec<f64> {
    let mut offsets = offsets(logits);
    offsets.sort_unstable_by(|a, b| b.total_cmp(a));
    let mut ascending: Vec<usize> = (0..betas.len()).collect();
    ascending.sort_by(|&a, &b| betas[a].max(0.0).total_cmp(&betas[b].max(0.0)));
    let mut bits = vec![0.0; betas.len()];
    for index in ascending {
        let beta = betas[index].max(0.0);
        offsets.truncate(offsets.partition_point(|offset| beta * offset > -NEGLIGIBLE_NATS));
        bits[index] = entropy_nats(&offsets, beta) / LN_2;
    }
    bits
}

/// Entropy in bits at one β.
pub fn entropy_at(logits: &[f32], beta: f64) -> f64 {
    entropy_curve(logits, &[beta])[0]
}

/// `dH/dβ = -β Var[z]` in bits times logits, at most 0: the slope of [`entropy_curve`].
pub fn entropy_slope(logits: &[f32], beta: f64) -> f64 {
    let beta = beta.max(0.0);
    if beta == f64::INFINITY {
        return 0.0;
    }
    let offsets = offsets(logits);
    let average = |of: &dyn Fn(f64) -> f64| {
        let (mass, total) = offsets.iter().fold((0.0, 0.0), |(mass, total), &offset| {
            let weight = exp(beta * offset);
            (mass + weight, total + weight * of(offset))
        });
        if mass > 0.0 { total / mass } else { 0.0 }
    };
    let mean = average(&|offset| offset);
    -beta * average(&|offset| (offset - mean).powi(2)) / LN_2
}

/// `z - max z` of the allowed tokens.
fn offsets(logits: &[f32]) -> Vec<f64> {
    let cleaned = logits::clean(logits);
    let max_logit = logits::max_logit(&cleaned);
    let allowed = cleaned.iter().filter(|logit| **logit > f32::NEG_INFINITY);
    allowed
        .map(|logit| f64::from(*logit) - f64::from(max_logit))
        .collect()
}

/// Entropy of `exp(β x) / Z` over offsets `x` that are not negligible at this β.
fn entropy_nats(offsets: &[f64], beta: f64) -> f64 {
    if offsets.is_empty() || beta == f64::INFINITY {
        return 0.0;
    }
    let (chunks, rest) = offsets.as_chunks();
    let mut lanes = Lanes::default();
    for chunk in chunks {
        let exponents = chunk.map(|offset| beta * offset);
        lanes.add(exponents.map(exp), exponents);
    }
    let exponents = padded(rest, f64::NEG_INFINITY).map(|offset| clamp(beta * offset));
    lanes.add(exponents.map(exp), exponents);
    lanes.total().entropy_nats()
}
