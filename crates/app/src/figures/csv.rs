//! Figures and numbers as tables for other programs: comma-separated values (RFC 4180).

use std::fmt::Write as _;

use experiments::Estimate;

use super::overlay::OverlaidFigure;

/// Every point of a figure: series, place, name of the place, value, interval, under the axes' labels. Streams as from, to, weight.
pub fn of_figure(figure: &OverlaidFigure) -> String {
    if !figure.flows.is_empty() {
        let rows = figure
            .flows
            .iter()
            .map(|flow| vec![flow.from.clone(), flow.to.clone(), flow.weight.to_string()]);
        return table(&["from", "to", "weight"], rows);
    }
    let rows = figure.layers.iter().flat_map(|layer| {
        layer.series.points.iter().map(|point| {
            let name = figure.x.names.get(point.x as usize);
            vec![
                layer.series.name.clone(),
                point.x.to_string(),
                name.cloned().unwrap_or_default(),
                point.y.to_string(),
                known(point.low),
                known(point.high),
            ]
        })
    });
    let (x, y) = (&*figure.x.label, &*figure.y.label);
    table(
        &["series", x, &format!("{x}, name"), y, "low", "high"],
        rows,
    )
}

/// Numbers with their intervals, run by run; a run is named by who made it, and with which knobs.
pub fn of_results(runs: &[(String, &[Estimate])]) -> String {
    let rows = runs.iter().flat_map(|(run, results)| {
        results.iter().map(|one| {
            vec![
                run.clone(),
                one.key.clone(),
                one.label.clone(),
                one.unit.clone(),
                known(one.value),
                known(one.low),
                known(one.high),
                samples(one),
            ]
        })
    });
    table(
        &[
            "run", "key", "label", "unit", "value", "low", "high", "samples",
        ],
        rows,
    )
}

/// How many samples are behind a number, in words where there are none.
pub fn samples(one: &Estimate) -> String {
    match (one.value, one.samples) {
        (None, 0) => String::new(),
        (Some(_), 0) => "exact".to_owned(),
        (_, samples) => samples.to_string(),
    }
}

fn known(number: Option<f64>) -> String {
    number.map_or(String::new(), |number| number.to_string())
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let head = head.iter().map(|cell| (*cell).to_owned()).collect();
    let mut table = String::new();
    for row in std::iter::once(head).chain(rows) {
        let cells: Vec<String> = row.iter().map(|cell| quoted(cell)).collect();
        write!(table, "{}\r\n", cells.join(",")).expect("a String takes every text");
    }
    table
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use experiments::{Axis, Figure, Point, Series, Shape};

    use super::*;
    use crate::figures::overlay::pairs;

    #[test]
    fn a_point_is_a_line_and_commas_are_quoted() {
        let x = Axis::of_names("side", ["say \"one\""]);
        let mut figure = Figure::new("f", "F", x, Axis::linear("%"));
        figure.series.push(Series {
            name: "raters, drawn".to_owned(),
            shape: Shape::Dots,
            points: vec![Point::at(0.0, 0.5).within(Some((0.25, 0.75)))],
        });
        let csv = of_figure(&pairs(&[figure], &[])[0]);
        let expected = "series,side,\"side, name\",%,low,high\r\n\"raters, drawn\",0,\"say \"\"one\"\"\",0.5,0.25,0.75\r\n";
        assert_eq!(csv, expected);
    }

    #[test]
    fn a_number_without_an_interval_has_empty_cells() {
        let one = Estimate::exact("base.d6.entropy", "entropy", "bits", 2.5);
        let none = Estimate {
            value: None,
            ..one.clone()
        };
        let lines = of_results(&[
            ("yours".to_owned(), &[one]),
            ("published".to_owned(), &[none]),
        ]);
        let expected = "yours,base.d6.entropy,entropy,bits,2.5,,,exact\r\npublished,base.d6.entropy,entropy,bits,,,,\r\n";
        assert!(lines.ends_with(expected), "{lines}");
    }
}
