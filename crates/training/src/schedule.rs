//! Learning rate by step: linear warm-up, then cosine decay (Loshchilov and Hutter, arXiv 1608.03983).

use std::f64::consts::PI;

use crate::recipe::OptimizerRecipe;

/// The learning rate of step `step` (from 0) of `steps`.
pub fn learning_rate(recipe: &OptimizerRecipe, step: usize, steps: usize) -> f64 {
    if step < recipe.warm_up_steps {
        return recipe.learning_rate * (step + 1) as f64 / recipe.warm_up_steps as f64;
    }
    let decaying = steps.saturating_sub(recipe.warm_up_steps).max(1);
    let done = (step - recipe.warm_up_steps) as f64 / decaying as f64;
    let share = 0.5 * (1.0 + (PI * done.min(1.0)).cos());
    recipe.last_learning_rate + (recipe.learning_rate - recipe.last_learning_rate) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> OptimizerRecipe {
        OptimizerRecipe {
            learning_rate: 1.0,
            last_learning_rate: 0.1,
            warm_up_steps: 10,
            beta_1: 0.9,
            beta_2: 0.99,
            epsilon: 1e-8,
            weight_decay: 0.1,
            clip_norm: 1.0,
        }
    }

    #[test]
    fn it_warms_up_and_decays() {
        let rates: Vec<f64> = (0..100)
            .map(|step| learning_rate(&recipe(), step, 100))
            .collect();
        assert!((rates[0] - 0.1).abs() < 1e-12);
        assert!((rates[10] - 1.0).abs() < 1e-12);
        assert!(rates[..10].windows(2).all(|pair| pair[0] < pair[1]));
        assert!(rates[10..].windows(2).all(|pair| pair[0] > pair[1]));
        assert!((learning_rate(&recipe(), 100, 100) - 0.1).abs() < 1e-12);
    }
}
