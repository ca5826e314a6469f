//! Logits to distribution to token, and what is measured of both.
//!
//! Lives here: one row of logits, the knobs that shape it ([`Shaping`]), the distribution that results ([`shape`],
//! [`Distribution`]), the coin that picks a token ([`coin()`]) and what is told of the token ([`Pick`]), realignment of two rows
//! ([`mix`]), what a model is to those who experiment with it ([`LanguageModel`]), beam search over any model ([`Beam`]), and the
//! measures: of distributions (entropy, divergences), of the chains
//! drawn from them (repetition, self-BLEU, hitting times, basins), of how sure a share or a mean is, and of how far two judges
//! agree. Pure functions of plain slices.
//!
//! Does not live here: tensors, models, text, threads, files, clocks, random state. The crate builds for
//! `wasm32-unknown-unknown`, and page, worker, trainer and command line share it, so that there is one softmax in the house.
//!
//! Everything is total: a knob out of range cannot be built, and no row of logits makes a function panic. Sums are taken in f64.
//! The exponential behind every probability is this crate's own (basic f64 arithmetic in a fixed order), so the same row, knobs
//! and coin give the same token natively and in every browser.
//!
//! ```
//! use decoding::{Shaping, coin, shape};
//!
//! let logits = [1.0, 3.0, 2.0];
//! let cool = Shaping::default().with_temperature(0.5)?;
//! let next = shape(&logits, &[], &cool);
//! assert!(next.entropy_bits() < shape(&logits, &[], &Shaping::default()).entropy_bits());
//! let token = next.pick(coin(7, 0, 0));
//! assert!(next.probability(token) > 0.0);
//! # Ok::<(), decoding::KnobError>(())
//! ```

mod agreement;
mod basins;
mod beam;
mod bleu;
mod coin;
mod curve;
mod distribution;
mod exponential;
mod filters;
mod hitting;
mod knob;
mod language_model;
mod loops;
mod mean;
mod measures;
mod order;
mod pick;
mod realign;
mod row;
mod shaping;
mod sums;
mod wilson;

pub use agreement::Agreement;
pub use basins::Basins;
pub use beam::{Beam, Extension, Hypothesis, beam_search};
pub use bleu::self_bleu;
pub use coin::{Coin, coin};
pub use curve::{entropy_at, entropy_curve, entropy_slope};
pub use distribution::{Distribution, Segment, shape};
pub use hitting::{HitStep, HittingCurve, Watch, hitting_curve};
pub use knob::{Knob, KnobError};
pub use language_model::LanguageModel;
pub use loops::{LoopPeriod, loop_period};
pub use mean::Mean;
pub use measures::{distinct_n, kl_bits, kl_nats, surprisal_nats, total_variation};
pub use pick::Pick;
pub use realign::{MixError, mix};
pub use shaping::Shaping;
pub use wilson::{Interval, wilson_95};
