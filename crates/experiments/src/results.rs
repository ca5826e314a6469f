//! What an experiment found: numbers with intervals, controls, and figures that any charting library can draw.

use serde::{Deserialize, Serialize};

use crate::RunConfig;
use crate::table::Table;

/// All that came out of an experiment, or has so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentResults {
    /// The experiment's name, as in [`crate::CATALOGUE`].
    pub experiment: String,
    /// How it was run.
    pub setting: RunConfig,
    /// The models that were asked, the base first.
    pub subjects: Vec<String>,
    /// The numbers, those that answer the claim first.
    pub results: Table,
    /// The same estimators where the answer is known.
    pub controls: Vec<Control>,
    /// To look at.
    pub figures: Vec<Figure>,
    /// What is to be said of the claim, on these models; none as long as it is not known.
    pub verdict: Option<Verdict>,
}

/// What the numbers say of a claim, by a rule that was fixed before they were known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// How the claim fares.
    pub answer: Outcome,
    /// The answer in one plain sentence, "Yes", "No" or "Undecided" first. Empty in files of an earlier version.
    #[serde(default)]
    pub sentence: String,
    /// The conditions of the claim, each with its own answer; all are needed. Empty in files of an earlier version.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// The numbers that decide, and the rule, in sentences.
    pub why: String,
}

/// One of the conditions that a claim needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// What is asked for, in a few words.
    pub claim: String,
    /// Whether it holds; none where the interval holds both answers, or the number is not known.
    pub holds: Option<bool>,
}

impl Condition {
    /// A condition and whether it holds.
    pub fn new(claim: impl Into<String>, holds: Option<bool>) -> Self {
        Self {
            claim: claim.into(),
            holds,
        }
    }

    /// The condition with its answer: "one global attractor: yes".
    pub fn sentence(&self) -> String {
        let answer = match self.holds {
            Some(true) => "yes",
            Some(false) => "no",
            None => "undecided",
        };
        format!("{}: {answer}", self.claim)
    }

    /// Several, each with its answer.
    pub fn list(conditions: &[Self]) -> String {
        let sentences: Vec<String> = conditions.iter().map(Self::sentence).collect();
        sentences.join("; ")
    }
}

/// How a claim fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// On these models it holds.
    Supported,
    /// On these models it does not.
    NotSupported,
    /// The numbers do not decide: intervals hold both answers.
    Undecided,
}

/// A number that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// Names it among all of its experiment: words and subjects joined by dots, such as `wedding.explained`.
    pub key: String,
    /// What it is, in words.
    pub label: String,
    /// Its unit: `bits`, `nats`, `%`, `tokens`, or nothing.
    pub unit: String,
    /// The number; none where it is not defined.
    pub value: Option<f64>,
    /// The 95 % interval's lower end. None where the number is not from samples.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
    /// How many independent things (chains, texts, openings, prompts) are behind the interval, or behind the number.
    pub samples: usize,
}

/// An estimator on something whose answer is known beforehand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Short name.
    pub name: String,
    /// What was done and why the answer is known.
    pub about: String,
    /// The known answer.
    pub expected: f64,
    /// What the estimator says.
    pub found: f64,
    /// How far it may be off, and why no further stands in `about`.
    pub tolerance: f64,
}

/// A picture, as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// Names it among those of its experiment: small letters and hyphens.
    pub name: String,
    /// What it shows, one line.
    pub title: String,
    /// The same in words, with its main numbers, for those who do not see it.
    pub text: String,
    /// From left to right.
    pub x: Axis,
    /// From below upwards.
    pub y: Axis,
    /// What is drawn on these axes.
    pub series: Vec<Series>,
    /// Streams between names, drawn in place of series where there are any.
    pub flows: Vec<Flow>,
}

/// An axis of a figure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// What it measures, with its unit.
    pub label: String,
    /// How it runs.
    pub scale: Scale,
    /// Names in place of numbers: a point at `i` stands at name `i`. Empty for a numeric axis.
    pub names: Vec<String>,
}

/// How an axis runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Evenly.
    #[default]
    Linear,
    /// By powers; all its values are above 0.
    Log,
}

/// Points that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// How it is drawn.
    pub shape: Shape,
    /// Its points, in the order in which they are joined.
    pub points: Vec<Point>,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Joined points.
    Line,
    /// A thinner, dashed line, for what is known or asked for beforehand.
    Reference,
    /// Bars from 0, side by side with those of other series.
    Bars,
    /// Points alone.
    Dots,
}

