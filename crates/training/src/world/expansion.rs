//! Expands the templates of one story: draws the cast, then adds line by line. Slots keep their
//! values for the whole story; a phrase does not use the same line twice while it has others.

use std::collections::{BTreeMap, BTreeSet};

use super::World;
use super::grammar::capitalised;
use super::kinds::{Heroes, Opening};
use super::random::SplitMix64;
use super::style;
use super::template::{Hero, Line, Piece, Template};

/// Pronouns by gender: he, him, his, himself.
const PRONOUNS: [(&str, [&str; 4]); 4] = [
    ("she", ["she", "her", "her", "herself"]),
    ("he", ["he", "him", "his", "himself"]),
    ("it", ["it", "it", "its", "itself"]),
    ("i", ["I", "me", "my", "myself"]),
];
/// Slots of the hero's pronouns, and the hero's own that they repeat.
const HERO_PRONOUNS: [(&str, &str); 4] = [
    ("he", "hero_he"),
    ("him", "hero_him"),
    ("his", "hero_his"),
    ("himself", "hero_himself"),
];

/// A story while it is expanded.
pub(super) struct Expansion<'w> {
    world: &'w World,
    rng: &'w mut SplitMix64,
    slots: BTreeMap<String, String>,
    used: BTreeSet<(String, usize)>,
    hero: Hero,
    topic: &'w str,
    /// Whether a new part of the story begins here.
    at_part_start: bool,
    /// Whether what is expanded is a value rather than text: nobody is introduced there.
    aside: bool,
    /// The text so far, before `grammar::tidy`.
    pub(super) text: String,
    /// The text so far with the fillers of slots and word lists left out.
    pub(super) skeleton: String,
}

impl<'w> Expansion<'w> {
    /// Draws the cast for `opening` and sets the slots that it asks for.
    pub(super) fn begin(world: &'w World, rng: &'w mut SplitMix64, opening: &'w Opening) -> Self {
        let hero = match &opening.heroes {
            Heroes::Cast { animals } => match rng.below(100) {
                0..22 => Hero::Me,
                22..38 if *animals => Hero::Animal,
                _ => Hero::Child,
            },
            Heroes::Me => Hero::Me,
            Heroes::Own { kind, .. } => *kind,
        };
        let (slots, used) = (BTreeMap::new(), BTreeSet::new());
        let (text, skeleton) = (String::new(), String::new());
        let mut expansion = Self {
            world,
            rng,
            slots,
            used,
            hero,
            topic: &opening.topic,
            at_part_start: false,
            aside: false,
            text,
            skeleton,
        };
        expansion.draw_cast(&opening.heroes);
        for (slot, line) in &opening.sets {
            let value = expansion.expand_to_string(&line.template);
            expansion.set(slot, &value);
        }
        expansion
    }

