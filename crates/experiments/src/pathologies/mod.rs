//! Decoding's own pathologies: what ways to pick tokens do to a text, tuned or not.
//!
//! Greedy and beam search, low temperature, top-k, top-p, min-p and typical sampling continue the same openings. Measured are loops
//! (the share of chains that end in a period seen three times), what a token costs the unshaped model against what it costs it in
//! stories by people (the comparison of Holtzman et al., arXiv 1904.09751, figure 2), and how varied the chains are together:
//! distinct n-grams (Li et al., arXiv 1510.03055), self-BLEU (Zhu et al., arXiv 1802.01886) and the exponent of Zipf's law. Typical
//! sampling is that of Meister et al. (arXiv 2202.00666), min-p that of Nguyen et al. (arXiv 2407.01082).

mod controls;
mod decoders;
mod measures;
mod reader;

use decoding::LanguageModel;

use crate::info::{ExperimentInfo, Requires};
use crate::progress::{ExperimentError, RunProgress};
use crate::results::{Axis, Estimate, ExperimentResults, Figure, Point, Series, Shape, Verdict};
use crate::sampling::SampledChain;
use crate::{Inputs, Policy, RunConfig, Subject, tristate};
use decoders::{Decoder, Extent, continued, decoders, read_as_told};
use measures::{Estimators, Measured};

/// How a reader meets it.
pub const INFO: ExperimentInfo = ExperimentInfo {
    name: "pathologies",
    title: "Decoding's own pathologies",
    claim: "Low temperature, nucleus and beam search make text reasonable, and bring pathologies of their own.",
    source: "the discussion of \"Mysteries of mode collapse\" (janus, 2022); measured in \"The Curious Case of Neural Text \
             Degeneration\" (Holtzman et al., ICLR 2020, arXiv 1904.09751)",
    method: "Every decoder continues the same openings with the same coins. Counted are chains that end in a loop, and \
             distinct pairs of tokens among all; a token's surprisal under the unshaped model is compared with that of stories by \
             people. Low temperature, nucleus and beam search are judged each by itself: it brings a pathology where it loops more \
             than plain sampling or is less varied.",
    to_try: "Set your own knobs: they are one more decoder. A repetition penalty breaks loops, and raises surprisal.",
    shows: "Which decoders loop on these models, and which write text that is less surprising to the model than what people write.",
    does_not_show: "How readers like the texts. Loops need room: a story that ends has none, and 64 tokens of the quick run are few. \
                    Stories by people are of the kind that the model was trained on; openings also come from afar.",
    needs: Requires {
        quick: &["wedding"],
        full: &["wedding"],
    },
};

/// A loop share is small where the interval's upper end is below this, %: that a decoder loops is then refuted.
const SELDOM: f64 = 5.0;
/// The decoders that the claim names, by key and for people, of temperatures the lowest that still throws coins; and the one that they
/// are compared with.
const ACCUSED: [(&str, &str); 3] = [
    ("cold", "low temperature, T = 0.3"),
    ("top-p", "nucleus, top-p 0.9"),
    ("beam-4", "beam search of width 4"),
];
const INNOCENT: &str = "plain";

/// What is continued, in tokens.
struct Task {
    openings: Vec<Vec<u32>>,
    /// Stories by people: what counts as their opening, and how they go on.
    people: Vec<(Vec<u32>, Vec<u32>, bool)>,
    extent: Extent,
    decoders: Vec<Decoder>,
    seed: u64,
}

/// What one subject's chains come to.
#[derive(Default)]
struct Told {
    /// By decoder: the curve of surprisal.
    curves: Vec<Vec<Point>>,
    people: Vec<Point>,
}

/// Continues the openings with every decoder of every model.
///
/// # Errors
/// When a model cannot be asked or read openings side by side, or the reader had enough.
pub async fn run<M: LanguageModel>(
    subjects: &[Subject<'_, M>],
    inputs: &Inputs,
    config: &RunConfig,
    progress: &mut impl RunProgress,
) -> Result<ExperimentResults, ExperimentError> {
    let base = subjects[0].model;
    let mut results = ExperimentResults::none(INFO.name, config, subjects);
    results.controls = controls::all().await?;
    let task = Task::new(base, inputs, config)?;
    let units = subjects.len() * (1 + task.decoders.len());
    let mut progress = Progress {
        done: 0,
        units,
        results,
        progress,
    };
    let mut told = Vec::new();
    for (number, subject) in subjects.iter().enumerate() {
        told.push(if number == 0 || config.lambda == 1.0 {
            task.ask(subject.name, subject.model, &mut progress).await?
        } else {
            let mixed = Policy::of(base, subject, config.lambda);
            task.ask(subject.name, &mixed, &mut progress).await?
        });
    }
    let mut results = progress.results;
    // What answers the claim comes first: loops, then surprisal, then variety.
    results.results.0.sort_by_key(|one| {
        let of = |what| usize::from(!one.key.ends_with(what));
        (of(".loops"), of(".surprisal"), of(".distinct-2"))
    });
    results.figures = figures(&results, subjects, &task.decoders, &told);
    results.verdict = verdict(&results);
    Ok(results)
}

/// Where an experiment stands.
struct Progress<'a, W> {
    done: usize,
    units: usize,
    results: ExperimentResults,
    progress: &'a mut W,
}

