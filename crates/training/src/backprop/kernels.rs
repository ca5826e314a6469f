//! The element-wise and row-wise parts of a training step, forward and backward, each in one pass over its rows.
//!
//! Sums of a row are kept in a fixed number of lanes, so they do not depend on the processor's vector width. [`pulp`] compiles
//! every loop a second time for AVX-512 and picks the version at run time.

use pulp::Arch;

/// Partial sums of one row.
const LANES: usize = 16;

/// `e^x` to about one unit in the last place for `x` in -87..88, clamped outside; NaN stays NaN. Without calls or branches, so
/// that loops over it become vector code. The polynomial is that of Cephes' `expf` (Moshier 1989).
#[allow(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the caller's SIMD features"
)]
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let exponent = shifted - ROUND;
    let r = x - exponent * LN_2_HIGH - exponent * LN_2_LOW;
    let mut p = 1.987_569_2e-4;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let mantissa = p * r * r + r + 1.0;
    mantissa * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

/// `sum over i of term(i)`, in lanes.
#[allow(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the caller's SIMD features"
)]
#[inline(always)]
fn sum(count: usize, term: impl Fn(usize) -> f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let whole = count / LANES * LANES;
    let mut start = 0;
    while start < whole {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += term(start + lane);
        }
        start += LANES;
    }
    for (lane, index) in (whole..count).enumerate() {
        lanes[lane] += term(index);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[allow(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the caller's SIMD features"
)]
#[inline(always)]
fn max(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let mut chunks = row.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (most, value) in lanes.iter_mut().zip(chunk) {
            *most = if *value > *most { *value } else { *most };
        }
    }
    let rest = chunks.remainder().iter().copied();
    lanes
        .into_iter()
        .chain(rest)
        .fold(f32::NEG_INFINITY, f32::max)
}

/// `out = x / rms(x) * weight` with `rms(x) = sqrt(mean(x^2) + epsilon)`, by rows as wide as the weight.
///
/// # Shapes
/// - x, out: `[rows, width]`
/// - scales: `[rows]`, becomes `1 / rms(x)`
pub fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32], scales: &mut [f32]) {
    let width = weight.len();
    Arch::new().dispatch(|| {
        let rows = x.chunks_exact(width).zip(out.chunks_exact_mut(width));
        for ((x, out), scale) in rows.zip(scales.iter_mut()) {
            let squares = sum(width, |i| x[i] * x[i]);
            *scale = 1.0 / (squares / width as f32 + epsilon).sqrt();
            for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
                *out = x * *scale * weight;
            }
        }
    });
}

/// Backward pass of [`rms_norm`]: adds the gradient of `x` to `dx` and that of the weight to `dweight`.
///
/// # Shapes
/// - dout, x, dx: `[rows, width]`
/// - scales: `[rows]`, from the forward pass
pub fn rms_norm_backward(
    dout: &[f32],
    x: &[f32],
    scales: &[f32],
    weight: &[f32],
    dx: &mut [f32],
    dweight: &mut [f32],
) {
    let width = weight.len();
    Arch::new().dispatch(|| {
        let rows = dout.chunks_exact(width).zip(x.chunks_exact(width));
        let rows = rows.zip(dx.chunks_exact_mut(width)).zip(scales);
        for (((dout, x), dx), &scale) in rows {
            let (dout, x, weight) = (&dout[..width], &x[..width], &weight[..width]);
            let dot = sum(width, |i| dout[i] * weight[i] * x[i]);
            let shrink = scale * scale * scale * dot / width as f32;
            for i in 0..width {
                dx[i] += scale * weight[i] * dout[i] - shrink * x[i];
            }
            for i in 0..width {
                dweight[i] += dout[i] * x[i] * scale;
            }
        }
    });
}

/// `sum += values`.
pub fn add(sum: &mut [f32], values: &[f32]) {
    Arch::new().dispatch(|| {
        for (sum, value) in sum.iter_mut().zip(values) {
            *sum += value;
        }
    });
}

/// SwiGLU: `out = gate * sigmoid(gate) * up`.
///
/// # Shapes
/// - gate_up: `[rows, 2 * inner]`, gate first
/// - out: `[rows, inner]`
pub fn swiglu(gate_up: &[f32], inner: usize, out: &mut [f32]) {
    Arch::new().dispatch(|| {
        let rows = gate_up.chunks_exact(2 * inner);
        for (gate_up, out) in rows.zip(out.chunks_exact_mut(inner)) {
            let (gate, up) = gate_up.split_at(inner);
            for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                *out = gate / (1.0 + exp(-gate)) * up;
            }
        }
    });
}

