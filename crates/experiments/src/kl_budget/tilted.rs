//! The control: a toy of nine two-letter completions, tuned exactly as theory says.
//!
//! Under a price `beta` on divergence the best policy is the tilted distribution `q(y) = p(y) exp(r(y) / beta) / Z` (Korbak, Perez
//! and Buckley, arXiv 2205.11275), with `KL(q || p) = E_q[r] / beta - ln Z` and `d E_q[r] / d(1/beta) = Var_q[r]`. The judges' own
//! worth `g` is not the reward: the best budget is then between none and all, and a lower one where three samples are shown.

use decoding::{LanguageModel, Shaping};

use super::judges::{BestOf, best_by};
use crate::policy::Policy;
use crate::progress::{ExperimentError, RunProgress};
use crate::sampling::{SamplingPlan, sample_chains};
use crate::{Control, Subject, Toy};

/// The base's probabilities, in 36ths.
const BASE: [f64; 9] = [1.0, 3.0, 2.0, 3.0, 8.0, 7.0, 2.0, 6.0, 4.0];
/// What is paid for each completion.
const REWARD: [f64; 9] = [0.0, 0.0, 1.0, 4.0, 0.0, 2.0, 0.0, 0.0, 0.0];
/// What each is worth to a judge.
const WORTH: [f64; 9] = [0.3, 0.1, 0.9, 0.5, 0.2, 1.0, 0.6, 0.0, 0.1];
/// `1 / beta` of the budgets that are compared.
const TILTS: [f64; 5] = [0.0, 0.5, 1.0, 2.0, 4.0];
/// The tilt of the controls of a single budget.
const TILT: f64 = 1.0;
/// Completions drawn at each tilt.
const CHAINS: usize = 1000;
/// Completions whose divergence is measured.
const MEASURED: usize = 200;

/// The tilted distribution.
struct Tilted {
    q: [f64; 9],
    log_z: f64,
}

impl Tilted {
    fn at(tilt: f64) -> Self {
        let all: f64 = BASE.iter().sum();
        let mut q = [0.0; 9];
        for (place, q) in q.iter_mut().enumerate() {
            *q = BASE[place] / all * (tilt * REWARD[place]).exp();
        }
        let z: f64 = q.iter().sum();
        Self {
            q: q.map(|mass| mass / z),
            log_z: z.ln(),
        }
    }

    fn mean(&self, of: &[f64; 9]) -> f64 {
        self.q.iter().zip(of).map(|(q, value)| q * value).sum()
    }

    /// `E_q[r] / beta - ln Z`.
    fn nats(&self, tilt: f64) -> f64 {
        tilt * self.mean(&REWARD) - self.log_z
    }

    /// `V_k` by enumeration: the best worth is `w` or less exactly if all k are.
    fn best_of(&self, k: i32) -> f64 {
        let mut order: Vec<usize> = (0..9).collect();
        order.sort_by(|&one, &other| WORTH[one].total_cmp(&WORTH[other]));
        let (mut sum, mut below) = (0.0, 0.0);
        for place in order {
            let up_to: f64 = below + self.q[place];
            sum += WORTH[place] * (up_to.powi(k) - f64::powi(below, k));
            below = up_to;
        }
        sum
    }

    /// A model that writes completion `3 a + b` as two letters.
    fn model(&self) -> Toy {
        let q = self.q;
        Toy::new(move |text| {
            let letters = [b'a', b'b', b'c'];
            let said: Vec<usize> = text
                .get(1..)
                .unwrap_or_default()
                .iter()
                .map(|byte| usize::from(byte - b'a'))
                .collect();
            let rows = |first: usize| &q[3 * first..3 * first + 3];
            match said.as_slice() {
                [] => letters
                    .iter()
                    .enumerate()
                    .map(|(first, &byte)| (Some(byte), rows(first).iter().sum()))
                    .collect(),
                [first] => {
                    let all: f64 = rows(*first).iter().sum();
                    letters
                        .iter()
                        .zip(rows(*first))
                        .map(|(&byte, q)| (Some(byte), q / all))
                        .collect()
                }
                _ => Vec::new(),
            }
        })
    }
}

