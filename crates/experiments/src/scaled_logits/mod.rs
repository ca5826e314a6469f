//! Is tuning just scaled logits? The one scale of the base's logits that comes nearest to a tuned model, and how much it leaves.
//!
//! Along chains sampled from the tuned model, `KL(tuned || softmax(g z_base))` is taken exactly at every token, over the whole
//! vocabulary. Its minimum over `g` is found for every token by itself and for all tokens together; the second is the
//! claim, the first is the best that any rule for a temperature could reach. What is explained is `1 - Σ KL_g / Σ KL_1`.
//!
//! The scale is fitted on every other opening of each group and judged on the ones between, which it has not seen, and on a group
//! far from stories. Tokens of a text hang together, so intervals are over openings; those of shares and divergences take the
//! fitted scale as given.

mod controls;
mod explained;
mod figures;
mod fit;
mod sharpening;

use decoding::{LanguageModel, Shaping};
use statistics::rank_correlation;

use crate::config::{RunConfig, Stream};
use crate::info::{ExperimentInfo, Requires};
use crate::inputs::Inputs;
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::results::{Condition, Control};
use crate::sampling::{SamplingPlan, sample_chains};
use crate::study::{Conclusion, Experiment, Study};
use crate::table::{Row, Table};
use explained::{ENOUGH, EXPLAINED_UNSEEN, tenths};
use fit::{Contrast, Curve};

/// The experiment.
#[derive(Debug)]
pub struct ScaledLogits;

/// The group that is out of distribution.
const FAR: &str = "far";
/// Tokens between two checkpoints.
const TOKENS_PER_CHECKPOINT: usize = 8;

/// How well the first logits, scaled, imitate the second.
type Compare = fn(&[f32], &[f32]) -> Contrast;

/// How alike the orders of two rows are.
type Order = fn(&[f32], &[f32]) -> Option<f64>;

/// What an opening is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The scale is fitted to it.
    Fit,
    /// Of the same groups, and not fitted to.
    Unseen,
    /// Of the group far from stories, and not fitted to.
    Far,
}

/// All positions of all chains behind one opening.
#[derive(Debug)]
struct Unit {
    group: usize,
    part: Part,
    /// The base scaled, against the tuned model.
    there: Curve,
    /// The tuned model scaled, against the base.
    back: Curve,
    /// The best scale of every position, and its divergence in nats.
    own: Vec<(f64, f64)>,
    /// The sum of rank correlations, and of how many positions.
    ranks: (f64, usize),
}

impl Unit {
    /// Divergence at one scale, summed over positions, nats.
    fn nats(&self, scale: f64) -> f64 {
        self.there.kl_nats(scale)
    }

    fn positions(&self) -> f64 {
        self.there.positions as f64
    }
}

/// One opening, and how its texts are sampled and compared.
struct Plan<'a> {
    /// Which of its group's openings.
    round: usize,
    group: usize,
    part: Part,
    opening: &'a str,
    sampling: SamplingPlan,
    compare: Compare,
    order: Order,
}

impl Experiment for ScaledLogits {
    const INFO: ExperimentInfo = ExperimentInfo {
        name: "scaled-logits",
        title: "Is tuning just scaled logits?",
        claim: "What tuning does to a model is to scale up its logits, as a lower temperature would.",
        source: "A reader's comment under \"Mysteries of mode collapse\" (janus, 2022); for rewards that grow with ln p, Verbalized Sampling, \
                 arXiv 2510.01171",
        method: "We look for the one number that, multiplying the base's logits, best imitates the tuned model: along texts sampled from \
                 the tuned model at temperature 1, whatever your temperature is, by Newton's method, for every token and for all together. \
                 The one number is then tried on openings that it was not fitted to, and far from stories.",
        to_try: "Choose an adapter, then move λ to 0.5 or 1.5, and see whether less or more tuning looks more like a temperature. \
                 Then compare Wedding with Raters or Spread.",
        shows: "How much of the change from base to tuned model one temperature can imitate on these texts, and how much it cannot, \
                in nats per token.",
        does_not_show: "That a temperature would give the same texts: even where every token is near, whole texts can differ, as the toy \
                        of three letters shows. Nor what larger models or other rewards do.",
        needs: Requires {
            quick: &["wedding"],
            full: &[
                "wedding",
                "wedding-kl-2",
                "wedding-kl-6",
                "wedding-kl-12",
                "wedding-kl-24",
                "wedding-kl-40",
                "helper",
                "raters",
                "spread",
            ],
        },
    };

    async fn controls(
        _inputs: &Inputs,
        _progress: &mut impl RunProgress,
    ) -> Result<Vec<Control>, ExperimentError> {
        controls::controls(&controls::Estimators::default()).await
    }

