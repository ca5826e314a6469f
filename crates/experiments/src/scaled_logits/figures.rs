//! Figures of the fits, and of the toy on which texts and tokens are sharpened.

use super::FAR;
use super::explained::{
    ENOUGH, EXPLAINED_FAR, EXPLAINED_FIT, EXPLAINED_UNSEEN, Fitted, GAMMA, GAMMA_HIGH, GAMMA_LOW,
    GAMMA_MEDIAN, tenths,
};
use super::sharpening::{INDEPENDENT, RUT, apart, by_text, by_token};
use crate::inputs::Inputs;
use crate::results::{Axis, Figure, Point, Series};
use crate::table::{Metric, Row, Table};

/// The empty figures of the fits, and that of the toy.
pub(super) fn figures(inputs: &Inputs, sharpening: Figure) -> Vec<Figure> {
    let groups = inputs.openings.iter().map(|group| {
        if group.name == FAR {
            group.title.clone()
        } else {
            format!("{}, unseen", group.title)
        }
    });
    let fit = ["openings of the fit".to_owned()].into_iter();
    let names: Vec<String> = fit.chain(groups).collect();
    let last = names.len() as f64 - 1.0;
    let mut explained = Figure::new(
        "explained",
        "How much of the tuning one scale explains",
        Axis::of_names("openings", names),
        Axis::linear("explained, %"),
    );
    let enough = [(0.0, ENOUGH), (last, ENOUGH)];
    explained
        .series
        .push(Series::reference("enough for the claim", enough));
    let mut scales = Figure::new(
        "scales",
        "Best scale at each token, from smallest to largest",
        Axis::linear("share of tokens with a smaller one, %"),
        Axis::linear("best scale"),
    );
    let one = [(0.0, 1.0), (100.0, 1.0)];
    scales.series.push(Series::reference("not scaled", one));
    vec![explained, scales, sharpening]
}

/// Puts a model into the figures, over what stood there of it.
pub(super) fn draw_over(figures: &mut [Figure], subject: &str, table: &Table, fitted: Fitted) {
    // What is not known yet is a dash.
    let value = |metric: &Metric, write: fn(f64) -> String| {
        let value = table.value(&Row::of(subject), metric);
        value.map_or_else(|| "–".to_owned(), write)
    };
    let hundredths = |value| format!("{value:.2}");
    let explained = format!(
        "{subject}: the one scale {} explains {} % on the openings of its fit, {} % on unseen ones, {} % far from stories.",
        value(&GAMMA, hundredths),
        value(&EXPLAINED_FIT, tenths),
        value(&EXPLAINED_UNSEEN, tenths),
        value(&EXPLAINED_FAR, tenths)
    );
    let scales = format!(
        "{subject}: a tenth of tokens below {}, half below {}, a tenth above {}.",
        value(&GAMMA_LOW, hundredths),
        value(&GAMMA_MEDIAN, hundredths),
        value(&GAMMA_HIGH, hundredths)
    );
    let drawn = [
        (Series::bars(subject, fitted.explained), explained),
        (Series::line(subject, fitted.scales), scales),
    ];
    for (figure, (series, text)) in figures.iter_mut().zip(drawn) {
        let begins = format!("{subject}: ");
        let mut lines: Vec<&str> = figure.text.lines().collect();
        lines.retain(|line| !line.starts_with(&begins));
        lines.push(&text);
        figure.text = lines.join("\n");
        match figure.series.iter_mut().find(|one| one.name == subject) {
            Some(known) => *known = series,
            None => figure.series.push(series),
        }
    }
}

/// How far sharpened texts are from sharpened tokens, on texts of three letters.
pub(super) fn sharpening() -> (Table, Figure) {
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
        figure
            .series
            .push(Series::line(format!("texts of {length} letters"), points));
    }
    let alike = scales.map(|scale| (scale, apart(&INDEPENDENT, 4, scale, both).0));
    figure
        .series
        .push(Series::reference("independent letters", alike));
    let mut table = Table::default();
    let row = Row::named("letters", "texts of 8 letters");
    for scale in [2.0, 4.0, 8.0] {
        let (variation, nats) = apart(&RUT, 8, scale, both);
        let metric = |what: &str, label: &str, unit| {
            let label = format!("sharpened by {scale} as texts against as tokens, {label}");
            Metric::of(format!("{what}.scale-{scale}"), label, unit)
        };
        table.set(
            &row,
            &metric("total-variation", "total variation", ""),
            variation,
        );
        table.set(&row, &metric("kl", "KL divergence", "nats"), nats);
    }
    figure.text = format!(
        "On texts of 8 letters, {:.0} % of the probability must move at scale 2 to turn sharpened tokens into sharpened texts. \
         Where letters are independent nothing must.",
        100.0 * apart(&RUT, 8, 2.0, both).0
    );
    (table, figure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_yet_is_a_dash() {
        let (mut table, row) = (Table::default(), Row::of("toy"));
        table.set(&row, &EXPLAINED_FIT, 12.34);
        table.set(&row, &GAMMA, 1.5);
        let (_, figure) = sharpening();
        let mut figures = [figure.clone(), figure];
        draw_over(&mut figures, "toy", &table, Fitted::default());
        let last = |figure: &Figure| figure.text.lines().last().unwrap().to_owned();
        assert_eq!(
            last(&figures[0]),
            "toy: the one scale 1.50 explains 12.3 % on the openings of its fit, – % on unseen ones, – % far from stories."
        );
        assert_eq!(
            last(&figures[1]),
            "toy: a tenth of tokens below –, half below –, a tenth above –."
        );
    }
}
