//! The experiments by name.

use decoding::LanguageModel;

use crate::basins::BasinsExperiment;
use crate::best_of_n::BestOfN;
use crate::config::RunConfig;
use crate::info::ExperimentInfo;
use crate::inputs::Inputs;
use crate::kl_budget::KlBudget;
use crate::pathologies::Pathologies;
use crate::pointwise_reward::PointwiseReward;
use crate::probably::Probably;
use crate::progress::{ExperimentError, RunProgress};
use crate::random_number::RandomNumber;
use crate::results::ExperimentResults;
use crate::scaled_logits::ScaledLogits;
use crate::study::{self, Experiment};
use crate::subject::Subject;

/// Declares the list, and what is done by name. A new experiment is one more line below.
macro_rules! experiments {
    ($($experiment:ty),+ $(,)?) => {
        /// All experiments, in the order in which they are shown.
        pub const CATALOGUE: &[ExperimentInfo] = &[$(<$experiment>::INFO),+];

        async fn run_by_name<M: LanguageModel>(
            name: &str,
            subjects: &[Subject<'_, M>],
            inputs: &Inputs,
            config: &RunConfig,
            progress: &mut impl RunProgress,
        ) -> Option<Result<ExperimentResults, ExperimentError>> {
            $(if name == <$experiment>::INFO.name {
                return Some(study::run::<$experiment, M>(subjects, inputs, config, progress).await);
            })+
            None
        }

        /// Writes answer and verdict again from the numbers that are there. Results whose numbers do not decide, or of an
        /// experiment that is not in the list, keep what they have.
        pub fn conclude(results: &mut ExperimentResults) {
            results.put_figures_into_words();
            $(if results.experiment == <$experiment>::INFO.name {
                study::conclude::<$experiment>(results);
            })+
        }
    };
}

experiments![
    ScaledLogits,
    RandomNumber,
    Probably,
    BestOfN,
    KlBudget,
    BasinsExperiment,
    PointwiseReward,
    Pathologies,
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
    let found = run_by_name(name, subjects, inputs, config, progress).await;
    found.unwrap_or_else(|| {
        let names: Vec<&str> = CATALOGUE.iter().map(|info| info.name).collect();
        Err(ExperimentError::Missing(format!(
            "there is no experiment \"{name}\"; there are {}",
            names.join(", ")
        )))
    })
}
