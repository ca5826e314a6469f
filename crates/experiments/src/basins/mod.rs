//! Basins: where stories end, how much their opening decides, and whether a perturbed story comes back.
//!
//! Endings are classified by the model's catalogue of attractors. Ending in none is a basin of its own for information and entropy,
//! and never a global attractor. What a perturbation is and when a chain has returned is in `perturbation` and `ending`.

mod controls;
mod ending;
mod ends;
mod figures;
mod perturbation;

use decoding::LanguageModel;

use self::controls::Checked;
use self::ends::{GLOBALITY, INFORMATION, contingency, globality, sample_ends};
use self::figures::{Groups, bars, flows, row};
use self::perturbation::{Returned, perturb, returned};
use crate::config::Stream;
use crate::info::{ExperimentInfo, Requires};
use crate::inputs::Inputs;
use crate::policy::Policy;
use crate::progress::{ExperimentError, RunProgress};
use crate::results::{Condition, Control};
use crate::sampling::{SampledChain, SamplingPlan};
use crate::study::{Conclusion, Experiment, Study};
use crate::table::{Metric, Row, Table, metrics};

/// The experiment.
#[derive(Debug)]
pub struct BasinsExperiment;

/// What was measured behind one opening.
#[derive(Clone, Debug)]
struct Opening {
    /// The group of the opening.
    group: usize,
    /// The attractor of every sampled chain, none where it ended in none.
    ends: Vec<Option<usize>>,
    /// The perturbed chains, by the rank of the forced token from 2 upwards; empty where the chain is too short to be perturbed.
    returns: Vec<Returned>,
}

/// A model and its openings, the same for all models and in the same order.
type Measured = (String, Vec<Opening>);

/// The claim holds of more than this share of stories in one attractor, %.
const HALF: f64 = 50.0;
/// The claim holds of openings that tell this much more about the ending, bits.
const BIT: f64 = 1.0;

metrics! {
    CLAIM_GLOBALITY = bootstrap "globality", "%", "share of the largest attractor of the tuned model with the largest";
    CLAIM_RETURN = bootstrap "return", "%", "perturbed stories that return, that model less the base";
    CLAIM_INFORMATION = bootstrap "information", "bits", "information of the opening about the ending, another tuned model less that model";
}

/// How large the experiment is.
struct Extent {
    openings_per_group: usize,
    chains: usize,
    length: usize,
}

impl Experiment for BasinsExperiment {
    const INFO: ExperimentInfo = ExperimentInfo {
        name: "basins",
        title: "Basins",
        claim: "One tuned model has one global attractor, another has an attractor for each prompt, and perturbed stories return to the \
                same ending.",
        source: "\"Mysteries of mode collapse\" (janus, 2022): perturbed completions come back to the same last sentence; a model that \
                 was rewarded for positive sentiment ended every story in a wedding (reported there from Paul Christiano, without numbers)",
        method: "We continue openings from familiar to unfamiliar and count the kinds of ending. In the middle of a greedy story we then \
                 force another word (the 2nd to the 10th most likely) and watch whether the story returns: to the same kind of ending, \
                 to the same last sentence (common words in order, more than 80 % of the longer one), and how soon eight tokens in a \
                 row are the same again. Supported if a tuned model has more than half of its stories in one attractor, another's \
                 openings tell at least a bit more about the ending, and the first returns more often than the base.",
        to_try: "Run it with Helper or Spread. Or choose Wedding, lower λ, and see which openings the wedding lets go of first.",
        shows: "Whether endings come from the model or from the opening, inside and outside of what it was tuned on, and how hard it is \
                to push a story out of its basin.",
        does_not_show: "Why a story comes back: where nearly all stories end in one way, a perturbed one ends there too without any pull, \
                        so read the share of returns beside the share of that ending.",
        needs: Requires {
            quick: &["wedding"],
            full: &["wedding", "helper"],
        },
    };

    async fn controls(
        _inputs: &Inputs,
        progress: &mut impl RunProgress,
    ) -> Result<Vec<Control>, ExperimentError> {
        controls::controls(&Checked::RIGHT, progress).await
    }

