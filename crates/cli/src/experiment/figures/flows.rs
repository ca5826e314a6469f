//! Streams between names, as stacked bars.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use experiments::Figure;
use plotters::prelude::*;

use crate::plot::{NAMES, REST, WIDTH, colour, legend};

/// Streams' ends that have a colour of their own.
const COLOURED: usize = 11;

/// A bar for every name that streams come from, parted by where they go.
pub fn flows(figure: &Figure, path: &Path) -> Result<()> {
    let mut from: Vec<&str> = Vec::new();
    let mut to: BTreeMap<&str, f64> = BTreeMap::new();
    for flow in &figure.flows {
        if !from.contains(&flow.from.as_str()) {
            from.push(&flow.from);
        }
        *to.entry(&flow.to).or_default() += flow.weight;
    }
    let mut ends: Vec<(&str, f64)> = to.into_iter().collect();
    ends.sort_by(|one, other| other.1.total_cmp(&one.1));
    let height = 26 * from.len() as u32 + 80;
    let sheet = SVGBackend::new(path, (WIDTH, height.max(20 * (COLOURED as u32 + 2) + 20)))
        .into_drawing_area();
    sheet.fill(&WHITE)?;
    let (area, names) = sheet.split_horizontally(WIDTH - NAMES);
    let (area, _) = area.split_vertically(height);
    let rows = from.len() as f64;
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(200)
        .build_cartesian_2d(0.0..100.0, 0.0..rows)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .x_desc("share of what comes from each, %")
        .x_label_formatter(&|percent| format!("{percent:.0}"))
        .y_labels(0)
        .label_style(("sans-serif", 13))
        .draw()?;
    for (row, name) in from.iter().enumerate() {
        let middle = rows - row as f64 - 0.5;
        let own = || figure.flows.iter().filter(|flow| flow.from == *name);
        let all: f64 = own().map(|flow| flow.weight).sum();
        let mut left = 0.0;
        for (end, (to, _)) in ends.iter().enumerate() {
            let weight: f64 = own()
                .filter(|flow| flow.to == *to)
                .map(|flow| flow.weight)
                .sum();
            let right = left + if all > 0.0 { 100.0 * weight / all } else { 0.0 };
            let colour = if end < COLOURED { colour(end) } else { REST };
            chart.draw_series([Rectangle::new(
                [(left, middle - 0.38), (right, middle + 0.38)],
                colour.filled(),
            )])?;
            left = right;
        }
        let (_, y) = chart.backend_coord(&(0.0, middle));
        let short: String = name.chars().take(30).collect();
        area.draw(&Text::new(short, (14, y - 7), ("sans-serif", 13)))?;
    }
    let named = ends.iter().take(COLOURED).enumerate();
    let named = named.map(|(end, (name, _))| ((*name).to_owned(), colour(end)));
    let rest = (ends.len() > COLOURED).then(|| ("others".to_owned(), REST));
    legend(&names, named.chain(rest))?;
    sheet.present()?;
    Ok(())
}
