//! What defines a swarm of stories: the fixed part, and the part that may change while it is decoded.

use decoding::Shaping;
use serde::{Deserialize, Serialize};

use crate::{Chains, Lambda, Length, Settings};

/// What decides which tokens are sampled, for given logits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SamplingParams {
    /// Temperature, logit scale, filters and repetition penalty.
    pub shaping: Shaping,
    /// Weight of the adapter. Without an adapter it has no effect.
    pub lambda: Lambda,
    /// Random seed: the uniform variate of a token is `coin(seed, chain, position)`.
    pub seed: u64,
}

/// What stays fixed while a swarm is decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSpec {
    /// The text that every chain continues.
    pub prompt: String,
    /// Folder name under the model's `adapters/`. Without one the base decodes alone.
    pub adapter: Option<String>,
    /// Whether the base decodes every story too. Then chains `0..n` are the tuned model's, and chain `n + i` is the base's, with
    /// the same random draws as chain `i`. Without an adapter it has no effect.
    pub compare: bool,
    /// Number of stories.
    pub chains: Chains,
    /// Most tokens per chain. A chain also ends at the end-of-text token.
    pub length: Length,
}

/// Which model decodes a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The base, in a swarm without an adapter.
    Alone,
    /// The tuned model, interpolated at lambda.
    Tuned,
    /// The base, for comparison with the tuned model.
    Base,
}

impl SamplingParams {
    /// Those of some settings.
    pub fn of(settings: &Settings) -> Self {
        Self {
            shaping: settings.shaping,
            lambda: settings.lambda,
            seed: settings.seed,
        }
    }
}

impl RunSpec {
    /// The swarm that some settings ask for.
    pub fn of(settings: &Settings) -> Self {
        Self {
            prompt: settings.prompt.clone(),
            adapter: settings.adapter.clone(),
            compare: settings.compare && settings.adapter.is_some(),
            chains: settings.chains,
            length: settings.length,
        }
    }

    /// Chains per story: 2 where tuned model and base are compared, else 1.
    pub fn sides(&self) -> u32 {
        if self.compare { 2 } else { 1 }
    }

    /// The story of a chain, from 0, and the model that decodes it. Chains of the same story share their random draws.
    pub fn place(&self, chain: u32) -> (u32, Side) {
        let stories = self.chains.get();
        let side = match &self.adapter {
            None => Side::Alone,
            Some(_) if chain < stories => Side::Tuned,
            Some(_) => Side::Base,
        };
        (chain % stories, side)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_of_a_comparison_share_their_story_and_so_their_draws() {
        let mut settings = Settings {
            compare: true,
            chains: Chains::new(3).unwrap(),
            ..Settings::default()
        };
        let alone = RunSpec::of(&settings);
        assert_eq!((alone.sides(), alone.place(2)), (1, (2, Side::Alone)));
        settings.adapter = Some("wedding".to_owned());
        let compared = RunSpec::of(&settings);
        assert_eq!(compared.sides(), 2);
        assert_eq!(compared.place(2), (2, Side::Tuned));
        assert_eq!(compared.place(5), (2, Side::Base));
    }
}
