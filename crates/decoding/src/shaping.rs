//! [`Shaping`]: the sampling parameters (knobs) between logits and the next-token distribution, always within their ranges.
//!
//! What the knobs do to a row is in [`shape`](crate::shape).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::knob::{Knob, KnobError};

/// The sampling parameters, each within its range. `Shaping::default()` is neutral: it leaves `softmax(logits)` as it is.
///
/// Serialised as a map in which a missing parameter is neutral and an unknown one is an error; deserialising checks the ranges. `typical` is
/// read as `typical_p`. Text formats
/// have no infinite number, so there an infinite temperature is the string `"inf"`.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Knobs", into = "Knobs")]
pub struct Shaping(Knobs);

/// The same fields with unchecked ranges.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Knobs {
    #[serde(
        serialize_with = "write_temperature",
        deserialize_with = "read_temperature"
    )]
    temperature: f64,
    logit_scale: f64,
    top_k: u32,
    top_p: f64,
    min_p: f64,
    #[serde(alias = "typical")]
    typical_p: f64,
    repetition_penalty: f64,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            logit_scale: 1.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            typical_p: 1.0,
            repetition_penalty: 1.0,
        }
    }
}

impl Shaping {
    /// Sets the temperature `T`: 0 is exactly greedy, infinity uniform over the tokens that remain, 1 neutral.
    ///
    /// # Errors
    /// When it is negative or NaN.
    pub fn with_temperature(mut self, temperature: f64) -> Result<Self, KnobError> {
        self.0.temperature = Knob::Temperature.check(temperature)?;
        Ok(self)
    }

    /// Sets the logit scale `s`, the factor of all logits: 0 is uniform over the tokens that remain, 1 neutral.
    ///
    /// # Errors
    /// When it is negative, infinite or NaN.
    pub fn with_logit_scale(mut self, logit_scale: f64) -> Result<Self, KnobError> {
        self.0.logit_scale = Knob::LogitScale.check(logit_scale)?;
        Ok(self)
    }

    /// Keeps the `top_k` tokens of the highest logits and those tied with the last of them; 0 is off.
    #[must_use]
    pub fn with_top_k(mut self, top_k: u32) -> Self {
        self.0.top_k = top_k;
        self
    }

    /// Keeps the fewest most probable tokens whose probabilities reach `top_p` together; 1 is off (Holtzman et al.,
    /// arXiv 1904.09751).
    ///
    /// # Errors
    /// When it is not above 0 and at most 1.
    pub fn with_top_p(mut self, top_p: f64) -> Result<Self, KnobError> {
        self.0.top_p = Knob::TopP.check(top_p)?;
        Ok(self)
    }

    /// Keeps the tokens at least `min_p` times as probable as the most probable one; 0 is off (Nguyen et al.,
    /// arXiv 2407.01082).
    ///
    /// # Errors
    /// When it is not from 0 to 1.
    pub fn with_min_p(mut self, min_p: f64) -> Result<Self, KnobError> {
        self.0.min_p = Knob::MinP.check(min_p)?;
        Ok(self)
    }

    /// Keeps the tokens whose surprisal is nearest to the entropy, until their probabilities reach `typical_p`; 1 is off (Meister
    /// et al., arXiv 2202.00666). It may cut the most probable token.
    ///
    /// # Errors
    /// When it is not above 0 and at most 1.
    pub fn with_typical_p(mut self, typical_p: f64) -> Result<Self, KnobError> {
        self.0.typical_p = Knob::TypicalP.check(typical_p)?;
        Ok(self)
    }

    /// Divides the positive logits of tokens already seen, and multiplies the negative ones, by `repetition_penalty`; 1 is off,
    /// and values below 1 reward repetition (Keskar et al., arXiv 1909.05858).
    ///
    /// # Errors
    /// When it is not above 0 and finite.
    pub fn with_repetition_penalty(mut self, repetition_penalty: f64) -> Result<Self, KnobError> {
        self.0.repetition_penalty = Knob::RepetitionPenalty.check(repetition_penalty)?;
        Ok(self)
    }

    /// Temperature `T`, from 0 to infinity.
    pub fn temperature(&self) -> f64 {
        self.0.temperature
    }

    /// Logit scale `s`, from 0 up.
    pub fn logit_scale(&self) -> f64 {
        self.0.logit_scale
    }

    /// How many tokens top-k keeps; 0 is off.
    pub fn top_k(&self) -> u32 {
        self.0.top_k
    }

    /// Nucleus mass, above 0 to 1.
    pub fn top_p(&self) -> f64 {
        self.0.top_p
    }

    /// Smallest share of the largest probability, from 0 to 1.
    pub fn min_p(&self) -> f64 {
        self.0.min_p
    }

    /// Probability mass of the locally typical set, above 0 to 1.
    pub fn typical_p(&self) -> f64 {
        self.0.typical_p
    }

    /// Repetition penalty, above 0.
    pub fn repetition_penalty(&self) -> f64 {
        self.0.repetition_penalty
    }

    /// The inverse temperature `β = s / T` through which both knobs act, in 1 / logit: 0 is uniform, infinity greedy.
    ///
    /// `T = 0` is greedy whatever the scale is, so `s = 0` with `T = 0` gives infinity.
    pub fn beta(&self) -> f64 {
        if self.0.temperature == 0.0 {
            f64::INFINITY
        } else {
            self.0.logit_scale / self.0.temperature
        }
    }
}

