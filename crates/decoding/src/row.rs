//! A row of logits on its way to a distribution: cleaned, penalised, and weighted by `exp(β (z - max z))`.
//!
//! Which weights are then cut is decided in `filters`.

use crate::exponential::{clamp, exp};
use crate::sums::{LANES, Lanes, Sums, padded};

/// Logits with their weights. Invariants: no logit is NaN, plus infinity or minus zero; a weight is zero where the logit is minus
/// infinity; and, while nothing else is cut, the largest weight is 1 and belongs to `peak`.
pub(crate) struct Row {
    pub(crate) logits: Vec<f32>,
    pub(crate) weights: Vec<f64>,
    pub(crate) peak: f32,
    pub(crate) beta: f64,
}

impl Row {
    /// Weighs cleaned logits at a finite `β >= 0`.
    pub(crate) fn weigh(logits: Vec<f32>, beta: f64) -> Self {
        let peak = peak(&logits);
        let weights = logits
            .iter()
            .map(|&logit| exp(exponent(logit, peak, beta)))
            .collect();
        Self {
            logits,
            weights,
            peak,
            beta,
        }
    }

    /// `ln w` of a token, were it not cut.
    pub(crate) fn exponent(&self, id: usize) -> f64 {
        exponent(self.logits[id], self.peak, self.beta)
    }

    /// Sums what is not cut.
    pub(crate) fn sums(&self) -> Sums {
        let (weights, weights_rest) = self.weights.as_chunks();
        let (logits, logits_rest) = self.logits.as_chunks();
        let (peak, beta) = (self.peak, self.beta);
        let mut lanes = Lanes::default();
        for (weights, logits) in weights.iter().zip(logits) {
            lanes.add(*weights, logits.map(|logit| exponent(logit, peak, beta)));
        }
        let exponents = padded(logits_rest, peak).map(|logit| exponent(logit, peak, beta));
        lanes.add(padded(weights_rest, 0.0), exponents);
        lanes.total()
    }
}

/// `β (z - peak)`, kept finite.
#[inline]
pub(crate) fn exponent(logit: f32, peak: f32, beta: f64) -> f64 {
    clamp(beta * (f64::from(logit) - f64::from(peak)))
}

/// The highest logit; minus infinity of none.
pub(crate) fn peak(logits: &[f32]) -> f32 {
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

/// Reads a row as every function here does: NaN is minus infinity (forbidden), plus infinity the largest finite number, minus
/// zero zero; and where nothing is allowed the row says nothing, so all logits become equal.
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
    if peak(&cleaned) == f32::NEG_INFINITY {
        cleaned.fill(0.0);
    }
    cleaned
}

/// Penalises the tokens seen, each once however often it was seen, as in CTRL (arXiv 1909.05858): a logit below zero is
/// multiplied, another divided. A finite logit stays finite; ids outside the row are passed over.
pub(crate) fn penalise(logits: &mut [f32], history: &[u32], penalty: f64) {
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
pub(crate) struct LogSum {
    pub(crate) cleaned: Vec<f32>,
    /// `ln Σ exp z`, in nats.
    pub(crate) log_sum: f64,
}

/// Cleans a row and takes its log-sum-exp.
pub(crate) fn log_sum(logits: &[f32]) -> LogSum {
    let row = Row::weigh(clean(logits), 1.0);
    let log_sum = f64::from(row.peak) + row.sums().mass.ln();
    LogSum {
        cleaned: row.logits,
        log_sum,
    }
}
