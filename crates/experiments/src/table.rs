//! The numbers of an experiment as a table: one estimate for each row (a model, or a part of what was measured on it) and metric.
//!
//! A metric is a constant of its experiment; figures and verdicts look numbers up by row and metric, never by a string put together
//! on the spot. What is not in the table is `None`, and no sentence is written of it.

use std::borrow::Cow;
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use statistics::wilson_95;

use crate::bootstrap::interval_95;
use crate::results::{Estimate, Point};
use crate::tristate;

/// What a number is, whosever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The last part of the number's key.
    pub key: Cow<'static, str>,
    /// What it is, in words.
    pub label: Cow<'static, str>,
    /// `bits`, `nats`, `%`, `tokens`, or nothing.
    pub unit: &'static str,
    /// How sure it is, by which method.
    pub interval: Interval,
}

/// How the 95 % interval of a metric is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// The number is exact, or no sample is behind it.
    None,
    /// Percentile bootstrap over the units.
    Bootstrap,
    /// Wilson's score interval of a share.
    Wilson,
    /// The jackknife over texts, for numbers of a set.
    Jackknife,
}

/// Declares metrics as a table: name, kind of interval, key, unit, label.
macro_rules! metrics {
    ($($vis:vis $name:ident = $kind:ident $key:literal, $unit:literal, $label:literal;)+) => {
        $($vis const $name: $crate::table::Metric = $crate::table::Metric::$kind($key, $label, $unit);)+
    };
}
pub(crate) use metrics;

impl Metric {
    /// A metric with a bootstrap interval.
    pub const fn bootstrap(key: &'static str, label: &'static str, unit: &'static str) -> Self {
        Self::by(Interval::Bootstrap, key, label, unit)
    }

    /// A metric without an interval.
    pub const fn exact(key: &'static str, label: &'static str, unit: &'static str) -> Self {
        Self::by(Interval::None, key, label, unit)
    }

    /// A share with Wilson's interval.
    pub const fn wilson(key: &'static str, label: &'static str, unit: &'static str) -> Self {
        Self::by(Interval::Wilson, key, label, unit)
    }

    /// A number of a set of texts with the jackknife's interval.
    pub const fn jackknife(key: &'static str, label: &'static str, unit: &'static str) -> Self {
        Self::by(Interval::Jackknife, key, label, unit)
    }

    const fn by(
        interval: Interval,
        key: &'static str,
        label: &'static str,
        unit: &'static str,
    ) -> Self {
        Self {
            key: Cow::Borrowed(key),
            label: Cow::Borrowed(label),
            unit,
            interval,
        }
    }

    /// One of a family of metrics that differ by a parameter, with a bootstrap interval.
    pub fn of(key: impl Into<String>, label: impl Into<String>, unit: &'static str) -> Self {
        Self {
            key: Cow::Owned(key.into()),
            label: Cow::Owned(label.into()),
            unit,
            interval: Interval::Bootstrap,
        }
    }

    /// The same with another kind of interval.
    #[must_use]
    pub fn with(mut self, interval: Interval) -> Self {
        self.interval = interval;
        self
    }
}

/// Whose numbers: a model, or a part of what was measured on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    key: String,
    label: String,
}

impl Row {
    /// All of a model, or of something else that has numbers, such as a toy.
    pub fn of(name: &str) -> Self {
        Self::named(name, name)
    }

    /// With a name for people that is not its key.
    pub fn named(key: &str, label: &str) -> Self {
        Self {
            key: key.to_owned(),
            label: label.to_owned(),
        }
    }

    /// A part of it: some openings, a kind of question, a decoder.
    #[must_use]
    pub fn part(&self, key: &str, label: &str) -> Self {
        Self {
            key: format!("{}.{key}", self.key),
            label: format!("{}, {label}", self.label),
        }
    }

    /// Its name for people.
    pub fn label(&self) -> &str {
        &self.label
    }
}

/// All numbers of an experiment, in the order in which they are shown. Reads as a slice of [`Estimate`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Table(pub(crate) Vec<Estimate>);

impl Deref for Table {
    type Target = [Estimate];

