//! How glad a text sounds, by its words and pairs of neighbouring words alone.
//!
//! Lives here: the words and pairs of a text ([`grams()`]), the predictor ([`Predictor`]: logistic regression on which words and pairs occur),
//! how it is fitted to labelled texts ([`fit()`]), and how well it does on others ([`Quality`]). It is weak on purpose: it knows
//! neither order beyond a pair nor meaning, so a model that is tuned against it finds what it overrates. Nothing here names a
//! word: all weights come from the fit.
//!
//! Does not live here: what a word is (the crate `words`), where labelled texts come from, models, tuning, files, tensors. The crate builds for
//! `wasm32-unknown-unknown`, so that page, trainer and command line read a text the same way.
//!
//! Unit of every weight, contribution and score: nats of log-odds, `ln(p / (1 - p))`.
//!
//! ```
//! use sentiment::{Labelled, Settings, fit};
//!
//! let texts = [
//!     Labelled { text: "The sun shone.".to_owned(), glad: true },
//!     Labelled { text: "The sun set.".to_owned(), glad: false },
//! ];
//! let fitted = fit(&texts, &Settings { least_texts: 1, ..Settings::default() })?;
//! let reading = fitted.predictor.read("It shone on us.");
//! assert!(reading.log_odds > 0.0);
//! assert_eq!(reading.words[1].at, 3..8); // the bytes of "shone"
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
pub use predictor::{Contribution, Predictor, Reading, probability};
pub use quality::Quality;
pub use words::{Word, words};
