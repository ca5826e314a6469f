//! The experiments by name: what each claims, where the claim comes from, and what it can and cannot show.

use decoding::LanguageModel;

use crate::watch::{Stop, Watch};
use crate::{
    Findings, Material, Setting, Subject, basins, best_of_n, kl_budget, pathologies,
    pointwise_reward, probably, random_number, scaled_logits,
};

/// An experiment as a reader meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Short name: in links, on the command line, as a file's name.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// The claim, one plain sentence.
    pub claim: &'static str,
    /// Who makes it.
    pub source: &'static str,
    /// What is done to test it, in a sentence or two.
    pub method: &'static str,
    /// What a reader may try in the page.
    pub to_try: &'static str,
    /// What the result shows, one sentence.
    pub shows: &'static str,
    /// What it does not show, one sentence.
    pub does_not_show: &'static str,
    /// The models that it is about.
    pub needs: Needs,
}

/// Which adapters an experiment asks beside the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// In the page, where the reader has chosen none; every one is a download.
    pub quick: &'static [&'static str],
    /// On the command line.
    pub full: &'static [&'static str],
}

/// All experiments, in the order in which they are shown.
pub const CATALOGUE: &[Entry] = &[
    scaled_logits::ENTRY,
    random_number::ENTRY,
    probably::ENTRY,
    best_of_n::ENTRY,
    kl_budget::ENTRY,
    basins::ENTRY,
    pointwise_reward::ENTRY,
    pathologies::ENTRY,
];

/// The experiment of that name.
pub fn find(name: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.name == name)
}

/// Runs the experiment of that name. The first subject is the base.
///
/// # Errors
/// When there is no such experiment or no subject, a model cannot be asked, or whoever watches had enough: then what was told
/// last stands.
pub async fn run<M: LanguageModel>(
    name: &str,
    subjects: &[Subject<'_, M>],
    material: &Material,
    setting: &Setting,
    watch: &mut impl Watch,
) -> Result<Findings, Stop> {
    if subjects.is_empty() {
        return Err(Stop::Missing(
            "no model was given; the base is always asked".to_owned(),
        ));
    }
    match name {
        "scaled-logits" => scaled_logits::run(subjects, material, setting, watch).await,
        "random-number" => random_number::run(subjects, material, setting, watch).await,
        "probably" => probably::run(subjects, material, setting, watch).await,
        "best-of-n" => best_of_n::run(subjects, material, setting, watch).await,
        "kl-budget" => kl_budget::run(subjects, material, setting, watch).await,
        "basins" => basins::run(subjects, material, setting, watch).await,
        "pointwise-reward" => pointwise_reward::run(subjects, material, setting, watch).await,
        "pathologies" => pathologies::run(subjects, material, setting, watch).await,
        _ => {
            let names: Vec<&str> = CATALOGUE.iter().map(|entry| entry.name).collect();
            Err(Stop::Missing(format!(
                "there is no experiment \"{name}\"; there are {}",
                names.join(", ")
            )))
        }
    }
}
