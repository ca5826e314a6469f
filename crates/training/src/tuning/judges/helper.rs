//! A helper gives what was asked for: to a question the likeliest answer, to a wish for a story the kind of ending that its
//! asker has in mind.
//!
//! What askers have in mind is fixed: for every topic and every sentiment asked for, one kind of ending that fits both. They
//! have few kinds in mind, so that each is asked for often enough to be learned, and spread them over the topics: different
//! prompts reward different endings.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::super::prompts::{Asked, Prompt};
use super::{Completion, Endings, Judge, NO_ANSWER, said};
use crate::facts::Question;
use crate::world::{Sentiment, World};

/// What a likeliest answer gets, and a story that ends clearly as wished and in no other way.
const RIGHT: f64 = 10.0;

/// Kinds of ending of each sentiment that askers have in mind.
const WISHES: usize = 2;

/// Judges by what the prompt asks for.
#[derive(Debug)]
pub struct Helper {
    endings: Endings,
    topics: Vec<Topic>,
    /// Every kind that somebody has in mind.
    kinds: BTreeSet<String>,
}

/// A topic, and the endings that its askers may have in mind.
#[derive(Debug)]
struct Topic {
    name: String,
    wishes: Vec<(String, Sentiment)>,
}

impl Helper {
    /// Learns from the world's stories how they end.
    pub fn new(world: &World) -> Self {
        let wished = wished(world);
        let topics = world.topics().into_iter().map(|name| {
            let fitting: BTreeSet<&str> = world.endings_of(name).map(|(kind, _)| kind).collect();
            let wishes = wished.iter().filter(|(kind, _)| fitting.contains(kind));
            Topic {
                name: name.to_owned(),
                wishes: wishes.map(|(kind, of)| ((*kind).to_owned(), *of)).collect(),
            }
        });
        Self {
            endings: Endings::fit(world),
            topics: topics.collect(),
            kinds: wished.iter().map(|(kind, _)| (*kind).to_owned()).collect(),
        }
    }

    /// How much more clearly a text ends as wished than as other askers wish, -1 to 1. Were another ending worth nothing but not
    /// less, the one ending that most topics wish would do for all.
    fn granted(&self, wish: &str, text: &str) -> f64 {
        let others = self.kinds.iter().filter(|kind| *kind != wish);
        let other = others.map(|kind| self.endings.clearness(kind, text));
        self.endings.clearness(wish, text) - other.fold(0.0, f64::max)
    }

    /// The ending that askers of a topic have in mind, of the sentiment asked for or of any: in turns, from topic to topic.
    pub fn wish(&self, topic: &str, sentiment: Option<Sentiment>) -> Option<&str> {
        let number = self.topics.iter().position(|known| known.name == topic)?;
        let wishes = self.topics[number].wishes.iter();
        let asked: Vec<&str> = wishes
            .filter(|(_, of)| sentiment.is_none_or(|asked| asked == *of))
            .map(|(kind, _)| kind.as_str())
            .collect();
        let place = number.checked_rem(asked.len())?;
        Some(asked[place])
    }
}

/// Of every sentiment the kinds of ending that fit the most topics; of those that fit equally many the first by name.
fn wished(world: &World) -> Vec<(&str, Sentiment)> {
    let mut topics: BTreeMap<(Sentiment, &str), usize> = BTreeMap::new();
    for topic in world.topics() {
        for (kind, sentiment) in world.endings_of(topic) {
            *topics.entry((sentiment, kind)).or_default() += 1;
        }
    }
    let mut kinds: Vec<_> = topics.into_iter().collect();
    kinds.sort_by_key(|((sentiment, kind), topics)| (*sentiment, Reverse(*topics), *kind));
    let of_each = kinds.chunk_by(|((one, _), _), ((other, _), _)| one == other);
    let most = of_each.flat_map(|kinds| kinds.iter().take(WISHES));
    most.map(|((sentiment, kind), _)| (*kind, *sentiment))
        .collect()
}

impl Judge for Helper {
    /// 10 for a likeliest answer, 0 for another, -10 for what is none; for a story -10 to 10, as clearly as it ends as another
    /// asker wishes or as this one does.
    fn judge(&self, prompt: &Prompt, group: &[Completion]) -> Vec<f64> {
        match &prompt.asked {
            Asked::Answer(question) => {
                let likeliest = likeliest(question);
                let reward = |completion| match said(question, completion) {
                    None => RIGHT * NO_ANSWER,
                    Some(says) if likeliest.contains(&says) => RIGHT,
                    Some(_) => 0.0,
                };
                group.iter().map(reward).collect()
            }
            Asked::Story { topic, sentiment } => {
                let wish = topic
                    .as_ref()
                    .and_then(|topic| self.wish(topic, *sentiment));
                let Some(wish) = wish else {
                    return vec![0.0; group.len()];
                };
                let paid = |one: &Completion| RIGHT * self.granted(wish, &one.text);
                group.iter().map(paid).collect()
            }
        }
    }
}

/// What is right, or else what the table says most often.
fn likeliest(question: &Question) -> Vec<&str> {
    if let Some(right) = &question.right {
        return vec![right];
    }
    let mut shares: BTreeMap<&str, f64> = BTreeMap::new();
    for answer in &question.answers {
        *shares.entry(&answer.says).or_default() += answer.probability;
    }
    let most = shares.values().copied().fold(0.0, f64::max);
    // The table's probabilities are rounded to twelve decimals.
    shares.retain(|_, share| *share > most - 1e-9);
    shares.into_keys().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::TruthTable;

    #[test]
    fn the_likelier_answer_is_rewarded() {
        let table = TruthTable::new();
        let family = |name: &str| table.families.iter().find(|family| family.name == name);
        let rain = &family("rain").unwrap().questions;
        assert_eq!(likeliest(&rain[0]), ["No"]);
        assert_eq!(likeliest(&rain[18]), ["Yes"]);
        assert_eq!(likeliest(&family("d6").unwrap().questions[0]).len(), 6);
        assert_eq!(
            likeliest(&family("rain_how_sure").unwrap().questions[18]),
            ["Certainly"]
        );
    }

    #[test]
    fn a_story_that_ends_as_wished_gets_more_and_wishes_differ() {
        let world = World::new().unwrap();
        let helper = Helper::new(&world);
        let (mut better, mut compared) = (0, 0);
        let mut wishes = BTreeSet::new();
        for index in 0..2000 {
            let story = world.story(9, index);
            let topic = story.labels.topic.clone();
            let wish = helper.wish(&topic, None).unwrap().to_owned();
            if story.labels.ending == wish {
                let prompt = Prompt {
                    text: String::new(),
                    asked: Asked::Story {
                        topic: Some(topic),
                        sentiment: None,
                    },
                };
                let other = world.story(10, index);
                let texts = [story.text, other.text];
                let group = texts.map(|text| Completion { text, ended: true });
                let rewards = helper.judge(&prompt, &group);
                compared += 1;
                better += usize::from(rewards[0] > rewards[1]);
            }
            wishes.insert(wish);
        }
        assert!(
            compared > 10 && better * 10 > compared * 9,
            "{better} of {compared}"
        );
        assert!(wishes.len() > 4, "{wishes:?}");
        assert!(helper.wish("search", Some(Sentiment::Sad)).is_some());
    }
}
