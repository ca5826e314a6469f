//! Is tuning just scaled logits? The one scale of the base's logits that comes nearest to a tuned model, and how much it leaves.
//!
//! Along chains drawn from the tuned model, `KL(tuned || softmax(g z_base))` is taken exactly at every position, over the whole
//! vocabulary. Its minimum over `g` is found for every position by itself and for all positions together; the second is the
//! claim, the first is the best that any rule for a temperature could reach. What is explained is `1 - Σ KL_g / Σ KL_1`.
//!
//! The scale is fitted on every other opening of each group and judged on the ones between, which it has not seen, and on a group
//! far from stories. Positions of a text hang together, so intervals are over openings; those of shares and divergences take the
//! fitted scale as given.

mod controls;
mod figures;
mod fit;
mod report;
mod sharpening;

use decoding::{LanguageModel, Shaping};

use crate::info::{ExperimentInfo, Requires};
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::sampling::{SamplingPlan, sample_chains};
use crate::{ExperimentResults, Inputs, Policy, RunConfig, Subject};
use fit::{Contrast, Curve};
use statistics::rank_correlation;

/// How a reader meets it.
pub const INFO: ExperimentInfo = ExperimentInfo {
    name: "scaled-logits",
    title: "Is tuning just scaled logits?",
    claim: "What tuning does to a model is to scale up its logits, as a lower temperature would.",
    source: "A comment under \"Mysteries of mode collapse\" (janus, 2022); for rewards that grow with ln p, Verbalized Sampling, arXiv 2510.01171",
    method: "Along texts drawn from the tuned model at temperature 1, whatever your temperature is, Newton's method finds the factor \
             that brings the base's logits nearest to the tuned model's, one for every position and one for all. The one factor is \
             then tried on openings that it was not fitted to, and far from stories.",
    to_try: "Choose an adapter, then move lambda to 0.5 or 1.5, and see whether less or more tuning looks more like a temperature. \
             Then compare wedding with raters or spread.",
    shows: "How much of the change from base to tuned model one temperature can imitate on these texts, and how much it cannot, \
            in nats a token.",
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

/// The group that is out of distribution.
const FAR: &str = "far";
/// Positions between two looks at whether the reader has had enough.
const POSITIONS_A_REST: usize = 8;

/// What is read off two rows: how well the first, scaled, imitates the second.
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

/// One opening and how many tokens are read behind it.
struct Reading<'a> {
    /// Which of its group's openings.
    round: usize,
    group: usize,
    part: Part,
    opening: &'a str,
    draw: SamplingPlan,
    compare: Compare,
    order: Order,
}

/// Fits the scale of every tuned model.
///
/// # Errors
/// When a model cannot be asked, or the reader had enough.
pub async fn run<M: LanguageModel>(
    subjects: &[Subject<'_, M>],
    inputs: &Inputs,
    config: &RunConfig,
    progress: &mut impl RunProgress,
) -> Result<ExperimentResults, ExperimentError> {
    let mut results = ExperimentResults::none(INFO.name, config, subjects);
    results.controls = controls::controls(&controls::Estimators::default()).await?;
    let (toy, sharpening) = figures::sharpening();
    results.figures = figures::figures(inputs, sharpening);
    results.results.0.clone_from(&toy);
    let base = subjects[0].model;
    let readings = readings(inputs, config);
    let of = readings.len() * subjects.len().saturating_sub(1);
    let mut done = 0;
    let mut finished = Vec::new();
    for subject in &subjects[1..] {
        let mut units = Vec::new();
        for (place, reading) in readings.iter().enumerate() {
            let unit = if config.lambda == 1.0 {
                // The same as mixed, at half the reading.
                read(base, subject.model, reading, progress).await?
            } else {
                let mixed = Policy::of(base, subject, config.lambda);
                read(base, &mixed, reading, progress).await?
            };
            units.push(unit);
            let after = readings.get(place + 1);
            if after.is_none_or(|after| after.round != reading.round) {
                checkpoint(progress).await?;
                let told = report::told(subject.name, inputs, &units, config);
                results.results = [finished.as_slice(), &told.results, &toy].concat().into();
                figures::draw_over(&mut results.figures, subject.name, &told);
            }
            done += 1;
            progress.report(done, of, &results);
        }
        finished.clone_from(&results.results.0);
        finished.truncate(results.results.len() - toy.len());
    }
    results.verdict = Some(report::verdict(&results, subjects));
    Ok(results)
}

/// Openings round by round, one of each group a round, so that what is told early is of all groups.
fn readings<'a>(inputs: &'a Inputs, config: &RunConfig) -> Vec<Reading<'a>> {
    let (a_group, chains, length) = config.size.of((6, 1, 64), (16, 4, 128));
    let mut seen = vec![0_usize; inputs.openings.len()];
    let mut readings: Vec<Reading<'a>> = Vec::new();
    for (place, (group, opening)) in inputs.openings(a_group).into_iter().enumerate() {
        let round = seen[group];
        seen[group] += 1;
        let part = if inputs.openings[group].name == FAR {
            Part::Far
        } else if round.is_multiple_of(2) {
            Part::Fit
        } else {
            Part::Unseen
        };
        let draw = SamplingPlan {
            shaping: Shaping::default(),
            // The same coins for every model.
            seed: config.part_seed(place),
            chains,
            length,
        };
        readings.push(Reading {
            round,
            group,
            part,
            opening,
            draw,
            compare: Contrast::of,
            order: in_order,
        });
    }
    readings.sort_by_key(|reading| reading.round);
    readings
}

/// Draws chains from the tuned model, and compares the two at every place where a token was picked.
async fn read<B: LanguageModel, T: LanguageModel>(
    base: &B,
    tuned: &T,
    reading: &Reading<'_>,
    progress: &mut impl RunProgress,
) -> Result<Unit, ExperimentError> {
    let mut unit = Unit {
        group: reading.group,
        part: reading.part,
        there: Curve::none(),
        back: Curve::none(),
        own: Vec::new(),
        ranks: (0.0, 0),
    };
    let prompt = tuned
        .encode(reading.opening)
        .map_err(ExperimentError::model)?;
    for chain in sample_chains(tuned, &prompt, &reading.draw, progress).await? {
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
            if place % POSITIONS_A_REST == 0 {
                checkpoint(progress).await?;
            }
            let contrast = (reading.compare)(base, tuned);
            let scale = contrast.best();
            unit.own.push((scale, contrast.kl_nats(scale)));
            unit.there.add(&contrast.curve());
            unit.back.add(&(reading.compare)(tuned, base).curve());
            if let Some(correlation) = (reading.order)(base, tuned) {
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
    use crate::testing::{inputs, subject};
    use crate::{Outcome, Size, Toy, Unobserved};

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
        pollster::block_on(run(&subjects, &inputs(), &config, &mut Unobserved)).unwrap()
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
        let found =
            pollster::block_on(run(&subjects, &inputs(), &config, &mut Unobserved)).unwrap();
        assert_eq!(found.verdict.unwrap().answer, Outcome::Undecided);
    }
}
