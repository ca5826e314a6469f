//! The experiments by name: what each claims, where the claim comes from, and what it can and cannot show.

use decoding::LanguageModel;

use crate::progress::{ExperimentError, RunProgress};
use crate::{
    ExperimentInfo, ExperimentResults, Inputs, RunConfig, Subject, basins, best_of_n, kl_budget,
    pathologies, pointwise_reward, probably, random_number, scaled_logits,
};

/// All experiments, in the order in which they are shown.
pub const CATALOGUE: &[ExperimentInfo] = &[
    scaled_logits::INFO,
    random_number::INFO,
    probably::INFO,
    best_of_n::INFO,
    kl_budget::INFO,
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
/// When there is no such experiment or no subject, a model cannot be asked, or whoever watches had enough: then what was told
/// last stands.
pub async fn run<M: LanguageModel>(
    name: &str,
    subjects: &[Subject<'_, M>],
    inputs: &Inputs,
    config: &RunConfig,
    progress: &mut impl RunProgress,
) -> Result<ExperimentResults, ExperimentError> {
    if subjects.is_empty() {
        return Err(ExperimentError::Missing(
            "no model was given; the base is always asked".to_owned(),
        ));
    }
    match name {
        "scaled-logits" => scaled_logits::run(subjects, inputs, config, progress).await,
        "random-number" => random_number::run(subjects, inputs, config, progress).await,
        "probably" => probably::run(subjects, inputs, config, progress).await,
        "best-of-n" => best_of_n::run(subjects, inputs, config, progress).await,
        "kl-budget" => kl_budget::run(subjects, inputs, config, progress).await,
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
