//! The figures: flows from openings to endings, and bars by group of openings.

use super::Opening;
use super::ends::{GLOBALITY, INFORMATION};
use super::perturbation::{RETURN, SAME_SENTENCE};
use crate::inputs::Inputs;
use crate::results::{Axis, Figure, Flow, Series};
use crate::table::{Metric, Row, Table};

/// All openings, then each group of them: its place in the inputs, its name in keys, its title.
pub type Groups = Vec<(Option<usize>, String, String)>;

/// What is drawn side by side: the metric, the figure's title, the axis' label.
pub const BARS: [(Metric, &str, &str); 4] = [
    (
        GLOBALITY,
        "Share of the largest attractor",
        "share of stories, %",
    ),
    (
        INFORMATION,
        "How much the opening tells about the ending",
        "information, bits",
    ),
    (
        RETURN,
        "Perturbed stories that come back to the same attractor",
        "share of those that could, %",
    ),
    (
        SAME_SENTENCE,
        "Perturbed stories with the same last sentence",
        "share of perturbed stories, %",
    ),
];

/// A model's numbers of some openings.
pub fn row(subject: &str, (_, name, title): &(Option<usize>, String, String)) -> Row {
    Row::of(subject).part(name, title)
}

/// Bars by group of openings for every model that is in the table.
pub fn bars(table: &Table, subjects: &[String], groups: &Groups) -> Vec<Figure> {
    let figure = |(metric, title, label): (Metric, &str, &str)| {
        let x = Axis::of_names("openings", groups.iter().map(|(_, _, title)| title.clone()));
        let mut figure = Figure::new(&metric.key, title, x, Axis::linear(label));
        for subject in subjects {
            if table.get(&row(subject, &groups[0]), &metric).is_some() {
                let points = groups.iter().enumerate().filter_map(|(place, group)| {
                    table.point(place as f64, &row(subject, group), &metric)
                });
                figure.series.push(Series::bars(subject, points));
            }
        }
        figure
    };
    BARS.map(figure).into()
}

/// Flows from groups of openings to endings, in % of all chains.
pub fn flows(
    name: &str,
    openings: &[Opening],
    inputs: &Inputs,
    titles: &[(String, String)],
) -> Figure {
    let mut figure = Figure::new(
        &format!("flow-{name}"),
        &format!("Where the stories of {name} end"),
        Axis::linear("openings"),
        Axis::linear("endings"),
    );
    let all: usize = openings.iter().map(|one| one.ends.len()).sum();
    for (group, from) in inputs.openings.iter().enumerate() {
        let mut counts = vec![0_usize; titles.len() + 1];
        for one in openings.iter().filter(|one| one.group == group) {
            for end in &one.ends {
                counts[end.unwrap_or(titles.len())] += 1;
            }
        }
        for (kind, count) in counts
            .into_iter()
            .enumerate()
            .filter(|(_, count)| *count > 0)
        {
            figure.flows.push(Flow {
                from: from.title.clone(),
                to: titles
                    .get(kind)
                    .map_or("No attractor", |(_, title)| title.as_str())
                    .to_owned(),
                weight: 100.0 * count as f64 / all as f64,
            });
        }
    }
    figure
}
