//! Learning rate by step: linear warm-up, then a cosine decay to the end of the run (Loshchilov and Hutter, arXiv 1608.03983); or
//! a plateau and a decay at the end (warmup-stable-decay, Hu et al., arXiv 2404.06395), with which a run can be extended as long
//! as it is on its plateau.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::error::TrainingError;
use crate::recipe::OptimizerRecipe;

/// The decay at the end of a run, after a plateau at the full rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decay {
    /// How the rate falls.
    pub shape: DecayShape,
    /// Share of the run's steps, 0 to 1.
    pub share: f64,
}

/// How the learning rate falls to its last value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecayShape {
    /// Half a cosine.
    Cosine,
    /// A straight line.
    Linear,
}

/// Where a run's learning rate decays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// First step of the decay, from 0.
    pub decay_from: usize,
    /// Steps of the run.
    pub steps: usize,
}

impl Schedule {
    /// The schedule of a run of this many steps.
    pub fn new(recipe: &OptimizerRecipe, steps: usize) -> Self {
        let decaying = recipe
            .decay
            .map_or(steps, |decay| (decay.share * steps as f64).ceil() as usize);
        Self {
            decay_from: steps.saturating_sub(decaying).max(recipe.warm_up_steps),
            steps,
        }
    }

    /// The learning rate of step `step`, from 0.
    pub fn learning_rate(&self, recipe: &OptimizerRecipe, step: usize) -> f64 {
        if step < recipe.warm_up_steps {
            return recipe.learning_rate * (step + 1) as f64 / recipe.warm_up_steps as f64;
        }
        let Some(decayed) = step.checked_sub(self.decay_from) else {
            return recipe.learning_rate;
        };
        let decaying = self.steps.saturating_sub(self.decay_from).max(1);
        let done = (decayed as f64 / decaying as f64).min(1.0);
        let share = match recipe.decay.map(|decay| decay.shape) {
            Some(DecayShape::Linear) => 1.0 - done,
            Some(DecayShape::Cosine) | None => 0.5 * (1.0 + (PI * done).cos()),
        };
        recipe.last_learning_rate + (recipe.learning_rate - recipe.last_learning_rate) * share
    }

    /// Whether a run that followed `before` for `step` steps can go on by this schedule: the rates so far are the same.
    ///
    /// # Errors
    /// When the learning rate of either has begun to decay.
    pub fn continues(&self, before: Option<Self>, step: usize) -> Result<(), TrainingError> {
        let same = before
            .is_none_or(|before| before == *self || step <= before.decay_from.min(self.decay_from));
        if same {
            return Ok(());
        }
        Err(TrainingError::Value {
            field: "tokens",
            problem: format!(
                "cannot change at step {step}, the learning rate already decays: restore the former value, or start from the \
                 finished weights with `start`"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(decay: Option<Decay>) -> OptimizerRecipe {
        OptimizerRecipe {
            learning_rate: 1.0,
            last_learning_rate: 0.1,
            warm_up_steps: 10,
            decay,
            beta_1: 0.9,
            beta_2: 0.99,
            epsilon: 1e-8,
            weight_decay: 0.1,
            clip_norm: 1.0,
        }
    }

    fn rates(decay: Option<Decay>) -> Vec<f64> {
        let recipe = recipe(decay);
        let schedule = Schedule::new(&recipe, 100);
        (0..=100)
            .map(|step| schedule.learning_rate(&recipe, step))
            .collect()
    }

    #[test]
    fn it_warms_up_and_decays() {
        let rates = rates(None);
        assert!((rates[0] - 0.1).abs() < 1e-12);
        assert!((rates[10] - 1.0).abs() < 1e-12);
        assert!(rates[..10].windows(2).all(|pair| pair[0] < pair[1]));
        assert!(rates[10..].windows(2).all(|pair| pair[0] > pair[1]));
        assert!((rates[100] - 0.1).abs() < 1e-12);
    }

    #[test]
    fn with_a_decay_at_the_end_the_rate_stays_until_then() {
        for shape in [DecayShape::Cosine, DecayShape::Linear] {
            let rates = rates(Some(Decay { shape, share: 0.2 }));
            assert!(rates[9..=80].iter().all(|rate| *rate == 1.0), "{shape:?}");
            assert!((rates[90] - 0.55).abs() < 1e-12, "{shape:?}");
            assert!((rates[100] - 0.1).abs() < 1e-12, "{shape:?}");
        }
    }

    #[test]
    fn a_run_is_extended_on_its_plateau_alone() {
        let recipe = recipe(Some(Decay {
            shape: DecayShape::Linear,
            share: 0.2,
        }));
        let (short, long) = (Schedule::new(&recipe, 100), Schedule::new(&recipe, 200));
        long.continues(Some(short), 80).unwrap();
        short.continues(Some(long), 80).unwrap();
        short.continues(Some(short), 95).unwrap();
        long.continues(None, 95).unwrap();
        let error = long.continues(Some(short), 81).unwrap_err().to_string();
        assert!(error.contains("`tokens`"), "{error}");
    }
}
