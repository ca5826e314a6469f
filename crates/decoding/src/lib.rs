//! From logits to distribution to token.
//!
//! Lives here: one row of logits and the sampling parameters that shape it ([`Shaping`]), the resulting distribution ([`shape`],
//! [`Distribution`]), the random draw that picks a token ([`coin()`], [`Pick`]), interpolation of base and tuned logits
//! ([`interpolate`]), divergences between distributions ([`kl_nats`], [`total_variation`]), the model interface of experiments
//! ([`LanguageModel`]), and beam search over any model ([`Beam`]). Pure functions of plain slices.
//!
//! Does not live here: statistics of samples (`statistics`), tensors, models, text, threads, files, clocks, random state. The crate
//! builds for `wasm32-unknown-unknown`; page, worker, trainer and command line share it, so there is one softmax.
//!
//! Everything is total: a parameter out of range cannot be built, and no row of logits makes a function panic. Sums are taken in f64.
//! The exponential behind every probability is this crate's own (basic f64 arithmetic in a fixed order), so the same logits, parameters
//! and seed give the same token natively and in every browser.
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

mod beam;
mod coin;
mod curve;
mod distribution;
mod divergence;
mod exponential;
mod filters;
mod knob;
mod language_model;
mod logits;
mod pick;
mod realignment;
mod shaping;
mod sorted;
mod sums;

pub use beam::{Beam, Extension, Hypothesis, beam_search};
pub use coin::{Coin, coin};
pub use curve::{entropy_at, entropy_curve, entropy_slope};
pub use distribution::{Distribution, Segment, shape};
pub use divergence::{kl_bits, kl_nats, log_softmax, surprisal_nats, total_variation};
pub use knob::{Knob, KnobError};
pub use language_model::LanguageModel;
pub use pick::Pick;
pub use realignment::{InterpolateError, interpolate};
pub use shaping::Shaping;
