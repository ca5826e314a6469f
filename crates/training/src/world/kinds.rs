//! The kinds of opening, ending and joy, made from their sections.

use super::Sentiment;
use super::script::Section;
use super::template::{Template, parse};

/// A kind of opening.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) name: String,
    pub(super) topic: String,
    /// What the story is about, as one would ask for it.
    pub(super) about: Template,
    pub(super) animals: bool,
    pub(super) sets: Vec<(String, Template)>,
    pub(super) templates: Vec<Template>,
}

/// A kind of ending.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) name: String,
    pub(super) sentiment: Sentiment,
    /// Prefix of the resolution before it: `good`, `half` or `bad`.
    pub(super) after: String,
    /// Topics that it fits; empty for all.
    pub(super) topics: Vec<String>,
    pub(super) joy: Option<String>,
    pub(super) templates: Vec<Template>,
}

/// A joyful event before the resolution.
#[derive(Debug)]
pub(super) struct Joy {
    pub(super) name: String,
    /// Topics that it would not fit.
    pub(super) except: Vec<String>,
    pub(super) templates: Vec<Template>,
}

impl Opening {
    pub(super) fn from_section(name: &str, section: Section) -> Result<Self, String> {
        let topic = section
            .entry("topic")
            .ok_or("needs a line \"topic: ...\"")?
            .to_owned();
        let about = section
            .entry("about")
            .ok_or("needs a line \"about: ...\"")?;
        let about = parse(about)?;
        let animals = section.entry("animals") == Some("yes");
        let sets = section
            .entries
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix("set ")?, value)));
        let sets = sets
            .map(|(slot, value)| Ok((slot.to_owned(), parse(value)?)))
            .collect::<Result<_, String>>()?;
        Ok(Self {
            name: name.to_owned(),
            topic,
            about,
            animals,
            sets,
            templates: section.templates,
        })
    }
}

impl Ending {
    pub(super) fn from_section(name: &str, section: Section) -> Result<Self, String> {
        let (sentiment, after) = match section.entry("sentiment") {
            Some("happy") => (Sentiment::Happy, "good"),
            Some("mixed") => (Sentiment::Mixed, "half"),
            Some("sad") => (Sentiment::Sad, "bad"),
            _ => return Err("needs a line \"sentiment: happy\", \"mixed\" or \"sad\"".to_owned()),
        };
        Ok(Self {
            name: name.to_owned(),
            sentiment,
            after: section.entry("after").unwrap_or(after).to_owned(),
            topics: section.list("topics"),
            joy: section.entry("joy").map(str::to_owned),
            templates: section.templates,
        })
    }
}
