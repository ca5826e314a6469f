//! Realignment: linear interpolation between the logits of base and tuned model.
//!
//! `z = (1 - λ) z_base + λ z_tuned`, whose softmax is proportional to `p_base^(1-λ) p_tuned^λ` (DeRa, Liu et al.,
//! arXiv 2402.02992). λ = 0 is the base, 1 the tuned model, above 1 extrapolates what tuning did.

use std::fmt;

/// Why two rows cannot be interpolated.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum InterpolateError {
    /// The rows have different lengths, so they come from different vocabularies.
    Vocabularies {
        /// Logits in the base row.
        base: usize,
        /// Logits in the tuned row.
        tuned: usize,
    },
    /// λ is infinite or NaN.
    Lambda(f64),
}

impl fmt::Display for InterpolateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vocabularies { base, tuned } => write!(
                f,
                "cannot interpolate a base row of {base} logits with a tuned row of {tuned}: use two models with the same tokenizer"
            ),
            Self::Lambda(lambda) => write!(
                f,
                "lambda cannot be {lambda}: give a finite number, 0 for base, 1 for tuned"
            ),
        }
    }
}

impl std::error::Error for InterpolateError {}

/// Interpolates two rows: `(1 - λ) base + λ tuned`, computed in f64. λ = 0 and 1 return the rows bit for bit.
///
/// Otherwise a token that either row forbids (minus infinity or NaN) is forbidden, and all others stay finite.
///
/// # Errors
/// When the rows differ in length, or λ is not finite.
pub fn interpolate(base: &[f32], tuned: &[f32], lambda: f64) -> Result<Vec<f32>, InterpolateError> {
    if base.len() != tuned.len() {
        return Err(InterpolateError::Vocabularies {
            base: base.len(),
            tuned: tuned.len(),
        });
    }
    if !lambda.is_finite() {
        return Err(InterpolateError::Lambda(lambda));
    }
    if lambda == 0.0 {
        return Ok(base.to_vec());
    }
    if lambda == 1.0 {
        return Ok(tuned.to_vec());
    }
    Ok(base
        .iter()
        .zip(tuned)
        .map(|(&base, &tuned)| interpolate_one(base, tuned, lambda))
        .collect())
}

fn interpolate_one(base: f32, tuned: f32, lambda: f64) -> f32 {
    let forbids = |logit: f32| logit.is_nan() || logit == f32::NEG_INFINITY;
    if forbids(base) || forbids(tuned) {
        return f32::NEG_INFINITY;
    }
    let (low, high) = (f64::from(f32::MIN), f64::from(f32::MAX));
    let (base, tuned) = (f64::from(base).min(high), f64::from(tuned).min(high));
    // The weights can overflow to opposite infinities at an absurd λ; the mean of the two rows is then as good as any.
    let mixed = (1.0 - lambda) * base + lambda * tuned;
    if mixed.is_nan() {
        f32::midpoint(base as f32, tuned as f32)
    } else {
        mixed.clamp(low, high) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_the_rows_and_the_middle_is_the_mean() {
        let (base, tuned) = ([1.0, -2.5, f32::NEG_INFINITY], [3.0, 0.5, 7.0]);
        assert_eq!(interpolate(&base, &tuned, 0.0), Ok(base.to_vec()));
        assert_eq!(interpolate(&base, &tuned, 1.0), Ok(tuned.to_vec()));
        assert_eq!(
            interpolate(&base, &tuned, 0.5),
            Ok(vec![2.0, -1.0, f32::NEG_INFINITY])
        );
        assert_eq!(
            interpolate(&base, &tuned, 3.0),
            Ok(vec![7.0, 6.5, f32::NEG_INFINITY])
        );
    }

    #[test]
    fn rows_of_other_vocabularies_and_infinite_lambdas_are_refused() {
        let error = interpolate(&[0.0; 3], &[0.0; 4], 0.5).unwrap_err();
        assert!(
            error.to_string().contains("3 logits with a tuned row of 4"),
            "{error}"
        );
        assert!(interpolate(&[0.0], &[0.0], f64::NAN).is_err());
        assert!(interpolate(&[0.0], &[0.0], f64::INFINITY).is_err());
    }

    #[test]
    fn nothing_but_minus_infinity_leaves_the_finite_numbers() {
        let odd = [
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MAX,
            f32::MIN,
            1.0,
        ];
        for lambda in [-1e308, -1.0, 0.5, 2.0, 1e308] {
            for base in odd {
                for tuned in odd {
                    let mixed = interpolate(&[base], &[tuned], lambda).unwrap()[0];
                    assert!(
                        mixed.is_finite() || mixed == f32::NEG_INFINITY,
                        "{base} {tuned} {lambda}: {mixed}"
                    );
                }
            }
        }
    }
}
