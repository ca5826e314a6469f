//! The knobs as the reader meets them: name, unit, help, the slider's range, and how typed text reads.
//!
//! A slider covers the useful range; its number box takes every value that the setting allows.

use std::str::FromStr;

use decoding::{KnobError, Shaping};
use protocol::{Chains, Lambda, Length, Settings};

use super::Action;

/// One setting with a slider and a number box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dial {
    /// Temperature.
    Temperature,
    /// Logit scale.
    LogitScale,
    /// How much of the adapter is taken.
    Lambda,
    /// Top-k.
    TopK,
    /// Top-p.
    TopP,
    /// Min-p.
    MinP,
    /// Locally typical sampling.
    TypicalP,
    /// Repetition penalty.
    Repetition,
    /// Random seed.
    Seed,
    /// Stories per run.
    Chains,
    /// Tokens per story, at most.
    Length,
}

/// What stands around a slider.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// For tests and labels.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its letter in formulas, if it has one.
    pub letter: &'static str,
    /// What its number counts.
    pub unit: &'static str,
    /// One line of help.
    pub help: &'static str,
    /// The slider's ends and its step.
    pub slider: (f64, f64, f64),
}

impl Dial {
    /// Behind “more”.
    pub const MORE: [Self; 8] = [
        Self::TopK,
        Self::TopP,
        Self::MinP,
        Self::TypicalP,
        Self::Repetition,
        Self::Seed,
        Self::Chains,
        Self::Length,
    ];

    /// What stands around its slider.
    pub fn face(self) -> Face {
        let face = |id, name, letter, unit, help, slider| Face {
            id,
            name,
            letter,
            unit,
            help,
            slider,
        };
        match self {
            Self::Temperature => face(
                "temperature",
                "Temperature",
                "T",
                "divides logits",
                "low is safe and repetitive, high is wild; 0 always takes the likeliest token, inf ignores the scores",
                (0.0, 3.0, 0.01),
            ),
            Self::LogitScale => face(
                "logit-scale",
                "Logit scale",
                "s",
                "multiplies logits",
                "the same knob turned the other way: s = 2 is T = ½; one hypothesis says that fine-tuning does just this",
                (0.0, 10.0, 0.01),
            ),
            Self::Lambda => face(
                "lambda",
                "Amount of tuning",
                "λ",
                "share of the fine-tuning",
                "0 is the base model, 1 the tuned model; beyond 1 exaggerates the tuning",
                (Lambda::LEAST, Lambda::MOST, 0.01),
            ),
            Self::TopK => face(
                "top-k",
                "Top-k",
                "k",
                "tokens",
                "keeps only the k likeliest; 0 = off",
                (0.0, 100.0, 1.0),
            ),
            Self::TopP => face(
                "top-p",
                "Top-p",
                "",
                "probability mass",
                "nucleus sampling: keeps the likeliest tokens up to this mass; 1 = off",
                (0.01, 1.0, 0.01),
            ),
            Self::MinP => face(
                "min-p",
                "Min-p",
                "",
                "share of the top token",
                "drops tokens less probable than this share of it; 0 = off",
                (0.0, 1.0, 0.01),
            ),
            Self::TypicalP => face(
                "typical",
                "Typical p",
                "",
                "probability mass",
                "locally typical sampling: keeps tokens whose surprisal is closest to the entropy, up to this mass; 1 = off",
                (0.01, 1.0, 0.01),
            ),
            Self::Repetition => face(
                "repetition",
                "Repetition penalty",
                "",
                "divisor",
                "lowers the scores of tokens already used; 1 = off",
                (0.5, 2.0, 0.01),
            ),
            Self::Seed => face(
                "seed",
                "Seed",
                "",
                "whole number",
                "the same seed reproduces the same stories",
                (0.0, 100.0, 1.0),
            ),
            Self::Chains => face(
                "chains",
                "Stories",
                "n",
                "per run",
                "how many stories to sample",
                (f64::from(Chains::LEAST), f64::from(Chains::MOST), 1.0),
            ),
            Self::Length => face(
                "length",
                "Length",
                "",
                "tokens per story",
                "at most; a story may end earlier",
                (f64::from(Length::LEAST), f64::from(Length::MOST), 1.0),
            ),
        }
    }

    /// Whether it changes the next token's probabilities, of whatever story.
    pub fn shapes(self) -> bool {
        !matches!(self, Self::Seed | Self::Chains | Self::Length)
    }

