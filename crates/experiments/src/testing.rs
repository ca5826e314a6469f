//! What the tests of experiments share: the shipped inputs, and toys as subjects.

use std::ops::ControlFlow;

use decoding::LanguageModel;

use crate::study::{self, Experiment};
use crate::{
    Control, ExperimentError, ExperimentResults, InputFiles, Inputs, RunConfig, RunProgress, Size,
    Subject, Unobserved,
};

const TRUTH: &str = include_str!("../../../models/storyteller/truth.json");
const OPENINGS: &str = include_str!("../../../models/storyteller/openings.json");
const ATTRACTORS: &str = include_str!("../../../models/storyteller/attractors.json");
const REWARD: &str = include_str!("../../../models/storyteller/reward/weights.json");
const HELD_OUT: &str = include_str!("../../../models/storyteller/held-out.json");

/// The files that ship beside the storyteller.
pub fn inputs() -> Inputs {
    Inputs::read(&InputFiles {
        truth: TRUTH,
        openings: OPENINGS,
        attractors: ATTRACTORS,
        reward: REWARD,
        held_out: HELD_OUT,
    })
    .unwrap()
}

/// A model under a name.
pub fn subject<'a, M>(name: &'a str, model: &'a M) -> Subject<'a, M> {
    Subject {
        name,
        budget_nats: None,
        model,
    }
}

/// What an experiment finds.
pub fn found<E: Experiment>(
    subjects: &[Subject<'_, impl LanguageModel>],
    inputs: &Inputs,
    config: &RunConfig,
) -> ExperimentResults {
    pollster::block_on(study::run::<E, _>(
        subjects,
        inputs,
        config,
        &mut Unobserved,
    ))
    .unwrap()
}

/// An experiment's controls.
pub fn controls<E: Experiment>(inputs: &Inputs) -> Vec<Control> {
    pollster::block_on(E::controls(inputs, &mut Unobserved)).unwrap()
}

/// A reader who cancels after so many checkpoints.
pub struct Impatient {
    /// Checkpoints that are left.
    pub checkpoints: usize,
    /// How many numbers were reported last.
    pub reported: usize,
}

impl RunProgress for Impatient {
    async fn checkpoint(&mut self) -> ControlFlow<()> {
        if self.checkpoints == 0 {
            return ControlFlow::Break(());
        }
        self.checkpoints -= 1;
        ControlFlow::Continue(())
    }

    fn report(&mut self, _done: usize, _of: usize, so_far: &ExperimentResults) {
        self.reported = so_far.results.len();
    }
}

/// How many numbers an experiment has reported to a reader who cancels after so many checkpoints.
pub fn reported_before_cancel<E: Experiment>(
    subjects: &[Subject<'_, impl LanguageModel>],
    inputs: &Inputs,
    checkpoints: usize,
) -> usize {
    let mut reader = Impatient {
        checkpoints,
        reported: 0,
    };
    let config = RunConfig::plain(Size::Quick);
    let stopped = pollster::block_on(study::run::<E, _>(subjects, inputs, &config, &mut reader));
    assert!(matches!(stopped, Err(ExperimentError::Cancelled)));
    reader.reported
}
