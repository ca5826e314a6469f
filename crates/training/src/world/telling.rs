//! Tells one story: draws the cast, then expands the templates of an opening,
//! a middle, a resolution and an ending. Slots keep their values for the whole
//! story; a phrase does not use the same line twice while it has others.

use std::collections::{BTreeMap, BTreeSet};

use super::World;
use super::grammar::capitalised;
use super::kinds::Opening;
use super::random::Dice;
use super::template::{Piece, Template};

/// Pronouns by gender: he, him, his, himself.
const PRONOUNS: [(&str, [&str; 4]); 4] = [
    ("she", ["she", "her", "her", "herself"]),
    ("he", ["he", "him", "his", "himself"]),
    ("it", ["it", "it", "its", "itself"]),
    ("i", ["I", "me", "my", "myself"]),
];

/// A story while it is told.
pub(super) struct Telling<'w> {
    world: &'w World,
    dice: &'w mut Dice,
    slots: BTreeMap<String, String>,
    used: BTreeSet<(String, usize)>,
    /// Which narrator and cast: `me`, `child` or `animal`.
    mode: &'static str,
    /// Whether a new part of the story begins here.
    fresh: bool,
    /// The text so far, before `grammar::tidy`.
    pub(super) text: String,
    /// The text so far with the fillers of slots and word lists left out.
    pub(super) skeleton: String,
}

impl<'w> Telling<'w> {
    /// Draws the cast for `opening` and sets the slots that it asks for.
    pub(super) fn begin(world: &'w World, dice: &'w mut Dice, opening: &Opening) -> Self {
        let mode = match dice.below(100) {
            0..14 => "me",
            14..34 if opening.animals => "animal",
            _ => "child",
        };
        let (slots, used) = (BTreeMap::new(), BTreeSet::new());
        let (text, skeleton) = (String::new(), String::new());
        let mut telling = Self {
            world,
            dice,
            slots,
            used,
            mode,
            fresh: false,
            text,
            skeleton,
        };
        telling.draw_cast();
        for (slot, template) in &opening.sets {
            let value = telling.expanded_apart(template);
            telling.set(slot, &value);
        }
        telling
    }

    fn draw_cast(&mut self) {
        let lists = if self.mode == "animal" {
            ["beast_she", "beast_he"]
        } else {
            ["girl", "boy"]
        };
        let pick = self.dice.below(2);
        let name = self.draw_word(lists[pick]);
        let kind_list = match (self.mode, pick) {
            ("animal", _) => "beast",
            (_, 0) => "kind_girl",
            _ => "kind_boy",
        };
        let kind = self.draw_word(kind_list);
        let gender = if self.mode == "me" {
            "i"
        } else {
            ["she", "he"][pick]
        };
        let hero = if self.mode == "me" {
            "I"
        } else {
            name.as_str()
        };
        self.set("hero", &format!("{hero}/{gender}"));
        self.set("kind", &kind);
        let me = self.mode == "me";
        self.set("name", &name);
        self.set("hero_o", if me { "me" } else { &name });
        self.set(
            "heros",
            &if me {
                "my".to_owned()
            } else {
                format!("{name}'s")
            },
        );
        for (short, long) in [
            ("he", "hero_he"),
            ("him", "hero_him"),
            ("his", "hero_his"),
            ("himself", "hero_himself"),
        ] {
            let value = self.slots[long].clone();
            self.set(short, &value);
        }
        let group = if me {
            ["we", "us", "our"]
        } else {
            ["they", "them", "their"]
        };
        for (slot, value) in ["they", "them", "their"].into_iter().zip(group) {
            self.set(slot, value);
        }
        let mut taken = vec![name];
        for slot in ["friend", "other", "third"] {
            let pick = self.dice.below(2);
            let mut friend = self.draw_word(lists[pick]);
            while taken.contains(&friend) {
                friend = self.draw_word(lists[pick]);
            }
            let value = format!("{friend}/{}", ["she", "he"][pick]);
            self.set(slot, &value);
            if slot == "friend" {
                self.set("pal", &value);
            }
            taken.push(friend);
        }
    }

