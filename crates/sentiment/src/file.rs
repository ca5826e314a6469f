//! The predictor as a readable file: JSON, one word or pair a line, in alphabetical order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use words::words;

use crate::grams::grams;
use crate::predictor::Predictor;

/// The first field of the file.
const ABOUT: &str = "log-odds that a text is positive = bias + the weights of the words and pairs of words that occur in it";

/// A text that is not a predictor.
#[derive(Debug, Error)]
pub enum FileError {
    /// Not JSON, or other fields.
    #[error("not a predictor's weights (expected \"about\", \"bias\" and \"weights\"): {0}")]
    Json(#[from] serde_json::Error),
    /// A key that no text can contain.
    #[error(
        "\"{0}\" is neither a word nor a pair of words: write them in lower case, parted by one space"
    )]
    Gram(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    about: String,
    bias: f64,
    weights: BTreeMap<String, f64>,
}

impl Predictor {
    /// The file's text. Weights of up to 15 digits, as [`pruned`](Self::pruned) leaves them, are read again to the last bit.
    ///
    /// # Panics
    /// Never, for finite weights.
    pub fn to_json(&self) -> String {
        let file = File {
            about: ABOUT.to_owned(),
            bias: self.bias,
            weights: self.weights.clone(),
        };
        serde_json::to_string_pretty(&file).expect("strings and numbers can be written") + "\n"
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// When it is no such file, or has a key that could never be found in a text.
    pub fn from_json(json: &str) -> Result<Self, FileError> {
        let File { bias, weights, .. } = serde_json::from_str(json)?;
        let is_gram = |key: &str| grams(&words(key)).any(|gram| gram.text == key);
        if let Some(wrong) = weights.keys().find(|key| !is_gram(key)) {
            return Err(FileError::Gram(wrong.clone()));
        }
        Ok(Self { bias, weights })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            bias in -1e3..1e3,
            weights in proptest::collection::btree_map("[a-zé]{1,6}( [a-z0-9]{1,3}('t)?)?", -1e3..1e3, 0..20),
        ) {
            let predictor = Predictor { bias, weights }.pruned(0.0, 4);
            prop_assert_eq!(Predictor::from_json(&predictor.to_json()).unwrap(), predictor);
        }
    }

    #[test]
    fn the_file_is_for_reading() {
        let weights =
            [("the sun", 0.5), ("rain", -1.25)].map(|(gram, weight)| (gram.to_owned(), weight));
        let json = Predictor {
            bias: 0.0,
            weights: weights.into(),
        }
        .to_json();
        let lines: Vec<&str> = json.lines().map(str::trim).collect();
        assert_eq!(
            &lines[2..7],
            [
                "\"bias\": 0.0,",
                "\"weights\": {",
                "\"rain\": -1.25,",
                "\"the sun\": 0.5",
                "}"
            ]
        );
    }

    #[test]
    fn other_files_are_refused_with_the_reason() {
        for (json, reason) in [
            ("{}", "expected \"about\""),
            (
                r#"{"about": "", "bias": 0, "weights": {}, "scale": 2}"#,
                "scale",
            ),
            (
                r#"{"about": "", "bias": 1e999, "weights": {}}"#,
                "out of range",
            ),
            (
                r#"{"about": "", "bias": 0, "weights": {"Sun": 1}}"#,
                "\"Sun\" is neither",
            ),
            (
                r#"{"about": "", "bias": 0, "weights": {"one two three": 1}}"#,
                "neither",
            ),
            (
                r#"{"about": "", "bias": 0, "weights": {"one. two": 1}}"#,
                "neither",
            ),
        ] {
            let error = Predictor::from_json(json).unwrap_err().to_string();
            assert!(error.contains(reason), "{json}: {error}");
        }
    }
}
