//! Basins: where stories end, how much their opening decides, and whether a story that was pushed off its way comes back.
//!
//! Endings are read with the model's catalogue of attractors. Ending in none is a basin of its own for information and entropy, and
//! never a global attractor. What a perturbation is and when a chain has returned is said in `perturbation` and `ending`.

mod controls;
mod ending;
mod perturbation;
mod pictures;
mod swarm;
mod verdict;

use decoding::LanguageModel;

use self::controls::Checked;
use self::perturbation::{Pushed, push};
use self::pictures::{Groups, empty_bars, flows, series, told};
use self::swarm::{Fallen, fall};
use self::verdict::Measured;
use crate::info::{ExperimentInfo, Requires};
use crate::inputs::Inputs;
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::results::ExperimentResults;
use crate::sampling::{SampledChain, SamplingPlan};
use crate::{Policy, RunConfig, Subject};

/// How a reader meets it.
pub const INFO: ExperimentInfo = ExperimentInfo {
    name: "basins",
    title: "Basins",
    claim: "One tuned model has one global attractor, another has an attractor for each prompt, and perturbed chains return to the \
            same ending.",
    source: "\"Mysteries of mode collapse\" (janus, 2022): perturbed completions come back to the same last sentence; a model that \
             was paid for glad texts ended every story in a wedding (told there of Paul Christiano, without numbers)",
    method: "Stories behind openings from near to far are drawn and their kinds of ending counted; then a greedy story is pushed off \
             its way in its middle by each of the second to the tenth likeliest token, and what it writes from there on is compared \
             with what it would have written: the kind of ending, the last whole sentence (common words in order, more than 80 % of \
             the longer one), and how soon eight tokens in a row are the same again. Supported where a tuned model has more than half \
             of its chains in one attractor, another's openings tell at least a bit more about the end, and the first returns more \
             often than the base.",
    to_try: "Run it with Helper or Spread, or choose Wedding, then lower lambda and see which openings the wedding lets go of first.",
    shows: "Whether endings come from the model or from the opening, inside and outside of what it was tuned on, and how hard it is \
            to push a story out of its basin.",
    does_not_show: "Why a story comes back: where nearly all stories end in one way, a pushed one ends there too without any pull, so \
                    read the share of returns beside the share of that ending.",
    needs: Requires {
        quick: &["wedding"],
        full: &["wedding", "helper"],
    },
};

/// How large the experiment is.
struct Extent {
    openings_a_group: usize,
    chains: usize,
    length: usize,
}

impl Extent {
    fn of(config: &RunConfig) -> Self {
        let size = config.size;
        Self {
            openings_a_group: size.of(3, 16),
            chains: size.of(8, 16),
            length: size.of(96, 128),
        }
    }
}

/// Lets stories fall and pushes them, with every model behind every opening.
///
/// # Errors
/// When a model cannot be asked or the reader had enough.
pub async fn run<M: LanguageModel>(
    subjects: &[Subject<'_, M>],
    inputs: &Inputs,
    config: &RunConfig,
    progress: &mut impl RunProgress,
) -> Result<ExperimentResults, ExperimentError> {
    let mut results = ExperimentResults::none(INFO.name, config, subjects);
    results.controls = controls::controls(&Checked::RIGHT, progress).await?;
    let extent = Extent::of(config);
    let openings = inputs.openings(extent.openings_a_group);
    let titles = titles(inputs);
    let groups = groups(inputs);
    let of = subjects.len() * openings.len();
    let mut done = 0;
    let mut measured: Vec<Measured> = Vec::new();
    let (mut streams, mut bars) = (Vec::new(), empty_bars(&groups));
    for subject in subjects {
        let mut own = Measured {
            name: subject.name.to_owned(),
            fallen: Vec::new(),
            pushed: Vec::new(),
        };
        for (place, &opening) in openings.iter().enumerate() {
            let seed = config.part_seed(place);
            let (base, tuned) = (subjects[0].model, subject.model);
            // The mixture at 1 is the tuned model, but reads the base as well.
            let (fallen, pushed) = if config.lambda == 1.0 || std::ptr::eq(base, tuned) {
                measure(tuned, opening, &extent, config, seed, inputs, progress).await?
            } else {
                let mixed = Policy::of(base, subject, config.lambda);
                measure(&mixed, opening, &extent, config, seed, inputs, progress).await?
            };
            own.fallen.push(fallen);
            own.pushed.push(pushed);
            done += 1;
            progress.report(done, of, &results);
        }
        for &(group, ref name, ref title) in &groups {
            checkpoint(progress).await?;
            let within = |of: usize| group.is_none_or(|group| group == of);
            let fallen: Vec<&Fallen> = own.fallen.iter().filter(|one| within(one.group)).collect();
            let pushed: Vec<&Pushed> = own.pushed.iter().filter(|one| within(one.group)).collect();
            let (key, label) = (
                format!("{}.{name}", own.name),
                format!("{}, {title}", own.name),
            );
            let told = swarm::estimates(&key, &label, &fallen, &titles, config.seed);
            results.results.extend(told);
            checkpoint(progress).await?;
            let told = perturbation::estimates(&key, &label, &pushed, config.seed);
            results.results.extend(told);
        }
        for figure in &mut bars {
            let own = series(&results, &own.name, &groups, &figure.name);
            figure.series.push(own);
            figure.text = told(&results, &subjects[..=measured.len()], &figure.name);
        }
        streams.push(flows(&own, inputs, &titles));
        results.figures = streams.iter().chain(&bars).cloned().collect();
        measured.push(own);
        progress.report(done, of, &results);
    }
    checkpoint(progress).await?;
    if let Some((estimates, verdict)) = verdict::verdict(&measured, titles.len(), config.seed) {
        results.results.0.splice(0..0, estimates);
        results.verdict = Some(verdict);
    }
    Ok(results)
}

/// Chains behind one opening, drawn under the reader's knobs, and the perturbed ones, which are greedy.
async fn measure<M: LanguageModel>(
    model: &M,
    opening: (usize, &str),
    extent: &Extent,
    config: &RunConfig,
    seed: u64,
    inputs: &Inputs,
    progress: &mut impl RunProgress,
) -> Result<(Fallen, Pushed), ExperimentError> {
    let plan = SamplingPlan {
        shaping: config.shaping,
        seed,
        chains: extent.chains,
        length: extent.length,
    };
    let catalogue = &inputs.attractors;
    let read = |chain: &SampledChain| catalogue.recognise(&chain.text).ends_in;
    let fallen = fall(model, opening, &plan, &read, progress).await?;
    let estimators = Checked::RIGHT.estimators;
    let pushed = push(
        model,
        opening,
        extent.length,
        catalogue,
        &estimators,
        progress,
    )
    .await?;
    Ok((fallen, pushed))
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
    use super::pictures::BARS;
    use super::*;
    use crate::testing::{inputs, subject};
    use crate::{Outcome, Size, Toy, Unobserved};

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
        let found = pollster::block_on(run(&subjects, &inputs, &config, &mut Unobserved)).unwrap();
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
}
