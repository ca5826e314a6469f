//! Sentiment of a text by a bag of words and bigrams: fitting, scoring, measuring.
//!
//! Lives here: the words and bigrams of a text ([`grams()`]), the classifier ([`Predictor`]: logistic regression on which of them occur),
//! its fit to labelled texts ([`fit()`]), and its quality on others ([`Quality`]). It is weak on purpose: it knows neither order beyond
//! a bigram nor meaning, so a model tuned against it as a reward finds what it overrates. No word is written into the code: all
//! weights come from the fit.
//!
//! Does not live here: what a word is (the crate `words`), the source of labelled texts, models, tuning, files, tensors. The crate
//! builds for `wasm32-unknown-unknown`, so that page, trainer and command line score a text the same way.
//!
//! Unit of every weight, contribution and score: nats of log-odds, `ln(p / (1 - p))`.
//!
//! ```
//! use sentiment::{Labelled, Settings, fit};
//!
//! let texts = [
//!     Labelled { text: "The sun shone.".to_owned(), positive: true },
//!     Labelled { text: "The sun set.".to_owned(), positive: false },
//! ];
//! let fitted = fit(&texts, &Settings { least_texts: 1, ..Settings::default() })?;
//! let score = fitted.predictor.score("It shone on us.");
//! assert!(score.log_odds > 0.0);
//! assert_eq!(score.words[1].at, 3..8); // the bytes of "shone"
//! # Ok::<(), sentiment::FitError>(())
//! ```

mod file;
mod fit;
mod grams;
mod predictor;
mod quality;

pub use file::FileError;
pub use fit::{FitError, Fitted, Labelled, Settings, fit};
pub use grams::{Gram, grams};
pub use predictor::{Contribution, Predictor, Score, probability};
pub use quality::Quality;
pub use words::{Word, words};
