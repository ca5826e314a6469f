//! The claims of the discussion about mode collapse, as experiments on any language model.
//!
//! Lives here: eight experiments, a module each, with what they share: their inputs ([`Inputs`]), the models under test
//! ([`Subject`]), size and sampling parameters ([`RunConfig`]), results ([`ExperimentResults`]), toy models whose answers are known
//! ([`Toy`]), sampling, and bootstrap intervals. Every experiment has controls: the same estimators on a toy, against a closed
//! form. Does not live here: a trained model, files, clocks, threads, charts.
//!
//! The same code runs in the page's worker, on the command line and in tests. Everything is a function of models, inputs and
//! config: the same three give the same results.

pub mod answers;
pub mod best_of;
mod catalogue;
mod config;
mod info;
mod inputs;
mod policy;
mod progress;
pub mod published;
mod results;
pub mod sampling;
mod study;
mod subject;
mod table;
#[cfg(test)]
mod testing;
mod toy;
pub mod zipf;

pub mod basins;
pub mod best_of_n;
pub mod kl_budget;
pub mod pathologies;
pub mod pointwise_reward;
pub mod probably;
pub mod random_number;
pub mod scaled_logits;

pub(crate) use statistics::{bootstrap, tristate};

pub use catalogue::{CATALOGUE, conclude, find, run};
pub use config::{RunConfig, Size, Stream, at_temperature};
pub use info::{ExperimentInfo, Requires};
pub use inputs::{Answer, Family, InputError, InputFiles, Inputs, OpeningGroup, Question};
pub use policy::{Policy, PolicyBatch};
pub use progress::{ExperimentError, RunProgress, Unobserved};
pub use published::{Provenance, Published};
pub use results::{
    Axis, Condition, Control, Estimate, ExperimentResults, Figure, Flow, Outcome, Point, Scale,
    Series, Shape, Verdict,
};
pub use study::{Conclusion, Experiment, Study};
pub use subject::Subject;
pub use table::{Interval, Metric, Row, Table};
pub use toy::Toy;
