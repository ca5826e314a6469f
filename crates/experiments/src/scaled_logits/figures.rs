//! Figures of the fits, and of the toy on which texts and tokens are sharpened.

use super::FAR;
use super::report::{ENOUGH, Told, tenths};
use super::sharpening::{INDEPENDENT, RUT, apart, by_text, by_token};
use crate::Inputs;
use crate::results::{Axis, Estimate, Figure, Point, Series, Shape};

/// The empty figures of the fits, and that of the toy.
pub(super) fn figures(inputs: &Inputs, sharpening: Figure) -> Vec<Figure> {
    let groups = inputs.openings.iter().map(|group| {
        if group.name == FAR {
            group.title.clone()
        } else {
            format!("{}, unseen", group.title)
        }
    });
    let names: Vec<String> = ["openings of the fit".to_owned()]
        .into_iter()
        .chain(groups)
        .collect();
    let last = names.len() as f64 - 1.0;
    let mut explained = Figure::new(
        "explained",
        "How much of the tuning one scale explains",
        Axis::of_names("openings", names),
        Axis::linear("explained, %"),
    );
    explained.series.push(line(
        "enough for the claim",
        [(0.0, ENOUGH), (last, ENOUGH)],
    ));
    let mut scales = Figure::new(
        "scales",
        "The best scale of every position, sorted",
        Axis::linear("share of positions with a smaller one, %"),
        Axis::linear("best scale"),
    );
    scales
        .series
        .push(line("not scaled", [(0.0, 1.0), (100.0, 1.0)]));
    vec![explained, scales, sharpening]
}

fn line<const N: usize>(name: &str, points: [(f64, f64); N]) -> Series {
    Series {
        name: name.to_owned(),
        shape: Shape::Reference,
        points: points.into_iter().map(|(x, y)| Point::at(x, y)).collect(),
    }
}

/// Puts what is told of a model into the figures, over what was told of it before.
pub(super) fn draw_over(figures: &mut [Figure], subject: &str, told: &Told) {
    // What is not known yet is a dash.
    let value = |key: &str, write: fn(f64) -> String| {
        let key = format!("{subject}.{key}");
        let found = told.results.iter().find(|one| one.key == key);
        found
            .and_then(|one| one.value)
            .map_or_else(|| "–".to_owned(), write)
    };
    let hundredths = |value| format!("{value:.2}");
    let explained = format!(
        "{subject}: the one scale {:.2} explains {} % on the openings of its fit, {} % on unseen ones, {} % far from stories.",
        told.gamma,
        value("explained.fit", tenths),
        value("explained.unseen", tenths),
        value("explained.far", tenths)
    );
    let scales = format!(
        "{subject}: a tenth of positions below {}, half below {}, a tenth above {}.",
        value("gamma.low", hundredths),
        value("gamma.median", hundredths),
        value("gamma.high", hundredths)
    );
    let drawn = [
        (Shape::Bars, &told.explained, explained),
        (Shape::Line, &told.scales, scales),
    ];
    for (figure, (shape, points, text)) in figures.iter_mut().zip(drawn) {
        let series = Series {
            name: subject.to_owned(),
            shape,
            points: points.clone(),
        };
        let begins = format!("{subject}: ");
        let mut said: Vec<&str> = figure.text.lines().collect();
        said.retain(|line| !line.starts_with(&begins));
        said.push(&text);
        figure.text = said.join("\n");
        match figure.series.iter_mut().find(|one| one.name == subject) {
            Some(known) => *known = series,
            None => figure.series.push(series),
        }
    }
}

/// How far sharpened texts are from sharpened tokens, on texts of three letters.
pub(super) fn sharpening() -> (Vec<Estimate>, Figure) {
    let scales = [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0];
    let both = [by_text, by_token];
    let mut figure = Figure::new(
        "sharpening",
        "Sharpening whole texts against sharpening every token",
        Axis::linear("scale"),
        Axis::linear("total variation"),
    );
    for length in [2, 4, 8] {
        let points = scales.map(|scale| Point::at(scale, apart(&RUT, length, scale, both).0));
        figure.series.push(Series {
            name: format!("texts of {length} letters"),
            shape: Shape::Line,
            points: points.to_vec(),
        });
    }
    let alike = scales.map(|scale| (scale, apart(&INDEPENDENT, 4, scale, both).0));
    figure.series.push(line("independent letters", alike));
    let mut estimates = Vec::new();
    for scale in [2.0, 4.0, 8.0] {
        let (variation, nats) = apart(&RUT, 8, scale, both);
        let key = |what: &str| format!("letters.{what}.scale-{scale}");
        estimates.push(Estimate::exact(
            key("total-variation"),
            format!("8 letters: texts sharpened by {scale} against tokens, total variation"),
            "",
            variation,
        ));
        estimates.push(Estimate::exact(
            key("kl"),
            format!("8 letters: texts sharpened by {scale} against tokens, divergence"),
            "nats",
            nats,
        ));
    }
    figure.text = format!(
        "On texts of 8 letters, {:.0} % of the probability must move at scale 2 to turn sharpened tokens into sharpened texts. \
         Where letters are independent nothing must.",
        100.0 * apart(&RUT, 8, 2.0, both).0
    );
    (estimates, figure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_yet_is_a_dash() {
        let told = Told {
            results: vec![Estimate::exact(
                "toy.explained.fit".to_owned(),
                String::new(),
                "%",
                12.34,
            )],
            explained: Vec::new(),
            scales: Vec::new(),
            gamma: 1.5,
        };
        let (_, figure) = sharpening();
        let mut figures = [figure.clone(), figure];
        draw_over(&mut figures, "toy", &told);
        let said = |figure: &Figure| figure.text.lines().last().unwrap().to_owned();
        assert_eq!(
            said(&figures[0]),
            "toy: the one scale 1.50 explains 12.3 % on the openings of its fit, – % on unseen ones, – % far from stories."
        );
        assert_eq!(
            said(&figures[1]),
            "toy: a tenth of positions below –, half below –, a tenth above –."
        );
    }
}
