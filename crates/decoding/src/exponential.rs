//! The exponential of numbers at or below zero: the one transcendental function on the way from logits to a token.
//!
//! Not `f64::exp`, for two reasons. The standard one calls the platform's mathematics library, whose last bit differs between
//! systems, and a last bit can move a pick; this one uses only IEEE multiplication and addition, so it is the same everywhere.
//! And it has no branches, so the compiler vectorises the loops around it (SSE2 natively, SIMD128 in wasm).
//!
//! Method (Cody and Waite 1980, chapter 6): e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln(2) / 2, and the Taylor
//! polynomial of degree 13 for e^r, whose remainder there is below 5e-18, under a tenth of the last bit.

/// Where exponents stop: `e^x` is taken as zero at and below it, just above the smallest normal f64 (e^-708.4).
pub(crate) const MIN_EXPONENT: f64 = -708.0;

/// 1.5 * 2^52: adding it to a small number leaves the nearest integer in the low bits of the sum.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// ln 2 in two parts; the first has 21 trailing zero bits, so that its product with any exponent is exact.
const LN_2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
const LN_2_LOW: f64 = f64::from_bits(0x3DEA_39EF_3579_3C76);

/// Raises e to an exponent at or below zero; exponents at or below [`MIN_EXPONENT`], and NaN, give zero.
#[inline]
pub(crate) fn exp(exponent: f64) -> f64 {
    let x = clamp(exponent);
    let shifted = x * std::f64::consts::LOG2_E + ROUNDER;
    let n = shifted - ROUNDER;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    // 1/2! + r/3! + ... + r^11/13!, paired off (Estrin's scheme) so that the processor need not wait for each step.
    let (r2, r4) = (r * r, r * r * (r * r));
    let low = (1.0 / 2.0 + r * (1.0 / 6.0)) + r2 * (1.0 / 24.0 + r * (1.0 / 120.0));
    let middle =
        (1.0 / 720.0 + r * (1.0 / 5_040.0)) + r2 * (1.0 / 40_320.0 + r * (1.0 / 362_880.0));
    let high = (1.0 / 3_628_800.0 + r * (1.0 / 39_916_800.0))
        + r2 * (1.0 / 479_001_600.0 + r * (1.0 / 6_227_020_800.0));
    let tail = low + r4 * (middle + r4 * high);
    let sum = 1.0 + (r + r2 * tail);
    // The low bits of `shifted` hold n in two's complement; the shift drops all but the eleven that make the exponent field.
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    if x > MIN_EXPONENT { sum * power } else { 0.0 }
}

/// Brings an exponent up to [`MIN_EXPONENT`], NaN included, so that a product with its exponential stays finite.
#[inline]
pub(crate) fn clamp(exponent: f64) -> f64 {
    if exponent > MIN_EXPONENT {
        exponent
    } else {
        MIN_EXPONENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard_exponential_to_one_unit_in_the_last_place() {
        for step in 0..200_000 {
            let x = -f64::from(step) * 0.003_539;
            let (ours, theirs) = (exp(x), x.exp());
            assert!(
                (ours - theirs).abs() <= f64::EPSILON * theirs,
                "e^{x}: {ours:e} against {theirs:e}"
            );
        }
    }

    #[test]
    fn limits_are_exact() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-0.0), 1.0);
        assert_eq!(exp(MIN_EXPONENT), 0.0);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert_eq!(exp(f64::NAN), 0.0);
        assert!(exp(-707.9) > 0.0);
    }

    #[test]
    fn bits_are_pinned_so_that_every_platform_agrees() {
        let bits = [-0.1, -1.0, -10.0, -100.0, -700.0].map(|x| exp(x).to_bits());
        assert_eq!(bits, GOLDEN, "{bits:#x?}");
    }

    const GOLDEN: [u64; 5] = [
        0x3fec_f46d_99d5_2b3a,
        0x3fd7_8b56_362c_ef38,
        0x3f07_cd79_b564_7c9a,
        0x36ea_8c1f_14e2_af5c,
        0x00d1_4f2b_0fb9_307f,
    ];
}