    fn deref(&self) -> &[Estimate] {
        &self.0
    }
}

impl From<Vec<Estimate>> for Table {
    fn from(estimates: Vec<Estimate>) -> Self {
        Self(estimates)
    }
}

impl Table {
    fn place(&self, row: &Row, metric: &Metric) -> Option<usize> {
        let is = |one: &Estimate| {
            let rest = one.key.strip_prefix(row.key.as_str());
            rest.and_then(|rest| rest.strip_prefix('.')) == Some(&metric.key)
        };
        self.0.iter().position(is)
    }

    /// The estimate of a row and metric.
    pub fn get(&self, row: &Row, metric: &Metric) -> Option<&Estimate> {
        Some(&self.0[self.place(row, metric)?])
    }

    /// Its value, where it is defined.
    pub fn value(&self, row: &Row, metric: &Metric) -> Option<f64> {
        self.get(row, metric)?.value
    }

    /// Its 95 % interval, where it has one.
    pub fn interval(&self, row: &Row, metric: &Metric) -> Option<(f64, f64)> {
        let found = self.get(row, metric)?;
        found.low.zip(found.high)
    }

    /// Whether one number is over twice another: by the interval of their paired difference, `one` less twice `other`, where the
    /// table has it; else, in a file of an earlier version, by whether their own intervals meet.
    pub fn over_twice(
        &self,
        one: (&Row, &Metric),
        other: (&Row, &Metric),
        difference: &Metric,
    ) -> Option<bool> {
        if self.get(one.0, difference).is_some() {
            return tristate::above(self.interval(one.0, difference), 0.0);
        }
        let twice = self.interval(other.0, other.1);
        let twice = twice.map(|(low, high)| (2.0 * low, 2.0 * high));
        tristate::below(twice, self.interval(one.0, one.1))
    }

    /// It as a point of a figure; none where it is not defined.
    pub fn point(&self, x: f64, row: &Row, metric: &Metric) -> Option<Point> {
        let found = self.get(row, metric)?;
        Some(Point::at(x, found.value?).within(found.low.zip(found.high)))
    }

    /// Puts a number that no sample is behind, over one of the same row and metric.
    pub fn set(&mut self, row: &Row, metric: &Metric, value: f64) {
        self.put(row, metric, value, None, 0);
    }

    /// Puts a number with an interval made elsewhere, and of how many samples it is.
    pub fn put(
        &mut self,
        row: &Row,
        metric: &Metric,
        value: f64,
        interval: Option<(f64, f64)>,
        samples: usize,
    ) {
        let key = format!("{}.{}", row.key, metric.key);
        let label = format!("{}: {}", row.label, metric.label);
        let estimate = Estimate::exact(key, label, metric.unit, value).within(interval, samples);
        match self.place(row, metric) {
            Some(place) => self.0[place] = estimate,
            None => self.0.push(estimate),
        }
    }

    /// The mean of one value per unit, with the metric's interval over units.
    pub fn mean(&mut self, row: &Row, metric: &Metric, values: &[f64], seed: u64) {
        let units: Vec<&f64> = values.iter().collect();
        self.statistic(row, metric, &units, seed, |drawn| {
            drawn.iter().copied().sum::<f64>() / drawn.len() as f64
        });
    }

    /// The mean of what `of` gives for each unit, not a number where there is none.
    pub fn mean_of<S>(
        &mut self,
        row: &Row,
        metric: &Metric,
        units: &[S],
        seed: u64,
        of: impl Fn(&S) -> f64,
    ) {
        let values: Vec<f64> = units.iter().map(of).collect();
        self.mean(row, metric, &values, seed);
    }

    /// A statistic of independent units, with the metric's interval over units.
    pub fn statistic<S>(
        &mut self,
        row: &Row,
        metric: &Metric,
        units: &[&S],
        seed: u64,
        of: impl Fn(&[&S]) -> f64,
    ) {
        let interval = match metric.interval {
            Interval::Bootstrap => interval_95(units.len(), seed, |drawn| {
                let drawn: Vec<&S> = drawn.iter().map(|&unit| units[unit]).collect();
                of(&drawn)
            }),
            Interval::None | Interval::Wilson | Interval::Jackknife => None,
        };
        self.put(row, metric, of(units), interval, units.len());
    }

