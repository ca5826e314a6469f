//! Entropy as a function of the inverse temperature β, exactly, for a row as the model gave it (no penalty, no cuts).
//!
//! `H(β) = ln Z - β E[z - max z]`, with `Z = Σ exp(β (z - max z))`, and `dH/dβ = -β Var[z]` under the same distribution, so
//! entropy falls as β grows (derived from the exponential family's log-normaliser; see Wainwright and Jordan 2008, 3.4).

use std::f64::consts::LN_2;

use crate::exponential::exp;
use crate::row;

/// Terms below e^-60 of the largest are dropped: 150,000 of them together are below 1e-18 bits.
const NEGLIGIBLE_NATS: f64 = 60.0;

/// Entropy in bits at each β (1 / logit), in the order given. Infinity is greedy: 0 bits. Negative numbers and NaN count as 0.
///
/// An upper bound of one exponential a token and β; tokens too improbable to count are dropped for good as β grows, which on a
/// model's rows leaves a fraction. The curve depends on the logits alone: keep it while only knobs move.
pub fn entropy_curve(logits: &[f32], betas: &[f64]) -> Vec<f64> {
    let mut offsets = offsets(logits);
    let mut ascending: Vec<usize> = (0..betas.len()).collect();
    ascending.sort_by(|&a, &b| betas[a].max(0.0).total_cmp(&betas[b].max(0.0)));
    let mut bits = vec![0.0; betas.len()];
    for index in ascending {
        let beta = betas[index].max(0.0);
        offsets.retain(|offset| beta * offset > -NEGLIGIBLE_NATS);
        bits[index] = Moments::of(&offsets, beta).entropy_nats(beta) / LN_2;
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
    -beta * Moments::of(&offsets(logits), beta).variance() / LN_2
}

/// `z - max z` of the allowed tokens.
fn offsets(logits: &[f32]) -> Vec<f64> {
    let cleaned = row::clean(logits);
    let peak = row::peak(&cleaned);
    let allowed = cleaned.iter().filter(|logit| **logit > f32::NEG_INFINITY);
    allowed
        .map(|logit| f64::from(*logit) - f64::from(peak))
        .collect()
}

/// `Σ w`, `Σ w x` and `Σ w x²` over offsets `x` with `w = exp(β x)`.
#[derive(Clone, Copy, Default)]
struct Moments {
    mass: f64,
    first: f64,
    second: f64,
}

impl Moments {
    fn of(offsets: &[f64], beta: f64) -> Self {
        let mut lanes = [Self::default(); 4];
        let (chunks, rest) = offsets.as_chunks::<4>();
        for chunk in chunks {
            for (lane, offset) in lanes.iter_mut().zip(chunk) {
                lane.add(*offset, beta);
            }
        }
        for (lane, offset) in lanes.iter_mut().zip(rest) {
            lane.add(*offset, beta);
        }
        lanes.into_iter().fold(Self::default(), |sum, lane| Self {
            mass: sum.mass + lane.mass,
            first: sum.first + lane.first,
            second: sum.second + lane.second,
        })
    }

    #[inline]
    fn add(&mut self, offset: f64, beta: f64) {
        let weight = exp(beta * offset);
        self.mass += weight;
        self.first += weight * offset;
        self.second += weight * offset * offset;
    }

    fn entropy_nats(self, beta: f64) -> f64 {
        if self.mass == 0.0 || beta == f64::INFINITY {
            return 0.0;
        }
        self.mass.ln() - beta * self.first / self.mass
    }

    fn variance(self) -> f64 {
        if self.mass == 0.0 {
            return 0.0;
        }
        let mean = self.first / self.mass;
        (self.second / self.mass - mean * mean).max(0.0)
    }
}
