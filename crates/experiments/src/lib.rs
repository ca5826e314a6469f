//! The claims of the discussion about mode collapse, as experiments on any language model.
//!
//! Lives here: eight experiments, a module each, with what they share: what is asked ([`Material`]), of which models
//! ([`Subject`]), how large and with which knobs ([`Setting`]), what came out ([`Findings`]), toys whose answers are known
//! beforehand ([`Toy`]), drawing chains, and intervals by resampling. Every experiment has controls: the same estimators on a toy,
//! against a closed form. Does not live here: a trained model, files, clocks, threads, charts.
//!
//! The same code runs in the page's worker, on the command line and in tests. Everything is a function of models, material and
//! setting: the same three give the same findings.

pub mod answers;
pub mod best_of;
pub mod bootstrap;
mod catalogue;
pub mod chains;
mod findings;
mod material;
mod mixed;
mod rank;
mod ruling;
mod setting;
pub mod shipped;
#[cfg(test)]
mod testing;
mod toy;
mod watch;
pub mod zipf;

pub mod basins;
pub mod best_of_n;
pub mod kl_budget;
pub mod pathologies;
pub mod pointwise_reward;
pub mod probably;
pub mod random_number;
pub mod scaled_logits;

pub use catalogue::{CATALOGUE, Entry, Needs, find, run};
pub use findings::{
    Answered, Axis, Control, Figure, Findings, Flow, Point, Quantity, Scale, Series, Shape, Verdict,
};
pub use material::{
    Answer, Family, Material, MaterialError, MaterialFiles, OpeningGroup, Question,
};
pub use mixed::Mixed;
pub use setting::{Setting, Size};
pub use shipped::{Made, Shipped};
pub use toy::Toy;
pub use watch::{Stop, Unwatched, Watch};

/// A model with the name that findings call it by. The first subject of every experiment is the base.
#[derive(Debug)]
pub struct Subject<'a, M> {
    /// `base`, or the adapter's folder name.
    pub name: &'a str,
    /// The KL budget that it was tuned under, nats a completion, where it has one.
    pub budget_nats: Option<f64>,
    /// The model.
    pub model: &'a M,
}

impl<M> Clone for Subject<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Subject<'_, M> {}
