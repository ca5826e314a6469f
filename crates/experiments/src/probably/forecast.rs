//! What a forecast of rain is worth: proper scores and calibration against a known chance.
//!
//! Of a place where it rains with chance `t` nobody has to wait for the weather: every score is its expectation under `t`, so no
//! draw is behind it.

use statistics::CalibrationBins;

use crate::bootstrap::{interval_95, unbiased_interval_95};
use crate::table::{Metric, Row, Table};

/// The surest forecast that log loss knows, and 1 less it the surest "no": about 40 bits for being wrong.
const LEAST: f64 = 1e-12;
/// Forecasts this near to one half are a toss-up.
const TOSS_UP: f64 = 1e-9;

/// The places of all units, in their order.
pub(super) fn all(places: usize) -> Vec<usize> {
    (0..places).collect()
}

/// Something said of a place, read as a forecast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Item {
    /// How often it is said.
    pub weight: f64,
    /// The chance of rain that it means.
    pub forecast: f64,
    /// The chance of rain.
    pub truth: f64,
    /// The chance that what is said comes true, where what is said is a yes or a no.
    pub right: f64,
}

/// What is measured of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// Expected share of what is said that comes true.
    Accuracy,
    /// Expected squared error of the forecast, `t (1 - f)² + (1 - t) f²` (Brier 1950, with one term).
    Brier,
    /// Expected `-log2` of what the forecast gave to what came, `-t log2 f - (1 - t) log2 (1 - f)`, bits.
    LogLoss,
    /// Expected calibration error: by tenths of the forecast, how far its mean is from the mean truth,
    /// `Σ n_b/N |truth_b - forecast_b|` (Naeini, Cooper and Hauskrecht, AAAI 2015).
    Ece,
}

impl Measure {
    pub(super) const ALL: [Self; 4] = [Self::Accuracy, Self::Brier, Self::LogLoss, Self::Ece];

    /// Its part of keys.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Brier => "brier",
            Self::LogLoss => "log-loss",
            Self::Ece => "ece",
        }
    }

    /// Its name for people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Accuracy => "expected accuracy",
            Self::Brier => "expected Brier score",
            Self::LogLoss => "expected log loss",
            Self::Ece => "expected calibration error",
        }
    }

    /// Its unit.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::LogLoss => "bits",
            Self::Accuracy | Self::Brier | Self::Ece => "",
        }
    }

    /// The measure over the items of the places drawn. Not a number without items.
    pub(super) fn of(self, places: &[Vec<Item>], drawn: &[usize]) -> f64 {
        let sums: Vec<Sums> = places.iter().map(|place| self.sums(place)).collect();
        self.total(&sums, drawn)
    }

    /// Its 95 % interval by bootstrap over places. Resamples of a calibration error lie too high, as errors within a bin cancel less
    /// where places are drawn twice, so that interval is moved by its bias.
    pub(super) fn interval(self, places: &[Vec<Item>], seed: u64) -> Option<(f64, f64)> {
        let sums: Vec<Sums> = places.iter().map(|place| self.sums(place)).collect();
        let of_drawn = |drawn: &[usize]| self.total(&sums, drawn);
        match self {
            Self::Ece => {
                let all = all(sums.len());
                unbiased_interval_95(sums.len(), seed, of_drawn(&all), of_drawn)
            }
            Self::Accuracy | Self::Brier | Self::LogLoss => interval_95(sums.len(), seed, of_drawn),
        }
    }

    /// It as a metric of one way to answer.
    pub(super) fn metric(self) -> Metric {
        Metric::of(self.name(), self.title(), self.unit())
    }

    /// Puts it into a table, with its interval over places.
    pub(super) fn add_to_table(
        self,
        table: &mut Table,
        row: &Row,
        metric: &Metric,
        places: &[Vec<Item>],
        seed: u64,
    ) {
        let value = self.of(places, &all(places.len()));
        table.put(
            row,
            metric,
            value,
            self.interval(places, seed),
            places.len(),
        );
    }

    fn sums(self, place: &[Item]) -> Sums {
        let mut sums = Sums::default();
        for item in place {
            let worth = match self {
                Self::Accuracy => item.right,
                Self::Brier => item.brier(),
                Self::LogLoss => log_loss(item.forecast, item.truth),
                Self::Ece => {
                    sums.bins.add(item.weight, item.forecast, item.truth);
                    continue;
                }
            };
            sums.weight += item.weight;
            sums.worth += item.weight * worth;
        }
        sums
    }

    fn total(self, sums: &[Sums], drawn: &[usize]) -> f64 {
        let mut total = Sums::default();
        for &place in drawn {
            total.weight += sums[place].weight;
            total.worth += sums[place].worth;
            total.bins.merge(&sums[place].bins);
        }
        match self {
            Self::Ece => total.bins.error().unwrap_or(f64::NAN),
            Self::Accuracy | Self::Brier | Self::LogLoss => total.worth / total.weight,
        }
    }
}

