//! Fitting by penalised maximum likelihood.
//!
//! Minimises `J(w, b) = 1/N Σ ln(1 + exp(-y (b + Σ w))) + λ/2 |w|²` over all texts at once, `y` being 1 for a positive text and -1
//! for another, and the inner sum running over the words and pairs that occur in it; the bias is not penalised. `J` is convex
//! with one minimum, found by Nesterov's accelerated gradient with the restarts of O'Donoghue and Candès 2015 ("Adaptive restart
//! for accelerated gradient schemes"). The step is `1/L`: the curvature of the loss is at most a quarter of the largest
//! eigenvalue of `XᵀX/N`, which is at most its trace, the mean number of features a text.
//!
//! It stops when no component of the gradient exceeds the tolerance. All sums run in a fixed order, so the same texts in the same
//! order give the same weights; between platforms the last bits may differ, as those of the exponential do.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use thiserror::Error;

use words::words;

use crate::grams::grams;
use crate::predictor::{Predictor, probability};
use crate::quality::log_loss;

/// A labelled text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// The text.
    pub text: String,
    /// Whether it is positive.
    pub positive: bool,
}

/// Settings of the fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// `λ`, above 0: the larger, the weaker the weights, most of all those of rare words.
    pub penalty: f64,
    /// Words and pairs that occur in fewer texts are left out.
    pub least_texts: usize,
    /// Largest component of the gradient at which the fit is done, above 0.
    pub tolerance: f64,
    /// Steps after which the fit gives up.
    pub most_steps: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            penalty: 3e-3,
            least_texts: 10,
            tolerance: 1e-6,
            most_steps: 20_000,
        }
    }
}

/// A predictor and how it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// With a weight for every word and pair that was frequent enough.
    pub predictor: Predictor,
    /// In how many of the texts each of them occurs.
    pub texts_with: BTreeMap<String, usize>,
    /// Gradient steps taken.
    pub steps: usize,
    /// `J` at the end, nats per text.
    pub objective: f64,
}

/// Texts or settings that no predictor can be fitted to.
#[derive(Debug, Error, PartialEq)]
pub enum FitError {
    /// There is nothing to tell apart.
    #[error("all {0} texts have the same label: add texts of the other kind")]
    OneLabel(usize),
    /// A setting makes no sense.
    #[error("`{0}` must be above zero and finite")]
    Setting(&'static str),
    /// The steps ran out.
    #[error(
        "after {steps} steps the gradient is still {slope:.1e}: allow more steps or a larger tolerance, or raise the penalty"
    )]
    NotDone {
        /// Steps taken.
        steps: usize,
        /// Largest component of the gradient.
        slope: f64,
    },
}

/// Fits a predictor to labelled texts.
///
/// # Errors
/// When all labels are equal, a setting is not above zero, or the steps run out.
pub fn fit(texts: &[Labelled], settings: &Settings) -> Result<Fitted, FitError> {
    for (name, value) in [
        ("penalty", settings.penalty),
        ("tolerance", settings.tolerance),
    ] {
        if !(value > 0.0 && value.is_finite()) {
            return Err(FitError::Setting(name));
        }
    }
    let positive = texts.iter().filter(|text| text.positive).count();
    if positive == 0 || positive == texts.len() {
        return Err(FitError::OneLabel(texts.len()));
    }
    let table = Table::of(texts, settings);
    let (point, steps) = table.descend(settings)?;
    let (weights, bias) = table.parted(&point);
    Ok(Fitted {
        predictor: Predictor {
            bias,
            weights: table
                .grams
                .keys()
                .cloned()
                .zip(weights.iter().copied())
                .collect(),
        },
        objective: table.objective(&point),
        texts_with: table.grams,
        steps,
    })
}

/// Which of the kept words and pairs occur in which text, as a sparse matrix by rows.
struct Table {
    /// Kept words and pairs, with the number of texts that have them; the order is that of the columns.
    grams: BTreeMap<String, usize>,
    /// Columns that occur in each text, one text after the other.
    columns: Vec<u32>,
    /// Where each text ends in `columns`, and whether it is positive.
    rows: Vec<(usize, bool)>,
    /// `λ`.
    penalty: f64,
}

