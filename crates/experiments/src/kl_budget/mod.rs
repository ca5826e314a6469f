//! The KL budget: how far from its base a model should be tuned, for judges who are shown one, three or ten samples.
//!
//! Budgets are the shipped models tuned under one, the one tuned under none, and realignment between that and the base (DeRa,
//! arXiv 2402.02992). Reward, truth and variety are told against the divergence that was measured, in nats a completion; what
//! judges get is the best of `k`, and which budget is best is asked again in every resample of the openings.

mod best_budget;
mod judges;
mod pictures;
mod points;
mod tilted;

use decoding::{LanguageModel, Shaping};

use self::best_budget::best_budgets;
use self::judges::Judge;
use self::pictures::figures;
use self::points::{Behind, Point, estimates};
use self::tilted::Estimators;
use crate::best_of::expected_best;
use crate::info::{ExperimentInfo, Requires};
use crate::inputs::Inputs;
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::results::{ExperimentResults, Verdict};
use crate::sampling::{SampledChain, SamplingPlan, chain_kl_nats, sample_chains};
use crate::{InterpolatedModel, RunConfig, Subject};

/// How a reader meets it.
pub const INFO: ExperimentInfo = ExperimentInfo {
    name: "kl-budget",
    title: "The KL budget",
    claim: "The best KL budget depends on how people judge: the more samples they are shown, the more a larger entropy, and so a \
            smaller budget, is worth.",
    source: "The discussion under \"Mysteries of mode collapse\" (janus, 2022); realignment after DeRa (arXiv 2402.02992); the \
             best policy under a budget after Korbak, Perez and Buckley (arXiv 2205.11275)",
    method: "Stories are drawn, at temperature 1, from models tuned for gladness under several budgets and from mixtures of the \
             last one and its base; three judges keep the best of 1, 3 and 10 (one wants a glad ending, one a favourite kind of \
             ending, one both in equal parts), and openings are resampled to say how surely a budget is best. The verdict is on \
             the judge who wants both: supported where the best budget for 10 is below that for 1 in 95 % of resamples. Of equally good \
             budgets the smallest is told as the best; a resample counts as below only where all equals are, and is open where some \
             are and some are not.",
    to_try: "Choose one of the models tuned under a budget in place of Wedding, or choose Wedding, then move lambda to another \
             place between base and tuned.",
    shows: "How reward, true gladness and variety change with every nat away from the base, and which of these budgets serves a \
            judge best who chooses among several samples.",
    does_not_show: "What people would choose: the judges are formulas, a favourite is one of twenty-odd kinds of ending, and the \
                    budgets were each trained once.",
    needs: Requires {
        quick: &["wedding"],
        full: &[
            "wedding-kl-2",
            "wedding-kl-6",
            "wedding-kl-12",
            "wedding-kl-24",
            "wedding-kl-40",
            "wedding",
        ],
    },
};

/// The groups of openings: what the models were tuned on, and other stories.
const GROUPS: [&str; 2] = ["world", "tinystories"];
/// A resampled answer that holds at least so often is taken as known.
const SURE: f64 = 0.95;

/// How large the experiment is.
struct Extent {
    openings_a_group: usize,
    chains: usize,
    length: usize,
    /// Chains of an opening whose divergence is measured.
    measured: usize,
    /// Places between base and the last tuned model, or beyond.
    lambdas: Vec<f64>,
}

impl Extent {
    fn of(config: &RunConfig) -> Self {
        let size = config.size;
        let mut lambdas = size.of(vec![0.5, 0.75], vec![0.25, 0.5, 0.75, 1.25]);
        let near = |known: f64| (known - config.lambda).abs() < 1e-9;
        if !lambdas.iter().copied().any(near) && !near(0.0) && !near(1.0) {
            lambdas.push(config.lambda);
        }
        Self {
            openings_a_group: size.of(3, 16),
            chains: size.of(10, 16),
            length: size.of(96, 128),
            measured: size.of(1, 4),
            lambdas,
        }
    }
}

/// A model to be measured: `(1 - lambda) z_base + lambda z_tuned`.
struct Policy<'a, M> {
    key: String,
    label: String,
    base: &'a M,
    tuned: &'a M,
    lambda: f64,
}

