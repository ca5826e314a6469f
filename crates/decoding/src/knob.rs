//! The sampling parameters by name, the range that each allows, and the error for a value outside it.
//!
//! Does not hold values: those live in [`Shaping`](crate::Shaping).

use std::fmt;

/// One knob of [`Shaping`](crate::Shaping) that can be set out of range. (`top_k` cannot: every `u32` means something.)
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Knob {
    /// Temperature `T`.
    Temperature,
    /// Logit scale `s`.
    LogitScale,
    /// Nucleus mass.
    TopP,
    /// Smallest share of the largest probability.
    MinP,
    /// Probability mass of the locally typical set.
    TypicalP,
    /// Divisor of the logits of tokens already seen.
    RepetitionPenalty,
}

impl Knob {
    /// The knob's name, as in serialised settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::LogitScale => "logit_scale",
            Self::TopP => "top_p",
            Self::MinP => "min_p",
            Self::TypicalP => "typical_p",
            Self::RepetitionPenalty => "repetition_penalty",
        }
    }

    /// The allowed values, in words.
    pub fn allowed(self) -> &'static str {
        match self {
            Self::Temperature => "from 0 (greedy) to infinity (uniform)",
            Self::LogitScale => "from 0 (uniform) up, finite",
            Self::TopP | Self::TypicalP => "above 0 and at most 1 (1 is off)",
            Self::MinP => "from 0 (off) to 1",
            Self::RepetitionPenalty => "above 0, finite (1 is off)",
        }
    }

    /// Whether the value is allowed. NaN never is.
    pub fn allows(self, value: f64) -> bool {
        match self {
            Self::Temperature => value >= 0.0,
            Self::LogitScale => value >= 0.0 && value.is_finite(),
            Self::TopP | Self::TypicalP => value > 0.0 && value <= 1.0,
            Self::MinP => (0.0..=1.0).contains(&value),
            Self::RepetitionPenalty => value > 0.0 && value.is_finite(),
        }
    }

    /// The value if it is allowed. Minus zero becomes zero, whose quotient has the right sign.
    pub(crate) fn check(self, value: f64) -> Result<f64, KnobError> {
        if self.allows(value) {
            Ok(value + 0.0)
        } else {
            Err(KnobError {
                knob: self,
                given: value,
            })
        }
    }
}

/// A value outside a knob's range.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct KnobError {
    /// The knob.
    pub knob: Knob,
    /// The value that was given.
    pub given: f64,
}

impl fmt::Display for KnobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, allowed) = (self.knob.name(), self.knob.allowed());
        write!(
            f,
            "{name} cannot be {}: give a number {allowed}",
            self.given
        )
    }
}

impl std::error::Error for KnobError {}
