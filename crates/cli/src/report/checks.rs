//! How far the recogniser of attractors can be trusted: compared with the story world's labels, and with a reader's.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use attractors::Catalogue;
use serde::{Deserialize, Serialize};
use statistics::Agreement;
use training::world::World;

use super::findings::{Checked, CheckedKind};
use super::measures::share;
use super::read_file;

/// Stories that are compared, of a seed that neither training, nor the predictor, nor the openings use.
const STORIES: u64 = 3000;
const SEED: u64 = 71;
/// What a text without an attractor is called.
pub const NONE: &str = "none";

/// Texts with the labels of a reader, who saw nothing but the texts and the catalogue's descriptions.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandCheck {
    /// Where the texts come from and who read them.
    pub about: String,
    /// The texts.
    pub texts: Vec<HandLabelled>,
}

/// One of them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandLabelled {
    /// `base`, or an adapter's name.
    pub model: String,
    /// What it continues.
    pub opening: String,
    /// The completion, as the recogniser sees it.
    pub text: String,
    /// The name of the attractor that the reader finds it to end in, or `none`; empty until it was read.
    pub hand: String,
}

/// Compares with the labels of stories that the world tells.
pub fn with_world(catalogue: &Catalogue) -> anyhow::Result<Checked> {
    let world = World::new()?;
    let attractors = catalogue.attractors();
    let mut judged = Vec::new();
    for index in 0..STORIES {
        let story = world.story(SEED, index);
        // Behind a section break there is a new beginning, not the ending.
        if !story.text.contains("***") {
            let ending = &story.labels.ending;
            let labelled = attractors.iter().position(|it| it.endings.contains(ending));
            judged.push((labelled, catalogue.story(&story.text, true).attractor()));
        }
    }
    let with =
        format!("labels of the story world, the whole stories among {STORIES} of seed {SEED}");
    Ok(compare(catalogue, with, &judged))
}

/// Compares with a reader's labels, where there is such a file and all of it was read.
pub fn with_reader(catalogue: &Catalogue, path: &Path) -> anyhow::Result<Option<Checked>> {
    if !path.exists() {
        return Ok(None);
    }
    let json = read_file(path, "labels")?;
    let check: HandCheck =
        serde_json::from_str(&json).with_context(|| path.display().to_string())?;
    let mut judged = Vec::new();
    for (labelled, number) in check.texts.iter().zip(1..) {
        let hand = match labelled.hand.as_str() {
            NONE => None,
            name => Some(catalogue.position(name).with_context(|| {
                format!(
                    "{}, text {number}: \"{name}\" is no attractor; write the name of one, or {NONE}",
                    path.display()
                )
            })?),
        };
        judged.push((hand, catalogue.recognise(&labelled.text).ends_in_one()));
    }
    ensure!(!judged.is_empty(), "{} has no texts", path.display());
    Ok(Some(compare(
        catalogue,
        "a reader's labels".to_owned(),
        &judged,
    )))
}

/// Writes texts for a reader to label.
pub fn write_unlabelled(
    path: &Path,
    texts: Vec<HandLabelled>,
    about: String,
) -> anyhow::Result<()> {
    if path.exists() {
        bail!(
            "{} is there already: move it away first, it may hold labels",
            path.display()
        );
    }
    let json = serde_json::to_string_pretty(&HandCheck { about, texts })?;
    super::write(path, &(json + "\n"))
}

fn compare(
    catalogue: &Catalogue,
    with: String,
    judged: &[(Option<usize>, Option<usize>)],
) -> Checked {
    let none = catalogue.attractors().len();
    let kind = |found: Option<usize>| found.unwrap_or(none);
    let pairs = judged
        .iter()
        .map(|&(other, recogniser)| (kind(other), kind(recogniser)));
    let agreement = Agreement::of(none + 1, pairs);
    let names = catalogue.attractors().iter().map(|it| it.name.as_str());
    let kinds = names
        .chain([NONE])
        .enumerate()
        .map(|(kind, name)| CheckedKind {
            attractor: name.to_owned(),
            texts: agreement.of_reference(kind),
            recognised: agreement.of_other(kind),
            both: agreement.count(kind, kind),
        });
    Checked {
        with,
        texts: agreement.things(),
        agreed: share(agreement.agreed(), agreement.things()),
        kappa: agreement.kappa(),
        kinds: kinds.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::catalogue;
    use std::path::PathBuf;
    use tempfile::TempDir;

    /// A file of two labels, in a folder that goes with the guard.
    fn file(hands: [&str; 2]) -> (TempDir, PathBuf) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("hand-check.json");
        let text = |hand: &&str| HandLabelled {
            model: "base".to_owned(),
            opening: "Once".to_owned(),
            text: "Then there was a wedding.".to_owned(),
            hand: (*hand).to_owned(),
        };
        write_unlabelled(&path, hands.iter().map(text).collect(), String::new()).unwrap();
        (folder, path)
    }

    #[test]
    fn a_readers_labels_are_compared_and_unknown_ones_named() {
        let (_guard, path) = file(["wedding", "none"]);
        let found = with_reader(&catalogue(), &path).unwrap().unwrap();
        assert_eq!(
            (found.texts, found.agreed.chains, found.agreed.share),
            (2, 1, 0.5)
        );
        assert_eq!((found.kinds[0].texts, found.kinds[0].recognised), (1, 2));
        let error = write_unlabelled(&path, Vec::new(), String::new()).unwrap_err();
        assert!(error.to_string().contains("already"), "{error}");
        let (_guard, path) = file(["wedding", ""]);
        let error = with_reader(&catalogue(), &path).unwrap_err();
        assert!(error.to_string().contains("text 2"), "{error}");
        assert!(
            with_reader(&catalogue(), Path::new("nowhere.json"))
                .unwrap()
                .is_none()
        );
    }
}
