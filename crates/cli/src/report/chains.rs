//! The chains of one model: drawn behind every opening, and what is measured of each.

use attractors::{Catalogue, Ending};
use sentiment::Predictor;
use statistics::token_divergence;
use training::rl::rollout::{PackedCompletions, sample, seed_of};
use training::worker_pool::WorkerPool;
use transformer::device::read_logits;
use transformer::{LlamaModel, Pipeline, Rotary};

use super::tally::Tally;

/// What one model's chains are drawn and measured with.
pub struct Session<'a> {
    pub base: &'a Pipeline,
    /// The base itself, or what an adapter makes of it.
    pub policy: &'a LlamaModel,
    pub catalogue: &'a Catalogue,
    pub predictor: Option<&'a Predictor>,
    pub chains: usize,
    pub length: usize,
    pub seed: u64,
}

/// One chain.
pub struct Chain {
    /// With the end-of-text token, where it ended by itself.
    pub tokens: Vec<u32>,
    /// Whether it did.
    pub ended: bool,
    /// Without the end-of-text token.
    pub text: String,
    /// The attractor that it ends in, by its position in the catalogue; none where it was cut.
    pub ends_in: Option<usize>,
    /// How it ends.
    pub ending: Ending,
    /// By attractor: tokens until its first mark is complete.
    pub first_hits: Vec<Option<u32>>,
    /// Divergence of the model from the base, summed over the tokens.
    pub kl_nats: f64,
    /// Of the distribution that each token was drawn from.
    pub entropy_bits: Vec<f64>,
    /// Of a glad text, by the sentiment predictor.
    pub log_odds: Option<f64>,
}

impl Session<'_> {
    /// The chains behind each of the openings, every core taking the next one. The same coins for every model.
    pub fn draw(
        &self,
        pool: &WorkerPool,
        openings: &[Vec<u32>],
        tally: &Tally,
    ) -> anyhow::Result<Vec<Vec<Chain>>> {
        let drawn = pool.map(openings, |number, opening| {
            let chains = self.continued(opening, seed_of(self.seed, 0, number));
            tally.one();
            chains
        });
        drawn.into_iter().collect()
    }

    /// The chains behind one opening.
    pub fn continued(&self, opening: &[u32], seed: u64) -> anyhow::Result<Vec<Chain>> {
        let drawn = sample(self.policy, opening, self.chains, self.length, seed)?;
        let rotary = Rotary::new(self.base.model.config(), self.base.model.device());
        let passage = PackedCompletions::new(opening, &drawn, self.base.model.device());
        let logits = |model: &LlamaModel| {
            pollster::block_on(read_logits(passage.logits(model.network(), &rotary)))
        };
        let (policy, base) = (logits(self.policy)?, logits(&self.base.model)?);
        let pairs = policy.iter().zip(&base);
        let mut divergences = pairs.map(|(policy, base)| token_divergence(policy, base));
        let chains = drawn.into_iter().map(|tokens| {
            let own: Vec<_> = divergences.by_ref().take(tokens.len()).collect();
            let kl_nats = own.iter().map(|one| one.kl_nats).sum();
            let entropy_bits = own.iter().map(|one| one.entropy_bits).collect();
            self.told(tokens, kl_nats, entropy_bits)
        });
        Ok(chains.collect())
    }

    fn told(&self, tokens: Vec<u32>, kl_nats: f64, entropy_bits: Vec<f64>) -> Chain {
        let config = self.base.model.config();
        let ended = tokens.last().is_some_and(|&token| config.ends_text(token));
        let told = &tokens[..tokens.len() - usize::from(ended)];
        let text = self.base.tokenizer.decode(told);
        let story = self.catalogue.story(&text, ended);
        let ends = self.ends(told);
        let hit = |attractor| {
            let byte = story.first_hit(attractor)?;
            // The token that brings the last byte of the mark.
            Some(ends.partition_point(|end| *end < byte) as u32 + 1)
        };
        Chain {
            ended,
            ends_in: story.attractor(),
            ending: story.ending.clone(),
            first_hits: (0..self.catalogue.attractors().len()).map(hit).collect(),
            kl_nats,
            entropy_bits,
            log_odds: self.predictor.map(|it| it.score(&text).log_odds),
            text,
            tokens,
        }
    }

    /// Where each token ends in the text, bytes.
    fn ends(&self, tokens: &[u32]) -> Vec<usize> {
        let bytes = self.base.tokenizer.bytes();
        let mut end = 0;
        tokens
            .iter()
            .map(|token| {
                end += bytes[*token as usize].len();
                end
            })
            .collect()
    }
}
