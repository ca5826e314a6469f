//! Chains drawn from any model, and how far they are from another.

use decoding::{LanguageModel, Shaping, coin, shape, surprisal_nats};

use crate::progress::{ExperimentError, RunProgress, checkpoint};

/// How chains are drawn.
#[derive(Clone, Copy, Debug)]
pub struct SamplingPlan {
    /// The sampling parameters.
    pub shaping: Shaping,
    /// Seed of the random draws.
    pub seed: u64,
    /// How many chains.
    pub chains: usize,
    /// Tokens per chain at most.
    pub length: usize,
}

/// One chain.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledChain {
    /// Its tokens, without the one that ended it.
    pub tokens: Vec<u32>,
    /// Whether it ended by itself.
    pub ended: bool,
    /// `-ln p` of every picked token under the unshaped model, the one that ended it included.
    pub surprisal_nats: Vec<f64>,
    /// Its text.
    pub text: String,
}

/// Draws chains after a prompt's tokens.
///
/// # Errors
/// When the run is cancelled or the model fails.
pub async fn sample_chains<M: LanguageModel>(
    model: &M,
    prompt: &[u32],
    plan: &SamplingPlan,
    progress: &mut impl RunProgress,
) -> Result<Vec<SampledChain>, ExperimentError> {
    checkpoint(progress).await?;
    let opened = model.prefill(prompt, plan.chains, plan.length).await;
    let (mut batch, first) = opened.map_err(ExperimentError::model)?;
    let mut chains: Vec<SampledChain> = (0..plan.chains)
        .map(|_| SampledChain {
            tokens: Vec::new(),
            ended: false,
            surprisal_nats: Vec::new(),
            text: String::new(),
        })
        .collect();
    let mut going: Vec<usize> = (0..plan.chains).collect();
    let mut rows = vec![first; plan.chains];
    for position in 0..plan.length {
        let (mut next, mut tokens) = (Vec::new(), Vec::new());
        for (&chain, row) in going.iter().zip(&rows) {
            let own = &mut chains[chain];
            // Only the repetition penalty looks back.
            let history = if plan.shaping.repetition_penalty() == 1.0 {
                Vec::new()
            } else {
                [prompt, &own.tokens].concat()
            };
            let coin = coin(plan.seed, chain as u32, position as u32);
            let token = shape(row, &history, &plan.shaping).pick(coin);
            own.surprisal_nats.push(surprisal_nats(row, token));
            if model.ends_text(token) {
                own.ended = true;
            } else {
                own.tokens.push(token);
                next.push(chain);
                tokens.push(token);
            }
        }
        going = next;
        // The last token is never read.
        if going.is_empty() || position + 1 == plan.length {
            break;
        }
        checkpoint(progress).await?;
        let step = model.step(&mut batch, &going, &tokens).await;
        rows = step.map_err(ExperimentError::model)?;
    }
    for chain in &mut chains {
        chain.text = model.decode(&chain.tokens);
    }
    Ok(chains)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Toy, Unobserved};

    /// Goes on with `a` at 3/4, else ends.
    fn geometric(more: f64) -> Toy {
        Toy::new(move |_| vec![(Some(b'a'), more), (None, 1.0 - more)])
    }

    #[test]
    fn chains_are_as_long_as_the_rule_makes_them() {
        let toy = geometric(0.75);
        let prompt = toy.encode("x").unwrap();
        let plan = SamplingPlan {
            shaping: Shaping::default(),
            seed: 5,
            chains: 2000,
            length: 60,
        };
        let chains =
            pollster::block_on(sample_chains(&toy, &prompt, &plan, &mut Unobserved)).unwrap();
        let tokens: usize = chains.iter().map(|chain| chain.tokens.len()).sum();
        // Geometric: mean 3, standard deviation √12, so the mean of 2,000 is within 0.3 of it at four standard errors.
        let mean = tokens as f64 / chains.len() as f64;
        assert!((mean - 3.0).abs() < 0.31, "{mean}");
        assert!(chains.iter().all(|chain| chain.ended));
        assert!(
            chains
                .iter()
                .all(|chain| chain.text.len() == chain.tokens.len())
        );
    }
}