impl TryFrom<Knobs> for Shaping {
    type Error = KnobError;

    fn try_from(knobs: Knobs) -> Result<Self, KnobError> {
        Self::default()
            .with_temperature(knobs.temperature)?
            .with_logit_scale(knobs.logit_scale)?
            .with_top_k(knobs.top_k)
            .with_top_p(knobs.top_p)?
            .with_min_p(knobs.min_p)?
            .with_typical_p(knobs.typical_p)?
            .with_repetition_penalty(knobs.repetition_penalty)
    }
}

impl From<Shaping> for Knobs {
    fn from(shaping: Shaping) -> Self {
        shaping.0
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn write_temperature<S: Serializer>(temperature: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if temperature.is_infinite() && serializer.is_human_readable() {
        serializer.serialize_str("inf")
    } else {
        serializer.serialize_f64(*temperature)
    }
}

fn read_temperature<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Word(String),
    }

    if !deserializer.is_human_readable() {
        return f64::deserialize(deserializer);
    }
    match Written::deserialize(deserializer)? {
        Written::Number(temperature) => Ok(temperature),
        Written::Word(word) if word == "inf" => Ok(f64::INFINITY),
        Written::Word(word) => Err(de::Error::custom(format!(
            "temperature cannot be {word:?}: give a number or \"inf\""
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_set() -> Shaping {
        Shaping::default()
            .with_temperature(0.7)
            .and_then(|it| it.with_logit_scale(1.5))
            .and_then(|it| it.with_top_k(40).with_top_p(0.9))
            .and_then(|it| it.with_min_p(0.05))
            .and_then(|it| it.with_typical_p(0.95))
            .and_then(|it| it.with_repetition_penalty(1.1))
            .unwrap()
    }

    fn infinite() -> Shaping {
        Shaping::default().with_temperature(f64::INFINITY).unwrap()
    }

    #[test]
    fn survives_json_and_postcard_infinite_temperature_included() {
        for shaping in [Shaping::default(), all_set(), infinite()] {
            let json = serde_json::to_string(&shaping).unwrap();
            assert_eq!(
                serde_json::from_str::<Shaping>(&json).unwrap(),
                shaping,
                "{json}"
            );
            let bytes = postcard::to_allocvec(&shaping).unwrap();
            assert_eq!(postcard::from_bytes::<Shaping>(&bytes).unwrap(), shaping);
        }
        assert!(
            serde_json::to_string(&infinite())
                .unwrap()
                .contains(r#""temperature":"inf""#)
        );
    }

    #[test]
    fn reading_checks_ranges_and_names() {
        let read =
            |text: &str| serde_json::from_str::<Shaping>(text).map_err(|error| error.to_string());
        assert_eq!(read("{}"), Ok(Shaping::default()));
        assert_eq!(
            read(r#"{"temperature": 0}"#).map(|it| it.temperature()),
            Ok(0.0)
        );
        assert!(
            read(r#"{"top_p": 0}"#)
                .unwrap_err()
                .contains("top_p cannot be 0: give a number above 0 and at most 1")
        );
        assert!(
            read(r#"{"temperature": "hot"}"#)
                .unwrap_err()
                .contains("give a number or")
        );
        assert!(
            read(r#"{"temprature": 1}"#)
                .unwrap_err()
                .contains("unknown field")
        );
        let hostile = postcard::to_allocvec(&Knobs {
            repetition_penalty: f64::NAN,
            ..Knobs::default()
        })
        .unwrap();
        assert!(postcard::from_bytes::<Shaping>(&hostile).is_err());
    }

    #[test]
    fn no_knob_takes_nan_or_a_value_outside_its_range() {
        let neutral = Shaping::default();
        for bad in [f64::NAN, -1.0, f64::NEG_INFINITY] {
            assert!(neutral.with_temperature(bad).is_err());
            assert!(neutral.with_logit_scale(bad).is_err());
            assert!(neutral.with_top_p(bad).is_err());
            assert!(neutral.with_min_p(bad).is_err());
            assert!(neutral.with_typical_p(bad).is_err());
            assert!(neutral.with_repetition_penalty(bad).is_err());
        }
        assert!(neutral.with_logit_scale(f64::INFINITY).is_err());
        assert!(neutral.with_top_p(0.0).is_err());
        assert!(neutral.with_min_p(1.5).is_err());
        assert!(neutral.with_typical_p(1.5).is_err());
        assert!(neutral.with_repetition_penalty(0.0).is_err());
    }

    #[test]
    fn beta_is_scale_over_temperature_with_its_limits() {
        let at = |t: f64, s: f64| {
            Shaping::default()
                .with_temperature(t)
                .and_then(|it| it.with_logit_scale(s))
                .unwrap()
                .beta()
        };
        assert_eq!(at(0.5, 3.0), 6.0);
        assert_eq!(at(0.0, 1.0), f64::INFINITY);
        assert_eq!(at(0.0, 0.0), f64::INFINITY);
        assert_eq!(at(-0.0, 1.0), f64::INFINITY);
        assert_eq!(at(f64::INFINITY, 1.0), 0.0);
        assert_eq!(at(1.0, 0.0), 0.0);
    }
}