    async fn measure<M: LanguageModel>(
        study: &mut Study<'_, M, impl RunProgress>,
    ) -> Result<(), ExperimentError> {
        let (inputs, size) = (study.inputs, study.config.size);
        let extent = Extent {
            openings_per_group: size.of(3, 16),
            chains: size.of(8, 16),
            length: size.of(96, 128),
        };
        let openings = inputs.openings(extent.openings_per_group);
        let (titles, groups) = (titles(inputs), groups(inputs));
        let seed = study.config.seed_of(Stream::Run);
        let policies = study.policies();
        study.expect(policies.len() * openings.len());
        let mut measured: Vec<Measured> = Vec::new();
        let mut streams = Vec::new();
        for policy in policies {
            let mut own = Vec::new();
            for (place, &opening) in openings.iter().enumerate() {
                own.push(measure(study, &policy, opening, place, &extent).await?);
                study.unit_done();
            }
            for group in &groups {
                let within = |one: &&Opening| group.0.is_none_or(|place| place == one.group);
                let openings: Vec<&Opening> = own.iter().filter(within).collect();
                let row = row(policy.name, group);
                study.checkpoint().await?;
                ends::add_to_table(&mut study.results.results, &row, &openings, &titles, seed);
                study.checkpoint().await?;
                perturbation::add_to_table(&mut study.results.results, &row, &openings, seed);
            }
            streams.push(flows(policy.name, &own, inputs, &titles));
            measured.push((policy.name.to_owned(), own));
            let bars = bars(&study.results.results, &study.results.subjects, &groups);
            study.results.figures = streams.iter().cloned().chain(bars).collect();
            study.report();
        }
        study.checkpoint().await?;
        claim(&mut study.results.results, &measured, titles.len(), seed);
        Ok(())
    }

    /// Three conditions. *Global*: of the tuned models the one with the largest attractor has more than half of its stories there.
    /// *Local*: another tuned model's openings tell at least a bit more about the ending than that one's do. *Return*: perturbed
    /// stories of the global one come back to their attractor more often than the base's. A condition holds where its whole 95 %
    /// interval over openings says so, and fails where the whole interval says the opposite.
    fn conclude(table: &Table, subjects: &[String]) -> Option<Conclusion> {
        let claim = Row::of(CLAIM);
        let condition = |claim_of: &str, metric: &Metric, least: f64| {
            let interval = table.interval(&claim, metric);
            let holds = interval.and_then(|(low, high)| match (low > least, high < least) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            });
            Condition::new(claim_of, holds)
        };
        let number = |metric: &Metric| {
            let found = table.get(&claim, metric)?;
            let (value, low, high) = (found.value?, found.low?, found.high?);
            Some(format!("{value:.1} {} ({low:.1} to {high:.1})", found.unit))
        };
        let (global, local) = models(table, subjects)?;
        let share = table.value(&claim, &CLAIM_GLOBALITY)?;
        let mut why = vec![format!(
            "The largest attractor of {global} has {} of its stories (asked: more than {HALF} %)",
            number(&CLAIM_GLOBALITY)?
        )];
        if let Some((local, difference)) = local.zip(number(&CLAIM_INFORMATION)) {
            why.push(format!(
                "the openings of {local} tell {difference} more about the ending than those of {global} (asked: more than {BIT} bit)"
            ));
        }
        if let Some(difference) = number(&CLAIM_RETURN) {
            why.push(format!(
                "perturbed stories of {global} return to their attractor in {difference} more cases than those of the base (asked: more)"
            ));
        }
        let conditions = vec![
            condition("one global attractor", &CLAIM_GLOBALITY, HALF),
            condition("one per opening", &CLAIM_INFORMATION, BIT),
            condition("perturbed stories return", &CLAIM_RETURN, 0.0),
        ];
        Some(Conclusion {
            answer: format!(
                "{}. {global} ends {share:.0} % of its stories in one way.",
                Condition::list(&conditions)
            ),
            conditions,
            why: format!(
                "{}. Each by its whole 95 % interval; all three are needed.",
                why.join("; ")
            ),
        })
    }
}

/// The row of the numbers that answer the claim.
const CLAIM: &str = "claim";

/// Of the tuned models the most global one, and of the others the one whose openings decide most.
fn models<'a>(table: &Table, subjects: &'a [String]) -> Option<(&'a String, Option<&'a String>)> {
    let all = |name: &String| Row::of(name).part("all", "");
    let value =
        |name: &String, metric: &Metric| table.value(&all(name), metric).unwrap_or(f64::NAN);
    let most = |names: &mut dyn Iterator<Item = &'a String>, metric: &Metric| {
        names.max_by(|one, other| value(one, metric).total_cmp(&value(other, metric)))
    };
    let global = most(&mut subjects.iter().skip(1), &GLOBALITY)?;
    let mut others = subjects.iter().skip(1).filter(|name| *name != global);
    Some((global, most(&mut others, &INFORMATION)))
}