/// Measures every budget.
///
/// # Errors
/// When the openings lack a group, a model cannot be asked, or the reader had enough.
pub async fn run<M: LanguageModel>(
    subjects: &[Subject<'_, M>],
    inputs: &Inputs,
    config: &RunConfig,
    progress: &mut impl RunProgress,
) -> Result<ExperimentResults, ExperimentError> {
    let mut results = ExperimentResults::none(INFO.name, config, subjects);
    let extent = Extent::of(config);
    let openings = openings(inputs, extent.openings_a_group)?;
    let estimators = Estimators {
        best: expected_best,
        sharpness: 1.0,
    };
    results.controls = tilted::controls(&estimators, progress).await?;
    let policies = policies(subjects, &extent.lambdas);
    let of = policies.len() * openings.len();
    let mut points: Vec<Point> = Vec::new();
    for (number, policy) in policies.iter().enumerate() {
        let mut behind = Vec::new();
        for (place, opening) in openings.iter().enumerate() {
            let seed = config.part_seed(place);
            behind.push(measure(policy, opening, &extent, seed, inputs, progress).await?);
            progress.report(number * openings.len() + behind.len(), of, &results);
        }
        checkpoint(progress).await?;
        let mut point = Point {
            key: policy.key.clone(),
            label: policy.label.clone(),
            realigned: number >= subjects.len(),
            behind,
            told: Vec::new(),
        };
        point.told = estimates(&point, config.seed);
        points.push(point);
        checkpoint(progress).await?;
        results.results = best_budgets(&points, config.seed);
        results
            .results
            .extend(points.iter().flat_map(|point| point.told.clone()));
        checkpoint(progress).await?;
        results.figures = figures(&points);
        progress.report((number + 1) * openings.len(), of, &results);
    }
    results.verdict = verdict(&results);
    Ok(results)
}

/// The openings of the groups that it is about, evenly.
fn openings(inputs: &Inputs, a_group: usize) -> Result<Vec<&str>, ExperimentError> {
    let mut all = Vec::new();
    for name in GROUPS {
        let group = inputs.openings.iter().find(|group| group.name == name);
        let group = group.ok_or_else(|| {
            ExperimentError::Missing(format!("openings.json has no group called \"{name}\""))
        })?;
        all.extend(group.openings.iter().take(a_group).map(String::as_str));
    }
    Ok(all)
}

/// All subjects as they are, then realignments of the last tuned one.
fn policies<'a, M: LanguageModel>(
    subjects: &[Subject<'a, M>],
    lambdas: &[f64],
) -> Vec<Policy<'a, M>> {
    let base = subjects[0].model;
    let plain = subjects.iter().map(|subject| Policy {
        key: subject.name.to_owned(),
        label: subject.name.to_owned(),
        base,
        tuned: subject.model,
        lambda: 1.0,
    });
    let mut policies: Vec<Policy<'a, M>> = plain.collect();
    if let Some(last) = subjects.iter().skip(1).next_back() {
        policies.extend(lambdas.iter().map(|&lambda| Policy {
            // A dot would part the words of a key.
            key: format!("{}-lambda-{:.0}-percent", last.name, 100.0 * lambda),
            label: format!("{} at lambda {lambda}", last.name),
            base,
            tuned: last.model,
            lambda,
        }));
    }
    policies
}

/// Chains of one model behind one opening, and all that is told of them.
async fn measure<M: LanguageModel>(
    policy: &Policy<'_, M>,
    opening: &str,
    extent: &Extent,
    seed: u64,
    inputs: &Inputs,
    progress: &mut impl RunProgress,
) -> Result<Behind, ExperimentError> {
    let prompt = policy
        .base
        .encode(opening)
        .map_err(ExperimentError::model)?;
    let plan = SamplingPlan {
        shaping: Shaping::default(),
        seed,
        chains: extent.chains,
        length: extent.length,
    };
    // A tuned model by itself is asked directly: a mixture reads its base as well.
    let chains: Vec<SampledChain> = if policy.lambda == 1.0 {
        sample_chains(policy.tuned, &prompt, &plan, progress).await?
    } else {
        let mixed = InterpolatedModel::new(policy.base, policy.tuned, policy.lambda);
        sample_chains(&mixed, &prompt, &plan, progress).await?
    };
    let mut nats = 0.0;
    if !std::ptr::eq(policy.base, policy.tuned) {
        for chain in chains.iter().take(extent.measured) {
            let (base, tuned) = (policy.base, policy.tuned);
            let one = chain_kl_nats(base, tuned, policy.lambda, &prompt, chain, progress).await?;
            nats += one / extent.measured as f64;
        }
    }
    checkpoint(progress).await?;
    Ok(Behind::of(&chains, nats, inputs))
}

