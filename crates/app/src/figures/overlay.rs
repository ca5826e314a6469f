//! The reader's figure and the published one of the same name, on one pair of axes.

use experiments::{Axis, Figure, Flow, Series, Shape};

/// A figure to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct OverlaidFigure {
    /// Names it among those of its experiment.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// The same in words: of the reader's run where there is one.
    pub text: String,
    /// From left to right.
    pub x: Axis,
    /// From below upwards.
    pub y: Axis,
    /// What is drawn on them.
    pub layers: Vec<Layer>,
    /// Streams, in place of layers.
    pub flows: Vec<Flow>,
}

/// One series.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its points, under a name that no other layer has.
    pub series: Series,
    /// Whom it is about: layers of one subject have one colour.
    pub subject: String,
    /// Whether it stands behind the reader's own.
    pub faint: bool,
}

impl Layer {
    fn of(series: &Series) -> Self {
        let subject = series.name.split(", ").next().unwrap_or_default();
        Self {
            subject: subject.to_owned(),
            series: series.clone(),
            faint: false,
        }
    }
}

/// All figures of a run and of what ships: the run's first, each with the published one of its name behind it. Those that a run has
/// not come to say that they ship.
pub fn pairs(own: &[Figure], published: &[Figure]) -> Vec<OverlaidFigure> {
    let named = |name: &str| published.iter().find(|one| one.name == name);
    let drawn = own.iter().map(|figure| pair(figure, named(&figure.name)));
    let rest = published
        .iter()
        .filter(|figure| own.iter().all(|one| one.name != figure.name));
    let rest = rest.map(|figure| {
        let mut alone = pair(figure, None);
        if !own.is_empty() {
            alone.title += " (published)";
        }
        alone
    });
    drawn.chain(rest).collect()
}

fn pair(own: &Figure, published: Option<&Figure>) -> OverlaidFigure {
    let mut drawn = OverlaidFigure {
        name: own.name.clone(),
        title: own.title.clone(),
        text: own.text.clone(),
        x: own.x.clone(),
        y: own.y.clone(),
        layers: own.series.iter().map(Layer::of).collect(),
        flows: own.flows.clone(),
    };
    if let Some(published) = published.filter(|_| own.flows.is_empty()) {
        let across = places(&mut drawn.x.names, &published.x.names);
        let upwards = places(&mut drawn.y.names, &published.y.names);
        for series in &published.series {
            // What is known beforehand is drawn once.
            let known = own.series.iter().any(|one| one.name == series.name);
            if series.shape == Shape::Reference && known {
                continue;
            }
            let mut layer = Layer::of(series);
            layer.series.name = format!("{} (published)", series.name);
            layer.faint = true;
            for point in &mut layer.series.points {
                point.x = moved(point.x, &across);
                point.y = moved(point.y, &upwards);
            }
            drawn.layers.push(layer);
        }
    }
    drawn
}

/// Where each name of another axis stands on this one, which gets those that it lacks.
fn places(names: &mut Vec<String>, others: &[String]) -> Vec<usize> {
    let mut place = |name: &String| {
        names.iter().position(|one| one == name).unwrap_or_else(|| {
            names.push(name.clone());
            names.len() - 1
        })
    };
    others.iter().map(&mut place).collect()
}

/// A place on an axis of names moves with its name; on a numeric axis it stays.
fn moved(at: f64, places: &[usize]) -> f64 {
    places.get(at as usize).map_or(at, |&place| place as f64)
}

#[cfg(test)]
mod tests {
    use experiments::Point;

    use super::*;

    fn figure(names: &[&str], series: &[(&str, Shape)]) -> Figure {
        let x = Axis::of_names("side", names.iter().copied());
        let mut figure = Figure::new("shares", "Shares", x, Axis::linear("%"));
        for (name, shape) in series {
            let points = (0..names.len()).map(|at| Point::at(at as f64, 1.0));
            figure.series.push(Series {
                name: (*name).to_owned(),
                shape: *shape,
                points: points.collect(),
            });
        }
        figure
    }

    #[test]
    fn published_series_stand_faintly_behind_the_readers_on_the_same_names() {
        let own = figure(
            &["1", "2"],
            &[("base", Shape::Bars), ("fair", Shape::Reference)],
        );
        let published = figure(
            &["2", "3"],
            &[("base, drawn", Shape::Bars), ("fair", Shape::Reference)],
        );
        let drawn = pairs(std::slice::from_ref(&own), std::slice::from_ref(&published));
        assert_eq!(drawn.len(), 1);
        assert_eq!(drawn[0].x.names, ["1", "2", "3"]);
        let names: Vec<(&str, &str, bool)> = drawn[0]
            .layers
            .iter()
            .map(|layer| (&*layer.series.name, &*layer.subject, layer.faint))
            .collect();
        let expected = [
            ("base", "base", false),
            ("fair", "fair", false),
            ("base, drawn (published)", "base", true),
        ];
        assert_eq!(names, expected);
        let at: Vec<f64> = drawn[0].layers[2]
            .series
            .points
            .iter()
            .map(|one| one.x)
            .collect();
        assert_eq!(at, [1.0, 2.0]);

        let mut other = figure(&["1"], &[("base", Shape::Bars)]);
        other.name = "other".to_owned();
        let drawn = pairs(std::slice::from_ref(&own), &[published.clone(), other]);
        assert_eq!((drawn.len(), &*drawn[1].title), (2, "Shares (published)"));

        let alone = pairs(&[], &[published]);
        assert_eq!(alone[0].title, "Shares");
        assert!(alone[0].layers.iter().all(|layer| !layer.faint));
        assert_eq!(pairs(&[own], &[])[0].layers.len(), 2);
    }
}
