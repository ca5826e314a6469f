//! What a reader sees of an experiment before it runs, and the adapters that it is about.

/// An experiment as a reader meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExperimentInfo {
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
    pub needs: Requires,
}

/// Which adapters an experiment asks beside the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requires {
    /// In the page, where the reader has chosen none; every one is a download.
    pub quick: &'static [&'static str],
    /// On the command line.
    pub full: &'static [&'static str],
}
