//! Figures of experiments as SVG files: lines, bars and points with intervals, streams as stacked bars.

mod flows;

use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result};
use experiments::{Axis, ExperimentResults, Figure, Point, Scale, Series, Shape};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::numbers::number;
use crate::plot::{Area, HEIGHT, NAMES, WIDTH, colour_of_model, legend};

/// Names below an axis of names, at most: of more only every second, third, ... is written.
const NAMED: usize = 24;
/// So many names stand upright; more lie on their side.
const UPRIGHT: usize = 7;
/// Height that is left for names that lie on their side.
const LYING: u32 = 70;

/// The plane that series are drawn on; axes by powers hold logarithms.
type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws all figures of some results into a folder.
pub fn draw(results: &ExperimentResults, folder: &Path) -> Result<()> {
    for figure in &results.figures {
        let path = folder.join(file(results, figure));
        let drawn = if figure.flows.is_empty() {
            series(figure, &path)
        } else {
            flows::flows(figure, &path)
        };
        drawn.with_context(|| format!("cannot draw {}", path.display()))?;
    }
    Ok(())
}

/// The name of a figure's file.
pub fn file(results: &ExperimentResults, figure: &Figure) -> String {
    format!("{}-{}.svg", results.experiment, figure.name)
}

/// Where a value stands on an axis; not a number where it has no place there.
fn place(axis: &Axis, value: f64) -> f64 {
    match axis.scale {
        Scale::Linear => value,
        Scale::Log if value > 0.0 => value.ln(),
        Scale::Log => f64::NAN,
    }
}

fn label(axis: &Axis, place: f64) -> String {
    let value = match axis.scale {
        Scale::Linear => place,
        Scale::Log => place.exp(),
    };
    // Ticks are sums of steps: what should be 0 is a little beside it.
    let value = if value.abs() < 1e-9 { 0.0 } else { value };
    let written = number(value);
    let short = match written.split_once('.') {
        Some((_, places)) if places.chars().all(|it| it.is_ascii_digit()) => {
            written.trim_end_matches('0').trim_end_matches('.')
        }
        _ => &written,
    };
    short.to_owned()
}

/// Where 0 stands on an axis.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zero {
    /// Always on it.
    Shown,
    /// On it where it is near the values.
    Near,
    /// It has no place of its own.
    Nowhere,
}

/// The values from the least to the largest with a little room; 0 and 1 where there are none.
fn range(values: impl Iterator<Item = f64>, zero: Zero) -> Range<f64> {
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|it| it.is_finite()) {
        least = least.min(value);
        most = most.max(value);
    }
    if least > most {
        return 0.0..1.0;
    }
    let near = least >= 0.0 && least < most / 3.0;
    let shown = zero == Zero::Shown || (zero == Zero::Near && near);
    let room = if most > least {
        0.05 * (most - least)
    } else {
        0.5
    };
    let low = if shown && least >= 0.0 {
        0.0
    } else {
        least - room
    };
    let high = if shown && most <= 0.0 {
        0.0
    } else {
        most + room
    };
    low..high
}

fn series(figure: &Figure, path: &Path) -> Result<()> {
    let lying = figure.x.names.len() > UPRIGHT;
    let sheet =
        SVGBackend::new(path, (WIDTH, HEIGHT + if lying { LYING } else { 0 })).into_drawing_area();
    sheet.fill(&WHITE)?;
    let (area, names) = sheet.split_horizontally(WIDTH - NAMES);
    let points = || figure.series.iter().flat_map(|one| &one.points);
    let x_range = if figure.x.names.is_empty() {
        let zero = if figure.x.scale == Scale::Log {
            Zero::Nowhere
        } else {
            Zero::Near
        };
        range(points().map(|point| place(&figure.x, point.x)), zero)
    } else {
        -0.6..figure.x.names.len() as f64 - 0.4
    };
    let zero = match figure.y.scale {
        Scale::Log => Zero::Nowhere,
        Scale::Linear if figure.series.iter().any(|one| one.shape == Shape::Bars) => Zero::Shown,
        Scale::Linear => Zero::Near,
    };
    let heights = points()
        .flat_map(|point| [Some(point.y), point.low, point.high])
        .flatten();
    let y_range = range(heights.map(|height| place(&figure.y, height)), zero);
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(if lying { 40 + LYING } else { 40 })
        .y_label_area_size(64)
        .build_cartesian_2d(x_range, y_range)?;
    let mut mesh = chart.configure_mesh();
    mesh.x_desc(figure.x.label.as_str())
        .y_desc(figure.y.label.as_str())
        .label_style(("sans-serif", 13))
        .light_line_style(WHITE);
    let (x_label, y_label) = (
        |at: &f64| label(&figure.x, *at),
        |at: &f64| label(&figure.y, *at),
    );
    mesh.x_label_formatter(&x_label).y_label_formatter(&y_label);
    if !figure.x.names.is_empty() {
        mesh.disable_x_mesh().x_labels(0);
    }
    mesh.draw()?;
    axis_names(&area, &chart, &figure.x.names, lying)?;
    drawn_on(&mut chart, figure)?;
    let named = |(number, one): (usize, &Series)| (one.name.clone(), colour_of_model(number));
    legend(&names, figure.series.iter().enumerate().map(named))?;
    sheet.present()?;
    Ok(())
}

