//! The KL budget: how far from its base a model should be tuned, for judges who are shown one, three or ten samples.
//!
//! Budgets are the shipped models tuned under one, the one tuned under none, and realignment between that and the base (DeRa,
//! arXiv 2402.02992). Reward, truth and variety stand against the divergence that was measured, in nats per completion; what
//! judges get is the best of `k`, and the best budget is found again in every resample of the openings.

mod best_budget;
mod budget;
mod figures;
mod judges;
mod tilted;

use decoding::{LanguageModel, Shaping};

use self::best_budget::{BELOW, NOT_BELOW, OPEN, best, best_budgets, of_shown, shift};
use self::budget::{Budget, OpeningSample};
use self::figures::figures;
use self::judges::Judge;
use self::tilted::Estimators;
use crate::best_of::expected_best;
use crate::config::{RunConfig, Stream};
use crate::info::{ExperimentInfo, Requires};
use crate::inputs::Inputs;
use crate::policy::Policy;
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::results::{Condition, Control};
use crate::sampling::{SamplingPlan, sample_chains};
use crate::study::{Conclusion, Experiment, Study};
use crate::table::{Row, Table};

/// The experiment.
#[derive(Debug)]
pub struct KlBudget;

/// The groups of openings: what the models were tuned on, and other stories.
const GROUPS: [&str; 2] = ["world", "tinystories"];
/// A resampled answer that holds at least so often is taken as known.
const SURE: f64 = 0.95;

/// How large the experiment is.
struct Extent {
    openings_per_group: usize,
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
            openings_per_group: size.of(3, 16),
            chains: size.of(10, 16),
            length: size.of(96, 128),
            measured: size.of(1, 4),
            lambdas,
        }
    }
}

