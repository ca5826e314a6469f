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
use crate::catalogue::{Entry, Needs};
use crate::chains::{Draw, Drawn};
use crate::findings::Findings;
use crate::material::Material;
use crate::watch::{Stop, Watch, rest};
use crate::{Mixed, Setting, Subject};

/// How a reader meets it.
pub const ENTRY: Entry = Entry {
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
    needs: Needs {
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
    fn of(setting: &Setting) -> Self {
        let size = setting.size;
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
    material: &Material,
    setting: &Setting,
    watch: &mut impl Watch,
) -> Result<Findings, Stop> {
    let mut findings = Findings::none(ENTRY.name, setting, subjects);
    findings.controls = controls::controls(&Checked::RIGHT, watch).await?;
    let extent = Extent::of(setting);
    let openings = material.openings(extent.openings_a_group);
    let titles = titles(material);
    let groups = groups(material);
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
            let seed = setting.part_seed(place);
            let (base, tuned) = (subjects[0].model, subject.model);
            // The mixture at 1 is the tuned model, but reads the base as well.
            let (fallen, pushed) = if setting.lambda == 1.0 || std::ptr::eq(base, tuned) {
                measure(tuned, opening, &extent, setting, seed, material, watch).await?
            } else {
                let mixed = Mixed::new(base, tuned, setting.lambda);
                measure(&mixed, opening, &extent, setting, seed, material, watch).await?
            };
            own.fallen.push(fallen);
            own.pushed.push(pushed);
            done += 1;
            watch.tell(done, of, &findings);
        }
        for &(group, ref name, ref title) in &groups {
            rest(watch).await?;
            let within = |of: usize| group.is_none_or(|group| group == of);
            let fallen: Vec<&Fallen> = own.fallen.iter().filter(|one| within(one.group)).collect();
            let pushed: Vec<&Pushed> = own.pushed.iter().filter(|one| within(one.group)).collect();
            let (key, label) = (
                format!("{}.{name}", own.name),
                format!("{}, {title}", own.name),
            );
            let told = swarm::quantities(&key, &label, &fallen, &titles, setting.seed);
            findings.results.extend(told);
            rest(watch).await?;
            let told = perturbation::quantities(&key, &label, &pushed, setting.seed);
            findings.results.extend(told);
        }
        for figure in &mut bars {
            let own = series(&findings, &own.name, &groups, &figure.name);
            figure.series.push(own);
            figure.text = told(&findings, &subjects[..=measured.len()], &figure.name);
        }
        streams.push(flows(&own, material, &titles));
        findings.figures = streams.iter().chain(&bars).cloned().collect();
        measured.push(own);
        watch.tell(done, of, &findings);
    }
    rest(watch).await?;
    if let Some((quantities, verdict)) = verdict::verdict(&measured, titles.len(), setting.seed) {
        findings.results.splice(0..0, quantities);
        findings.verdict = Some(verdict);
    }
    Ok(findings)
}

/// Chains behind one opening, drawn under the reader's knobs, and the perturbed ones, which are greedy.
async fn measure<M: LanguageModel>(
    model: &M,
    opening: (usize, &str),
    extent: &Extent,
    setting: &Setting,
    seed: u64,
    material: &Material,
    watch: &mut impl Watch,
) -> Result<(Fallen, Pushed), Stop> {
    let plan = Draw {
        shaping: setting.shaping,
        seed,
        chains: extent.chains,
        length: extent.length,
    };
    let catalogue = &material.attractors;
    let read = |chain: &Drawn| catalogue.read(&chain.text).ends_in;
    let fallen = fall(model, opening, &plan, &read, watch).await?;
    let estimators = Checked::RIGHT.estimators;
    let pushed = push(model, opening, extent.length, catalogue, &estimators, watch).await?;
    Ok((fallen, pushed))
}

/// The attractors' names: in keys, and for people.
fn titles(material: &Material) -> Vec<(String, String)> {
    let attractors = material.attractors.attractors().iter();
    attractors
        .map(|one| (one.name.clone(), one.title.clone()))
        .collect()
}

/// All openings, then each group: its place, its name in keys, its title.
fn groups(material: &Material) -> Groups {
    let all = (None, "all".to_owned(), "All openings".to_owned());
    let groups = material.openings.iter().enumerate();
    let groups = groups.map(|(place, one)| (Some(place), one.name.clone(), one.title.clone()));
    [all].into_iter().chain(groups).collect()
}

#[cfg(test)]
mod tests {
    use super::pictures::BARS;
    use super::*;
    use crate::testing::{material, subject};
    use crate::{Answered, Size, Toy, Unwatched};

    /// Writes one word of a list behind an opening, then the same sentence whatever came before; `wild` never ends in it.
    fn writer(material: &Material, wild: bool) -> Toy {
        let prompts: Vec<Vec<u8>> = material
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
        let material = material();
        let (base, tuned) = (writer(&material, true), writer(&material, false));
        let subjects = [subject("base", &base), subject("tuned", &tuned)];
        let setting = Setting::plain(Size::Quick);
        let found =
            pollster::block_on(run(&subjects, &material, &setting, &mut Unwatched)).unwrap();
        assert_eq!(found.value("tuned.all.return"), Some(100.0));
        assert_eq!(found.value("base.all.return"), Some(0.0));
        assert_eq!(found.value("tuned.all.lag"), Some(1.0));
        assert_eq!(found.value("tuned.far.same-sentence"), Some(100.0));
        assert!(found.value("tuned.all.globality").unwrap() > 80.0);
        assert!(found.value("tuned.all.information").unwrap() < 0.2);
        let verdict = found.verdict.unwrap();
        assert_eq!(verdict.answer, Answered::Undecided, "{}", verdict.why);
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
