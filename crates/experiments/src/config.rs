//! How large an experiment is, and the sampling parameters that it shares with the playground.

use decoding::Shaping;
use serde::{Deserialize, Serialize};

/// How much is sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// For a reader who waits: under a minute in a browser on its CPU.
    #[default]
    Quick,
    /// For a result that is kept.
    Full,
}

impl Size {
    /// One of two numbers.
    pub fn of<T>(self, quick: T, full: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}

/// What decides an experiment's results, with models and inputs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// How much is sampled.
    pub size: Size,
    /// Seed of all random draws: `coin(seed, chain, position)`.
    pub seed: u64,
    /// The reader's sampling parameters: answers are scored under them. What goes through temperatures or decoders of its own says
    /// so, and shows these as one more place or not at all.
    pub shaping: Shaping,
    /// The reader's amount of tuning λ: `(1 - lambda) z_base + lambda z_tuned`.
    pub lambda: f64,
}

impl RunConfig {
    /// Plain sampling: temperature 1, the tuned model as it is, seed 1.
    pub fn plain(size: Size) -> Self {
        Self {
            size,
            seed: 1,
            shaping: Shaping::default(),
            lambda: 1.0,
        }
    }

    /// The seed of a stream of random draws.
    pub fn seed_of(&self, stream: Stream) -> u64 {
        match stream {
            Stream::Run => self.seed,
            Stream::Unit(unit) => self.part_seed(unit),
            Stream::Story(opening) | Stream::Forecast(opening) => self.part_seed(1000 + opening),
            Stream::Vote => self.part_seed(2000),
            Stream::Interval => self.part_seed(1 << 20),
        }
    }

    /// A seed of its own for a part of an experiment, so that parts share no random draw. The mixing function of SplitMix64 (Steele,
    /// Lea and Flood, OOPSLA 2014) of seed and part.
    pub fn part_seed(&self, part: usize) -> u64 {
        let mut z = self
            .seed
            .wrapping_add(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(part as u64 + 1));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// What random draws are for: each use has a stream of its own, so that no two share a draw. Within one experiment no two streams
/// meet; the numbers behind them are fixed, as published results follow from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The run's own seed.
    Run,
    /// What is sampled for one unit (fewer than 1000), the same for every model.
    Unit(usize),
    /// Stories behind one opening, of an experiment that has other units besides.
    Story(usize),
    /// Intervals of scores of forecasts: 0, and 1 for the verdict.
    Forecast(usize),
    /// Intervals of votes and of the stories beside them.
    Vote,
    /// Intervals over units.
    Interval,
}

/// The sampling parameters of plain sampling at another temperature.
///
/// # Panics
/// When the temperature is negative or not a number.
pub fn at_temperature(temperature: f64) -> Shaping {
    let shaping = Shaping::default().with_temperature(temperature);
    shaping.expect("temperatures of experiments are numbers and not negative")
}
