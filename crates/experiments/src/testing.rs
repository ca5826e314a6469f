//! What the tests of experiments share: the shipped inputs, and toys as subjects.

use crate::{InputFiles, Inputs, Subject};

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
