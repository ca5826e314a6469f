//! Best of n on stories: the sentiment predictor chooses, the labels of the story world say what the choice is worth.

use decoding::{LanguageModel, Shaping};

use crate::Inputs;
use crate::best_of::expected_best;
use crate::bootstrap::{interval_of_mean, mean};
use crate::progress::{ExperimentError, RunProgress};
use crate::results::{Axis, Estimate, Figure, Point, Series, Shape};
use crate::sampling::{SamplingPlan, sample_chains};

/// How many are drawn for one that is kept; those up to the number of chains count.
const DRAWS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
/// The one that temperatures are compared by.
const COMPARED: usize = 4;

/// How stories are drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// Openings of each group.
    pub openings: usize,
    /// Chains behind each.
    pub chains: usize,
    /// Tokens a chain at most.
    pub length: usize,
}

/// Stories of one model at one temperature.
pub(super) struct Written {
    /// Its part of keys: `base.stories`.
    key: String,
    name: String,
    /// By opening, of each story: the predictor's log-odds, and the gladness of its ending by label.
    samples: Vec<Vec<(f64, f64)>>,
}

/// What is told of the story that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// By the predictor that chose it, nats of log-odds.
    Reward,
    /// By the label of its ending, 0 to 1.
    Gold,
}

impl Worth {
    const BOTH: [Self; 2] = [Self::Reward, Self::Gold];

    fn name(self) -> &'static str {
        match self {
            Self::Reward => "reward",
            Self::Gold => "gold",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Reward => "gladness by the predictor",
            Self::Gold => "gladness by the ending's label",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Reward => "nats",
            Self::Gold => "",
        }
    }
}

impl Written {
    pub(super) fn none(key: String, name: String) -> Self {
        Self {
            key,
            name,
            samples: Vec::new(),
        }
    }

    /// Draws the stories behind one more opening and reads them.
    ///
    /// # Errors
    /// When the reader had enough or the model cannot be asked.
    pub(super) async fn write<M: LanguageModel>(
        &mut self,
        model: &M,
        opening: &str,
        (plan, shaping, seed): (&Plan, &Shaping, u64),
        inputs: &Inputs,
        progress: &mut impl RunProgress,
    ) -> Result<(), ExperimentError> {
        let prompt = model.encode(opening).map_err(ExperimentError::model)?;
        let plan = SamplingPlan {
            shaping: *shaping,
            seed,
            chains: plan.chains,
            length: plan.length,
        };
        let mut samples = Vec::new();
        for chain in sample_chains(model, &prompt, &plan, progress).await? {
            let reward = inputs.predictor.score(&chain.text).log_odds;
            let ending = inputs.attractors.recognise(&chain.text).ends_in;
            samples.push((reward, inputs.happiness(ending)));
        }
        self.samples.push(samples);
        Ok(())
    }

    /// What the kept one of `n` is worth, by opening.
    fn best(&self, worth: Worth, n: usize) -> Vec<f64> {
        let of = |samples: &Vec<(f64, f64)>| {
            let pairs: Vec<(f64, f64)> = samples
                .iter()
                .map(|&(reward, gold)| match worth {
                    Worth::Reward => (reward, reward),
                    Worth::Gold => (reward, gold),
                })
                .collect();
            expected_best(&pairs, n).unwrap_or(f64::NAN)
        };
        self.samples.iter().map(of).collect()
    }

    /// What the best of four has over one, by opening.
    pub(super) fn gains(&self, worth: Worth) -> Vec<f64> {
        let (one, best) = (self.best(worth, 1), self.best(worth, COMPARED));
        best.iter().zip(one).map(|(best, one)| best - one).collect()
    }

    fn draws(&self) -> impl Iterator<Item = usize> {
        let chains = self.samples.first().map_or(0, Vec::len);
        DRAWS.into_iter().filter(move |n| *n <= chains)
    }

    /// Its numbers, with intervals over openings.
    pub(super) fn estimates(&self, seed: u64) -> Vec<Estimate> {
        let one = |key: String, label: String, unit: &str, values: &[f64]| {
            Estimate::exact(
                format!("{}.{key}", self.key),
                format!("{}: {label}", self.name),
                unit,
                mean(values),
            )
            .within(interval_of_mean(values, seed), values.len())
        };
        let mut estimates = Vec::new();
        for worth in Worth::BOTH {
            for n in self.draws() {
                estimates.push(one(
                    format!("{}-n{n}", worth.name()),
                    format!("{} of the best of {n}", worth.label()),
                    worth.unit(),
                    &self.best(worth, n),
                ));
            }
            estimates.push(one(
                format!("{}-gain", worth.name()),
                format!(
                    "{}, what the best of {COMPARED} has over one",
                    worth.label()
                ),
                worth.unit(),
                &self.gains(worth),
            ));
        }
        estimates
    }
}

/// Both worths over n.
pub(super) fn figures(written: &[Written], seed: u64) -> [Figure; 2] {
    Worth::BOTH.map(|worth| {
        let axis = match worth {
            Worth::Reward => "log-odds of a glad text, nats",
            Worth::Gold => "gladness of the ending by its label, 0 to 1",
        };
        let mut figure = Figure::new(
            &format!("stories-{}", worth.name()),
            &format!("The best of n stories by the predictor: {}", worth.label()),
            Axis::log("n"),
            Axis::linear(axis),
        );
        let mut told = Vec::new();
        for one in written {
            let point = |n: usize| {
                let values = one.best(worth, n);
                Point::at(n as f64, mean(&values)).within(interval_of_mean(&values, seed))
            };
            let points: Vec<Point> = one.draws().map(point).collect();
            if let (Some(first), Some(last)) = (points.first(), points.last()) {
                told.push(format!(
                    "{}: {:.2} for one, {:.2} for the best of {}.",
                    one.name, first.y, last.y, last.x
                ));
            }
            figure.series.push(Series {
                name: one.name.clone(),
                shape: Shape::Line,
                points,
            });
        }
        figure.text = told.join(" ");
        figure
    })
}
