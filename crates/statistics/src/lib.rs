//! Estimators and intervals: what is measured of the samples of a model.
//!
//! Lives here:
//! - uncertainty: Wilson's interval of a share ([`wilson_95`]), a mean with its standard error ([`Mean`]), the [`bootstrap`], and
//!   what an interval says of a bound ([`tristate`]);
//! - entropy and dependence of counts ([`entropy_bits`], [`ContingencyTable`]), ranks with ties ([`ranks()`]), agreement of two raters
//!   ([`Agreement`]), calibration error ([`CalibrationBins`]);
//! - diversity of samples: distinct_k and utility_k ([`distinct_k`], [`utility_k`]), Hill numbers and sample coverage ([`hill_number`],
//!   [`coverage`]), semantic entropy ([`semantic_entropy_bits`]), Vendi score ([`vendi_score`]), compression ratio
//!   ([`compression_ratio`]);
//! - sequences: distinct n-grams ([`distinct_n`], [`expectation_adjusted_distinct`]), repetition loops ([`loop_period`]), self-BLEU ([`self_bleu()`]), the KL divergence of
//!   a completion ([`token_divergence`]), and time to an event with censoring ([`hitting_curve`]).
//!
//! Does not live here: what happens to one row of logits (`decoding`), models, text, files. The crate names `decoding` for two
//! things: its counter-based random draws, and its softmax. It builds for `wasm32-unknown-unknown`, so page, worker, trainer and
//! command line share one formula for each quantity.
//!
//! Every function is total: where a quantity is undefined the result is `None`, never a panic. Sums are taken in f64. Units stand
//! in the names.

pub mod bootstrap;
pub mod tristate;

mod agreement;
mod calibration;
mod completion;
mod compression;
mod contingency;
mod entropy;
mod hill;
mod interval;
mod mean;
mod ngrams;
mod novelty;
mod ranks;
mod repetition;
mod self_bleu;
mod semantic;
mod survival;
mod vendi;

pub use agreement::Agreement;
pub use calibration::{CalibrationBins, expected_calibration_error};
pub use completion::{TokenDivergence, token_divergence};
pub use compression::compression_ratio;
pub use contingency::ContingencyTable;
pub use entropy::{entropy_bits, entropy_of_counts_bits};
pub use hill::{coverage, hill_number};
pub use interval::{Interval, wilson_95};
pub use mean::Mean;
pub use ngrams::{distinct_n, expectation_adjusted_distinct};
pub use novelty::{PATIENCE, distinct_k, utility_k};
pub use ranks::{area_under_roc, rank_correlation, ranks};
pub use repetition::{LoopPeriod, loop_period};
pub use self_bleu::self_bleu;
pub use semantic::semantic_entropy_bits;
pub use survival::{HitStep, HittingCurve, Observation, hitting_curve};
pub use vendi::{ngram_kernel, vendi_score};