    async fn measure<M: LanguageModel>(
        study: &mut Study<'_, M, impl RunProgress>,
    ) -> Result<(), ExperimentError> {
        let (toy, sharpening) = figures::sharpening();
        study.results.figures = figures::figures(study.inputs, sharpening);
        study.results.results = toy.clone();
        let plans = plans(study.inputs, study.config);
        let seed = study.config.seed_of(Stream::Interval);
        let policies = study.policies().split_off(1);
        study.expect(plans.len() * policies.len());
        let mut finished = Table::default();
        for policy in policies {
            let mut units = Vec::new();
            let mut own = Table::default();
            for (place, plan) in plans.iter().enumerate() {
                units.push(contrast(policy.base(), &policy, plan, study.progress).await?);
                let after = plans.get(place + 1);
                if after.is_none_or(|after| after.round != plan.round) {
                    study.checkpoint().await?;
                    own = Table::default();
                    let fitted =
                        explained::add_to_table(&mut own, policy.name, study.inputs, &units, seed);
                    figures::draw_over(&mut study.results.figures, policy.name, &own, fitted);
                    study.results.results = finished.clone();
                    study
                        .results
                        .results
                        .extend(own.iter().chain(toy.iter()).cloned());
                }
                study.unit_done();
            }
            finished.extend(own.iter().cloned());
        }
        Ok(())
    }

    /// Supported where one scale explains enough on unseen openings for every tuned model, by the interval's low end; not where it
    /// does not for some, by the high end.
    fn conclude(table: &Table, subjects: &[String]) -> Option<Conclusion> {
        let claim = format!("one scale explains at least {ENOUGH:.0} % for every tuned model");
        let (mut words, mut values, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for subject in subjects.iter().skip(1) {
            let row = Row::of(subject);
            let found = table.value(&row, &EXPLAINED_UNSEEN);
            let found = found.zip(table.interval(&row, &EXPLAINED_UNSEEN));
            ends.push(found.map(|(_, ends)| ends));
            if let Some((value, (low, high))) = found {
                let [value_said, low, high] = [value, low, high].map(tenths);
                words.push(format!("{subject} {value_said} % ({low} to {high})"));
                values.push(value);
            }
        }
        let some_below = ends.iter().flatten().any(|(_, high)| *high < ENOUGH);
        let above = |ends: &Option<(f64, f64)>| ends.is_some_and(|(low, _)| low >= ENOUGH);
        let all_above = !ends.is_empty() && ends.iter().all(above);
        let holds = if some_below {
            Some(false)
        } else {
            all_above.then_some(true)
        };
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let (answer, why) = if values.is_empty() {
            let none = "no tuned model here differs from the base.".to_owned();
            (none.clone(), none)
        } else {
            let answer = match holds {
                Some(true) => format!(
                    "scaling the base's logits reproduces at least {} % of what tuning did.",
                    tenths(least)
                ),
                Some(false) if least < most => format!(
                    "scaling the base's logits reproduces between {} % and {} % of what tuning did.",
                    tenths(least),
                    tenths(most)
                ),
                _ => format!(
                    "scaling the base's logits reproduces {} % of what tuning did.",
                    tenths(most)
                ),
            };
            let why = format!(
                "On new openings one scale explains this share of the KL divergence: {}. The claim counts as supported from \
                 {ENOUGH:.0} % for every tuned model, by the interval's low end.",
                words.join(", ")
            );
            (answer, why)
        };
        Some(Conclusion {
            answer,
            conditions: vec![Condition::new(claim, holds)],
            why,
        })
    }
}

/// Openings round by round, one of each group a round, so that early reports are of all groups.
fn plans<'a>(inputs: &'a Inputs, config: &RunConfig) -> Vec<Plan<'a>> {
    let (per_group, chains, length) = config.size.of((6, 1, 64), (16, 4, 128));
    let mut seen = vec![0_usize; inputs.openings.len()];
    let mut plans: Vec<Plan<'a>> = Vec::new();
    for (place, (group, opening)) in inputs.openings(per_group).into_iter().enumerate() {
        let round = seen[group];
        seen[group] += 1;
        let part = if inputs.openings[group].name == FAR {
            Part::Far
        } else if round.is_multiple_of(2) {
            Part::Fit
        } else {
            Part::Unseen
        };
        let sampling = SamplingPlan {
            shaping: Shaping::default(),
            // The same random draws for every model.
            seed: config.seed_of(Stream::Unit(place)),
            chains,
            length,
        };
        plans.push(Plan {
            round,
            group,
            part,
            opening,
            sampling,
            compare: Contrast::of,
            order: in_order,
        });
    }
    plans.sort_by_key(|plan| plan.round);
    plans
}

