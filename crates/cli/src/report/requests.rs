//! Stories on request: the same subjects, requested once as a happy and once as a sad story.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use attractors::Catalogue;
use serde::{Deserialize, Serialize};
use statistics::Mean;
use training::facts::{RequestTruth, ask as word_request, requests};
use training::worker_pool::WorkerPool;
use training::world::{Sentiment, World};
use transformer::Pipeline;

use super::chains::{Chain, Session};
use super::findings::Counted;
use super::measures::{estimate, share};
use super::tally::Tally;
use crate::model::encode;

/// Seed of the subjects; no training uses it.
const SEED: u64 = 901;
/// Number of different subjects.
const SUBJECTS: usize = 16;
/// Requested of each.
const ASKED: [Sentiment; 2] = [Sentiment::Happy, Sentiment::Sad];

/// Results of the requests for stories of one sentiment.
#[derive(Clone, Serialize, Deserialize)]
pub struct RequestResults {
    /// The requested sentiment.
    pub asked: Sentiment,
    pub requests: usize,
    pub chains: usize,
    /// Share of chains that end in an attractor of such endings.
    pub happy: Counted,
    pub mixed: Counted,
    pub sad: Counted,
    /// Sentiment score (log-odds of a happy text), nats.
    pub log_odds: Option<Mean>,
}

/// The requests, and the sentiment of each attractor.
pub struct Requests {
    asked: Vec<(Sentiment, Vec<Vec<u32>>)>,
    /// By attractor: the sentiment of the world's endings that it stands for; none of an attractor that the world does not know.
    sentiments: Vec<Option<Sentiment>>,
}

impl Requests {
    /// Different subjects of the story world in the wordings of the table, each requested as a happy and as a sad story. The story begins
    /// on the next line.
    pub fn new(
        truth: &RequestTruth,
        pipeline: &Pipeline,
        catalogue: &Catalogue,
        length: usize,
    ) -> Result<Self> {
        let world = World::new()?;
        let mut seen = HashSet::new();
        let subjects: Vec<String> = requests(&world, SEED, u64::MAX)
            .map(|request| request.subject)
            .filter(|subject| seen.insert(subject.clone()))
            .take(SUBJECTS)
            .collect();
        let ask = |asked| -> Result<_> {
            let prompts = subjects.iter().enumerate().map(|(number, subject)| {
                let request = word_request(truth, number, Some(asked), subject);
                encode(pipeline, &format!("{request}\n"), length)
            });
            Ok((asked, prompts.collect::<Result<_>>()?))
        };
        Ok(Self {
            asked: ASKED.into_iter().map(ask).collect::<Result<_>>()?,
            sentiments: sentiments(&world, catalogue),
        })
    }

    /// Samples a model's stories: with the same random draws, whatever is requested.
    pub fn measure(
        &self,
        session: &Session<'_>,
        pool: &WorkerPool,
        tally: impl Fn(&str, usize) -> Tally,
    ) -> Result<Vec<RequestResults>> {
        let results = self.asked.iter().map(|(asked, prompts)| {
            let tally = tally(&format!("{asked} stories"), prompts.len());
            Ok(self.results(*asked, &session.draw(pool, prompts, &tally)?))
        });
        results.collect()
    }

    fn results(&self, asked: Sentiment, drawn: &[Vec<Chain>]) -> RequestResults {
        let chains: Vec<&Chain> = drawn.iter().flatten().collect();
        let ends = |chain: &Chain| chain.ends_in.and_then(|kind| self.sentiments[kind]);
        let counted = |sentiment| {
            let such = chains.iter().filter(|chain| ends(chain) == Some(sentiment));
            share(such.count(), chains.len())
        };
        let judged = chains.iter().all(|chain| chain.log_odds.is_some());
        RequestResults {
            asked,
            requests: drawn.len(),
            chains: chains.len(),
            happy: counted(Sentiment::Happy),
            mixed: counted(Sentiment::Mixed),
            sad: counted(Sentiment::Sad),
            log_odds: judged.then(|| estimate(drawn, |chain| chain.log_odds.unwrap_or_default())),
        }
    }
}

/// The sentiment of each attractor's endings, which are all alike in that.
fn sentiments(world: &World, catalogue: &Catalogue) -> Vec<Option<Sentiment>> {
    let of: HashMap<&str, Sentiment> = world.endings().collect();
    let attractors = catalogue.attractors().iter();
    attractors
        .map(|one| {
            one.endings
                .iter()
                .find_map(|kind| of.get(kind.as_str()).copied())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::catalogue;

    #[test]
    fn the_endings_of_an_attractor_are_alike() {
        let (world, catalogue) = (World::new().unwrap(), catalogue());
        let found = sentiments(&world, &catalogue);
        let of: HashMap<&str, Sentiment> = world.endings().collect();
        for (one, sentiment) in catalogue.attractors().iter().zip(found) {
            for kind in &one.endings {
                assert_eq!(Some(of[kind.as_str()]), sentiment, "{} {kind}", one.name);
            }
        }
    }

    #[test]
    fn chains_are_counted_by_how_they_end() {
        let catalogue = catalogue();
        let requests = Requests {
            asked: Vec::new(),
            sentiments: sentiments(&World::new().unwrap(), &catalogue),
        };
        let chain = |ends_in: Option<&str>, log_odds| Chain {
            tokens: vec![1],
            ended: true,
            text: String::new(),
            ends_in: ends_in.map(|name| catalogue.position(name).unwrap()),
            ending: attractors::Ending::Other(String::new()),
            first_hits: Vec::new(),
            kl_nats: 0.0,
            entropy_bits: vec![0.0],
            log_odds,
        };
        let drawn = [
            vec![
                chain(Some("party"), Some(2.0)),
                chain(Some("wedding"), Some(4.0)),
            ],
            vec![chain(Some("alone"), Some(-4.0)), chain(None, Some(0.0))],
        ];
        let found = requests.results(Sentiment::Sad, &drawn);
        assert_eq!((found.requests, found.chains), (2, 4));
        let counted = [found.happy, found.mixed, found.sad].map(|share| share.chains);
        assert_eq!(counted, [2, 0, 1]);
        let log_odds = found.log_odds.unwrap();
        assert_eq!(log_odds.mean, 0.5);
        let unjudged = [vec![chain(None, None)]];
        assert!(
            requests
                .results(Sentiment::Sad, &unjudged)
                .log_odds
                .is_none()
        );
    }
}