    /// A share of independent things in %, with Wilson's interval.
    pub fn share(&mut self, row: &Row, metric: &Metric, count: usize, of: usize) {
        let interval = wilson_95(count, of).map(|it| (100.0 * it.low, 100.0 * it.high));
        self.put(row, metric, 100.0 * count as f64 / of as f64, interval, of);
    }

    /// Takes another's numbers in.
    pub fn extend(&mut self, others: impl IntoIterator<Item = Estimate>) {
        self.0.extend(others);
    }

    /// Moves a row's numbers to the front, in their order: those that answer the claim.
    pub fn to_front(&mut self, row: &Row) {
        let begins = format!("{}.", row.key);
        self.0.sort_by_key(|one| !one.key.starts_with(&begins));
    }

    /// Moves the numbers of these metrics to the front, in the order of the metrics.
    pub fn metrics_to_front(&mut self, metrics: &[&Metric]) {
        let rank = |one: &Estimate| {
            let is = |metric: &&Metric| {
                let rest = one.key.strip_suffix(metric.key.as_ref());
                rest.is_some_and(|rest| rest.ends_with('.'))
            };
            metrics.iter().position(is).unwrap_or(metrics.len())
        };
        self.0.sort_by_key(rank);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Metric = Metric::bootstrap("length", "length of a story", "tokens");
    const END: Metric = Metric::wilson("end", "stories that end", "%");

    #[test]
    fn numbers_are_found_by_row_and_metric_alone() {
        let (base, far) = (Row::of("base"), Row::of("base").part("far", "far openings"));
        let mut table = Table::default();
        table.mean(&base, &LENGTH, &[1.0, 2.0, 6.0], 1);
        table.share(&far, &END, 1, 4);
        assert_eq!(table.value(&base, &LENGTH), Some(3.0));
        assert_eq!(table.value(&far, &END), Some(25.0));
        assert_eq!(table.value(&base, &END), None);
        assert_eq!(table[1].key, "base.far.end");
        assert_eq!(table[1].label, "base, far openings: stories that end");
        let (low, high) = table.interval(&base, &LENGTH).unwrap();
        assert!(low < 3.0 && 3.0 < high);
        // A later number of the same row and metric takes the place of the earlier.
        table.set(&base, &LENGTH, 9.0);
        assert_eq!((table.len(), table.value(&base, &LENGTH)), (2, Some(9.0)));
        table.to_front(&far);
        assert_eq!(table[0].key, "base.far.end");
        table.metrics_to_front(&[&LENGTH]);
        assert_eq!(table[0].key, "base.length");
    }

    /// The paired difference decides where it is there, else the two intervals.
    #[test]
    fn over_twice_is_by_the_difference_or_by_both_intervals() {
        let (warm, cool) = (Row::of("warm"), Row::of("cool"));
        let difference = Metric::bootstrap("difference", "", "");
        let mut table = Table::default();
        table.put(&warm, &LENGTH, 5.0, Some((4.5, 5.5)), 9);
        let mut asked = |low: f64, high: f64| {
            table.put(&cool, &LENGTH, 2.0, Some((low, high)), 9);
            table.over_twice((&warm, &LENGTH), (&cool, &LENGTH), &difference)
        };
        assert_eq!(asked(1.9, 2.1), Some(true));
        assert_eq!(asked(1.9, 2.4), None);
        assert_eq!(asked(2.8, 3.0), Some(false));
        table.put(&warm, &difference, 1.0, Some((0.5, 1.5)), 9);
        let asked = table.over_twice((&warm, &LENGTH), (&cool, &LENGTH), &difference);
        assert_eq!(asked, Some(true));
    }

    #[test]
    fn what_is_not_defined_has_no_value_and_no_point() {
        let base = Row::of("base");
        let mut table = Table::default();
        table.mean(&base, &LENGTH, &[], 1);
        assert_eq!(table.value(&base, &LENGTH), None);
        assert_eq!(table.point(0.0, &base, &LENGTH), None);
    }
}