/// A place in a figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Where on the x axis.
    pub x: f64,
    /// Where on the y axis.
    pub y: f64,
    /// The 95 % interval's lower end, where a sample is behind the point.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
}

/// A stream from one name to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// Where it comes from.
    pub from: String,
    /// Where it goes.
    pub to: String,
    /// How much flows.
    pub weight: f64,
}

impl ExperimentResults {
    /// Nothing found yet.
    pub fn none<M>(
        experiment: &str,
        config: &RunConfig,
        subjects: &[crate::Subject<'_, M>],
    ) -> Self {
        Self {
            experiment: experiment.to_owned(),
            setting: *config,
            subjects: subjects.iter().map(|one| one.name.to_owned()).collect(),
            results: Table::default(),
            controls: Vec::new(),
            figures: Vec::new(),
            verdict: None,
        }
    }

    /// Gives words to the figures that have none.
    pub fn put_figures_into_words(&mut self) {
        let figures = self.figures.iter_mut();
        for figure in figures.filter(|figure| figure.text.is_empty()) {
            figure.text = figure.in_words();
        }
    }

    /// The number of that key.
    pub fn value(&self, key: &str) -> Option<f64> {
        let mut estimates = self.results.iter();
        estimates.find(|one| one.key == key)?.value
    }
}

impl Outcome {
    /// From a yes, a no, or neither.
    pub fn of(holds: Option<bool>) -> Self {
        match holds {
            Some(true) => Self::Supported,
            Some(false) => Self::NotSupported,
            None => Self::Undecided,
        }
    }
}

impl Verdict {
    /// From a yes, a no, or neither.
    pub fn of(holds: Option<bool>, why: String) -> Self {
        Self {
            answer: Outcome::of(holds),
            sentence: String::new(),
            conditions: Vec::new(),
            why,
        }
    }
}

impl Series {
    fn shaped(
        shape: Shape,
        name: impl Into<String>,
        points: impl IntoIterator<Item = Point>,
    ) -> Self {
        Self {
            name: name.into(),
            shape,
            points: points.into_iter().collect(),
        }
    }

    /// Joined points.
    pub fn line(name: impl Into<String>, points: impl IntoIterator<Item = Point>) -> Self {
        Self::shaped(Shape::Line, name, points)
    }

    /// Bars from 0.
    pub fn bars(name: impl Into<String>, points: impl IntoIterator<Item = Point>) -> Self {
        Self::shaped(Shape::Bars, name, points)
    }

    /// Points alone.
    pub fn dots(name: impl Into<String>, points: impl IntoIterator<Item = Point>) -> Self {
        Self::shaped(Shape::Dots, name, points)
    }

    /// A dashed line through `(x, y)`.
    pub fn reference(
        name: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        let points = points.into_iter().map(|(x, y)| Point::at(x, y));
        Self::shaped(Shape::Reference, name, points)
    }
}

impl Figure {
    /// An empty figure.
    pub fn new(name: &str, title: &str, x: Axis, y: Axis) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            text: String::new(),
            x,
            y,
            series: Vec::new(),
            flows: Vec::new(),
        }
    }
}

impl Figure {
    /// What it shows in words, for those who do not see it: the widest flows; of each series the values by name, or the largest of
    /// many; of a line its ends, and its value at 1.
    pub fn in_words(&self) -> String {
        if !self.flows.is_empty() {
            let mut flows: Vec<&Flow> = self.flows.iter().collect();
            flows.sort_by(|one, other| other.weight.total_cmp(&one.weight));
            let flow = |one: &&Flow| format!("{} to {}: {:.1} %", one.from, one.to, one.weight);
            let widest: Vec<String> = flows.iter().take(FEW).map(flow).collect();
            return format!(
                "The widest flows, in % of all stories: {}.",
                widest.join("; ")
            );
        }
        let drawn = self.series.iter().filter(|one| !one.points.is_empty());
        let series = |one: &Series| format!("{}: {}.", one.name, self.points_in_words(one));
        drawn.map(series).collect::<Vec<_>>().join(" ")
    }

