//! `collapse curve`: the loss of a training run over its tokens, as an SVG for the model card.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use plotters::prelude::*;
use serde::Deserialize;

/// Width and height of the picture, in CSS pixels.
const SIZE: (u32, u32) = (760, 420);
/// Half-width of the moving average, as a share of the log's lines.
const SMOOTHED_OVER: f64 = 0.02;
/// The plot starts at this share of the run: the loss of random weights is far above the rest.
const SHOWN_FROM: f64 = 0.01;

/// Arguments of `collapse curve`.
#[derive(Args)]
pub struct Curve {
    /// Log of `collapse pretrain`
    #[arg(
        long,
        value_name = "FILE",
        default_value = "models/storyteller/training-log.jsonl"
    )]
    log: PathBuf,
    /// Picture to write
    #[arg(long, value_name = "FILE.svg")]
    out: PathBuf,
}

/// One line of the log.
#[derive(Clone, Copy, Deserialize)]
struct Point {
    tokens: f64,
    loss_nats: f64,
}

impl Curve {
    /// Plots the log.
    pub fn run(self) -> anyhow::Result<()> {
        let points = read(&self.log)?;
        draw(&points, &self.out).with_context(|| format!("cannot draw {}", self.out.display()))
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<Point>> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the log {}", path.display()))?;
    let points: Vec<Point> = text
        .lines()
        .zip(1..)
        .map(|(line, number)| {
            serde_json::from_str(line).with_context(|| format!("{}, line {number}", path.display()))
        })
        .collect::<anyhow::Result<_>>()?;
    if points.len() < 2 {
        bail!(
            "{} has fewer than two lines: there is nothing to plot yet",
            path.display()
        );
    }
    Ok(points)
}

fn draw(points: &[Point], path: &Path) -> anyhow::Result<()> {
    let smoothed = smooth(
        points,
        (SMOOTHED_OVER * points.len() as f64).ceil() as usize,
    );
    let shown = (SHOWN_FROM * points.len() as f64) as usize;
    let losses = || points[shown..].iter().map(|point| point.loss_nats);
    let lowest = losses().fold(f64::INFINITY, f64::min);
    let highest = losses().fold(f64::NEG_INFINITY, f64::max);
    let millions = |point: &Point| (point.tokens / 1e6, point.loss_nats.min(highest));
    let end = points[points.len() - 1].tokens / 1e6;

    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..end, (lowest - 0.1)..highest)?;
    chart
        .configure_mesh()
        .x_desc("training tokens, millions")
        .y_desc("loss, nats per token")
        .y_label_formatter(&|loss| format!("{loss:.1}"))
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 15))
        .light_line_style(WHITE)
        .draw()?;
    // The page's blue: pale for single lines of the log, full for their mean.
    let blue = RGBColor(0x1F, 0x5F, 0xBF);
    chart.draw_series(LineSeries::new(points.iter().map(millions), blue.mix(0.25)))?;
    chart.draw_series(LineSeries::new(
        smoothed.iter().map(millions),
        blue.stroke_width(2),
    ))?;
    area.present()?;
    Ok(())
}

/// Centred moving average over up to `reach` points on either side, equally many on both.
fn smooth(points: &[Point], reach: usize) -> Vec<Point> {
    (0..points.len())
        .map(|index| {
            let reach = reach.min(index).min(points.len() - 1 - index);
            let near = &points[index - reach..=index + reach];
            let loss_nats =
                near.iter().map(|point| point.loss_nats).sum::<f64>() / near.len() as f64;
            Point {
                tokens: points[index].tokens,
                loss_nats,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_keeps_a_straight_line() {
        let line: Vec<Point> = (0..20)
            .map(|index| Point {
                tokens: f64::from(index),
                loss_nats: 3.0 - 0.1 * f64::from(index),
            })
            .collect();
        for (smooth, point) in smooth(&line, 3).iter().zip(&line) {
            assert!((smooth.loss_nats - point.loss_nats).abs() < 1e-12);
        }
    }
}