/// What the controls check, so that a test may break it.
#[derive(Clone, Copy)]
pub struct Estimators {
    /// The best of k samples.
    pub best: BestOf,
    /// How many times the tilt that it should have the model under test has.
    pub sharpness: f64,
}

/// The measured divergence, the slope of the reward, the best of k, and which budget is best, each against enumeration.
///
/// # Errors
/// When the run is cancelled.
pub async fn controls(
    estimators: &Estimators,
    progress: &mut impl RunProgress,
) -> Result<Vec<Control>, ExperimentError> {
    let mut found: Vec<AtTilt> = Vec::new();
    for (part, tilt) in TILTS.into_iter().enumerate() {
        found.push(AtTilt::at(tilt, part, estimators, progress).await?);
    }
    let known = TILTS.map(Tilted::at);
    let chosen = TILTS
        .iter()
        .position(|tilt| *tilt == TILT)
        .expect("it is one of them");
    let step = 1e-4;
    let reward = |tilt: f64| Tilted::at(estimators.sharpness * tilt).mean(&REWARD);
    let squares = REWARD.map(|reward| reward * reward);
    let variance = known[chosen].mean(&squares) - known[chosen].mean(&REWARD).powi(2);
    let mut controls = vec![
        Control {
            name: "divergence of a tilted toy".to_owned(),
            about: format!(
                "Measured on {MEASURED} completions of q = p exp(r / beta) / Z, beta = 1, it is E[r] / beta - ln Z to within four \
                 standard errors."
            ),
            expected: known[chosen].nats(TILT),
            found: found[chosen].nats.mean,
            tolerance: 4.0 * found[chosen].nats.standard_error.unwrap_or(0.0),
        },
        Control {
            name: "slope of the reward".to_owned(),
            about: "By a finite difference of a ten-thousandth, d E[r] / d(1 / beta) is the variance of the reward; the difference \
                    is off by the square of its step."
                .to_owned(),
            expected: variance,
            found: (reward(TILT + step) - reward(TILT - step)) / (2.0 * step),
            tolerance: 1e-6,
        },
    ];
    for (place, k) in [1, 3].into_iter().enumerate() {
        controls.push(Control {
            name: format!("the best of {k}"),
            about: format!(
                "Worth of the best of {k} of {CHAINS} drawn completions against enumeration; four standard errors of a mean of so \
                 many, taken in twentieths of {CHAINS}."
            ),
            expected: known[chosen].best_of(k),
            found: found[chosen].best[place].mean,
            tolerance: 4.0 * found[chosen].best[place].standard_error.unwrap_or(0.0),
        });
    }
    // Nats of the best budget, by what is known and by what is drawn.
    let nats = |place: usize| known[place].nats(TILTS[place]);
    let by_known = |k| nats(place_of_largest(known.iter().map(|one| one.best_of(k))));
    let by_drawn = |at: usize| nats(place_of_largest(found.iter().map(|one| one.best[at].mean)));
    for (place, k) in [1, 3].into_iter().enumerate() {
        controls.push(Control {
            name: format!("the best budget for {k}"),
            about: format!("The divergence, in nats, of that of five budgets whose best of {k} is worth most: by enumeration and by draws."),
            expected: by_known(k),
            found: by_drawn(place),
            tolerance: 1e-9,
        });
    }
    controls.push(Control {
        name: "the shift of the best budget".to_owned(),
        about: "On this toy a judge who is shown three is served best by a smaller budget than one who is shown one, by so many \
                nats."
            .to_owned(),
        expected: by_known(1) - by_known(3),
        found: by_drawn(0) - by_drawn(1),
        tolerance: 1e-9,
    });
    Ok(controls)
}