/// Backward pass of [`swiglu`]: replaces `gate_up` by its gradient.
///
/// # Shapes
/// - dout: `[rows, inner]`
/// - gate_up: `[rows, 2 * inner]`
pub fn swiglu_backward(dout: &[f32], inner: usize, gate_up: &mut [f32]) {
    Arch::new().dispatch(|| {
        let rows = gate_up.chunks_exact_mut(2 * inner);
        for (gate_up, dout) in rows.zip(dout.chunks_exact(inner)) {
            let (gate, up) = gate_up.split_at_mut(inner);
            for ((gate, up), dout) in gate.iter_mut().zip(up).zip(dout) {
                let sigmoid = 1.0 / (1.0 + exp(-*gate));
                let silu = *gate * sigmoid;
                let slope = sigmoid * (1.0 + *gate * (1.0 - sigmoid));
                *gate = dout * *up * slope;
                *up = dout * silu;
            }
        }
    });
}

/// Cross-entropy: replaces logits by the gradient of `scale` times its sum over the rows, `scale * (softmax(z) - onehot(target))`;
/// returns the sum in nats.
///
/// # Shapes
/// - logits: `[rows, vocab]`
/// - targets: `[rows]`
pub fn cross_entropy(logits: &mut [f32], vocabulary: usize, targets: &[u32], scale: f32) -> f64 {
    let mut nats = 0.0;
    let nats_of_rows = &mut nats;
    Arch::new().dispatch(|| {
        for (row, &target) in logits.chunks_exact_mut(vocabulary).zip(targets) {
            let highest = max(row);
            let chosen = row[target as usize];
            for logit in row.iter_mut() {
                *logit = exp(*logit - highest);
            }
            let row = &mut row[..vocabulary];
            let total = sum(vocabulary, |i| row[i]);
            *nats_of_rows += f64::from(total).ln() + f64::from(highest) - f64::from(chosen);
            let factor = scale / total;
            for value in row.iter_mut() {
                *value *= factor;
            }
            row[target as usize] -= scale;
        }
    });
    nats
}

/// Causal softmax of attention scores, in place; keys after the query's position get 0.
///
/// # Shapes
/// - scores: `[key_value_heads, positions * group, keys]`
/// - first: position of the first query
pub fn causal_softmax(scores: &mut [f32], keys: usize, group: usize, first: usize) {
    let queries = keys - first;
    Arch::new().dispatch(|| {
        for (row, scores) in scores.chunks_exact_mut(keys).enumerate() {
            let seen = first + row / group % queries + 1;
            let (scores, hidden) = scores.split_at_mut(seen);
            let highest = max(scores);
            for score in scores.iter_mut() {
                *score = exp(*score - highest);
            }
            let scores = &mut scores[..seen];
            let factor = 1.0 / sum(seen, |i| scores[i]);
            for score in scores.iter_mut() {
                *score *= factor;
            }
            hidden.fill(0.0);
        }
    });
}

/// Backward pass of [`causal_softmax`]: replaces the gradient of the probabilities by that of the scores,
/// `p * (dp - sum over keys of p * dp)`.
///
/// # Shapes
/// - gradient, probabilities: `[key_value_heads, positions * group, keys]`
pub fn causal_softmax_backward(gradient: &mut [f32], probabilities: &[f32], keys: usize) {
    Arch::new().dispatch(|| {
        let rows = gradient.chunks_exact_mut(keys);
        for (gradient, p) in rows.zip(probabilities.chunks_exact(keys)) {
            let p = &p[..keys];
            let dot = {
                let gradient = &gradient[..keys];
                sum(keys, |i| p[i] * gradient[i])
            };
            for (gradient, p) in gradient.iter_mut().zip(p) {
                *gradient = p * (*gradient - dot);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_agrees_with_the_standard_library() {
        for step in -8700..=8800 {
            let x = step as f32 / 100.0;
            let (found, expected) = (f64::from(exp(x)), f64::from(x).exp());
            assert!(
                ((found - expected) / expected).abs() < 2e-7,
                "e^{x}: {found}, expected {expected}"
            );
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(-1e9) > 0.0 && exp(-1e9) < 1e-37);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn a_row_without_a_finite_logit_gives_no_finite_loss() {
        let mut logits = vec![0.0; 40];
        logits[3] = f32::NAN;
        assert!(cross_entropy(&mut logits, 40, &[7], 1.0).is_nan());
    }
}