/// What a place adds to a measure: a weighted sum, or the bins of a calibration error.
#[derive(Default)]
struct Sums {
    weight: f64,
    worth: f64,
    bins: CalibrationBins,
}

impl Item {
    /// A yes or a no is sampled: yes as often as the forecast says.
    pub(super) fn sampled(weight: f64, forecast: f64, truth: f64) -> Self {
        Self {
            weight,
            forecast,
            truth,
            right: forecast * truth + (1.0 - forecast) * (1.0 - truth),
        }
    }

    /// The forecast is stated, and is right where the likelier comes; a toss-up is right half of the time.
    pub(super) fn stated(weight: f64, forecast: f64, truth: f64) -> Self {
        let right = if (forecast - 0.5).abs() < TOSS_UP {
            0.5
        } else if forecast > 0.5 {
            truth
        } else {
            1.0 - truth
        };
        Self {
            weight,
            forecast,
            truth,
            right,
        }
    }

    /// The likelier by a belief is stated as if it were certain: a yes and a no, of which one has all the weight, or each half where
    /// it is a toss-up.
    pub(super) fn collapsed(weight: f64, belief: f64, truth: f64) -> [Self; 2] {
        let yes = if (belief - 0.5).abs() < TOSS_UP {
            0.5
        } else {
            f64::from(belief > 0.5)
        };
        [(yes, 1.0), (1.0 - yes, 0.0)]
            .map(|(share, forecast)| Self::stated(weight * share, forecast, truth))
    }

    fn brier(&self) -> f64 {
        self.truth * (1.0 - self.forecast).powi(2) + (1.0 - self.truth) * self.forecast.powi(2)
    }
}

/// Expected log loss of a forecast, bits; least, the entropy of the truth, where the forecast is the truth.
pub(super) fn log_loss(forecast: f64, truth: f64) -> f64 {
    let forecast = forecast.clamp(LEAST, 1.0 - LEAST);
    -truth * forecast.log2() - (1.0 - truth) * (1.0 - forecast).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibration_error_is_by_bins_and_weight() {
        // Two forecasts of one bin whose errors cancel, and one of another that is off by 0.3 at half of the weight.
        let places = [
            vec![
                Item::sampled(1.0, 0.22, 0.25),
                Item::sampled(1.0, 0.28, 0.25),
            ],
            vec![Item::sampled(2.0, 0.95, 0.65)],
        ];
        assert!((Measure::Ece.of(&places, &[0, 1]) - 0.15).abs() < 1e-12);
        assert!((Measure::Ece.of(&places, &[1, 1]) - 0.3).abs() < 1e-12);
        assert!(Measure::Ece.of(&places, &[]).is_nan());
    }

    /// Forecasts of one bin that err by turns to either side: the error of them all is nothing, that of most resamples is not.
    #[test]
    fn the_interval_of_a_calibration_error_holds_it() {
        let off = |by: f64| vec![Item::sampled(1.0, 0.55, 0.55 + by)];
        let places: Vec<_> = (0..10).flat_map(|_| [off(0.03), off(-0.02)]).collect();
        let all: Vec<usize> = (0..places.len()).collect();
        let found = Measure::Ece.of(&places, &all);
        let (low, high) = Measure::Ece.interval(&places, 1).unwrap();
        assert!(low <= found && found <= high, "{low} {found} {high}");
        assert!((found - 0.005).abs() < 1e-12 && low >= 0.0 && high < 0.03);
    }

    #[test]
    fn log_loss_is_least_at_the_truth_and_finite_at_the_ends() {
        assert!(log_loss(0.8, 0.8) < log_loss(0.81, 0.8));
        assert!(log_loss(0.8, 0.8) < log_loss(0.79, 0.8));
        assert!(log_loss(1.0, 0.8).is_finite() && log_loss(0.0, 0.8).is_finite());
        assert!(log_loss(1.0, 1.0) < 1e-9);
    }

    #[test]
    fn a_toss_up_is_right_half_of_the_time() {
        assert!((Item::stated(1.0, 0.5, 0.9).right - 0.5).abs() < 1e-12);
        let collapsed = |belief| [Item::collapsed(1.0, belief, 0.9).to_vec()];
        let accuracy = |belief| Measure::Accuracy.of(&collapsed(belief), &[0]);
        assert!((accuracy(0.6) - 0.9).abs() < 1e-12);
        assert!((accuracy(0.4) - 0.1).abs() < 1e-12);
        assert!((accuracy(0.5) - 0.5).abs() < 1e-12);
    }
}