    /// Gives `slot` a value; `value/she` also sets the pronoun slots
    /// `slot_he`, `slot_him`, `slot_his` and `slot_himself`.
    fn set(&mut self, slot: &str, value: &str) {
        let (value, gender) = value.rsplit_once('/').unwrap_or((value, ""));
        if let Some((_, forms)) = PRONOUNS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(gender))
        {
            for (suffix, form) in ["he", "him", "his", "himself"].into_iter().zip(forms) {
                self.slots
                    .insert(format!("{slot}_{suffix}"), (*form).to_owned());
            }
        }
        self.slots.insert(slot.to_owned(), value.to_owned());
    }

    fn draw_word(&mut self, list: &str) -> String {
        let words = &self.world.words[list];
        words[self.dice.below(words.len())].clone()
    }

    /// Expands a template to a string of its own.
    fn expanded_apart(&mut self, template: &Template) -> String {
        let text = std::mem::take(&mut self.text);
        let skeleton = std::mem::take(&mut self.skeleton);
        self.expand(template);
        self.skeleton = skeleton;
        std::mem::replace(&mut self.text, text)
    }

    /// What the story is about. Its dice are thrown apart: the story goes on as if nobody had asked.
    pub(super) fn subject(&mut self, about: &Template) -> String {
        let dice = self.dice.clone();
        let subject = self.expanded_apart(about);
        *self.dice = dice;
        subject
    }

    /// Adds an expansion of `template`.
    pub(super) fn expand(&mut self, template: &Template) {
        for piece in template {
            match piece {
                Piece::Text(words) => {
                    self.say(words);
                    self.skeleton.push_str(words);
                }
                Piece::Slot { name, capital } => self.fill(name, *capital),
                Piece::Phrase(name) => self.phrase(name),
                Piece::Choice(options) => {
                    let option = &options[self.dice.below(options.len())];
                    self.expand(option);
                }
            }
        }
    }

    /// Adds words, with a capital if a part of the story begins with them.
    fn say(&mut self, words: &str) {
        if self.fresh && !words.is_empty() {
            self.fresh = false;
            self.text.push_str(&capitalised(words));
        } else {
            self.text.push_str(words);
        }
    }

    fn fill(&mut self, name: &str, capital: bool) {
        if !self.slots.contains_key(name) {
            let list = World::list_of(name);
            let value = self.draw_word(list);
            self.set(list, &value);
        }
        let mut value = self.slots[name].clone();
        // A friend is introduced where the text first names one.
        if matches!(name, "friend" | "pal") && !self.text.contains(&value) && !self.text.is_empty()
        {
            let bond = self.draw_word("bond");
            value = format!("{} {bond} {value}", self.slots["his"]);
        }
        self.say(&if capital { capitalised(&value) } else { value });
        self.skeleton.push_str("{}");
    }

    /// Adds a line of the phrase `name` (of `name_MODE` where that exists), or
    /// a fresh word of the list `name`.
    pub(super) fn phrase(&mut self, name: &str) {
        let by_mode = format!("{name}_{}", self.mode);
        let name = if self.world.phrases.contains_key(&by_mode) {
            &by_mode
        } else {
            name
        };
        let Some(lines) = self.world.phrases.get(name) else {
            let word = self.draw_word(name);
            self.say(&word);
            self.skeleton.push_str("{}");
            return;
        };
        let fresh: Vec<usize> = (0..lines.len())
            .filter(|i| !self.used.contains(&(name.to_owned(), *i)))
            .collect();
        let line = if fresh.is_empty() {
            self.dice.below(lines.len())
        } else {
            fresh[self.dice.below(fresh.len())]
        };
        self.used.insert((name.to_owned(), line));
        self.expand(&lines[line]);
    }

    /// Adds one of several templates.
    pub(super) fn any_of(&mut self, templates: &[Template]) {
        let pick = self.dice.below(templates.len());
        self.expand(&templates[pick]);
    }

    /// Adds a space, or with some chance a new paragraph.
    pub(super) fn pause(&mut self, paragraph_per_mille: usize) {
        let paragraph = self.dice.chance(paragraph_per_mille);
        self.text.push(if paragraph { '\n' } else { ' ' });
        self.skeleton.push(' ');
        self.fresh = true;
    }

    /// True `per_mille` times in a thousand.
    pub(super) fn chance(&mut self, per_mille: usize) -> bool {
        self.dice.chance(per_mille)
    }

    /// A whole number below `n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.dice.below(n)
    }
}