/// The numbers that decide, before all others. Nothing where there is no tuned model.
fn claim(table: &mut Table, measured: &[Measured], kinds: usize, seed: u64) {
    let names: Vec<String> = measured.iter().map(|(name, _)| name.clone()).collect();
    let Some((global, local)) = models(table, &names) else {
        return;
    };
    let of = |name: &String| {
        let own = measured.iter().find(|(own, _)| own == name);
        &own.expect("it is the name of one that was measured").1
    };
    let places: Vec<usize> = (0..measured[0].1.len()).collect();
    let places: Vec<&usize> = places.iter().collect();
    let row = Row::of(CLAIM);
    let pick = |name: &String, places: &[&usize]| -> Vec<&Opening> {
        places.iter().map(|&&place| &of(name)[place]).collect()
    };
    let information = |name: &String, places: &[&usize]| {
        contingency(&pick(name, places), kinds).mutual_information_corrected_bits()
    };
    table.statistic(&row, &CLAIM_GLOBALITY, &places, seed, |places| {
        100.0 * globality(&contingency(&pick(global, places), kinds), kinds)
    });
    table.statistic(&row, &CLAIM_RETURN, &places, seed, |places| {
        100.0 * returned(&pick(global, places)) - 100.0 * returned(&pick(&names[0], places))
    });
    if let Some(local) = local {
        table.statistic(&row, &CLAIM_INFORMATION, &places, seed, |places| {
            information(local, places) - information(global, places)
        });
    }
    table.to_front(&row);
}

/// Stories behind one opening, sampled under the run's parameters, and the perturbed ones, which are greedy.
async fn measure<M: LanguageModel, P: RunProgress>(
    study: &mut Study<'_, M, P>,
    policy: &Policy<'_, M>,
    (group, opening): (usize, &str),
    place: usize,
    extent: &Extent,
) -> Result<Opening, ExperimentError> {
    let plan = SamplingPlan {
        shaping: study.config.shaping,
        seed: study.config.seed_of(Stream::Unit(place)),
        chains: extent.chains,
        length: extent.length,
    };
    let (catalogue, estimators) = (&study.inputs.attractors, Checked::RIGHT.estimators);
    let classify = |chain: &SampledChain| catalogue.story(&chain.text, chain.ended).attractor();
    let progress = &mut *study.progress;
    Ok(Opening {
        group,
        ends: sample_ends(policy, opening, &plan, &classify, progress).await?,
        returns: perturb(
            policy,
            opening,
            extent.length,
            catalogue,
            &estimators,
            progress,
        )
        .await?,
    })
}

/// The attractors' names: in keys, and for people.
fn titles(inputs: &Inputs) -> Vec<(String, String)> {
    let attractors = inputs.attractors.attractors().iter();
    attractors
        .map(|one| (one.name.clone(), one.title.clone()))
        .collect()
}

/// All openings, then each group: its place, its name in keys, its title.
fn groups(inputs: &Inputs) -> Groups {
    let all = (None, "all".to_owned(), "All openings".to_owned());
    let groups = inputs.openings.iter().enumerate();
    let groups = groups.map(|(place, one)| (Some(place), one.name.clone(), one.title.clone()));
    [all].into_iter().chain(groups).collect()
}

#[cfg(test)]
mod tests {
    use super::figures::BARS;
    use super::perturbation::Returned;
    use super::*;
    use crate::results::Outcome;
    use crate::testing::{found, inputs, subject};
    use crate::{RunConfig, Size, Toy};

    /// Writes one word of a list behind an opening, then the same sentence whatever came before; `wild` never ends in it.
    fn writer(inputs: &Inputs, wild: bool) -> Toy {
        let prompts: Vec<Vec<u8>> = inputs
            .openings(3)
            .iter()
            .map(|(_, text)| text.as_bytes().to_vec())
            .collect();
        Toy::new(move |text| {
            let opening = prompts
                .iter()
                .filter(|prompt| text.starts_with(prompt))
                .map(Vec::len)
                .max();
            let said = &text[opening.unwrap_or(0)..];
            let way: &[u8] = b" It was a day like any other, and the sun was out all day long. Then there was a wedding.";
            let Some(&right) = way.get(said.len()) else {
                return Vec::new();
            };
            let off = wild && !way.starts_with(said);
            let others = if off { 1.0 } else { 0.02 };
            let mut next: Vec<(Option<u8>, f64)> =
                vec![(Some(b'q'), others / 2.0), (Some(b'x'), others / 2.0)];
            if !off {
                next.push((Some(right), 1.0 - others));
            }
            next
        })
    }

