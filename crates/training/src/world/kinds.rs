//! The kinds of opening, ending and joy, made from their sections.

use std::collections::BTreeMap;

use super::Sentiment;
use super::sections::Section;
use super::template::{Hero, Line, parse};

/// Parts of a story that an opening may have lines of its own for, in place of its topic's phrases.
pub(super) const PARTS: [&str; 7] = ["feel", "try", "again", "talk", "good", "half", "bad"];

/// A kind of opening.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) name: String,
    pub(super) topic: String,
    /// What the story is about, as one would ask for it.
    pub(super) about: Line,
    /// Which heroes the story may have.
    pub(super) heroes: Heroes,
    /// Whether there is room for a joy: not where everything happens at once.
    pub(super) joys: bool,
    pub(super) sets: Vec<(String, Line)>,
    pub(super) lines: Vec<Line>,
    /// Lines of its own, by part.
    pub(super) parts: BTreeMap<&'static str, Vec<Line>>,
}

/// Which heroes an opening may have.
#[derive(Debug)]
pub(super) enum Heroes {
    /// A child of the cast, in the first person or the third; `animals` lets it be an animal.
    Cast {
        /// Whether the hero may be an animal.
        animals: bool,
    },
    /// A child who tells the story.
    Me,
    /// The opening's own: someone such as `the mailman/he`, and what others say to it.
    Own {
        /// `the mailman/he`.
        hero: Line,
        /// `Mr. Bell`.
        name: Line,
        /// What it is.
        kind: Hero,
    },
}

/// A kind of ending.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) name: String,
    pub(super) sentiment: Sentiment,
    /// The resolution before it: `good`, `half` or `bad`.
    pub(super) after: String,
    /// Topics that it fits; empty for all.
    pub(super) topics: Vec<String>,
    pub(super) joy: Option<String>,
    pub(super) lines: Vec<Line>,
}

/// A joyful event before the resolution.
#[derive(Debug)]
pub(super) struct Joy {
    pub(super) name: String,
    /// Topics that it would not fit.
    pub(super) except: Vec<String>,
    pub(super) lines: Vec<Line>,
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
        let heroes = Heroes::from_section(&section)?;
        let sets = section
            .entries
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix("set ")?, value)));
        let sets = sets
            .map(|(slot, value)| Ok((slot.to_owned(), parse(value)?)))
            .collect::<Result<_, String>>()?;
        let mut parts: BTreeMap<&'static str, Vec<Line>> = BTreeMap::new();
        for (key, value) in &section.entries {
            if let Some(part) = PARTS.into_iter().find(|part| part == key) {
                parts.entry(part).or_default().push(parse(value)?);
            }
        }
        Ok(Self {
            name: name.to_owned(),
            topic,
            about,
            heroes,
            joys: section.entry("joys") != Some("no"),
            sets,
            lines: section.lines,
            parts,
        })
    }

    /// Whether a part of the story comes from the opening itself rather than from its topic: where it has lines of its own,
    /// and for a second try where it has its own first.
    pub(super) fn has_own(&self, part: &str) -> bool {
        self.parts.contains_key(part) || (part == "again" && self.parts.contains_key("try"))
    }

    /// Whether a story with this opening may have such a hero.
    pub(super) fn may_have(&self, hero: Hero) -> bool {
        match &self.heroes {
            Heroes::Cast { animals } => match hero {
                Hero::Me | Hero::Child => true,
                Hero::Animal => *animals,
                Hero::Grown => false,
            },
            Heroes::Me => hero == Hero::Me,
            Heroes::Own { kind, .. } => hero == *kind,
        }
    }
}

impl Heroes {
    fn from_section(section: &Section) -> Result<Self, String> {
        let animals = section.entry("animals") == Some("yes");
        match section.entry("hero") {
            None => Ok(Self::Cast { animals }),
            Some("I") => Ok(Self::Me),
            Some(hero) => {
                let name = section
                    .entry("name")
                    .ok_or("has a hero of its own and needs \"name: ...\", what others call it")?;
                let kind = match section.entry("kind") {
                    Some("grown") => Hero::Grown,
                    Some("animal") => Hero::Animal,
                    Some("child") => Hero::Child,
                    _ => return Err("needs \"kind: grown\", \"animal\" or \"child\"".to_owned()),
                };
                Ok(Self::Own {
                    hero: parse(hero)?,
                    name: parse(name)?,
                    kind,
                })
            }
        }
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
            lines: section.lines,
        })
    }
}