impl Table {
    fn of(texts: &[Labelled], settings: &Settings) -> Self {
        let occurring = |text: &Labelled| -> BTreeSet<String> {
            grams(&words(&text.text)).map(|gram| gram.text).collect()
        };
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for text in texts {
            for gram in occurring(text) {
                *counts.entry(gram).or_default() += 1;
            }
        }
        counts.retain(|_, count| *count >= settings.least_texts);
        let numbers: BTreeMap<&str, u32> = counts.keys().map(String::as_str).zip(0..).collect();
        let mut columns = Vec::new();
        let mut rows = Vec::new();
        for text in texts {
            columns.extend(
                occurring(text)
                    .iter()
                    .filter_map(|gram| numbers.get(gram.as_str())),
            );
            rows.push((columns.len(), text.positive));
        }
        Self {
            grams: counts,
            columns,
            rows,
            penalty: settings.penalty,
        }
    }

    /// A point's weights by column, and its bias.
    fn parted<'p>(&self, point: &'p [f64]) -> (&'p [f64], f64) {
        (&point[..self.grams.len()], point[self.grams.len()])
    }

    /// Each text's columns, and whether it is positive.
    fn texts(&self) -> impl Iterator<Item = (&[u32], bool)> {
        let starts = std::iter::once(0).chain(self.rows.iter().map(|(end, _)| *end));
        self.rows
            .iter()
            .zip(starts)
            .map(|((end, positive), start)| (&self.columns[start..*end], *positive))
    }

    /// `J` in nats.
    fn objective(&self, point: &[f64]) -> f64 {
        let (weights, bias) = self.parted(point);
        let loss: f64 = self
            .texts()
            .map(|(columns, positive)| log_loss(log_odds(columns, weights, bias), positive))
            .sum();
        let size: f64 = weights.iter().map(|weight| weight * weight).sum();
        loss / self.rows.len() as f64 + self.penalty / 2.0 * size
    }

    /// The gradient of `J`.
    fn gradient(&self, point: &[f64], gradient: &mut [f64]) {
        let (weights, bias) = self.parted(point);
        for (slope, weight) in gradient.iter_mut().zip(weights) {
            *slope = self.penalty * weight;
        }
        gradient[weights.len()] = 0.0;
        let share = 1.0 / self.rows.len() as f64;
        for (columns, positive) in self.texts() {
            let found = probability(log_odds(columns, weights, bias));
            let error = (found - f64::from(u8::from(positive))) * share;
            for &column in columns {
                gradient[column as usize] += error;
            }
            gradient[weights.len()] += error;
        }
    }

    /// From zero to where the gradient is small; the point, and the steps that it took.
    fn descend(&self, settings: &Settings) -> Result<(Vec<f64>, usize), FitError> {
        let size = self.grams.len() + 1;
        // The bias is one more feature of every text.
        let features = (self.columns.len() + self.rows.len()) as f64 / self.rows.len() as f64;
        let step = 1.0 / (features / 4.0 + self.penalty);
        let (mut here, mut ahead, mut gradient) =
            (vec![0.0; size], vec![0.0; size], vec![0.0; size]);
        let mut momentum: f64 = 1.0;
        for steps in 0..settings.most_steps {
            self.gradient(&ahead, &mut gradient);
            if largest(&gradient) <= settings.tolerance {
                return Ok((ahead, steps));
            }
            let next: Vec<f64> = ahead
                .iter()
                .zip(&gradient)
                .map(|(at, slope)| at - step * slope)
                .collect();
            let uphill: f64 = (0..size)
                .map(|at| gradient[at] * (next[at] - here[at]))
                .sum();
            if uphill > 0.0 {
                momentum = 1.0;
            }
            let grown = f64::midpoint(1.0, (1.0 + 4.0 * momentum * momentum).sqrt());
            let carried = (momentum - 1.0) / grown;
            for at in 0..size {
                ahead[at] = next[at] + carried * (next[at] - here[at]);
            }
            (here, momentum) = (next, grown);
        }
        self.gradient(&here, &mut gradient);
        Err(FitError::NotDone {
            steps: settings.most_steps,
            slope: largest(&gradient),
        })
    }
}

fn log_odds(columns: &[u32], weights: &[f64], bias: f64) -> f64 {
    bias + columns
        .iter()
        .map(|&column| weights[column as usize])
        .sum::<f64>()
}

