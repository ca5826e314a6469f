//! The report's pictures, as SVG files.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result};
use plotters::prelude::*;

use super::findings::{Findings, Measured};
use super::targets::WEDDING;
use crate::plot::{Area, HEIGHT, NAMES, REST, WIDTH, colour, colour_of_model, legend};

/// Height of a bar with its gap.
const BAR: u32 = 26;
/// Attractors that have a colour of their own in the picture of shares; the others share one.
const COLOURED: usize = 9;
/// The colour of what ends in no attractor.
const NOTHING: RGBColor = RGBColor(0xEC, 0xEC, 0xEC);

/// Draws all pictures into a folder; the names of those that could be drawn.
pub fn draw(findings: &Findings, folder: &Path) -> Result<Vec<&'static str>> {
    let path = |name: &str| folder.join(name);
    let said = |name: &str| format!("cannot draw {}", path(name).display());
    let mut drawn = vec!["shares.svg"];
    shares(findings, &path("shares.svg")).with_context(|| said("shares.svg"))?;
    if findings.attractor(WEDDING).is_some() {
        hitting(findings, &path("hitting.svg")).with_context(|| said("hitting.svg"))?;
        drawn.push("hitting.svg");
    }
    entropy(findings, &path("entropy.svg")).with_context(|| said("entropy.svg"))?;
    drawn.push("entropy.svg");
    if findings.attractor(WEDDING).is_some() && findings.models.len() > 1 {
        budget(findings, &path("budget.svg")).with_context(|| said("budget.svg"))?;
        drawn.push("budget.svg");
    }
    Ok(drawn)
}

/// Where all chains of each model end: a bar a model.
fn shares(findings: &Findings, path: &Path) -> Result<()> {
    let models = &findings.models;
    let height = BAR * models.len() as u32;
    let area = SVGBackend::new(path, (WIDTH, (height + 90).max(300))).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(WIDTH - NAMES);
    let (left, _) = left.split_vertically(height + 90);

    let most = |kind: usize| {
        models
            .iter()
            .map(|model| model.overall.shares[kind].share)
            .fold(0.0, f64::max)
    };
    let mut kinds: Vec<usize> = (0..findings.attractors.len())
        .filter(|kind| most(*kind) > 0.0)
        .collect();
    // The wedding has the same colour and place in every report.
    let other_than_wedding = |kind: &usize| Some(*kind) != findings.attractor(WEDDING);
    kinds.sort_by(|one, other| {
        let by_share = most(*other).total_cmp(&most(*one));
        let by_kind = other_than_wedding(one).cmp(&other_than_wedding(other));
        by_kind.then(by_share).then(one.cmp(other))
    });
    kinds.truncate(COLOURED);

    let rows = models.len() as f64;
    let mut chart = ChartBuilder::on(&left)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(110)
        .build_cartesian_2d(0.0..100.0, 0.0..rows)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .x_desc("chains by the attractor that they end in, %")
        .x_label_formatter(&|percent| format!("{percent:.0}"))
        .y_labels(0)
        .label_style(("sans-serif", 13))
        .draw()?;
    for (number, model) in models.iter().enumerate() {
        let middle = rows - number as f64 - 0.5;
        let mut left_end = 0.0;
        let own = kinds
            .iter()
            .enumerate()
            .map(|(place, kind)| (model.overall.shares[*kind].share, colour(place)));
        let named: f64 = kinds
            .iter()
            .map(|kind| model.overall.shares[*kind].share)
            .sum();
        let none = model.overall.shares.last().map_or(0.0, |share| share.share);
        for (share, colour) in own.chain([((1.0 - named - none).max(0.0), REST), (none, NOTHING)]) {
            let right_end = left_end + 100.0 * share;
            let corners = [(left_end, middle - 0.38), (right_end, middle + 0.38)];
            chart.draw_series([Rectangle::new(corners, colour.filled())])?;
            left_end = right_end;
        }
        let (_, y) = chart.backend_coord(&(0.0, middle));
        area.draw(&Text::new(
            model.name.clone(),
            (14, y - 7),
            ("sans-serif", 14),
        ))?;
    }
    let names = kinds
        .iter()
        .enumerate()
        .map(|(place, kind)| (findings.attractors[*kind].title.clone(), colour(place)));
    let rest = [
        ("other attractors".to_owned(), REST),
        ("none".to_owned(), NOTHING),
    ];
    legend(&right, names.chain(rest))?;
    area.present()?;
    Ok(())
}

/// How soon each model's chains hit a wedding.
fn hitting(findings: &Findings, path: &Path) -> Result<()> {
    let length = findings.settings.length as f64;
    let line = |model: &Measured| {
        let mut points = vec![(0.0, 0.0)];
        for step in model.hitting(WEDDING).map_or(&[][..], |found| &found.curve) {
            let before = points.last().map_or(0.0, |point| point.1);
            points.push((f64::from(step.tokens), before));
            points.push((f64::from(step.tokens), 100.0 * step.hit_by));
        }
        points.push((length, points.last().map_or(0.0, |point| point.1)));
        points
    };
    let axes = Axes {
        x: (length, "tokens"),
        y: (0.0..100.0, "chains that have hit a wedding, %"),
    };
    let lines = findings
        .models
        .iter()
        .map(|model| (model.name.clone(), line(model)));
    curves(path, &axes, lines.collect())
}