/// What the estimators make of one tilt.
struct AtTilt {
    nats: statistics::Mean,
    /// Of one and of three.
    best: [statistics::Mean; 2],
}

impl AtTilt {
    async fn at(
        tilt: f64,
        part: usize,
        estimators: &Estimators,
        progress: &mut impl RunProgress,
    ) -> Result<Self, ExperimentError> {
        let base = Tilted::at(0.0).model();
        let tuned = Tilted::at(estimators.sharpness * tilt).model();
        let prompt = base.encode(":").map_err(ExperimentError::model)?;
        let plan = SamplingPlan {
            shaping: Shaping::default(),
            seed: part as u64,
            chains: CHAINS,
            length: 2,
        };
        let subject = Subject {
            name: "tilted",
            budget_nats: None,
            model: &tuned,
        };
        let policy = Policy::of(&base, &subject, 1.0);
        let chains = sample_chains(&policy, &prompt, &plan, progress).await?;
        let mut nats = Vec::new();
        for chain in chains.iter().take(if tilt == TILT { MEASURED } else { 1 }) {
            nats.push(policy.kl_from_base_nats(&prompt, chain, progress).await?);
        }
        let worths: Vec<f64> = chains
            .iter()
            .map(|chain| WORTH[completion(&chain.text)])
            .collect();
        let best = [1, 3].map(|k| {
            // Twenty independent estimates, so that their spread says how sure their mean is.
            let parts = worths.chunks(CHAINS / 20);
            let values: Vec<f64> = parts
                .map(|part| best_by(part.iter().copied(), k, estimators.best))
                .collect();
            statistics::Mean::of(&values).expect("there are twenty")
        });
        Ok(Self {
            nats: statistics::Mean::of(&nats).expect("at least one is measured"),
            best,
        })
    }
}

/// The number of the completion that two letters write.
fn completion(text: &str) -> usize {
    text.bytes()
        .fold(0, |number, byte| 3 * number + usize::from(byte - b'a'))
}

/// The first of the largest.
fn place_of_largest(values: impl Iterator<Item = f64>) -> usize {
    let values = values.enumerate();
    let best = values.fold((0, f64::NEG_INFINITY), |best, one| {
        if one.1 > best.1 { one } else { best }
    });
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::best_of::expected_best;

    fn failed(estimators: Estimators) -> Vec<String> {
        let controls = pollster::block_on(controls(&estimators, &mut crate::Unobserved)).unwrap();
        assert_eq!(controls.len(), 7);
        let failed = controls.iter().filter(|control| !control.passed());
        failed.map(|control| control.name.clone()).collect()
    }

    const RIGHT: Estimators = Estimators {
        best: expected_best,
        sharpness: 1.0,
    };

    #[test]
    fn the_controls_pass() {
        assert_eq!(failed(RIGHT), Vec::<String>::new());
        let known = TILTS.map(Tilted::at);
        let best = |k| place_of_largest(known.iter().map(|one| one.best_of(k)));
        assert_eq!((best(1), best(3)), (2, 1), "both are between none and all");
        assert!((known[2].nats(1.0) - kl(&known[2].q, &known[0].q)).abs() < 1e-12);
    }

    fn kl(q: &[f64], p: &[f64]) -> f64 {
        decoding::kl_nats(q, p)
    }

    /// A best of k that shows only one is noticed, and so is a policy that is tilted too far.
    #[test]
    fn the_controls_fail_when_an_estimator_is_broken() {
        let one = Estimators {
            best: |samples, _| expected_best(samples, 1),
            ..RIGHT
        };
        assert_eq!(
            failed(one),
            [
                "the best of 3",
                "the best budget for 3",
                "the shift of the best budget"
            ]
        );
        let sharp = Estimators {
            sharpness: 1.5,
            ..RIGHT
        };
        let failed = failed(sharp);
        for name in ["divergence of a tilted toy", "slope of the reward"] {
            assert!(failed.iter().any(|one| one == name), "{failed:?}");
        }
    }
}