    fn points_in_words(&self, series: &Series) -> String {
        let points = &series.points;
        let name = |point: &Point| match self.x.names.get(point.x as usize) {
            Some(name) => format!("{name} {:.2}", point.y),
            None => format!("{:.2} at {}", point.y, point.x),
        };
        let mut named: Vec<&Point> = points.iter().collect();
        let many = if self.x.names.is_empty() {
            let (first, last) = (points[0], points[points.len() - 1]);
            named.retain(|point| [first.x, 1.0, last.x].contains(&point.x));
            false
        } else {
            named.len() > MANY
        };
        if many {
            named.sort_by(|one, other| other.y.total_cmp(&one.y));
            named.truncate(FEW);
        }
        let words: Vec<String> = named.into_iter().map(name).collect();
        format!("{}{}", if many { "most " } else { "" }, words.join(", "))
    }
}

/// More bars than this are not all put into words, ...
const MANY: usize = 12;
/// ... but so many of them, the largest.
const FEW: usize = 6;

impl Estimate {
    /// A number that is exact, or at least not from samples: it has no interval. Zero has no sign.
    pub fn exact(key: impl Into<String>, label: impl Into<String>, unit: &str, value: f64) -> Self {
        Self {
            key: key.into(),
            label: label.into(),
            unit: unit.to_owned(),
            value: value.is_finite().then_some(unsigned(value)),
            low: None,
            high: None,
            samples: 0,
        }
    }

    /// The same with a 95 % interval from so many samples.
    #[must_use]
    pub fn within(mut self, interval: Option<(f64, f64)>, samples: usize) -> Self {
        (self.low, self.high) = interval
            .map(|(low, high)| (unsigned(low), unsigned(high)))
            .unzip();
        self.samples = samples;
        self
    }
}

/// The number itself, but 0 for -0: what `-p log2 p` is where `p` is 1.
fn unsigned(value: f64) -> f64 {
    value + 0.0
}

impl Control {
    /// Whether the estimator is right, to within the tolerance. A number that is none is wrong.
    pub fn passed(&self) -> bool {
        (self.found - self.expected).abs() <= self.tolerance
    }
}

impl Axis {
    /// A numeric axis.
    pub fn linear(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            ..Self::default()
        }
    }

    /// A numeric axis by powers.
    pub fn log(label: &str) -> Self {
        Self {
            scale: Scale::Log,
            ..Self::linear(label)
        }
    }

    /// An axis of names.
    pub fn of_names<S: Into<String>>(label: &str, names: impl IntoIterator<Item = S>) -> Self {
        Self {
            names: names.into_iter().map(Into::into).collect(),
            ..Self::linear(label)
        }
    }
}

impl Point {
    /// A point without an interval.
    pub fn at(x: f64, y: f64) -> Self {
        Self {
            x,
            y,
            low: None,
            high: None,
        }
    }

    /// The same with a 95 % interval.
    #[must_use]
    pub fn within(mut self, interval: Option<(f64, f64)>) -> Self {
        (self.low, self.high) = interval.unzip();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_put_into_words() {
        let mut line = Figure::new("a", "a", Axis::linear("T"), Axis::linear("bits"));
        let points = [(0.5, 1.0), (0.75, 1.5), (1.0, 2.0), (2.0, 3.0)];
        let points = points.map(|(x, y)| Point::at(x, y));
        line.series.push(Series::line("base", points));
        assert_eq!(line.in_words(), "base: 1.00 at 0.5, 2.00 at 1, 3.00 at 2.");
        let names = (0..20).map(|name| format!("n{name}"));
        let mut bars = Figure::new("b", "b", Axis::of_names("n", names), Axis::linear("%"));
        let points = (0..20).map(|place| Point::at(f64::from(place), f64::from(place % 7)));
        bars.series.push(Series::bars("base", points));
        let words = "base: most n6 6.00, n13 6.00, n5 5.00, n12 5.00, n19 5.00, n4 4.00.";
        assert_eq!(bars.in_words(), words);
    }

    #[test]
    fn zero_has_no_sign() {
        let none = Estimate::exact("a", "a", "bits", -0.0).within(Some((-0.0, 1.0)), 2);
        for number in [none.value, none.low] {
            assert!(number.unwrap().is_sign_positive());
        }
        assert_eq!(Estimate::exact("a", "a", "bits", -1.5).value, Some(-1.5));
    }
}
