//! The frame of an experiment: what every one states, and what is done for all of them.
//!
//! An [`Experiment`] says how it is introduced, which controls it has, how a policy is measured into the table and figures of a
//! [`Study`], and what the table answers. The frame runs the controls first, hands out policies (base and adapters at λ) and seeds,
//! counts units, reports progress with everything found so far, and writes the answer.

use decoding::LanguageModel;

use crate::config::RunConfig;
use crate::info::ExperimentInfo;
use crate::inputs::Inputs;
use crate::policy::Policy;
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::results::{Condition, Control, ExperimentResults, Outcome, Verdict};
use crate::subject::Subject;
use crate::table::Table;
use crate::tristate;

/// An experiment.
#[allow(async_fn_in_trait, reason = "everything runs on one thread")]
pub trait Experiment {
    /// How a reader meets it, and the models that it is about.
    const INFO: ExperimentInfo;

    /// The estimators where the answer is known.
    ///
    /// # Errors
    /// When the run is cancelled, or the inputs lack something.
    async fn controls(
        inputs: &Inputs,
        progress: &mut impl RunProgress,
    ) -> Result<Vec<Control>, ExperimentError>;

    /// Measures every policy, unit by unit, into the study's table and figures.
    ///
    /// # Errors
    /// When the run is cancelled, a model fails, or the inputs lack something: what was reported last stands.
    async fn measure<M: LanguageModel>(
        study: &mut Study<'_, M, impl RunProgress>,
    ) -> Result<(), ExperimentError>;

    /// What the table says of the claim, by a rule that was fixed before the numbers were known; `subjects` are the names of the
    /// models, the base first. Nothing where the numbers that decide are not there.
    fn conclude(table: &Table, subjects: &[String]) -> Option<Conclusion>;
}

/// What is said of a claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Conclusion {
    /// The answer in one sentence, without its first word: the frame begins it with "Yes", "No" or "Undecided".
    pub answer: String,
    /// The conditions of the claim, all of which are needed.
    pub conditions: Vec<Condition>,
    /// The numbers that decide, and the rule, in sentences.
    pub why: String,
}

impl Conclusion {
    /// Whether the claim holds: all conditions do.
    pub fn outcome(&self) -> Outcome {
        let parts: Vec<Option<bool>> = self.conditions.iter().map(|one| one.holds).collect();
        Outcome::of(tristate::all(&parts))
    }

    fn verdict(self) -> Verdict {
        let outcome = self.outcome();
        let begins = match outcome {
            Outcome::Supported => "Yes",
            Outcome::NotSupported => "No",
            Outcome::Undecided => "Undecided",
        };
        Verdict {
            answer: outcome,
            sentence: format!("{begins}: {}", self.answer),
            conditions: self.conditions,
            why: self.why,
        }
    }
}

/// A run of an experiment: the models, the inputs, and what was found so far.
pub struct Study<'a, M, P> {
    /// The models under test, the base first.
    pub subjects: &'a [Subject<'a, M>],
    /// What is asked.
    pub inputs: &'a Inputs,
    /// Size and sampling parameters.
    pub config: &'a RunConfig,
    /// What was found so far.
    pub results: ExperimentResults,
    /// Where it stands, and whether the reader still waits.
    pub progress: &'a mut P,
    done: usize,
    units: usize,
}

impl<'a, M: LanguageModel, P: RunProgress> Study<'a, M, P> {
    /// The base, then every adapter at the run's λ.
    pub fn policies(&self) -> Vec<Policy<'a, M>> {
        let base = self.subjects[0].model;
        let of = |one: &Subject<'a, M>| Policy::of(base, one, self.config.lambda);
        self.subjects.iter().map(of).collect()
    }

    /// How many units are measured in all.
    pub fn expect(&mut self, units: usize) {
        self.units = units;
    }

    /// One more unit is measured: reports it with all that was found so far.
    pub fn unit_done(&mut self) {
        self.done += 1;
        self.report();
    }

    /// Reports what was found so far; figures without words get them.
    pub fn report(&mut self) {
        self.results.put_figures_into_words();
        self.progress.report(self.done, self.units, &self.results);
    }

    /// Yields to the event loop; call it at least every 20 ms or so.
    ///
    /// # Errors
    /// When the run is cancelled.
    pub async fn checkpoint(&mut self) -> Result<(), ExperimentError> {
        checkpoint(self.progress).await
    }
}

/// Runs an experiment. The first subject is the base.
///
/// # Errors
/// Those of its parts; when there is no subject.
pub(crate) async fn run<E: Experiment, M: LanguageModel>(
    subjects: &[Subject<'_, M>],
    inputs: &Inputs,
    config: &RunConfig,
    progress: &mut impl RunProgress,
) -> Result<ExperimentResults, ExperimentError> {
    let mut results = ExperimentResults::none(E::INFO.name, config, subjects);
    results.controls = E::controls(inputs, progress).await?;
    let mut study = Study {
        subjects,
        inputs,
        config,
        results,
        progress,
        done: 0,
        units: 0,
    };
    E::measure(&mut study).await?;
    conclude::<E>(&mut study.results);
    study.done = study.units;
    study.report();
    Ok(study.results)
}

/// Writes the answer and the verdict from the table.
pub(crate) fn conclude<E: Experiment>(results: &mut ExperimentResults) {
    if let Some(found) = E::conclude(&results.results, &results.subjects) {
        results.verdict = Some(found.verdict());
    }
}