    #[test]
    fn one_that_keeps_to_its_way_is_told_from_one_that_does_not() {
        let inputs = inputs();
        let (base, tuned) = (writer(&inputs, true), writer(&inputs, false));
        let subjects = [subject("base", &base), subject("tuned", &tuned)];
        let config = RunConfig::plain(Size::Quick);
        let found = found::<BasinsExperiment>(&subjects, &inputs, &config);
        assert_eq!(found.value("tuned.all.return"), Some(100.0));
        assert_eq!(found.value("base.all.return"), Some(0.0));
        assert_eq!(found.value("tuned.all.lag"), Some(1.0));
        assert_eq!(found.value("tuned.far.same-sentence"), Some(100.0));
        assert!(found.value("tuned.all.globality").unwrap() > 80.0);
        assert!(found.value("tuned.all.information").unwrap() < 0.2);
        let verdict = found.verdict.unwrap();
        assert_eq!(verdict.answer, Outcome::Undecided, "{}", verdict.why);
        // A picture of streams for each model, whose weights are all of its chains.
        assert_eq!(found.figures.len(), 2 + BARS.len());
        for figure in &found.figures[..2] {
            let sum: f64 = figure.flows.iter().map(|flow| flow.weight).sum();
            assert!((sum - 100.0).abs() < 1e-9, "{sum}");
        }
        for figure in &found.figures[2..] {
            assert!(
                figure.series.iter().all(|series| series.points.len() == 5),
                "{}",
                figure.name
            );
        }
    }

    /// A model whose ten openings of eight chains end as the rule says; perturbed chains return or not.
    fn model(name: &str, ends: impl Fn(usize, usize) -> usize, returns: bool) -> Measured {
        let returned = Returned {
            known: Some(3),
            own: returns.then_some(3),
            same_sentence: false,
            lag: None,
        };
        let opening = |place| Opening {
            group: 0,
            ends: (0..8).map(|chain| Some(ends(place, chain))).collect(),
            returns: vec![returned; 9],
        };
        (name.to_owned(), (0..10).map(opening).collect())
    }

    fn concluded(measured: &[Measured]) -> Option<Conclusion> {
        let mut table = Table::default();
        let group = (None, "all".to_owned(), "all".to_owned());
        for (name, openings) in measured {
            let openings: Vec<&Opening> = openings.iter().collect();
            let titles: Vec<_> = (0..10)
                .map(|kind| (kind.to_string(), String::new()))
                .collect();
            ends::add_to_table(&mut table, &row(name, &group), &openings, &titles, 1);
        }
        claim(&mut table, measured, 10, 1);
        let names: Vec<String> = measured.iter().map(|(name, _)| name.clone()).collect();
        BasinsExperiment::conclude(&table, &names)
    }

    #[test]
    fn all_three_conditions_are_needed() {
        let answer = |measured: &[Measured]| concluded(measured).unwrap().outcome();
        let base = || model("base", |_, chain| chain, false);
        let global = |returns| model("global", |_, _| 3, returns);
        let local = model("local", |opening, _| opening, true);
        assert_eq!(answer(&[base(), global(true), local]), Outcome::Supported);
        // Where no other model is measured, the second condition is undecided.
        let two = concluded(&[base(), global(true)]).unwrap();
        assert_eq!(two.outcome(), Outcome::Undecided);
        let conditions: Vec<String> = two.conditions.iter().map(Condition::sentence).collect();
        assert_eq!(
            conditions,
            [
                "one global attractor: yes",
                "one per opening: undecided",
                "perturbed stories return: yes"
            ]
        );
        let like_the_base = model("even", |_, chain| chain, true);
        assert_eq!(
            answer(&[base(), global(true), like_the_base]),
            Outcome::NotSupported
        );
        assert_eq!(
            answer(&[base(), model("even", |_, chain| chain, true)]),
            Outcome::NotSupported
        );
        assert!(concluded(&[base()]).is_none());
    }
}
