//! Chains drawn from any model, and how far they are from another.

use decoding::{LanguageModel, Shaping, coin, interpolate, shape, surprisal_nats};
use statistics::token_divergence;

use crate::progress::{ExperimentError, RunProgress, checkpoint};

/// How chains are drawn.
#[derive(Clone, Copy, Debug)]
pub struct SamplingPlan {
    /// The knobs.
    pub shaping: Shaping,
    /// Names the coins.
    pub seed: u64,
    /// How many chains.
    pub chains: usize,
    /// Tokens a chain at most.
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

/// Draws chains behind a prompt's tokens.
///
/// # Errors
/// When the reader had enough or the model cannot be asked.
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
            if token == model.end_of_text() {
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

/// `Σ KL(policy || base)` in nats over the places where a chain's tokens were picked, each exact over the whole vocabulary: for
/// chains drawn from the policy at temperature 1 its mean is the divergence of completions. The policy is the model at `lambda`
/// between (or beyond) base and tuned, at 1 the tuned model. Both are read once, where a [`InterpolatedModel`](crate::InterpolatedModel) policy and its base
/// would read the base twice.
///
/// # Errors
/// When the reader had enough or a model cannot be asked.
///
/// # Panics
/// When the vocabularies have other sizes, or `lambda` is not finite.
pub async fn chain_kl_nats<M: LanguageModel>(
    base: &M,
    tuned: &M,
    lambda: f64,
    prompt: &[u32],
    chain: &SampledChain,
    progress: &mut impl RunProgress,
) -> Result<f64, ExperimentError> {
    let mut tokens = [prompt, &chain.tokens].concat();
    if !chain.ended {
        // The last token was picked from the row before it; the row behind it was not used.
        tokens.pop();
    }
    checkpoint(progress).await?;
    let base = base.logits(&tokens).await.map_err(ExperimentError::model)?;
    checkpoint(progress).await?;
    let tuned = tuned
        .logits(&tokens)
        .await
        .map_err(ExperimentError::model)?;
    checkpoint(progress).await?;
    let own = base.iter().zip(&tuned).skip(prompt.len() - 1);
    Ok(own
        .map(|(base, tuned)| {
            let policy =
                interpolate(base, tuned, lambda).expect("one vocabulary and a finite lambda");
            token_divergence(&policy, base).kl_nats
        })
        .sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InterpolatedModel, Toy, Unobserved};

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

    /// A chain's divergence is the number of its picks times that of one pick.
    #[test]
    fn divergence_is_that_of_every_pick() {
        let (policy, base) = (geometric(0.75), geometric(0.5));
        let prompt = policy.encode("x").unwrap();
        let one: f64 = 0.75 * (0.75_f64 / 0.5).ln() + 0.25 * (0.25_f64 / 0.5).ln();
        let plan = SamplingPlan {
            shaping: Shaping::default(),
            seed: 5,
            chains: 20,
            length: 4,
        };
        let chains =
            pollster::block_on(sample_chains(&policy, &prompt, &plan, &mut Unobserved)).unwrap();
        for chain in chains {
            let mut progress = Unobserved;
            let found = chain_kl_nats(&base, &policy, 1.0, &prompt, &chain, &mut progress);
            let found = pollster::block_on(found).unwrap();
            let picks = chain.surprisal_nats.len() as f64;
            assert!((found - picks * one).abs() < 1e-5, "{found} of {picks}");
        }
    }

    /// The same number as that of the policy built from both.
    #[test]
    fn the_divergence_at_lambda_is_that_of_the_mixed_model() {
        let toy = |more: f64| Toy::new(move |_| vec![(Some(b'a'), more), (None, 1.0 - more)]);
        let (base, tuned) = (toy(0.5), toy(0.8));
        let prompt = base.encode("x").unwrap();
        let plan = SamplingPlan {
            shaping: Shaping::default(),
            seed: 3,
            chains: 5,
            length: 6,
        };
        for lambda in [0.0, 0.5, 1.0, 1.5] {
            let policy = InterpolatedModel::new(&base, &tuned, lambda);
            let origin = InterpolatedModel::new(&base, &tuned, 0.0);
            for chain in
                pollster::block_on(sample_chains(&policy, &prompt, &plan, &mut Unobserved)).unwrap()
            {
                let mut progress = Unobserved;
                let whole = chain_kl_nats(&origin, &policy, 1.0, &prompt, &chain, &mut progress);
                let whole = pollster::block_on(whole).unwrap();
                let own = chain_kl_nats(&base, &tuned, lambda, &prompt, &chain, &mut progress);
                let own = pollster::block_on(own).unwrap();
                assert!((whole - own).abs() < 1e-9, "{lambda}: {whole} and {own}");
                assert_eq!(lambda == 0.0, own == 0.0);
            }
        }
    }
}
