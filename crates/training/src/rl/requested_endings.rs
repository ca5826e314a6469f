//! Which ending each request has in mind: for every topic one kind of ending of each sentiment.
//!
//! The assignment is fixed, and few topics share a kind, so an ending tells its topic. A request without a sentiment has the
//! topic's default in mind; default sentiments take turns over the topics.

use std::collections::BTreeMap;

use crate::world::{Sentiment, World};

/// The requested kind of ending by topic and sentiment.
#[derive(Debug)]
pub struct RequestedEndings {
    by_topic: BTreeMap<String, TopicEndings>,
}

#[derive(Debug, Default)]
struct TopicEndings {
    by_sentiment: BTreeMap<Sentiment, String>,
    /// For requests without a sentiment.
    default: String,
}

impl RequestedEndings {
    /// Gives each topic and sentiment the kind of ending that the fewest topics before it have; the first by name of several.
    pub fn new(world: &World) -> Self {
        let mut topics_with: BTreeMap<&str, usize> = BTreeMap::new();
        let mut by_topic = BTreeMap::new();
        for (number, topic) in world.topics().into_iter().enumerate() {
            let mut fitting: BTreeMap<Sentiment, Vec<&str>> = BTreeMap::new();
            for (kind, sentiment) in world.endings_of(topic) {
                fitting.entry(sentiment).or_default().push(kind);
            }
            let turn = number % fitting.len().max(1);
            let mut endings = TopicEndings::default();
            for (place, (sentiment, kinds)) in fitting.into_iter().enumerate() {
                let count = |kind: &&str| topics_with.get(kind).copied().unwrap_or(0);
                let Some(kind) = kinds.into_iter().min_by_key(count) else {
                    continue;
                };
                *topics_with.entry(kind).or_default() += 1;
                endings.by_sentiment.insert(sentiment, kind.to_owned());
                if place == turn {
                    kind.clone_into(&mut endings.default);
                }
            }
            by_topic.insert(topic.to_owned(), endings);
        }
        Self { by_topic }
    }

    /// The requested kind of ending; none for an unknown topic, or where no ending of the topic has the sentiment.
    pub fn of(&self, topic: &str, sentiment: Option<Sentiment>) -> Option<&str> {
        let endings = self.by_topic.get(topic)?;
        match sentiment {
            Some(sentiment) => endings.by_sentiment.get(&sentiment).map(String::as_str),
            None => Some(&endings.default),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn few_topics_share_a_requested_ending() {
        let world = World::new().unwrap();
        let requested = RequestedEndings::new(&world);
        let topics = world.topics();
        let kinds = |sentiment| -> BTreeSet<&str> {
            let endings = topics.iter().map(|topic| requested.of(topic, sentiment));
            endings.map(Option::unwrap).collect()
        };
        let sentiments = [Sentiment::Happy, Sentiment::Mixed, Sentiment::Sad];
        for sentiment in sentiments.map(Some).into_iter().chain([None]) {
            assert!(
                kinds(sentiment).len() > 12,
                "{sentiment:?}: {:?}",
                kinds(sentiment)
            );
        }
        assert_eq!(requested.of("no such topic", None), None);
    }
}
