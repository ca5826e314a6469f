//! Best of n on stories: the sentiment classifier chooses, the labels of the story world say what the choice is worth.

use decoding::{LanguageModel, Shaping};

use crate::best_of::expected_best;
use crate::bootstrap::{interval_of_mean, mean};
use crate::inputs::Inputs;
use crate::progress::{ExperimentError, RunProgress};
use crate::results::{Axis, Figure, Point, Series};
use crate::sampling::{SampledChain, SamplingPlan, sample_chains};
use crate::table::{Metric, Row, Table};

/// How many are sampled for one that is kept; those up to the number of chains count.
const DRAWS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
/// The one that temperatures are compared by.
const COMPARED: usize = 4;

/// What is measured of the story that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// By the classifier that chose it, nats of log-odds.
    Reward,
    /// By the label of its ending, 0 to 1.
    Gold,
}

impl Worth {
    const BOTH: [Self; 2] = [Self::Reward, Self::Gold];

    /// Its part of keys, its label and its unit.
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Reward => ("reward", "sentiment score by the classifier", "nats"),
            Self::Gold => ("gold", "happiness by the ending's label", ""),
        }
    }

    /// Of the best of so many.
    fn of(self, n: usize) -> Metric {
        let (key, label, unit) = self.names();
        Metric::of(
            format!("{key}-n{n}"),
            format!("{label} of the best of {n}"),
            unit,
        )
    }

    /// What the best of four gains over one.
    pub(super) fn gain(self) -> Metric {
        let (key, label, unit) = self.names();
        let label = format!("{label}, gain of the best of {COMPARED} over one");
        Metric::of(format!("{key}-gain"), label, unit)
    }
}

/// How stories are sampled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Openings of each group.
    pub openings: usize,
    /// Chains behind each.
    pub chains: usize,
    /// Tokens per chain at most.
    pub length: usize,
}

/// Stories of one model at one temperature.
pub(super) struct Stories {
    pub row: Row,
    pub shaping: Shaping,
    /// By opening, of each story: the classifier's log-odds, and the happiness of its ending by label.
    samples: Vec<Vec<(f64, f64)>>,
}

impl Stories {
    pub(super) fn none(row: Row, shaping: Shaping) -> Self {
        Self {
            row,
            shaping,
            samples: Vec::new(),
        }
    }

    /// Samples the stories behind one more opening and scores them.
    ///
    /// # Errors
    /// When the run is cancelled or the model fails.
    pub(super) async fn sample<M: LanguageModel>(
        &mut self,
        model: &M,
        opening: &str,
        (extent, seed): (&Extent, u64),
        inputs: &Inputs,
        progress: &mut impl RunProgress,
    ) -> Result<(), ExperimentError> {
        let prompt = model.encode(opening).map_err(ExperimentError::model)?;
        let plan = SamplingPlan {
            shaping: self.shaping,
            seed,
            chains: extent.chains,
            length: extent.length,
        };
        let chains = sample_chains(model, &prompt, &plan, progress).await?;
        let score = |chain: &SampledChain| {
            let ending = inputs
                .attractors
                .story(&chain.text, chain.ended)
                .attractor();
            (
                inputs.predictor.score(&chain.text).log_odds,
                inputs.happiness(ending),
            )
        };
        self.samples.push(chains.iter().map(score).collect());
        Ok(())
    }

    /// What the kept one of `n` is worth, by opening.
    fn best(&self, worth: Worth, n: usize) -> Vec<f64> {
        let of = |samples: &Vec<(f64, f64)>| {
            let pairs = samples.iter().map(|&(reward, gold)| match worth {
                Worth::Reward => (reward, reward),
                Worth::Gold => (reward, gold),
            });
            expected_best(&pairs.collect::<Vec<_>>(), n).unwrap_or(f64::NAN)
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

    /// Puts its numbers into the table, with intervals over openings.
    pub(super) fn add_to_table(&self, table: &mut Table, seed: u64) {
        for worth in Worth::BOTH {
            for n in self.draws() {
                table.mean(&self.row, &worth.of(n), &self.best(worth, n), seed);
            }
            table.mean(&self.row, &worth.gain(), &self.gains(worth), seed);
        }
    }
}

/// Both worths over n.
pub(super) fn figures(stories: &[Stories], seed: u64) -> [Figure; 2] {
    Worth::BOTH.map(|worth| {
        let (key, label, _) = worth.names();
        let axis = match worth {
            Worth::Reward => "sentiment score (log-odds), nats",
            Worth::Gold => "happiness of the ending by its label, 0 to 1",
        };
        let mut figure = Figure::new(
            &format!("stories-{key}"),
            &format!("The best of n stories by the classifier: {label}"),
            Axis::log("n"),
            Axis::linear(axis),
        );
        for one in stories {
            let point = |n: usize| {
                let values = one.best(worth, n);
                Point::at(n as f64, mean(&values)).within(interval_of_mean(&values, seed))
            };
            figure
                .series
                .push(Series::line(one.row.label(), one.draws().map(point)));
        }
        figure
    })
}