impl<W: RunProgress> Progress<'_, W> {
    fn unit(&mut self, found: Vec<Estimate>) {
        self.results.results.extend(found);
        self.done += 1;
        self.progress.report(self.done, self.units, &self.results);
    }
}

impl Task {
    fn new<M: LanguageModel>(
        model: &M,
        inputs: &Inputs,
        config: &RunConfig,
    ) -> Result<Self, ExperimentError> {
        let extent = Extent::of(config.size);
        // One of each group after the other, so that the first so many are of all groups.
        let mut openings = Vec::new();
        for place in 0..extent.a_group {
            for group in &inputs.openings {
                if let Some(opening) = group.openings.get(place) {
                    openings.push(model.encode(opening).map_err(ExperimentError::model)?);
                }
            }
        }
        if openings.is_empty() {
            return Err(ExperimentError::Missing(
                "openings.json has no openings".to_owned(),
            ));
        }
        // Of a story by people the first tokens are its opening, as many as openings have on average.
        let tokens: usize = openings.iter().map(Vec::len).sum();
        let opening = tokens.div_ceil(openings.len());
        let mut people = Vec::new();
        for story in inputs.held_out.iter().take(extent.people) {
            let story = model.encode(story).map_err(ExperimentError::model)?;
            if story.len() > opening {
                let whole = story.len() <= opening + extent.length;
                let end = story.len().min(opening + extent.length);
                people.push((
                    story[..opening].to_vec(),
                    story[opening..end].to_vec(),
                    whole,
                ));
            }
        }
        Ok(Self {
            openings,
            people,
            extent,
            decoders: decoders(config),
            seed: config.part_seed(0),
        })
    }

    async fn ask<M: LanguageModel, W: RunProgress>(
        &self,
        name: &str,
        model: &M,
        progress: &mut Progress<'_, W>,
    ) -> Result<Told, ExperimentError> {
        let by = Estimators::default();
        let mut told = Told::default();
        let mut people = Vec::new();
        for (opening, rest, whole) in &self.people {
            people
                .push(read_as_told(model, opening, rest.clone(), *whole, progress.progress).await?);
        }
        let people = self.chains(name, "people", "stories by people", &people);
        told.people = people.by_position();
        progress.unit(people.estimates(&by));
        for decoder in &self.decoders {
            let continues = self.extent.openings(decoder.picks);
            let openings = &self.openings[..self.openings.len().min(continues)];
            let length = self.extent.length;
            let chains = continued(
                model,
                openings,
                decoder.picks,
                self.seed,
                length,
                progress.progress,
            )
            .await?;
            let chains = self.chains(name, &decoder.key, &decoder.title, &chains);
            told.curves.push(chains.by_position());
            progress.unit(chains.estimates(&by));
        }
        Ok(told)
    }

    fn chains<'a>(
        &self,
        subject: &str,
        key: &str,
        title: &str,
        chains: &'a [SampledChain],
    ) -> Measured<'a> {
        Measured {
            key: format!("{subject}.{key}"),
            title: format!("{subject}, {title}"),
            chains,
            set: self.extent.set,
            seed: self.seed,
        }
    }
}