/// Samples chains from the tuned model, and compares the two at every place where a token was picked.
async fn contrast<B: LanguageModel, T: LanguageModel>(
    base: &B,
    tuned: &T,
    plan: &Plan<'_>,
    progress: &mut impl RunProgress,
) -> Result<Unit, ExperimentError> {
    let mut unit = Unit {
        group: plan.group,
        part: plan.part,
        there: Curve::none(),
        back: Curve::none(),
        own: Vec::new(),
        ranks: (0.0, 0),
    };
    let prompt = tuned.encode(plan.opening).map_err(ExperimentError::model)?;
    for chain in sample_chains(tuned, &prompt, &plan.sampling, progress).await? {
        let mut tokens = [prompt.as_slice(), &chain.tokens].concat();
        if !chain.ended {
            // The row behind the last token was not used.
            tokens.pop();
        }
        checkpoint(progress).await?;
        let of_tuned = tuned
            .logits(&tokens)
            .await
            .map_err(ExperimentError::model)?;
        checkpoint(progress).await?;
        let of_base = base.logits(&tokens).await.map_err(ExperimentError::model)?;
        let pairs = of_base.iter().zip(&of_tuned).skip(prompt.len() - 1);
        for (place, (base, tuned)) in pairs.enumerate() {
            if place % TOKENS_PER_CHECKPOINT == 0 {
                checkpoint(progress).await?;
            }
            let forward = (plan.compare)(base, tuned);
            let scale = forward.best();
            unit.own.push((scale, forward.kl_nats(scale)));
            unit.there.add(&forward.curve());
            unit.back.add(&(plan.compare)(tuned, base).curve());
            if let Some(correlation) = (plan.order)(base, tuned) {
                unit.ranks.0 += correlation;
                unit.ranks.1 += 1;
            }
        }
    }
    Ok(unit)
}

/// Rank correlation over the tokens that either row allows.
fn in_order(base: &[f32], tuned: &[f32]) -> Option<f64> {
    let pairs = base.iter().zip(tuned);
    let allowed = pairs.filter(|(base, tuned)| base.is_finite() || tuned.is_finite());
    let (base, tuned): (Vec<f32>, Vec<f32>) = allowed.unzip();
    rank_correlation(&base, &tuned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{ExperimentResults, Outcome};
    use crate::testing::{self, inputs, subject};
    use crate::{Size, Toy};

    /// A Markov chain over three letters, its probabilities raised to a power.
    fn letters(power: f64) -> Toy {
        Toy::new(move |text| {
            let row = match text.last() {
                Some(b'a') => [0.5, 0.3, 0.2],
                Some(b'b') => [0.1, 0.7, 0.2],
                _ => [0.6, 0.1, 0.3],
            };
            let powers = row.map(|p: f64| p.powf(power));
            let sum: f64 = powers.iter().sum();
            let bytes = [Some(b'a'), Some(b'b'), Some(b'c')];
            bytes.into_iter().zip(powers.map(|p| p / sum)).collect()
        })
    }

    /// Turns towards one letter, whatever the base thinks.
    fn fond() -> Toy {
        Toy::new(|_| vec![(Some(b'a'), 0.2), (Some(b'b'), 0.1), (Some(b'c'), 0.7)])
    }

    fn found(tuned: &Toy, lambda: f64) -> ExperimentResults {
        let base = letters(1.0);
        let config = RunConfig {
            lambda,
            ..RunConfig::plain(Size::Quick)
        };
        let subjects = [subject("base", &base), subject("tuned", tuned)];
        testing::found::<ScaledLogits>(&subjects, &inputs(), &config)
    }

    #[test]
    fn a_scaled_model_is_told_from_one_with_a_taste() {
        let scaled = found(&letters(1.7), 1.0);
        assert!((scaled.value("tuned.gamma").unwrap() - 1.7).abs() < 1e-5);
        assert!(scaled.value("tuned.explained.unseen").unwrap() > 99.99);
        assert!((scaled.value("tuned.temperature-to-base").unwrap() - 1.7).abs() < 1e-5);
        assert_eq!(scaled.verdict.unwrap().answer, Outcome::Supported);
        assert_eq!(scaled.figures.len(), 3);

        let fond = found(&fond(), 1.0);
        assert!(fond.value("tuned.explained.unseen").unwrap() < 50.0);
        assert!(fond.value("tuned.rank-correlation").unwrap() < 0.5);
        assert_eq!(fond.verdict.unwrap().answer, Outcome::NotSupported);
        let interval = fond.results.iter().find(|one| one.key == "tuned.kl");
        let interval = interval.unwrap();
        assert!(interval.low < interval.value && interval.value < interval.high);
        // Three of six openings in three groups.
        assert_eq!(interval.samples, 9);
    }

    /// Halfway to a model scaled by 3 is one scaled by 2, and at 0 there is nothing to explain.
    #[test]
    fn lambda_moves_the_scale() {
        let half = found(&letters(3.0), 0.5);
        assert!((half.value("tuned.gamma").unwrap() - 2.0).abs() < 1e-5);
        let none = found(&letters(3.0), 0.0);
        assert_eq!(none.value("tuned.explained.unseen"), None);
        assert_eq!(none.verdict.unwrap().answer, Outcome::Undecided);
    }

    #[test]
    fn the_base_alone_decides_nothing() {
        let base = letters(1.0);
        let subjects = [subject("base", &base)];
        let config = RunConfig::plain(Size::Quick);
        let found = testing::found::<ScaledLogits>(&subjects, &inputs(), &config);
        assert_eq!(found.verdict.unwrap().answer, Outcome::Undecided);
    }
}
