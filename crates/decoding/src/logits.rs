//! From raw logits to unnormalised weights `exp(β (z - max z))`: cleaning, repetition penalty, log-sum-exp.
//!
//! Which weights are then cut is decided in `filters`.

use crate::exponential::{clamp, exp};
use crate::sums::{LANES, Lanes, Sums, padded};

/// Logits with their weights. Invariants: no logit is NaN, plus infinity or minus zero; a weight is zero where the logit is minus
/// infinity; and, while nothing else is cut, the largest weight is 1 and belongs to `max_logit`.
pub(crate) struct WeightedLogits {
    pub(crate) logits: Vec<f32>,
    pub(crate) weights: Vec<f64>,
    pub(crate) max_logit: f32,
    pub(crate) beta: f64,
}

impl WeightedLogits {
    /// Weights of cleaned logits at a finite `β >= 0`.
    pub(crate) fn new(logits: Vec<f32>, beta: f64) -> Self {
        let max_logit = max_logit(&logits);
        let weights = logits
            .iter()
            .map(|&logit| exp(exponent(logit, max_logit, beta)))
            .collect();
        Self {
            logits,
            weights,
            max_logit,
            beta,
        }
    }

    /// `ln w` of a token, as if it were not cut.
    pub(crate) fn exponent(&self, id: usize) -> f64 {
        exponent(self.logits[id], self.max_logit, self.beta)
    }

    /// Sums over the tokens that are not cut.
    pub(crate) fn sums(&self) -> Sums {
        let (weights, weights_rest) = self.weights.as_chunks();
        let (logits, logits_rest) = self.logits.as_chunks();
        let (max_logit, beta) = (self.max_logit, self.beta);
        let mut lanes = Lanes::default();
        for (weights, logits) in weights.iter().zip(logits) {
            lanes.add(
                *weights,
                logits.map(|logit| exponent(logit, max_logit, beta)),
            );
        }
        let exponents =
            padded(logits_rest, max_logit).map(|logit| exponent(logit, max_logit, beta));
        lanes.add(padded(weights_rest, 0.0), exponents);
        lanes.total()
    }
}

/// `β (z - max_logit)`, kept finite.
#[inline]
pub(crate) fn exponent(logit: f32, max_logit: f32, beta: f64) -> f64 {
    clamp(beta * (f64::from(logit) - f64::from(max_logit)))
}

/// The highest logit; minus infinity without any.
pub(crate) fn max_logit(logits: &[f32]) -> f32 {
    let higher = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = logits.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, logit) in lanes.iter_mut().zip(chunk) {
            *lane = higher(*lane, *logit);
        }
    }
    lanes
        .iter()
        .chain(rest)
        .copied()
        .fold(f32::NEG_INFINITY, higher)
}

/// Cleans a row as every function here does: NaN becomes minus infinity (forbidden), plus infinity the largest finite number, minus
/// zero zero. A row that forbids every token becomes uniform.
pub(crate) fn clean(logits: &[f32]) -> Vec<f32> {
    let mut cleaned: Vec<f32> = logits
        .iter()
        .map(|&logit| {
            let bounded = if logit <= f32::MAX { logit } else { f32::MAX };
            if logit.is_nan() {
                f32::NEG_INFINITY
            } else {
                bounded + 0.0
            }
        })
        .collect();
    if max_logit(&cleaned) == f32::NEG_INFINITY {
        cleaned.fill(0.0);
    }
    cleaned
}

/// Penalises the tokens seen, each once however often it was seen, as in CTRL (arXiv 1909.05858): a logit below zero is
/// multiplied, another divided. A finite logit stays finite; ids outside the row are passed over.
pub(crate) fn penalize_repetition(logits: &mut [f32], history: &[u32], penalty: f64) {
    let mut seen = history.to_vec();
    seen.sort_unstable();
    seen.dedup();
    for id in seen {
        let Some(logit) = logits
            .get_mut(id as usize)
            .filter(|logit| logit.is_finite())
        else {
            continue;
        };
        let z = f64::from(*logit);
        let penalised = if z < 0.0 { z * penalty } else { z / penalty };
        *logit = penalised.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32 + 0.0;
    }
}

/// A cleaned row and its log-sum-exp.
pub(crate) struct LogSumExp {
    pub(crate) cleaned: Vec<f32>,
    /// `ln Σ exp z`, in nats.
    pub(crate) log_sum_exp: f64,
}

/// Cleans a row and takes its log-sum-exp.
pub(crate) fn log_sum_exp(logits: &[f32]) -> LogSumExp {
    let row = WeightedLogits::new(clean(logits), 1.0);
    let log_sum_exp = f64::from(row.max_logit) + row.sums().mass.ln();
    LogSumExp {
        cleaned: row.logits,
        log_sum_exp,
    }
}