    /// The present value, exactly, as it could be typed.
    pub fn text(self, settings: &Settings) -> String {
        let shaping = &settings.shaping;
        match self {
            Self::Temperature => shaping.temperature().to_string(),
            Self::LogitScale => shaping.logit_scale().to_string(),
            Self::Lambda => settings.lambda.get().to_string(),
            Self::TopK => shaping.top_k().to_string(),
            Self::TopP => shaping.top_p().to_string(),
            Self::MinP => shaping.min_p().to_string(),
            Self::TypicalP => shaping.typical_p().to_string(),
            Self::Repetition => shaping.repetition_penalty().to_string(),
            Self::Seed => settings.seed.to_string(),
            Self::Chains => settings.chains.get().to_string(),
            Self::Length => settings.length.get().to_string(),
        }
    }

    /// What typed text does; the error says what is allowed.
    ///
    /// # Errors
    /// When the text is no number, or one outside the setting's range.
    pub fn turn(self, settings: &Settings, text: &str) -> Result<Action, String> {
        let shaping = settings.shaping;
        let shape = |shaping: Result<Shaping, KnobError>| {
            shaping
                .map(Action::Shape)
                .map_err(|error| format!("Give a number {}", error.knob.allowed()))
        };
        match self {
            Self::Temperature => shape(shaping.with_temperature(real(text)?)),
            Self::LogitScale => shape(shaping.with_logit_scale(real(text)?)),
            Self::Lambda => Lambda::new(real(text)?)
                .map(Action::Realign)
                .map_err(|error| error.to_string()),
            Self::TopK => Ok(Action::Shape(shaping.with_top_k(whole(text)?))),
            Self::TopP => shape(shaping.with_top_p(real(text)?)),
            Self::MinP => shape(shaping.with_min_p(real(text)?)),
            Self::TypicalP => shape(shaping.with_typical_p(real(text)?)),
            Self::Repetition => shape(shaping.with_repetition_penalty(real(text)?)),
            Self::Seed => Ok(Action::Seed(whole(text)?)),
            Self::Chains => Chains::new(whole(text)?)
                .map(Action::Chains)
                .map_err(|error| error.to_string()),
            Self::Length => Length::new(whole(text)?)
                .map(Action::Length)
                .map_err(|error| error.to_string()),
        }
    }
}

/// A real number, with a point or a comma.
fn real(text: &str) -> Result<f64, String> {
    let text = text.trim();
    if text == "∞" {
        return Ok(f64::INFINITY);
    }
    text.replace(',', ".")
        .parse()
        .map_err(|_| not_a("number", text))
}

fn whole<N: FromStr>(text: &str) -> Result<N, String> {
    let text = text.trim();
    text.parse()
        .map_err(|_| not_a("whole number from 0 up", text))
}

fn not_a(kind: &str, text: &str) -> String {
    if text.is_empty() {
        format!("Give a {kind}")
    } else {
        format!("“{text}” is not a {kind}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State;

    const ALL: [Dial; 11] = [
        Dial::Temperature,
        Dial::LogitScale,
        Dial::Lambda,
        Dial::TopK,
        Dial::TopP,
        Dial::MinP,
        Dial::TypicalP,
        Dial::Repetition,
        Dial::Seed,
        Dial::Chains,
        Dial::Length,
    ];

    fn turned(dial: Dial, text: &str) -> Result<String, String> {
        let state = State::new(Settings::default(), Vec::new());
        let action = dial.turn(&state.settings, text)?;
        Ok(dial.text(&state.after(action).settings))
    }

    #[test]
    fn every_value_of_a_slider_is_allowed_and_kept() {
        for dial in ALL {
            let (from, to, step) = dial.face().slider;
            for text in [from, from + step, to].map(|value| value.to_string()) {
                assert_eq!(turned(dial, &text).as_ref(), Ok(&text), "{dial:?}");
            }
        }
    }

    #[test]
    fn typed_values_are_kept_exactly_even_beyond_the_slider() {
        assert_eq!(turned(Dial::Temperature, "0.333"), Ok("0.333".to_owned()));
        assert_eq!(turned(Dial::Temperature, " 0,5 "), Ok("0.5".to_owned()));
        assert_eq!(turned(Dial::Temperature, "inf"), Ok("inf".to_owned()));
        assert_eq!(turned(Dial::LogitScale, "10000"), Ok("10000".to_owned()));
        assert_eq!(
            turned(Dial::Seed, &u64::MAX.to_string()),
            Ok(u64::MAX.to_string())
        );
    }

    #[test]
    fn what_is_not_allowed_is_said_in_words() {
        for dial in ALL {
            for text in ["", "warm", "-1", "NaN"] {
                let error = turned(dial, text).unwrap_err();
                assert!(error.contains("number"), "{dial:?} {text:?}: {error}");
            }
        }
        assert!(
            turned(Dial::Chains, "65")
                .unwrap_err()
                .contains("from 1 to 64")
        );
        assert!(turned(Dial::TopP, "0").unwrap_err().contains("at most 1"));
    }
}