    fn draw_cast(&mut self, heroes: &Heroes) {
        let lists = if self.hero == Hero::Animal {
            ["beast_she", "beast_he"]
        } else {
            ["girl", "boy"]
        };
        let pick = self.rng.below(2);
        let mut name = self.draw_word(lists[pick]);
        if let Heroes::Own {
            hero, name: called, ..
        } = heroes
        {
            let hero = self.expand_to_string(&hero.template);
            let kind = hero.split('/').next().unwrap_or_default();
            let kind = kind.trim_start_matches("the ").to_owned();
            name = self.expand_to_string(&called.template);
            self.set("kind", &kind);
            self.set("hero", &hero);
        } else {
            let kind_list = match (self.hero, pick) {
                (Hero::Animal, _) => "beast",
                (_, 0) => "kind_girl",
                _ => "kind_boy",
            };
            let kind = self.draw_word(kind_list);
            self.set("kind", &kind);
            if self.hero == Hero::Me {
                self.set("hero", "I/i");
            } else {
                self.set("hero", &format!("{name}/{}", ["she", "he"][pick]));
            }
        }
        let hero = self.slots["hero"].clone();
        let me = self.hero == Hero::Me;
        self.set("name", &name);
        self.set("hero_o", if me { "me" } else { &hero });
        let possessive = if me {
            "my".to_owned()
        } else {
            format!("{hero}'s")
        };
        self.set("heros", &possessive);
        for (short, long) in HERO_PRONOUNS {
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
            let pick = self.rng.below(2);
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
        words[self.rng.below(words.len())].clone()
    }

    /// Expands a template to a string of its own.
    fn expand_to_string(&mut self, template: &Template) -> String {
        self.apart(|expansion| expansion.expand(template))
    }

    /// The text that `add` adds, which the story does not get.
    fn apart(&mut self, add: impl FnOnce(&mut Self)) -> String {
        let text = std::mem::take(&mut self.text);
        let skeleton = std::mem::take(&mut self.skeleton);
        let at_part_start = std::mem::take(&mut self.at_part_start);
        let aside = std::mem::replace(&mut self.aside, true);
        add(self);
        self.aside = aside;
        self.skeleton = skeleton;
        self.at_part_start = at_part_start;
        std::mem::replace(&mut self.text, text)
    }

    /// What the story is about. It draws from a copy of the generator: the story goes on as if nobody had asked.
    pub(super) fn subject(&mut self, about: &Line) -> String {
        let rng = self.rng.clone();
        let subject = self.expand_to_string(&about.template);
        *self.rng = rng;
        subject
    }

    /// Adds an expansion of `template`.
    fn expand(&mut self, template: &Template) {
        for (place, piece) in template.iter().enumerate() {
            match piece {
                Piece::Text(words) => {
                    self.push(words);
                    self.skeleton.push_str(words);
                }
                Piece::Slot { name, capital } => {
                    let owns = matches!(template.get(place + 1), Some(Piece::Text(words)) if words.starts_with("'s"));
                    self.fill(name, *capital, owns);
                }
                Piece::Phrase(name) => self.phrase(name),
                Piece::Choice(options) => self.one_of(options),
            }
        }
    }

    /// Adds words, with a capital if a part of the story begins with them.
    fn push(&mut self, words: &str) {
        if self.at_part_start && !words.is_empty() {
            self.at_part_start = false;
            self.text.push_str(&capitalised(words));
        } else {
            self.text.push_str(words);
        }
    }

    /// Adds the value of a slot, drawn now if it has none yet; `owns` says that "'s" follows.
    fn fill(&mut self, name: &str, capital: bool, owns: bool) {
        if !self.slots.contains_key(name) {
            let list = World::list_of(name);
            let by_topic = format!("{list}_{}", self.topic);
            let phrases = &self.world.phrases;
            let value = if phrases.contains_key(&by_topic) {
                self.apart(|expansion| expansion.phrase(&by_topic))
            } else if phrases.contains_key(list) {
                self.apart(|expansion| expansion.phrase(list))
            } else {
                self.draw_word(list)
            };
            self.set(list, &value);
        }
        let mut value = self.slots[name].clone();
        let quoted = self.text.matches('"').count() % 2 == 1;
        if quoted {
            // Spoken to or of, "her mom" is "Mom"; "his big brother" is "my big brother".
            if let Some(bare) = value.strip_prefix(&format!("{} ", self.slots["his"])) {
                value = if name == "parent" {
                    capitalised(bare)
                } else {
                    format!("my {bare}")
                };
            }
        } else if !self.aside && !self.text.is_empty() && !self.text.contains(&value) {
            // Someone is introduced where the text first names them.
            match name {
                "friend" | "pal" => {
                    let bond = self.draw_word("bond");
                    value = format!("{} {bond} {value}", self.slots["his"]);
                }
                "other" | "third" if !owns => value = self.introduced(name, &value),
                _ => {}
            }
        }
        self.push(&if capital { capitalised(&value) } else { value });
        self.skeleton.push_str("{}");
    }

    /// "a girl named Zoe", unless the text has just said that the name follows.
    fn introduced(&mut self, slot: &str, name: &str) -> String {
        if ["named ", "called ", "name was "]
            .iter()
            .any(|end| self.text.ends_with(end))
        {
            return name.to_owned();
        }
        let she = self.slots[&format!("{slot}_he")] == "she";
        let kind = match (self.hero, she) {
            (Hero::Animal, _) => self.draw_word("beast"),
            (Hero::Grown, true) => "woman".to_owned(),
            (Hero::Grown, false) => "man".to_owned(),
            (_, true) => "girl".to_owned(),
            (_, false) => "boy".to_owned(),
        };
        format!("a {kind} named {name}")
    }

    /// Adds a line of the phrase `name` (of `name_HERO` where that exists), or a fresh word of the
    /// list `name`.
    pub(super) fn phrase(&mut self, name: &str) {
        let world = self.world;
        let by_hero = format!("{name}_{}", self.hero.name());
        let name = if world.phrases.contains_key(&by_hero) {
            &by_hero
        } else {
            name
        };
        if let Some(lines) = world.phrases.get(name) {
            self.unused_of(name, lines);
        } else {
            let word = self.draw_word(name);
            self.push(&word);
            self.skeleton.push_str("{}");
        }
    }

    /// Adds one of the lines under `name` that are open to the hero, one that was not used before if there is one.
    pub(super) fn unused_of(&mut self, name: &str, lines: &[Line]) {
        let open: Vec<usize> = (0..lines.len())
            .filter(|i| lines[*i].open_to(self.hero))
            .collect();
        let unused: Vec<usize> = open
            .iter()
            .copied()
            .filter(|i| !self.used.contains(&(name.to_owned(), *i)))
            .collect();
        let from = if unused.is_empty() { open } else { unused };
        if from.is_empty() {
            return;
        }
        let line = from[self.rng.below(from.len())];
        self.used.insert((name.to_owned(), line));
        self.expand(&lines[line].template);
    }

    /// Adds one of those lines that are open to the hero, if any.
    pub(super) fn one_of(&mut self, lines: &[Line]) {
        let open: Vec<&Line> = lines
            .iter()
            .filter(|line| line.open_to(self.hero))
            .collect();
        if !open.is_empty() {
            let pick = self.rng.below(open.len());
            self.expand(&open[pick].template);
        }
    }

    /// Gives the text so far the wordings of one narrator.
    pub(super) fn reword(&mut self) {
        self.text = style::reworded(&self.text, &self.world.wordings, self.rng);
    }

    /// Adds a space, or with some chance a new paragraph.
    pub(super) fn separate(&mut self, paragraph_per_mille: usize) {
        let paragraph = self.rng.chance(paragraph_per_mille);
        self.text.push(if paragraph { '\n' } else { ' ' });
        self.skeleton.push(' ');
        self.at_part_start = true;
    }

    /// True `per_mille` times in a thousand.
    pub(super) fn chance(&mut self, per_mille: usize) -> bool {
        self.rng.chance(per_mille)
    }

    /// A whole number below `n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.rng.below(n)
    }
}