fn largest(gradient: &[f64]) -> f64 {
    gradient
        .iter()
        .fold(0.0, |most, slope| most.max(slope.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(texts: &[(&str, bool)]) -> Vec<Labelled> {
        let owned = |(text, positive): &(&str, bool)| Labelled {
            text: (*text).to_owned(),
            positive: *positive,
        };
        texts.iter().map(owned).collect()
    }

    fn weather() -> Vec<Labelled> {
        labelled(&[
            ("The sun came out.", true),
            ("The rain came down.", false),
            ("The sun and the rain.", true),
            ("No sun at all.", false),
            ("A warm day.", true),
            ("The sun was gone.", false),
        ])
    }

    const LOOSE: Settings = Settings {
        penalty: 1e-2,
        least_texts: 1,
        tolerance: 1e-10,
        most_steps: 20_000,
    };

    #[test]
    fn log_odds_are_those_of_the_counts_where_nearly_nothing_is_penalised() {
        // Three of four texts with "up" are positive, and one of four with "down".
        let texts = labelled(&[
            ("up", true),
            ("up", true),
            ("up", true),
            ("up", false),
            ("down", true),
            ("down", false),
            ("down", false),
            ("down", false),
        ]);
        let settings = Settings {
            penalty: 1e-9,
            ..LOOSE
        };
        let predictor = fit(&texts, &settings).unwrap().predictor;
        assert!((predictor.score("up").log_odds - 3_f64.ln()).abs() < 1e-6);
        assert!((predictor.score("down").log_odds + 3_f64.ln()).abs() < 1e-6);
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let table = Table::of(&weather(), &LOOSE);
        let point: Vec<f64> = (0..=table.grams.len())
            .map(|at| (at as f64 * 0.7).sin())
            .collect();
        let mut gradient = vec![0.0; point.len()];
        table.gradient(&point, &mut gradient);
        for at in 0..point.len() {
            let moved = |by: f64| {
                let mut moved = point.clone();
                moved[at] += by;
                table.objective(&moved)
            };
            let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!(
                (difference - gradient[at]).abs() < 1e-9,
                "{at}: {difference} against {}",
                gradient[at]
            );
        }
    }

    #[test]
    fn no_step_away_from_the_fit_is_better() {
        let fitted = fit(&weather(), &LOOSE).unwrap();
        let table = Table::of(&weather(), &LOOSE);
        let mut point: Vec<f64> = fitted.predictor.weights.values().copied().collect();
        point.push(fitted.predictor.bias);
        for at in 0..point.len() {
            for by in [-1e-3, 1e-3] {
                let mut moved = point.clone();
                moved[at] += by;
                assert!(table.objective(&moved) > fitted.objective);
            }
        }
    }

    #[test]
    fn a_larger_penalty_gives_smaller_weights() {
        let size = |penalty| {
            let fitted = fit(&weather(), &Settings { penalty, ..LOOSE }).unwrap();
            fitted
                .predictor
                .weights
                .values()
                .map(|weight| weight * weight)
                .sum::<f64>()
        };
        assert!(size(1e-3) > size(1e-2) && size(1e-2) > size(1e-1));
    }

    #[test]
    fn the_same_texts_give_the_same_weights() {
        assert_eq!(fit(&weather(), &LOOSE), fit(&weather(), &LOOSE));
    }

    #[test]
    fn rare_words_are_left_out() {
        let fitted = fit(
            &weather(),
            &Settings {
                least_texts: 3,
                ..LOOSE
            },
        )
        .unwrap();
        assert_eq!(
            fitted.texts_with.into_iter().collect::<Vec<_>>(),
            [
                ("sun".to_owned(), 4),
                ("the".to_owned(), 4),
                ("the sun".to_owned(), 3)
            ]
        );
        assert_eq!(fitted.predictor.weights.len(), 3);
    }

    #[test]
    fn what_cannot_be_fitted_is_said() {
        assert_eq!(fit(&[], &LOOSE), Err(FitError::OneLabel(0)));
        assert_eq!(fit(&weather()[..1], &LOOSE), Err(FitError::OneLabel(1)));
        for penalty in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(
                fit(&weather(), &Settings { penalty, ..LOOSE }),
                Err(FitError::Setting("penalty"))
            );
        }
        let hurried = fit(
            &weather(),
            &Settings {
                most_steps: 2,
                ..LOOSE
            },
        );
        assert!(matches!(hurried, Err(FitError::NotDone { steps: 2, .. })));
    }
}