/// Puts the series of a figure on its plane.
fn drawn_on(chart: &mut Plane<'_, '_>, figure: &Figure) -> Result<()> {
    let bars = figure
        .series
        .iter()
        .filter(|one| one.shape == Shape::Bars)
        .count();
    let mut bar = 0;
    for (number, one) in figure.series.iter().enumerate() {
        let points: Vec<Point> = one
            .points
            .iter()
            .map(|point| on_plane(figure, point))
            .collect();
        let points: Vec<Point> = points
            .into_iter()
            .filter(|it| it.x.is_finite() && it.y.is_finite())
            .collect();
        let colour = colour_of_model(number);
        match one.shape {
            Shape::Bars => {
                let width = 0.8 * spacing(figure) / bars as f64;
                let shift = width * (f64::from(bar) - 0.5 * (bars as f64 - 1.0));
                let foot = chart.y_range().start.max(if figure.y.scale == Scale::Log {
                    f64::NEG_INFINITY
                } else {
                    0.0
                });
                chart.draw_series(points.iter().map(|it| {
                    let corners = [
                        (it.x + shift - 0.46 * width, foot),
                        (it.x + shift + 0.46 * width, it.y),
                    ];
                    Rectangle::new(corners, colour.filled())
                }))?;
                intervals(chart, &points, shift, &RGBColor(0x60, 0x60, 0x60))?;
                bar += 1;
            }
            Shape::Line => {
                intervals(chart, &points, 0.0, &colour.mix(0.35))?;
                let line = points.iter().map(|it| (it.x, it.y));
                chart.draw_series(LineSeries::new(line, colour.stroke_width(2)))?;
            }
            Shape::Reference => {
                let line = points.iter().map(|it| (it.x, it.y));
                chart.draw_series(DashedLineSeries::new(line, 6, 4, colour.stroke_width(1)))?;
            }
            Shape::Dots => {
                intervals(chart, &points, 0.0, &colour.mix(0.5))?;
                chart.draw_series(
                    points
                        .iter()
                        .map(|it| Circle::new((it.x, it.y), 4, colour.filled())),
                )?;
            }
        }
    }
    Ok(())
}

fn on_plane(figure: &Figure, point: &Point) -> Point {
    let end = |value: Option<f64>| {
        value
            .map(|it| place(&figure.y, it))
            .filter(|it| it.is_finite())
    };
    Point {
        x: place(&figure.x, point.x),
        y: place(&figure.y, point.y),
        low: end(point.low),
        high: end(point.high),
    }
}

/// How far neighbours of a figure of bars are apart.
fn spacing(figure: &Figure) -> f64 {
    if !figure.x.names.is_empty() {
        return 1.0;
    }
    let mut places: Vec<f64> = figure
        .series
        .iter()
        .flat_map(|one| &one.points)
        .map(|point| place(&figure.x, point.x))
        .filter(|it| it.is_finite())
        .collect();
    places.sort_by(f64::total_cmp);
    let gaps = places
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .filter(|gap| *gap > 0.0);
    gaps.min_by(f64::total_cmp).unwrap_or(1.0)
}

/// A line from end to end of each interval.
fn intervals<C: Color>(
    chart: &mut Plane<'_, '_>,
    points: &[Point],
    shift: f64,
    colour: &C,
) -> Result<()> {
    let whiskers = points.iter().filter_map(|point| {
        let (low, high) = (point.low?, point.high?);
        Some(PathElement::new(
            [(point.x + shift, low), (point.x + shift, high)],
            colour.stroke_width(1),
        ))
    });
    chart.draw_series(whiskers)?;
    Ok(())
}

/// Names below their places.
fn axis_names(area: &Area<'_>, chart: &Plane<'_, '_>, names: &[String], lying: bool) -> Result<()> {
    let every = names.len().div_ceil(NAMED).max(1);
    let bottom = chart.y_range().start;
    for (at, name) in names.iter().enumerate().step_by(every) {
        let (x, y) = chart.backend_coord(&(at as f64, bottom));
        let font = ("sans-serif", 13).into_font();
        if lying {
            // Turned a quarter, a text begins at its top right corner and runs down.
            area.draw(&Text::new(
                name.clone(),
                (x + 6, y + 6),
                font.transform(FontTransform::Rotate90),
            ))?;
        } else {
            let half = 13 * name.chars().count() as i32 / 4;
            area.draw(&Text::new(name.clone(), (x - half, y + 6), font))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
