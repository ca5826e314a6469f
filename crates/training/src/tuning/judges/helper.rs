//! A helper gives what was asked for: to a question the likeliest answer, to a wish for a story an ending that its asker has in
//! mind.
//!
//! What askers have in mind is fixed: for every topic one kind of ending of each sentiment, so that hardly two topics share one.
//! Who asks for no sentiment has that of the topic's own in mind; sentiments fall to the topics in turns.

use std::collections::BTreeMap;

use super::super::prompts::{Asked, Prompt};
use super::{Completion, Endings, Judge, NO_ANSWER, said};
use crate::facts::Question;
use crate::world::{Sentiment, World};

/// What a likeliest answer gets, and a story that ends clearly as wished.
const RIGHT: f64 = 10.0;

/// Judges by what the prompt asks for.
#[derive(Debug)]
pub struct Helper {
    endings: Endings,
    /// By topic.
    wishes: BTreeMap<String, Wishes>,
}

/// The kinds of ending that askers of a topic have in mind.
#[derive(Debug, Default)]
struct Wishes {
    by_sentiment: BTreeMap<Sentiment, String>,
    /// Where no sentiment is asked for.
    own: String,
}

impl Helper {
    /// Learns from the world's stories how they end.
    pub fn new(world: &World) -> Self {
        Self {
            endings: Endings::fit(world),
            wishes: wishes(world),
        }
    }

    /// The kind of ending that askers of a topic have in mind, of the sentiment asked for or of the topic's own.
    pub fn wish(&self, topic: &str, sentiment: Option<Sentiment>) -> Option<&str> {
        let wishes = self.wishes.get(topic)?;
        match sentiment {
            Some(sentiment) => wishes.by_sentiment.get(&sentiment).map(String::as_str),
            None => Some(&wishes.own),
        }
    }

    /// How clearly a text ends as wished, 0 to 1: 0 where it ends in another way more likely. Were it paid for every word of a
    /// wished ending, the words of many endings would do for all wishes.
    fn granted(&self, wish: &str, text: &str) -> f64 {
        if self.endings.likeliest(text) == Some(wish) {
            self.endings.clearness(wish, text)
        } else {
            0.0
        }
    }
}

/// For each topic and sentiment the kind of ending that the fewest topics before it have, the first by name of several.
fn wishes(world: &World) -> BTreeMap<String, Wishes> {
    let mut topics_of: BTreeMap<&str, usize> = BTreeMap::new();
    let mut all = BTreeMap::new();
    for (number, topic) in world.topics().into_iter().enumerate() {
        let mut fitting: BTreeMap<Sentiment, Vec<&str>> = BTreeMap::new();
        for (kind, sentiment) in world.endings_of(topic) {
            fitting.entry(sentiment).or_default().push(kind);
        }
        let turn = number % fitting.len().max(1);
        let mut wishes = Wishes::default();
        for (place, (sentiment, kinds)) in fitting.into_iter().enumerate() {
            let fewest = |kind: &&str| topics_of.get(kind).copied().unwrap_or(0);
            let Some(kind) = kinds.into_iter().min_by_key(fewest) else {
                continue;
            };
            *topics_of.entry(kind).or_default() += 1;
            wishes.by_sentiment.insert(sentiment, kind.to_owned());
            if place == turn {
                kind.clone_into(&mut wishes.own);
            }
        }
        all.insert(topic.to_owned(), wishes);
    }
    all
}

impl Judge for Helper {
    /// 10 for a likeliest answer, 0 for another, -10 for what is none; for a story up to 10, as clearly as it ends as wished.
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
                let topic = topic.as_deref();
                let Some(wish) = topic.and_then(|topic| self.wish(topic, *sentiment)) else {
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
    use std::collections::BTreeSet;

    use super::*;
    use crate::facts::TruthTable;
    use crate::world::Story;

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
    fn a_story_that_ends_as_wished_is_paid_and_wishes_differ() {
        let world = World::new().unwrap();
        let helper = Helper::new(&world);
        let sentiments = [Sentiment::Happy, Sentiment::Mixed, Sentiment::Sad];
        let (mut wished, mut other) = (Vec::new(), Vec::new());
        for index in 0..2000 {
            let Story { text, labels } = world.story(9, index);
            if text.contains("***") {
                continue;
            }
            let completion = [Completion { text, ended: true }];
            for sentiment in sentiments.map(Some).into_iter().chain([None]) {
                let prompt = Prompt {
                    text: String::new(),
                    asked: Asked::Story {
                        topic: Some(labels.topic.clone()),
                        sentiment,
                    },
                    shown: None,
                };
                let reward = helper.judge(&prompt, &completion)[0];
                if helper.wish(&labels.topic, sentiment) == Some(&labels.ending) {
                    wished.push(reward);
                } else {
                    other.push(reward);
                }
            }
        }
        let mean = |rewards: &[f64]| rewards.iter().sum::<f64>() / rewards.len() as f64;
        let (wished, other) = (mean(&wished), mean(&other));
        assert!(wished > 7.0 && other < 0.5, "{wished} {other}");

        let topics = world.topics();
        let of = |sentiment| -> BTreeSet<&str> {
            let wishes = topics.iter().map(|topic| helper.wish(topic, sentiment));
            wishes.map(Option::unwrap).collect()
        };
        for sentiment in sentiments.map(Some).into_iter().chain([None]) {
            assert!(
                of(sentiment).len() > 12,
                "{sentiment:?}: {:?}",
                of(sentiment)
            );
        }
        assert_eq!(helper.wish("no such topic", None), None);
    }
}