impl Experiment for KlBudget {
    const INFO: ExperimentInfo = ExperimentInfo {
        name: "kl-budget",
        title: "The KL budget",
        claim: "The best KL budget depends on how people judge: the more samples they see, the more variety pays, so the less a model \
                should be tuned.",
        source: "The discussion under \"Mysteries of mode collapse\" (janus, 2022); realignment after DeRa (arXiv 2402.02992); the \
                 best policy under a budget after Korbak, Perez and Buckley (arXiv 2205.11275)",
        method: "We sample stories at temperature 1 from models tuned for a positive sentiment under several budgets, and from mixtures \
                 of the last one and its base. Three judges keep the best of 1, 3 and 10: one wants a happy ending, one a favourite \
                 kind of ending, one both in equal parts. Openings are resampled to say how surely a budget is best. The verdict is \
                 on the judge who wants both: supported if the best budget for 10 is below that for 1 in 95 % of resamples. Ties go \
                 to the smallest budget; a resample with a tie that straddles the comparison counts as undecided.",
        to_try: "Choose one of the models tuned under a budget in place of Wedding, or choose Wedding and move λ to another place \
                 between base and tuned.",
        shows: "How reward, happy endings and variety change with every nat away from the base, and which of these budgets serves a \
                judge best who chooses among several samples.",
        does_not_show: "What people would choose: the judges are formulas, a favourite is one of twenty-odd kinds of ending, and each \
                        budget was trained once.",
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

    async fn controls(
        _inputs: &Inputs,
        progress: &mut impl RunProgress,
    ) -> Result<Vec<Control>, ExperimentError> {
        let estimators = Estimators {
            best: expected_best,
            sharpness: 1.0,
        };
        tilted::controls(&estimators, progress).await
    }

    async fn measure<M: LanguageModel>(
        study: &mut Study<'_, M, impl RunProgress>,
    ) -> Result<(), ExperimentError> {
        let (inputs, config) = (study.inputs, study.config);
        let extent = Extent::of(config);
        let openings = openings(inputs, extent.openings_per_group)?;
        let policies = policies(study, &extent.lambdas);
        study.expect(policies.len() * openings.len());
        let mut budgets: Vec<Budget> = Vec::new();
        for (number, (row, policy)) in policies.into_iter().enumerate() {
            let mut samples = Vec::new();
            for (place, opening) in openings.iter().enumerate() {
                let seed = config.seed_of(Stream::Unit(place));
                let progress = &mut *study.progress;
                samples.push(measure(&policy, opening, &extent, seed, inputs, progress).await?);
                study.unit_done();
            }
            study.checkpoint().await?;
            let seed = config.seed_of(Stream::Run);
            let realigned = number >= study.subjects.len();
            budgets.push(Budget::of(row, realigned, samples, seed));
            study.checkpoint().await?;
            let mut table = Table::default();
            best_budgets(&mut table, &budgets, seed);
            for budget in &budgets {
                table.extend(budget.table.iter().cloned());
            }
            study.results.results = table;
            study.checkpoint().await?;
            study.results.figures = figures(&budgets);
            study.report();
        }
        Ok(())
    }

    /// Supported where, for the judge who wants both, the best budget for ten samples is below that for one in at least 95 % of
    /// resamples; not supported where it is the same or above in as many. Resamples that equally good budgets leave open count for
    /// neither.
    fn conclude(table: &Table, _subjects: &[String]) -> Option<Conclusion> {
        let asked = Judge::Both;
        let (below, other) = (
            table.value(&shift(asked), &BELOW)? / 100.0,
            table.value(&shift(asked), &NOT_BELOW)? / 100.0,
        );
        let holds = match (below >= SURE, other >= SURE) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        let of_judge = |&judge: &Judge| {
            let open = table.value(&shift(judge), &OPEN)?;
            let open = if open > 0.0 {
                format!(" ({open:.0} % undecided, because budgets tie)")
            } else {
                String::new()
            };
            let below = table.value(&shift(judge), &BELOW)?;
            Some(format!(
                "{below:.0} %{open} for the judge who wants {}",
                judge.wants()
            ))
        };
        let shares: Vec<String> = Judge::ALL.iter().filter_map(of_judge).collect();
        let one = table.value(&best(asked), &of_shown(1))?;
        let ten = table.value(&best(asked), &of_shown(10))?;
        Some(Conclusion {
            answer: format!(
                "a judge who wants a happy and favourite ending is served best {one:.1} nats from the base when shown one story, and \
                 {ten:.1} nats from it when shown ten."
            ),
            conditions: vec![Condition::new(
                "the best budget for ten samples is below that for one",
                holds,
            )],
            why: format!(
                "The best budget for ten samples is below that for one in these shares of resamples: {}. The claim counts as supported \
                 at 95 % for the judge who wants both.",
                shares.join(", ")
            ),
        })
    }
}

/// The openings of the groups that it is about, evenly.
fn openings(inputs: &Inputs, per_group: usize) -> Result<Vec<&str>, ExperimentError> {
    let mut all = Vec::new();
    for name in GROUPS {
        let group = inputs.openings.iter().find(|group| group.name == name);
        let group = group.ok_or_else(|| {
            ExperimentError::Missing(format!("openings.json has no group called \"{name}\""))
        })?;
        all.extend(group.openings.iter().take(per_group).map(String::as_str));
    }
    Ok(all)
}

/// All subjects as they are, then realignments of the last tuned one.
fn policies<'a, M: LanguageModel, P: RunProgress>(
    study: &Study<'a, M, P>,
    lambdas: &[f64],
) -> Vec<(Row, Policy<'a, M>)> {
    let base = study.subjects[0].model;
    let plain = study.subjects.iter();
    let mut policies: Vec<(Row, Policy<'a, M>)> = plain
        .map(|one| (Row::of(one.name), Policy::of(base, one, 1.0)))
        .collect();
    if let Some(last) = study.subjects.iter().skip(1).next_back() {
        policies.extend(lambdas.iter().map(|&lambda| {
            // A dot would part the words of a key.
            let key = format!("{}-lambda-{:.0}-percent", last.name, 100.0 * lambda);
            let row = Row::named(&key, &format!("{} at λ = {lambda}", last.name));
            (row, Policy::of(base, last, lambda))
        }));
    }
    policies
}

/// Stories of one policy behind one opening, and what is measured of them.
async fn measure<M: LanguageModel>(
    policy: &Policy<'_, M>,
    opening: &str,
    extent: &Extent,
    seed: u64,
    inputs: &Inputs,
    progress: &mut impl RunProgress,
) -> Result<OpeningSample, ExperimentError> {
    let prompt = policy.encode(opening).map_err(ExperimentError::model)?;
    let plan = SamplingPlan {
        shaping: Shaping::default(),
        seed,
        chains: extent.chains,
        length: extent.length,
    };
    let chains = sample_chains(policy, &prompt, &plan, progress).await?;
    let mut nats = 0.0;
    for chain in chains.iter().take(extent.measured) {
        let one = policy.kl_from_base_nats(&prompt, chain, progress).await?;
        nats += one / extent.measured as f64;
    }
    checkpoint(progress).await?;
    Ok(OpeningSample::of(&chains, nats, inputs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::{Answer, Question};
    use crate::results::{ExperimentResults, Outcome};
    use crate::testing::{self, inputs, subject};
    use crate::{RunConfig, Size, Subject, Toy};

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
        testing::found::<KlBudget>(subjects, inputs, &config)
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
        let alone = testing::found::<KlBudget>(&both[..1], &inputs, &config);
        assert_eq!(alone.verdict, None);
    }
}
