//! The experiments by name.

use decoding::LanguageModel;

use crate::info::ExperimentInfo;
use crate::kl_budget::KlBudget;
use crate::progress::{ExperimentError, RunProgress};
use crate::random_number::RandomNumber;
use crate::study::{self, Experiment};
use crate::{
    ExperimentResults, Inputs, RunConfig, Subject, basins, best_of_n, pathologies,
    pointwise_reward, probably, scaled_logits,
};

/// All experiments, in the order in which they are shown.
pub const CATALOGUE: &[ExperimentInfo] = &[
    scaled_logits::INFO,
    RandomNumber::INFO,
    probably::INFO,
    best_of_n::INFO,
    KlBudget::INFO,
    basins::INFO,
    pointwise_reward::INFO,
    pathologies::INFO,
];

/// The experiment of that name.
pub fn find(name: &str) -> Option<&'static ExperimentInfo> {
    CATALOGUE.iter().find(|info| info.name == name)
}

/// Runs the experiment of that name. The first subject is the base.
///
/// # Errors
/// When there is no such experiment or no subject, a model fails, or the run is cancelled: then what was reported last stands.
pub async fn run<M: LanguageModel>(
    name: &str,
    subjects: &[Subject<'_, M>],
    inputs: &Inputs,
    config: &RunConfig,
    progress: &mut impl RunProgress,
) -> Result<ExperimentResults, ExperimentError> {
    if subjects.is_empty() {
        return Err(ExperimentError::Missing(
            "no model was given; the base is always measured".to_owned(),
        ));
    }
    match name {
        "scaled-logits" => scaled_logits::run(subjects, inputs, config, progress).await,
        "random-number" => study::run::<RandomNumber, M>(subjects, inputs, config, progress).await,
        "probably" => probably::run(subjects, inputs, config, progress).await,
        "best-of-n" => best_of_n::run(subjects, inputs, config, progress).await,
        "kl-budget" => study::run::<KlBudget, M>(subjects, inputs, config, progress).await,
        "basins" => basins::run(subjects, inputs, config, progress).await,
        "pointwise-reward" => pointwise_reward::run(subjects, inputs, config, progress).await,
        "pathologies" => pathologies::run(subjects, inputs, config, progress).await,
        _ => {
            let names: Vec<&str> = CATALOGUE.iter().map(|info| info.name).collect();
            Err(ExperimentError::Missing(format!(
                "there is no experiment \"{name}\"; there are {}",
                names.join(", ")
            )))
        }
    }
}
