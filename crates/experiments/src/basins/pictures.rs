//! The figures: streams from openings to endings, and bars by group of openings.

use super::verdict::Measured;
use crate::Subject;
use crate::inputs::Inputs;
use crate::results::{Axis, Estimate, ExperimentResults, Figure, Flow, Point, Series, Shape};

/// All openings, then each group of them: its place in the inputs, its name in keys, its title.
pub type Groups = Vec<(Option<usize>, String, String)>;

/// What is drawn side by side: the number, the figure's title, the axis' label.
pub const BARS: [(&str, &str, &str); 4] = [
    (
        "globality",
        "Share of the largest attractor",
        "share of chains, %",
    ),
    (
        "information",
        "How much the opening tells about the end",
        "information, bits",
    ),
    (
        "return",
        "Perturbed chains that end in the same attractor",
        "share of those that could, %",
    ),
    (
        "same-sentence",
        "Perturbed chains with the same last sentence",
        "share of perturbed chains, %",
    ),
];

/// A figure of bars for each of these numbers, with nothing in it yet.
pub fn empty_bars(groups: &Groups) -> Vec<Figure> {
    let bars = BARS.iter().map(|(what, title, label)| {
        let x = Axis::of_names("openings", groups.iter().map(|(_, _, title)| title.clone()));
        Figure::new(what, title, x, Axis::linear(label))
    });
    bars.collect()
}

/// One model's number by group of openings.
pub fn series(results: &ExperimentResults, subject: &str, groups: &Groups, what: &str) -> Series {
    let point = |(place, (_, name, _)): (usize, &(Option<usize>, String, String))| {
        let key = format!("{subject}.{name}.{what}");
        let own: &Estimate = results.results.iter().find(|one| one.key == key)?;
        Some(Point::at(place as f64, own.value?).within(own.low.zip(own.high)))
    };
    Series {
        name: subject.to_owned(),
        shape: Shape::Bars,
        points: groups.iter().enumerate().filter_map(point).collect(),
    }
}

/// The same in words, over all openings.
pub fn told<M>(results: &ExperimentResults, subjects: &[Subject<'_, M>], what: &str) -> String {
    let one = |subject: &Subject<'_, M>| {
        let key = format!("{}.all.{what}", subject.name);
        let own = results.results.iter().find(|one| one.key == key);
        let value = own.and_then(|own| Some(format!("{:.2} {}", own.value?, own.unit)));
        format!(
            "{}, over all openings: {}.",
            subject.name,
            value.unwrap_or_else(|| "not defined".to_owned())
        )
    };
    subjects.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Streams from groups of openings to endings, in % of all chains.
pub fn flows(own: &Measured, inputs: &Inputs, titles: &[(String, String)]) -> Figure {
    let mut figure = Figure::new(
        &format!("flow-{}", own.name),
        &format!("Where the stories of {} end", own.name),
        Axis::linear("openings"),
        Axis::linear("endings"),
    );
    let all: usize = own.fallen.iter().map(|one| one.ends.len()).sum();
    for (group, opening) in inputs.openings.iter().enumerate() {
        let mut counts = vec![0_usize; titles.len() + 1];
        for fallen in own.fallen.iter().filter(|one| one.group == group) {
            for end in &fallen.ends {
                counts[end.unwrap_or(titles.len())] += 1;
            }
        }
        for (kind, count) in counts
            .into_iter()
            .enumerate()
            .filter(|(_, count)| *count > 0)
        {
            figure.flows.push(Flow {
                from: opening.title.clone(),
                to: titles
                    .get(kind)
                    .map_or("No attractor", |(_, title)| title.as_str())
                    .to_owned(),
                weight: 100.0 * count as f64 / all as f64,
            });
        }
    }
    let one = |flow: &Flow| format!("{} to {}: {:.1} %", flow.from, flow.to, flow.weight);
    let mut largest: Vec<&Flow> = figure.flows.iter().collect();
    largest.sort_by(|one, other| other.weight.total_cmp(&one.weight));
    let largest: Vec<String> = largest.into_iter().take(6).map(one).collect();
    figure.text = format!(
        "The widest streams, in % of all chains: {}.",
        largest.join("; ")
    );
    figure
}