/// Fixed before any number was known: supported where, for the judge who wants both, the best budget for ten samples is below that
/// for one in at least 95 % of resamples; not supported where it is the same or above in as many. Resamples that equally good
/// budgets leave open count for neither.
fn verdict(results: &ExperimentResults) -> Option<Verdict> {
    let share = |judge: Judge, what: &str| results.value(&format!("shift.{}.{what}", judge.name()));
    let asked = Judge::Both;
    let (below, other) = (
        share(asked, "below")? / 100.0,
        share(asked, "not-below")? / 100.0,
    );
    let holds = match (below >= SURE, other >= SURE) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    let shares: Vec<String> = Judge::ALL
        .iter()
        .filter_map(|&judge| {
            let open = share(judge, "open")?;
            Some(format!(
                "{:.0} %{} for the one who wants {}",
                share(judge, "below")?,
                if open > 0.0 {
                    format!(" ({open:.0} % open, as budgets are equally good)")
                } else {
                    String::new()
                },
                judge.wants()
            ))
        })
        .collect();
    let best = |shown: usize| results.value(&format!("best.{}.v{shown}", asked.name()));
    let why = format!(
        "for the judge who wants both, {:.1} nats are best with one sample and {:.1} with ten; the best budget for ten is below \
         that for one in these shares of resamples: {} (supported means 95 % for the judge who wants both)",
        best(1)?,
        best(10)?,
        shares.join(", ")
    );
    Some(Verdict::of(holds, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::{Answer, Question};
    use crate::testing::{inputs, subject};
    use crate::{Outcome, Size, Toy, Unobserved};

    /// A toy that ends behind every opening in this kind so often, and in all others equally often.
    fn ending_in(inputs: &Inputs, name: &str, share: f64) -> Toy {
        let kinds = inputs.attractors.attractors().iter();
        let kinds: Vec<_> = kinds.filter(|one| !one.endings.is_empty()).collect();
        let others = (1.0 - share) / (kinds.len() - 1) as f64;
        let answers: Vec<Answer> = kinds
            .iter()
            .map(|one| Answer {
                text: format!(" {}.", one.phrases[0].trim_end_matches('*')),
                says: one.name.clone(),
                probability: if one.name == name { share } else { others },
            })
            .collect();
        let prompts = openings(inputs, 3).unwrap();
        Toy::answering(&[Question {
            prompts: prompts.into_iter().map(str::to_owned).collect(),
            unseen: Vec::new(),
            right: None,
            answers,
        }])
    }

    fn found(subjects: &[Subject<'_, Toy>], inputs: &Inputs, lambda: f64) -> ExperimentResults {
        let config = RunConfig {
            lambda,
            ..RunConfig::plain(Size::Quick)
        };
        pollster::block_on(run(subjects, inputs, &config, &mut Unobserved)).unwrap()
    }

    /// The base ends in every kind, the tuned one in a wedding alone: shown one, judges want the tuned one, shown ten, the base.
    #[test]
    fn where_variety_pays_only_with_many_samples_the_best_budget_moves() {
        let inputs = inputs();
        let base = ending_in(&inputs, "wedding", 1.0 / 22.0);
        let tuned = ending_in(&inputs, "wedding", 1.0);
        let subjects = [subject("base", &base), subject("tuned", &tuned)];
        let found = found(&subjects, &inputs, 1.0);
        assert_eq!(
            found.verdict.clone().unwrap().answer,
            Outcome::Supported,
            "{:?}",
            found.verdict
        );
        assert_eq!(found.value("base.kl"), Some(0.0));
        let kinds = inputs
            .attractors
            .attractors()
            .iter()
            .filter(|one| !one.endings.is_empty())
            .count();
        let nats = (kinds as f64).ln();
        assert!((found.value("tuned.kl").unwrap() - nats).abs() < 1e-4);
        assert_eq!(found.value("tuned.gladness"), Some(100.0));
        assert_eq!(found.value("tuned.endings"), Some(1.0));
        assert!(found.value("base.endings").unwrap() > 10.0);
        assert!((found.value("best.both.v1").unwrap() - nats).abs() < 1e-4);
        assert_eq!(found.value("best.both.v10"), Some(0.0));
        // Five measures and three judges.
        assert_eq!(found.figures.len(), 8);
        for key in found.results.iter().map(|one| &one.key) {
            assert!(key.split('.').all(|word| !word.is_empty()), "{key}");
        }
    }

    /// Where the tuned model has all that the base has, no judge wants a smaller budget.
    #[test]
    fn where_variety_costs_nothing_the_claim_is_not_supported() {
        let inputs = inputs();
        let base = ending_in(&inputs, "rain", 0.98);
        let tuned = ending_in(&inputs, "rain", 0.01);
        let subjects = [subject("base", &base), subject("tuned", &tuned)];
        let found = found(&subjects, &inputs, 1.0);
        assert_eq!(
            found.verdict.clone().unwrap().answer,
            Outcome::NotSupported,
            "{:?}",
            found.verdict
        );
    }

    /// The reader's own lambda is one more point, and a run of the base alone says nothing of budgets.
    #[test]
    fn the_readers_lambda_is_shown_and_the_base_alone_has_no_verdict() {
        let inputs = inputs();
        let base = ending_in(&inputs, "rain", 0.5);
        let both = [subject("base", &base), subject("same", &base)];
        let found = found(&both, &inputs, 0.3);
        assert!(found.value("same-lambda-30-percent.kl").is_some());
        let config = RunConfig::plain(Size::Quick);
        let alone = pollster::block_on(run(&both[..1], &inputs, &config, &mut Unobserved)).unwrap();
        assert_eq!(alone.verdict, None);
    }
}
