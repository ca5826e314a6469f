//! The inputs of experiments: the files that ship beside a model.

use attractors::{Attractor, Catalogue, CatalogueError};
pub use bundle::{Answer, Family, OpeningGroup, Question};
use bundle::{BundleError, HeldOut, Openings, Parse as _, TruthTable};
use sentiment::{FileError, Predictor};
use thiserror::Error;

use crate::progress::ExperimentError;

/// The contents of the files, each from its folder of the model.
#[derive(Clone, Copy, Debug)]
pub struct InputFiles<'a> {
    /// `truth.json`
    pub truth: &'a str,
    /// `openings.json`
    pub openings: &'a str,
    /// `attractors.json`
    pub attractors: &'a str,
    /// `reward/weights.json`
    pub reward: &'a str,
    /// `held-out.json`
    pub held_out: &'a str,
}

/// Questions and openings, and what texts are measured with.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Questions with answers of chosen frequency.
    pub families: Vec<Family>,
    /// Openings of stories, from near to far.
    pub openings: Vec<OpeningGroup>,
    /// Which ending a text has reached.
    pub attractors: Catalogue,
    /// The sentiment classifier that adapters were rewarded by.
    pub predictor: Predictor,
    /// Whole stories by people, or at least not by any model here, and in no training text.
    pub held_out: Vec<String>,
}

/// A file that is not what it should be.
#[derive(Debug, Error)]
pub enum InputError {
    /// Not the questions, openings or stories that were expected.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Not a catalogue of attractors.
    #[error("attractors.json: {0}")]
    Attractors(#[from] CatalogueError),
    /// Not a predictor.
    #[error("reward/weights.json: {0}")]
    Reward(#[from] FileError),
}

impl Inputs {
    /// Reads the files.
    ///
    /// # Errors
    /// When one of them is not what it should be.
    pub fn read(files: &InputFiles<'_>) -> Result<Self, InputError> {
        Ok(Self {
            families: TruthTable::parse(files.truth)?.families,
            openings: Openings::parse(files.openings)?.groups,
            attractors: Catalogue::from_json(files.attractors)?,
            predictor: Predictor::from_json(files.reward)?,
            held_out: HeldOut::parse(files.held_out)?.stories,
        })
    }

    /// The questions of that name.
    ///
    /// # Errors
    /// When the truth table has none.
    pub fn family(&self, name: &str) -> Result<&Family, ExperimentError> {
        let mut families = self.families.iter();
        families.find(|family| family.name == name).ok_or_else(|| {
            ExperimentError::Missing(format!("truth.json has no questions called \"{name}\""))
        })
    }

    /// The first openings of every group, evenly: `(group, opening)`, group after group.
    pub fn openings(&self, a_group: usize) -> Vec<(usize, &str)> {
        let groups = self.openings.iter().enumerate();
        groups
            .flat_map(|(group, of)| {
                of.openings
                    .iter()
                    .take(a_group)
                    .map(move |it| (group, it.as_str()))
            })
            .collect()
    }

    /// How happy an ending is by the labels of the story world that it stands for: 1 happy (a wedding always is), 1/2 mixed, 0 sad.
    /// A text that ends in no attractor, or in one that the world has no label for, counts as 1/2. This is the truth that the
    /// sentiment classifier is compared with.
    pub fn happiness(&self, ends_in: Option<usize>) -> f64 {
        ends_in.map_or(0.5, |place| happiness(&self.attractors.attractors()[place]))
    }
}

fn happiness(attractor: &Attractor) -> f64 {
    match attractor.endings.first().map(String::as_str) {
        Some(label) if label == "wedding" || label.starts_with("happy") => 1.0,
        Some(label) if label.starts_with("sad") => 0.0,
        _ => 0.5,
    }
}