fn figures<M>(
    results: &ExperimentResults,
    subjects: &[Subject<'_, M>],
    decoders: &[Decoder],
    told: &[Told],
) -> Vec<Figure> {
    let mut figures = vec![
        bars(
            results,
            subjects,
            decoders,
            &Bars {
                name: "loops",
                title: "Chains that end in a loop, by decoder",
                axis: "chains that loop, %",
                what: "loops",
            },
        ),
        bars(
            results,
            subjects,
            decoders,
            &Bars {
                name: "distinct",
                title: "How varied the chains of a decoder are together",
                axis: "distinct pairs of tokens among all",
                what: "distinct-2",
            },
        ),
    ];
    for (subject, told) in subjects.iter().zip(told) {
        figures.push(surprisal(results, subject.name, decoders, told));
    }
    figures
}

struct Bars {
    name: &'static str,
    title: &'static str,
    axis: &'static str,
    /// The last part of the keys.
    what: &'static str,
}

/// A bar for every decoder of every subject.
fn bars<M>(
    results: &ExperimentResults,
    subjects: &[Subject<'_, M>],
    decoders: &[Decoder],
    of: &Bars,
) -> Figure {
    let names = ["people"]
        .into_iter()
        .chain(decoders.iter().map(|one| one.title.as_str()));
    let mut figure = Figure::new(
        of.name,
        of.title,
        Axis::of_names("decoder", names),
        Axis::linear(of.axis),
    );
    let keys: Vec<&str> = ["people"]
        .into_iter()
        .chain(decoders.iter().map(|one| one.key.as_str()))
        .collect();
    let mut told = Vec::new();
    for subject in subjects {
        let mut points = Vec::new();
        let mut words = Vec::new();
        for (place, key) in keys.iter().enumerate() {
            let key = format!("{}.{key}.{}", subject.name, of.what);
            let Some(found) = results.results.iter().find(|one| one.key == key) else {
                continue;
            };
            if let Some(value) = found.value {
                points.push(Point::at(place as f64, value).within(found.low.zip(found.high)));
                words.push(format!("{} {value:.2}", figure.x.names[place]));
            }
        }
        told.push(format!("{}: {}.", subject.name, words.join(", ")));
        figure.series.push(Series {
            name: subject.name.to_owned(),
            shape: Shape::Bars,
            points,
        });
    }
    figure.text = format!("{}, {}. {}", of.title, of.axis, told.join(" "));
    figure
}

/// Surprisal by position of every decoder of one subject, with that of people.
fn surprisal(
    results: &ExperimentResults,
    subject: &str,
    decoders: &[Decoder],
    told: &Told,
) -> Figure {
    let mut figure = Figure::new(
        &format!("{subject}-surprisal"),
        &format!("What a token costs the unshaped model, by position: {subject}"),
        Axis::linear("token behind the opening"),
        Axis::linear("surprisal, nats"),
    );
    figure.series.push(Series {
        name: "people".to_owned(),
        shape: Shape::Reference,
        points: told.people.clone(),
    });
    let lines = decoders
        .iter()
        .zip(&told.curves)
        .map(|(decoder, points)| Series {
            name: decoder.title.clone(),
            shape: Shape::Line,
            points: points.clone(),
        });
    figure.series.extend(lines);
    let mean = |key: &str| {
        results
            .value(&format!("{subject}.{key}.surprisal"))
            .unwrap_or(f64::NAN)
    };
    let words: Vec<String> = decoders
        .iter()
        .map(|one| format!("{} {:.2}", one.title, mean(&one.key)))
        .collect();
    figure.text = format!(
        "Mean over all positions, nats: stories by people {:.2}; {}.",
        mean("people"),
        words.join(", ")
    );
    figure
}

/// Of the base, decoder by decoder: whether it makes text reasonable, which is that a token costs the model less than in stories by
/// people, and whether it is pathological, which is that it loops in more chains than plain sampling or has fewer distinct pairs.
/// Each holds where the two 95 % intervals do not meet, and fails where they do not meet the other way round; loops also fail where
/// they are in less than a twentieth of the chains for sure. The claim is supported where all three decoders are both, and not
/// supported where one of them is not.
fn verdict(results: &ExperimentResults) -> Option<Verdict> {
    let of = |decoder: &str, what: &str| {
        let key = format!("base.{decoder}.{what}");
        results.results.iter().find(|one| one.key == key)
    };
    let within = |decoder: &str, what: &str| of(decoder, what).and_then(|it| it.low.zip(it.high));
    let number = |decoder: &str, what: &str, digits: usize| {
        let found = of(decoder, what)?;
        let (low, high) = (found.low?, found.high?);
        Some(format!(
            "{:.digits$} ({low:.digits$} to {high:.digits$})",
            found.value?
        ))
    };
    let told = |decoder: &str| {
        Some(format!(
            "{} nats a token, {} % of chains loop, {} of pairs distinct",
            number(decoder, "surprisal", 2)?,
            number(decoder, "loops", 0)?,
            number(decoder, "distinct-2", 2)?
        ))
    };
    let (mut parts, mut words) = (Vec::new(), Vec::new());
    for (decoder, name) in ACCUSED {
        let reasonable =
            tristate::below(within(decoder, "surprisal"), within("people", "surprisal"));
        let seldom = within(decoder, "loops").is_some_and(|(_, high)| high < SELDOM);
        let loops = if seldom {
            Some(false)
        } else {
            tristate::below(within(INNOCENT, "loops"), within(decoder, "loops"))
        };
        let alike = tristate::below(
            within(decoder, "distinct-2"),
            within(INNOCENT, "distinct-2"),
        );
        let holds = tristate::all(&[reasonable, tristate::any(&[loops, alike])]);
        let answer = match holds {
            Some(true) => "yes",
            Some(false) => "no",
            None => "not told",
        };
        words.push(format!("{name}: {answer} ({})", told(decoder)?));
        parts.push(holds);
    }
    let why = format!(
        "of the base, {}; plain sampling has {}, and stories by people cost {} nats a token (a yes is that a token costs less than in \
         stories by people, and that more chains loop or fewer pairs are distinct than with plain sampling, by intervals that do not \
         meet; loops in under {SELDOM} % for sure are none; all three are needed)",
        words.join("; "),
        told(INNOCENT)?,
        number("people", "surprisal", 2)?
    );
    Some(Verdict::of(tristate::all(&parts), why))
}

#[cfg(test)]
mod tests;
