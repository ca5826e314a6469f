//! Gradient ascent on rewards over a handful of outcomes, and where it must end.
//!
//! Of `q = softmax(theta)` the objective is `E_q[r] - beta KL(q || p) + tau H(q)`. The last term is the expectation of a reward
//! that sees the distribution, `-tau ln q(y)`: what is said more rarely is worth more. With
//! `a = r - beta ln (q / p) - tau ln q` the gradient is `q_i (a_i - E_q[a])`, the same whether or not `ln q` is held while `q`
//! moves, since the expectation of its own gradient is 0.
//!
//! The objective is concave in `q`, and its maximum is `q ~ p^(beta / (beta + tau)) exp(r / (beta + tau))`. At `tau = 0` that is
//! `p exp(r / beta) / Z` (Korbak, Perez and Buckley, arXiv 2205.11275), which as `beta` falls to 0 leaves nothing but the
//! outcomes of highest reward; at `beta = 0` it is `exp(r / tau) / Z`, which never does.

use crate::answers::entropy_bits;

/// Steps of an ascent, each of size 1.
pub(super) const STEPS: u32 = 1 << 14;

/// What is maximised.
#[derive(Clone, Copy, Debug)]
pub(super) struct Objective<'a> {
    /// Probabilities of the base, none 0.
    pub(super) base: &'a [f64],
    /// The reward of each outcome, within 0 to 1.
    pub(super) reward: &'a [f64],
    /// Reward that a nat away from the base costs.
    pub(super) beta: f64,
    /// Reward that a nat of surprise earns.
    pub(super) tau: f64,
}

/// The slope of an objective in the parameters, at probabilities.
pub(super) type Gradient = fn(&Objective<'_>, &[f64]) -> Vec<f64>;

/// The way up.
#[derive(Clone, Debug)]
pub(super) struct Ascent {
    /// Entropy in bits after so many steps: none, then powers of 2.
    pub(super) entropy: Vec<(u32, f64)>,
    /// Where it ended.
    pub(super) end: Vec<f64>,
}

impl Objective<'_> {
    /// Where every ascent must end. Where neither distance nor surprise counts, the outcomes of highest reward as the base has
    /// them: the limit of small `beta`.
    pub(super) fn optimum(&self) -> Vec<f64> {
        let weight = self.beta + self.tau;
        let best = self
            .reward
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let pairs = self.base.iter().zip(self.reward);
        let weights: Vec<f64> = pairs
            .map(|(p, r)| {
                if weight > 0.0 {
                    p.powf(self.beta / weight) * ((r - best) / weight).exp()
                } else if *r == best {
                    *p
                } else {
                    0.0
                }
            })
            .collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }
}

/// The exact gradient.
pub(super) fn gradient(objective: &Objective<'_>, q: &[f64]) -> Vec<f64> {
    let Objective {
        base,
        reward,
        beta,
        tau,
    } = *objective;
    let advantage: Vec<f64> = q
        .iter()
        .zip(base)
        .zip(reward)
        // What can no longer be said in f64 has no slope.
        .map(|((q, p), r)| {
            if *q > 0.0 {
                r - beta * (q / p).ln() - tau * q.ln()
            } else {
                0.0
            }
        })
        .collect();
    let mean: f64 = q.iter().zip(&advantage).map(|(q, a)| q * a).sum();
    let pairs = q.iter().zip(&advantage);
    pairs.map(|(q, a)| q * (a - mean)).collect()
}

/// Climbs from some probabilities, none of them 0.
pub(super) fn ascend(objective: &Objective<'_>, start: &[f64], gradient: Gradient) -> Ascent {
    let mut parameters: Vec<f64> = start.iter().map(|p| p.ln()).collect();
    let mut end = start.to_vec();
    let mut entropy = vec![(0, entropy_bits(&end))];
    for step in 1..=STEPS {
        for (parameter, slope) in parameters.iter_mut().zip(gradient(objective, &end)) {
            *parameter += slope;
        }
        end = softmax(&parameters);
        if step.is_power_of_two() {
            entropy.push((step, entropy_bits(&end)));
        }
    }
    Ascent { entropy, end }
}

fn softmax(parameters: &[f64]) -> Vec<f64> {
    let peak = parameters.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights = parameters.iter().map(|parameter| (parameter - peak).exp());
    let weights: Vec<f64> = weights.collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: [f64; 3] = [0.5, 0.3, 0.2];
    const REWARD: [f64; 3] = [0.0, 1.0, 0.5];

    fn objective(beta: f64, tau: f64) -> Objective<'static> {
        Objective {
            base: &BASE,
            reward: &REWARD,
            beta,
            tau,
        }
    }

    /// The objective's value, written out.
    fn value(objective: &Objective<'_>, q: &[f64]) -> f64 {
        let places = q.iter().zip(objective.base).zip(objective.reward);
        places
            .map(|((q, p), r)| q * (r - objective.beta * (q / p).ln() - objective.tau * q.ln()))
            .sum()
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_value() {
        let objective = objective(0.3, 0.2);
        let parameters = [0.1, -0.4, 0.7];
        let found = gradient(&objective, &softmax(&parameters));
        for place in 0..3 {
            let at = |by: f64| {
                let mut moved = parameters;
                moved[place] += by;
                value(&objective, &softmax(&moved))
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((found[place] - slope).abs() < 1e-8, "{place}");
        }
    }

    /// Of the tilted distribution, `KL = E_q[r] / beta - ln Z`, and no neighbour is worth more.
    #[test]
    fn the_optimum_is_one() {
        for (beta, tau) in [(1.0, 0.0), (0.2, 0.0), (0.2, 0.3), (0.0, 0.3)] {
            let objective = objective(beta, tau);
            let best = objective.optimum();
            let slopes = gradient(&objective, &best);
            assert!(slopes.iter().all(|slope| slope.abs() < 1e-12), "{slopes:?}");
            let moved = [best[0] + 1e-3, best[1] - 1e-3, best[2]];
            assert!(value(&objective, &moved) < value(&objective, &best));
        }
        assert_eq!(objective(0.0, 0.0).optimum(), [0.0, 1.0, 0.0]);
    }
}
