//! Checks, before any story is generated, that the sections of the data fit together: no line may
//! name a slot or phrase that its story would lack, and every kind of hero finds a line.

use std::collections::BTreeSet;

use super::kinds::Opening;
use super::template::{Hero, Line, Piece};
use super::{World, WorldError};

/// Slots that every story has: the cast, and what the opening is about.
const CAST_SLOTS: [&str; 17] = [
    "hero", "hero_o", "heros", "he", "him", "his", "himself", "they", "them", "their", "name",
    "friend", "other", "third", "pal", "kind", "trouble",
];

impl World {
    /// The word list or phrase that fills `slot` when nothing has set it: the slot's own name
    /// without the suffix of a pronoun.
    pub(super) fn list_of(slot: &str) -> &str {
        let suffixes = ["_he", "_him", "_his", "_himself"];
        suffixes
            .iter()
            .find_map(|suffix| slot.strip_suffix(suffix))
            .unwrap_or(slot)
    }

    /// Every topic must have its phrases, and every slot and phrase that a line names must exist
    /// for each opening that can lead to it.
    pub(super) fn check(&self) -> Result<(), WorldError> {
        let endings = self
            .endings
            .iter()
            .map(|e| (format!("ending {}", e.name), &e.lines));
        let joys = self
            .joys
            .iter()
            .map(|j| (format!("joy {}", j.name), &j.lines));
        let topics = self.topics();
        let topic_of = |phrase: &str| {
            let named = |topic: &&str| phrase.ends_with(&format!("_{topic}"));
            topics.iter().copied().find(named)
        };
        let (special, general): (Vec<_>, Vec<_>) = self
            .phrases
            .iter()
            .partition(|(name, _)| topic_of(name).is_some());
        let general = general
            .into_iter()
            .map(|(name, lines)| (format!("phrase {name}"), lines));
        let cast: BTreeSet<&str> = CAST_SLOTS.into_iter().collect();
        for (section, lines) in endings.chain(joys) {
            self.check_names(&section, lines, &cast)?;
            if let Some(hero) = closed(lines, |_| true) {
                return Err(nobody(section, hero));
            }
        }
        for (section, lines) in general {
            self.check_names(&section, lines, &cast)?;
        }
        for opening in &self.openings {
            let topic_phrases = special
                .iter()
                .filter(|(name, _)| topic_of(name) == Some(&opening.topic));
            self.check_opening(
                opening,
                topic_phrases.map(|(name, lines)| (name.as_str(), *lines)),
            )?;
        }
        Ok(())
    }

    fn check_opening<'p>(
        &self,
        opening: &Opening,
        topic_phrases: impl Iterator<Item = (&'p str, &'p Vec<Line>)>,
    ) -> Result<(), WorldError> {
        let section = format!("opening {}", opening.name);
        let mut slots: BTreeSet<&str> = CAST_SLOTS.into_iter().collect();
        slots.extend(opening.sets.iter().map(|(slot, _)| slot.as_str()));
        self.check_names(&section, &opening.lines, &slots)?;
        let about = std::slice::from_ref(&opening.about);
        self.check_names(&format!("{section}, about"), about, &slots)?;
        let missing = |lines: &[Line]| closed(lines, |hero| opening.may_have(hero));
        if let Some(hero) = missing(&opening.lines) {
            return Err(nobody(section, hero));
        }
        for (part, lines) in &opening.parts {
            self.check_names(&format!("{section}, {part}"), lines, &slots)?;
            if let Some(hero) = missing(lines) {
                return Err(nobody(format!("{section}, {part}"), hero));
            }
        }
        for part in ["try", "good", "half", "bad"] {
            let name = format!("{part}_{}", opening.topic);
            if !opening.parts.contains_key(part) && !self.phrases.contains_key(&name) {
                let problem =
                    format!("has no line \"{part}: ...\", nor its topic a \"= phrase {name}\"");
                return Err(WorldError::Section { section, problem });
            }
        }
        for (name, lines) in topic_phrases {
            let part = name.split('_').next().unwrap_or_default();
            if !opening.has_own(part) {
                let section = format!("phrase {name} after opening {}", opening.name);
                self.check_names(&section, lines, &slots)?;
            }
        }
        Ok(())
    }

    fn check_names(
        &self,
        section: &str,
        lines: &[Line],
        slots: &BTreeSet<&str>,
    ) -> Result<(), WorldError> {
        match lines
            .iter()
            .flat_map(|line| self.unknown_names(line, slots))
            .next()
        {
            None => Ok(()),
            Some(name) => Err(WorldError::Section {
                section: section.to_owned(),
                problem: format!("\"{name}\" is neither a slot nor a phrase nor a word list here"),
            }),
        }
    }

    fn unknown_names<'t>(&self, line: &'t Line, slots: &BTreeSet<&str>) -> Vec<&'t str> {
        let mut unknown = Vec::new();
        for piece in &line.template {
            match piece {
                Piece::Text(_) => {}
                Piece::Slot { name, .. } => {
                    let list = Self::list_of(name);
                    if !slots.contains(list)
                        && !slots.contains(name.as_str())
                        && !self.words.contains_key(list)
                        && !self.phrases.contains_key(list)
                    {
                        unknown.push(name.as_str());
                    }
                }
                Piece::Phrase(name) => {
                    let by_hero = self.phrases.contains_key(&format!("{name}_child"));
                    if !by_hero
                        && !self.phrases.contains_key(name)
                        && !self.words.contains_key(name)
                    {
                        unknown.push(name.as_str());
                    }
                }
                Piece::Choice(options) => {
                    unknown.extend(options.iter().flat_map(|o| self.unknown_names(o, slots)));
                }
            }
        }
        unknown
    }
}

/// A kind of hero that may come here and that none of the lines is open to.
fn closed(lines: &[Line], may_come: impl Fn(Hero) -> bool) -> Option<Hero> {
    Hero::ALL
        .into_iter()
        .filter(|hero| may_come(*hero))
        .find(|hero| !lines.iter().any(|line| line.open_to(*hero)))
}

fn nobody(section: String, hero: Hero) -> WorldError {
    let problem = format!(
        "has no line for a hero of the kind @{}; add one",
        hero.name()
    );
    WorldError::Section { section, problem }
}
