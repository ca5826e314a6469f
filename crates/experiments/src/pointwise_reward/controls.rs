//! Where ascents must end: at the closed forms, at one outcome, or back at the base.

use decoding::total_variation;

use super::ascent::{Gradient, Objective, ascend};
use super::toy::{BASE, BETAS, Climb, TASTES, TAU, objective};
use crate::results::Control;

/// How far an ascent may be from its end after its last step. The slowest is that without any penalty, which comes nearer as one
/// over the number of steps (Mei et al., arXiv 2005.06392).
const NEAR: f64 = 1e-3;

/// All ascents, as the figures show them, against their closed forms; and one that must come back.
pub(super) fn controls(climbed: &[Climb], gradient: Gradient) -> Vec<Control> {
    let mut controls: Vec<Control> = climbed
        .iter()
        .map(|Climb { beta, tau, ascent }| Control {
            name: if *tau == 0.0 {
                format!("pointwise, beta {beta}")
            } else {
                format!("sees the distribution, beta {beta}")
            },
            about: format!(
                "Gradient ascent ends at the closed form: total variation after the last step. A slope falls with what is left, so \
                 the end is reached to within {NEAR} only."
            ),
            expected: 0.0,
            found: total_variation(&ascent.end, &objective(*beta, *tau).optimum()),
            tolerance: NEAR,
        })
        .collect();
    let single = climbed.iter().find(|one| one.beta == 0.0 && one.tau == 0.0);
    controls.extend(single.map(|Climb { ascent, .. }| {
        Control {
            name: "one outcome".to_owned(),
            about: "Without any penalty all probability goes to the one outcome of highest reward."
                .to_owned(),
            expected: 1.0,
            found: ascent.end[6],
            tolerance: NEAR,
        }
    }));
    let even = Objective {
        reward: &[0.5; 10],
        ..objective(BETAS[0], 0.0)
    };
    // Not from the base, where it would not have to move: from the tilted distribution.
    let away = objective(0.3, 0.0).optimum();
    controls.push(Control {
        name: "an even reward".to_owned(),
        about: "Where every outcome has the same reward only the penalty counts, so ascent from a collapsed start goes back to the base."
            .to_owned(),
        expected: 0.0,
        found: total_variation(&ascend(&even, &away, gradient).end, &BASE),
        tolerance: NEAR,
    });
    let unbiased = Objective {
        base: &[0.1; 10],
        reward: &[0.5; 10],
        beta: 0.0,
        tau: TAU,
    };
    controls.push(Control {
        name: "an even reward that sees the distribution".to_owned(),
        about: "Where only surprise is rewarded the end is even: log2 10 bits.".to_owned(),
        expected: (TASTES.len() as f64).log2(),
        found: crate::answers::entropy_bits(&ascend(&unbiased, &away, gradient).end),
        tolerance: NEAR,
    });
    controls
}

#[cfg(test)]
mod tests {
    use super::super::ascent::gradient;
    use super::super::toy::climbs;
    use super::*;

    fn failed(slope: Gradient) -> Vec<String> {
        let climbed: Vec<Climb> = climbs()
            .map(|(beta, tau)| Climb::up(beta, tau, slope))
            .collect();
        let controls = controls(&climbed, slope);
        assert_eq!(controls.len(), 2 * BETAS.len() + 3);
        let failed = controls.into_iter().filter(|control| !control.passed());
        failed.map(|control| control.name).collect()
    }

    #[test]
    fn the_controls_pass() {
        assert_eq!(failed(gradient), Vec::<String>::new());
    }

    /// Without the penalty every pointwise reward ends at one outcome, whatever beta is, and nothing goes back to the base.
    #[test]
    fn the_controls_fail_when_the_penalty_is_forgotten() {
        let failed = failed(|objective, q| {
            let without = Objective {
                beta: 0.0,
                ..*objective
            };
            gradient(&without, q)
        });
        for name in [
            "pointwise, beta 1",
            "pointwise, beta 0.1",
            "sees the distribution, beta 1",
            "an even reward",
        ] {
            assert!(failed.iter().any(|one| one == name), "{name}: {failed:?}");
        }
    }

    #[test]
    fn the_controls_fail_when_the_reward_does_not_see_the_distribution() {
        let failed = failed(|objective, q| {
            let blind = Objective {
                tau: 0.0,
                ..*objective
            };
            gradient(&blind, q)
        });
        let seeing = failed.iter().filter(|name| name.contains("distribution"));
        assert_eq!(seeing.count(), BETAS.len() + 1, "{failed:?}");
        assert!(!failed.iter().any(|name| name.starts_with("pointwise")));
    }

    /// Turned around, the way leads to the outcomes of least reward.
    #[test]
    fn the_controls_fail_when_the_way_is_down() {
        let failed = failed(|objective, q| {
            let turned: Vec<f64> = objective.reward.iter().map(|r| -r).collect();
            let turned = Objective {
                reward: &turned,
                ..*objective
            };
            gradient(&turned, q)
        });
        // Equal rewards stay equal.
        assert_eq!(failed.len(), 2 * BETAS.len() + 1, "{failed:?}");
        assert!(failed.contains(&"one outcome".to_owned()));
    }
}
