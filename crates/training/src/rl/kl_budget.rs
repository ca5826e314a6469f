//! The coefficient of the KL penalty: fixed, or controlled until the divergence meets a target (the KL budget).
//!
//! The proportional controller of Ziegler et al. (arXiv 1909.08593, section 2.2): with `e = clip(KL / target - 1, -0.2, 0.2)`
//! the coefficient is multiplied by `1 + gain e` after every step; there the gain is 0.1.

use serde::{Deserialize, Serialize};

use crate::error::TrainingError;

/// Ziegler et al.'s bound on the error of one step.
const LARGEST_ERROR: f64 = 0.2;

/// KL penalty, or a target that a controller holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KlBudget {
    /// Reward that one nat of divergence costs; the initial value where there is a target.
    pub coefficient: f64,
    /// Target divergence, nats per completion; without it the coefficient is fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_nats: Option<f64>,
    /// Gain of the controller: a step changes the coefficient by at most a fifth of this.
    #[serde(default = "ziegler")]
    pub gain: f64,
}

fn ziegler() -> f64 {
    0.1
}

impl KlBudget {
    /// The coefficient of the next step, after one whose completions diverged by `kl_nats` on average; none where it is fixed.
    /// Single precision, which the JSON of a checkpoint stores exactly.
    pub fn next(&self, coefficient: f64, kl_nats: f64) -> Option<f32> {
        self.target_nats.map(|target| {
            let error = (kl_nats / target - 1.0).clamp(-LARGEST_ERROR, LARGEST_ERROR);
            (coefficient * (1.0 + self.gain * error)) as f32
        })
    }

    pub(super) fn check(&self) -> Result<(), TrainingError> {
        let sound = |value: f64| value.is_finite() && value >= 0.0;
        let refuse = |field, problem: &str| {
            Err(TrainingError::Value {
                field,
                problem: problem.to_owned(),
            })
        };
        if !sound(self.coefficient) {
            return refuse("kl.coefficient", "must be a number from 0 up");
        }
        let Some(target) = self.target_nats else {
            return Ok(());
        };
        if !(sound(target) && target > 0.0) {
            return refuse("kl.target_nats", "must be a number above 0");
        }
        if self.coefficient == 0.0 {
            return refuse(
                "kl.coefficient",
                "must be above 0 where there is a target: it is changed by factors",
            );
        }
        if !(sound(self.gain) && self.gain < 1.0 / LARGEST_ERROR) {
            return refuse(
                "kl.gain",
                "must be from 0 to below 5, or the coefficient could fall to 0",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(target_nats: Option<f64>) -> KlBudget {
        KlBudget {
            coefficient: 0.1,
            target_nats,
            gain: 0.1,
        }
    }

    #[test]
    fn without_a_target_the_coefficient_stays() {
        assert_eq!(budget(None).next(0.1, 1000.0), None);
    }

    #[test]
    fn the_coefficient_follows_the_error_within_its_bounds() {
        let next = |kl| budget(Some(10.0)).next(1.0, kl);
        assert_eq!(next(10.0), Some(1.0));
        assert_eq!(next(11.0), Some(1.01));
        assert_eq!(next(1e6), Some(1.02));
        assert_eq!(next(0.0), Some(0.98));
    }

    #[test]
    fn a_policy_that_responds_to_the_coefficient_reaches_the_target() {
        // A policy whose divergence is the inverse of its price.
        let budget = budget(Some(4.0));
        let coefficient = (0..2000).fold(0.1, |coefficient, _| {
            f64::from(budget.next(coefficient, 1.0 / coefficient).unwrap())
        });
        assert!((1.0 / coefficient - 4.0).abs() < 0.01, "{coefficient}");
    }
}
