//! The beginnings that a teacher continues: first sentences of training stories, everyday beginnings from a small grammar, or
//! none.

use std::collections::BTreeMap;

use decoding::coin;
use serde::{Deserialize, Serialize};

use super::OpeningShares;

/// The grammar of everyday beginnings; its head says how it is written.
const EVERYDAY: &str = include_str!("everyday.txt");
/// Parts the draws of openings from the draws of tokens, which take the seed itself.
const OPENING_SEED: u64 = 0x6F70_656E_696E_6773;

/// Where a beginning comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The first sentence of a training story.
    Training,
    /// The grammar.
    Everyday,
    /// The story begins with nothing.
    None,
}

/// Beginnings by number.
pub struct Openings {
    seed: u64,
    shares: OpeningShares,
    first_sentences: Vec<String>,
    templates: Vec<&'static str>,
    lists: BTreeMap<&'static str, Vec<&'static str>>,
}

impl Openings {
    /// Takes the first sentences of `stories`, each distinct one once, in their order.
    pub fn new<'a>(
        seed: u64,
        shares: &OpeningShares,
        stories: impl Iterator<Item = &'a str>,
    ) -> Self {
        let mut seen = std::collections::HashSet::new();
        let first_sentences = stories
            .filter_map(first_sentence)
            .filter(|sentence| seen.insert(sentence.to_string()))
            .map(str::to_owned)
            .collect();
        let (mut templates, mut lists) = (Vec::new(), BTreeMap::new());
        for line in EVERYDAY.lines().map(str::trim) {
            let list = line
                .split_once(": ")
                .filter(|(name, _)| name.chars().all(char::is_alphabetic));
            if let Some((name, words)) = list {
                lists.insert(name, words.split(" | ").collect());
            } else if !line.is_empty() && !line.starts_with('#') {
                templates.push(line);
            }
        }
        Self {
            seed: seed ^ OPENING_SEED,
            shares: shares.clone(),
            first_sentences,
            templates,
            lists,
        }
    }

    /// How many different first sentences and templates there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.first_sentences.len(), self.templates.len())
    }

    /// The beginning of a story, without white space at its ends.
    pub fn opening(&self, story: u32) -> (Source, String) {
        let mut draws = 0;
        let mut draw = || {
            draws += 1;
            coin(self.seed, story, draws).value()
        };
        let which = draw();
        let pick = |u: f64, of: usize| (u * of as f64) as usize;
        if which < self.shares.training && !self.first_sentences.is_empty() {
            let sentence = &self.first_sentences[pick(draw(), self.first_sentences.len())];
            return (Source::Training, sentence.clone());
        }
        if which < self.shares.training + self.shares.everyday {
            let template = self.templates[pick(draw(), self.templates.len())];
            let mut text = String::new();
            for (index, part) in template.split(['{', '}']).enumerate() {
                match self.lists.get(part).filter(|_| index % 2 == 1) {
                    Some(words) => text += words[pick(draw(), words.len())],
                    None => text += part,
                }
            }
            return (Source::Everyday, with_articles(&text));
        }
        (Source::None, String::new())
    }
}

/// A story's first sentence, its closing mark included, where it is neither a title nor a paragraph.
fn first_sentence(story: &str) -> Option<&str> {
    let line = story.lines().next()?.trim();
    let end = line.char_indices().find(|&(at, mark)| {
        let rest = &line[at + mark.len_utf8()..];
        matches!(mark, '.' | '!' | '?') && (rest.is_empty() || rest.starts_with([' ', '"']))
    })?;
    let mut sentence = &line[..=end.0];
    if line[sentence.len()..].starts_with('"') && sentence.matches('"').count() % 2 == 1 {
        sentence = &line[..=sentence.len()];
    }
    (12..=160).contains(&sentence.len()).then_some(sentence)
}

/// Puts `an` for `a` before a vowel.
fn with_articles(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let vowel =
        |word: Option<&&str>| word.is_some_and(|word| word.starts_with(['a', 'e', 'i', 'o', 'u']));
    let mended = words.iter().enumerate().map(|(index, &word)| match word {
        "a" if vowel(words.get(index + 1)) => "an",
        "A" if vowel(words.get(index + 1)) => "An",
        word => word,
    });
    mended.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn openings(training: f64, everyday: f64) -> Openings {
        let stories = [
            "Once upon a time, there was a cat. It slept.",
            "Once upon a time, there was a cat. It ran.",
            "\"Please stop that!\" said Tim. He was cross.",
        ];
        Openings::new(
            7,
            &OpeningShares { training, everyday },
            stories.into_iter(),
        )
    }

    #[test]
    fn first_sentences_are_taken_once_and_with_their_quotes() {
        let all = openings(1.0, 0.0);
        assert_eq!(all.first_sentences.len(), 2);
        assert_eq!(all.first_sentences[0], "Once upon a time, there was a cat.");
        assert_eq!(
            first_sentence("He said, \"Go away!\" Then he"),
            Some("He said, \"Go away!\"")
        );
    }

    #[test]
    fn every_template_is_filled_from_lists_that_exist() {
        let all = openings(0.0, 1.0);
        for template in &all.templates {
            for (index, part) in template.split(['{', '}']).enumerate() {
                assert!(
                    index % 2 == 0 || all.lists.contains_key(part),
                    "`{part}` of `{template}` is no list"
                );
            }
        }
        let drawn: std::collections::HashSet<String> =
            (0..2000).map(|story| all.opening(story).1).collect();
        assert!(drawn.len() > 1200, "{} different beginnings", drawn.len());
        assert!(
            drawn
                .iter()
                .all(|text| !text.contains(['{', '}']) && !text.contains(" a a"))
        );
    }

    #[test]
    fn shares_are_met_and_numbers_decide() {
        let all = openings(0.5, 0.3);
        let of = |source| {
            (0..4000)
                .filter(|&story| all.opening(story).0 == source)
                .count()
        };
        assert!((1850..2150).contains(&of(Source::Training)));
        assert!((1100..1300).contains(&of(Source::Everyday)));
        assert_eq!(all.opening(5), openings(0.5, 0.3).opening(5));
    }
}
