//! Checks, before any story is told, that the sections of the data fit
//! together: no template may name a slot or phrase that its story would lack.

use std::collections::BTreeSet;

use super::template::{Piece, Template};
use super::{World, WorldError};

/// Slots that every story has: the cast, and what the opening is about.
const CAST_SLOTS: [&str; 17] = [
    "hero", "hero_o", "heros", "he", "him", "his", "himself", "they", "them", "their", "name",
    "friend", "other", "third", "pal", "kind", "trouble",
];

impl World {
    /// The word list that fills `slot` when nothing has set it: the slot's own
    /// name without the suffix of a pronoun.
    pub(super) fn list_of(slot: &str) -> &str {
        let suffixes = ["_he", "_him", "_his", "_himself"];
        suffixes
            .iter()
            .find_map(|suffix| slot.strip_suffix(suffix))
            .unwrap_or(slot)
    }

    /// Every topic must have its phrases, and every slot and phrase that a
    /// template names must exist for each opening that can lead to it.
    pub(super) fn check(&self) -> Result<(), WorldError> {
        let endings = self
            .endings
            .iter()
            .map(|e| (format!("ending {}", e.name), &e.templates));
        let joys = self
            .joys
            .iter()
            .map(|j| (format!("joy {}", j.name), &j.templates));
        let topics: BTreeSet<&str> = self.openings.iter().map(|o| o.topic.as_str()).collect();
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
            .map(|(name, t)| (format!("phrase {name}"), t));
        let cast: BTreeSet<&str> = CAST_SLOTS.into_iter().collect();
        for (section, templates) in endings.chain(joys).chain(general) {
            self.check_names(&section, templates, &cast)?;
        }
        for opening in &self.openings {
            let mut slots = cast.clone();
            slots.extend(opening.sets.iter().map(|(slot, _)| slot.as_str()));
            self.check_names(
                &format!("opening {}", opening.name),
                &opening.templates,
                &slots,
            )?;
            let about = std::slice::from_ref(&opening.about);
            self.check_names(&format!("opening {}, about", opening.name), about, &slots)?;
            for part in ["try", "good", "half", "bad"] {
                let name = format!("{part}_{}", opening.topic);
                if !self.phrases.contains_key(&name) {
                    let problem = format!("its topic has no \"= phrase {name}\"");
                    let section = format!("opening {}", opening.name);
                    return Err(WorldError::Section { section, problem });
                }
            }
            for (name, templates) in &special {
                if topic_of(name) == Some(&opening.topic) {
                    let section = format!("phrase {name} after opening {}", opening.name);
                    self.check_names(&section, templates, &slots)?;
                }
            }
        }
        Ok(())
    }

    fn check_names(
        &self,
        section: &str,
        templates: &[Template],
        slots: &BTreeSet<&str>,
    ) -> Result<(), WorldError> {
        match templates
            .iter()
            .flat_map(|t| self.unknown_names(t, slots))
            .next()
        {
            None => Ok(()),
            Some(name) => Err(WorldError::Section {
                section: section.to_owned(),
                problem: format!("\"{name}\" is neither a slot nor a phrase nor a word list here"),
            }),
        }
    }

    fn unknown_names<'t>(&self, template: &'t Template, slots: &BTreeSet<&str>) -> Vec<&'t str> {
        let mut unknown = Vec::new();
        for piece in template {
            match piece {
                Piece::Text(_) => {}
                Piece::Slot { name, .. } => {
                    let list = Self::list_of(name);
                    if !slots.contains(list)
                        && !slots.contains(name.as_str())
                        && !self.words.contains_key(list)
                    {
                        unknown.push(name.as_str());
                    }
                }
                Piece::Phrase(name) => {
                    let by_mode = self.phrases.contains_key(&format!("{name}_child"));
                    if !by_mode
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