/// How many ways there are to go on, by position.
fn entropy(findings: &Findings, path: &Path) -> Result<()> {
    let line = |model: &Measured| -> Vec<(f64, f64)> {
        (1..)
            .map(f64::from)
            .zip(model.entropy_bits.iter().copied())
            .collect()
    };
    let all = || {
        findings
            .models
            .iter()
            .flat_map(|model| model.entropy_bits.iter().copied())
    };
    let axes = Axes {
        x: (findings.settings.length as f64, "token"),
        y: (
            0.0..1.05 * all().fold(1e-3, f64::max),
            "entropy of the next token, bits",
        ),
    };
    let lines = findings
        .models
        .iter()
        .map(|model| (model.name.clone(), line(model)));
    curves(path, &axes, lines.collect())
}

/// What divergence from the base buys: weddings and reward, a point a model.
fn budget(findings: &Findings, path: &Path) -> Result<()> {
    let Some(wedding) = findings.attractor(WEDDING) else {
        return Ok(());
    };
    let area = SVGBackend::new(path, (WIDTH, HEIGHT)).into_drawing_area();
    area.fill(&WHITE)?;
    let (charts, names) = area.split_horizontally(WIDTH - NAMES);
    let (left, right) = charts.split_horizontally((WIDTH - NAMES) / 2);
    let kl = |model: &Measured| model.overall.kl_nats.mean;
    let reward = |model: &Measured| model.overall.reward.map_or(0.0, |reward| reward.mean);
    let weddings = |model: &Measured| 100.0 * model.overall.shares[wedding].share;
    let furthest = 1.05 * findings.models.iter().map(kl).fold(1.0, f64::max);
    let rewards = || findings.models.iter().map(reward);
    let (least, most) = (rewards().fold(0.0, f64::min), rewards().fold(1.0, f64::max));
    let of = |value: &dyn Fn(&Measured) -> f64| -> Vec<(f64, f64)> {
        findings
            .models
            .iter()
            .map(|model| (kl(model), value(model)))
            .collect()
    };
    let axes = Axes {
        x: (furthest, "KL from the base, nats per completion"),
        y: (0.0..102.0, "chains that end in a wedding, %"),
    };
    points(&left, &axes, &of(&weddings))?;
    let axes = Axes {
        y: (1.05 * least..1.05 * most, "reward, log-odds in nats"),
        ..axes
    };
    points(&right, &axes, &of(&reward))?;
    let models = findings.models.iter().enumerate();
    legend(
        &names,
        models.map(|(number, model)| (model.name.clone(), colour_of_model(number))),
    )?;
    area.present()?;
    Ok(())
}

/// A point a model.
fn points(area: &Area<'_>, axes: &Axes, models: &[(f64, f64)]) -> Result<()> {
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(52)
        .build_cartesian_2d(-0.03 * axes.x.0..axes.x.0, axes.y.0.clone())?;
    chart
        .configure_mesh()
        .x_desc(axes.x.1)
        .y_desc(axes.y.1)
        .x_labels(5)
        .label_style(("sans-serif", 13))
        .light_line_style(WHITE)
        .draw()?;
    for (number, point) in models.iter().enumerate() {
        chart.draw_series([Circle::new(*point, 5, colour_of_model(number).filled())])?;
    }
    Ok(())
}

/// What two axes show, and their names; the first begins at 0.
struct Axes {
    x: (f64, &'static str),
    y: (Range<f64>, &'static str),
}

/// A picture that is nothing but curves and their names.
fn curves(path: &Path, axes: &Axes, lines: Vec<(String, Vec<(f64, f64)>)>) -> Result<()> {
    let sheet = SVGBackend::new(path, (WIDTH, HEIGHT)).into_drawing_area();
    sheet.fill(&WHITE)?;
    let (area, names) = sheet.split_horizontally(WIDTH - NAMES);
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..axes.x.0, axes.y.0.clone())?;
    chart
        .configure_mesh()
        .x_desc(axes.x.1)
        .x_label_formatter(&|tokens| format!("{tokens:.0}"))
        .y_desc(axes.y.1)
        .label_style(("sans-serif", 13))
        .light_line_style(WHITE)
        .draw()?;
    let mut named = Vec::new();
    for (number, (name, points)) in lines.into_iter().enumerate() {
        chart.draw_series(LineSeries::new(
            points,
            colour_of_model(number).stroke_width(2),
        ))?;
        named.push((name, colour_of_model(number)));
    }
    legend(&names, named.into_iter())?;
    sheet.present()?;
    Ok(())
}
