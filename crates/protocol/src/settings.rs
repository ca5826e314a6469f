//! The settings that reproduce what the page shows: the state that a link holds.

use decoding::Shaping;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A number outside the range of its knob.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{knob} must be a whole number from {least} to {most}, not {found}")]
pub struct RangeError {
    knob: &'static str,
    least: u32,
    most: u32,
    found: u32,
}

macro_rules! ranged {
    ($(#[$doc:meta])* $name:ident, $knob:literal, $least:literal..=$most:literal, default $default:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "u32", into = "u32")]
        pub struct $name(u32);

        impl $name {
            /// The least allowed value.
            pub const LEAST: u32 = $least;
            /// The greatest allowed value.
            pub const MOST: u32 = $most;

            /// Checks the range.
            ///
            /// # Errors
            /// Says which range was left, and by what.
            pub fn new(value: u32) -> Result<Self, RangeError> {
                if (Self::LEAST..=Self::MOST).contains(&value) {
                    Ok(Self(value))
                } else {
                    Err(RangeError { knob: $knob, least: Self::LEAST, most: Self::MOST, found: value })
                }
            }

            /// The number.
            pub fn get(self) -> u32 {
                self.0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self($default)
            }
        }

        impl TryFrom<u32> for $name {
            type Error = RangeError;
            fn try_from(value: u32) -> Result<Self, RangeError> {
                Self::new(value)
            }
        }

        impl From<$name> for u32 {
            fn from(value: $name) -> u32 {
                value.0
            }
        }
    };
}

ranged!(
    /// Number of stories in a swarm.
    Chains, "chains", 1..=64, default 16
);
ranged!(
    /// Most tokens per chain.
    Length, "length", 1..=128, default 128
);

/// Weight of the tuned model in the logits: `(1 - lambda) z_base + lambda z_tuned` (decoding-time realignment, DeRa,
/// arXiv 2402.02992). 0 is the base, 1 the tuned model, above 1 extrapolates.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Lambda(f64);

/// A lambda outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error(
    "lambda must be a number from {} to {}, not {found}",
    Lambda::LEAST,
    Lambda::MOST
)]
pub struct LambdaError {
    found: f64,
}

impl Lambda {
    /// The base.
    pub const LEAST: f64 = 0.0;
    /// Extrapolates by half of what tuning changed.
    pub const MOST: f64 = 1.5;

    /// Checks the range.
    ///
    /// # Errors
    /// Says which range was left, and by what.
    pub fn new(value: f64) -> Result<Self, LambdaError> {
        // No minus zero: it would print with its sign.
        let in_range = (Self::LEAST..=Self::MOST).contains(&value);
        in_range
            .then_some(Self(value + 0.0))
            .ok_or(LambdaError { found: value })
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Default for Lambda {
    fn default() -> Self {
        Self(1.0)
    }
}

impl TryFrom<f64> for Lambda {
    type Error = LambdaError;
    fn try_from(value: f64) -> Result<Self, LambdaError> {
        Self::new(value)
    }
}

impl From<Lambda> for f64 {
    fn from(value: Lambda) -> f64 {
        value.0
    }
}

/// Which device the link asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceChoice {
    /// CPU first, then whichever device is measured to be faster.
    #[default]
    Auto,
    /// CPU only; the WebGPU build is not fetched.
    Cpu,
    /// WebGPU even on a software adapter.
    WebGpu,
}

/// Which part of the page is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum View {
    /// Knobs, the next token, and the stories.
    #[default]
    Playground,
    /// Claims about mode collapse, each with its test.
    Experiments,
    /// What the page is about.
    About,
}

/// The part of the page's state that a link carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Which part of the page is shown.
    pub view: View,
    /// The open experiment's name, where one was chosen.
    pub experiment: Option<String>,
    /// Folder name under `models/`.
    pub model: String,
    /// Folder name under the model's `adapters/`. Without one the base decodes alone.
    pub adapter: Option<String>,
    /// Weight of the adapter.
    pub lambda: Lambda,
    /// Whether the base decodes every story too, with the same random draws.
    pub compare: bool,
    /// The text that every chain continues.
    pub prompt: String,
    /// The knobs.
    pub shaping: Shaping,
    /// Random seed.
    pub seed: u64,
    /// Number of stories.
    pub chains: Chains,
    /// Most tokens per story.
    pub length: Length,
    /// Which device.
    pub device: DeviceChoice,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            view: View::default(),
            experiment: None,
            model: "storyteller".to_owned(),
            adapter: None,
            lambda: Lambda::default(),
            compare: false,
            prompt: "I went to the hardware store to buy a hammer.".to_owned(),
            shaping: Shaping::default(),
            seed: 1,
            chains: Chains::default(),
            length: Length::default(),
            device: DeviceChoice::default(),
        }
    }
}
