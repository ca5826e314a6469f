//! Figures and numbers as tables for other programs: comma-separated values (RFC 4180).

use std::fmt::Write as _;

use experiments::Quantity;

use super::beside::Beside;

/// Every point of a figure: series, place, name of the place, value, interval. Streams as from, to, weight.
pub fn of_figure(figure: &Beside) -> String {
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
    table(&["series", "x", "x_name", "y", "low", "high"], rows)
}

/// Numbers with their intervals.
pub fn of_results(results: &[Quantity]) -> String {
    let rows = results.iter().map(|one| {
        vec![
            one.key.clone(),
            one.label.clone(),
            one.unit.clone(),
            known(one.value),
            known(one.low),
            known(one.high),
            one.samples.to_string(),
        ]
    });
    table(
        &["key", "label", "unit", "value", "low", "high", "samples"],
        rows,
    )
}

fn known(number: Option<f64>) -> String {
    number.map_or(String::new(), |number| number.to_string())
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = format!("{}\r\n", head.join(","));
    for row in rows {
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
    use crate::figures::beside::pairs;

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
        let expected = "series,x,x_name,y,low,high\r\n\"raters, drawn\",0,\"say \"\"one\"\"\",0.5,0.25,0.75\r\n";
        assert_eq!(csv, expected);
    }

    #[test]
    fn a_number_without_an_interval_has_empty_cells() {
        let one = Quantity::exact("base.d6.entropy", "entropy", "bits", 2.5);
        let lines = of_results(&[one]);
        assert!(
            lines.ends_with("base.d6.entropy,entropy,bits,2.5,,,0\r\n"),
            "{lines}"
        );
    }
}
