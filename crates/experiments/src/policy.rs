//! A policy: the model whose texts and answers are measured, which is the base, or an adapter at λ.
//!
//! `z = (1 - λ) z_base + λ z_tuned` (DeRa, arXiv 2402.02992), in this one place. Only what the mixture needs is read: at λ = 1 the
//! tuned model alone, at λ = 0, and for the base, the base alone.

use decoding::{LanguageModel, interpolate};
use statistics::token_divergence;

use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::sampling::SampledChain;
use crate::subject::Subject;

/// The base, or an adapter at λ.
#[derive(Debug)]
pub struct Policy<'a, M> {
    /// `base`, or the adapter's name.
    pub name: &'a str,
    base: &'a M,
    tuned: &'a M,
    lambda: f64,
}

impl<M> Clone for Policy<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Policy<'_, M> {}

/// What the two models of a policy have read; `None` for one that is not needed.
#[derive(Debug)]
pub struct PolicyBatch<B> {
    base: Option<B>,
    tuned: Option<B>,
}

impl<'a, M: LanguageModel> Policy<'a, M> {
    /// The first subject, which is the base, or another between it and the base, or beyond.
    ///
    /// # Panics
    /// When the vocabularies have different sizes, or `lambda` is not finite.
    pub fn of(base: &'a M, subject: &Subject<'a, M>, lambda: f64) -> Self {
        assert_eq!(
            base.vocabulary_size(),
            subject.model.vocabulary_size(),
            "one vocabulary"
        );
        assert!(lambda.is_finite(), "lambda is a finite number");
        Self {
            name: subject.name,
            base,
            tuned: subject.model,
            lambda,
        }
    }

    /// Whether it is the base by another name.
    pub fn is_base(&self) -> bool {
        std::ptr::eq(self.base, self.tuned) || self.lambda == 0.0
    }

    /// The base that it is compared with.
    pub fn base(&self) -> &'a M {
        self.base
    }

    /// The models that are read: base, tuned.
    fn read(&self) -> (Option<&'a M>, Option<&'a M>) {
        if self.is_base() {
            (Some(self.base), None)
        } else if self.lambda == 1.0 {
            (None, Some(self.tuned))
        } else {
            (Some(self.base), Some(self.tuned))
        }
    }

    /// The logits of the policy from those of its models.
    fn blend(&self, base: Option<Vec<f32>>, tuned: Option<Vec<f32>>) -> Vec<f32> {
        match (base, tuned) {
            (Some(base), Some(tuned)) => interpolate(&base, &tuned, self.lambda)
                .expect("one vocabulary and a finite lambda, as `of` saw"),
            (one, other) => one.or(other).expect("at least one model is read"),
        }
    }

    fn blend_all(&self, base: Option<Rows>, tuned: Option<Rows>) -> Rows {
        match (base, tuned) {
            (Some(base), Some(tuned)) => {
                let pairs = base.into_iter().zip(tuned);
                pairs
                    .map(|(base, tuned)| self.blend(Some(base), Some(tuned)))
                    .collect()
            }
            (one, other) => one.or(other).expect("at least one model is read"),
        }
    }

    /// `Σ KL(policy || base)` in nats over the positions where a chain's tokens were picked, each exact over the whole vocabulary:
    /// for chains sampled from the policy at temperature 1 its mean is the KL divergence of completions. Base and tuned model are
    /// read once each; of the base it is 0.
    ///
    /// # Errors
    /// When the run is cancelled or a model fails.
    ///
    /// # Panics
    /// When the prompt is empty.
    pub async fn kl_from_base_nats(
        &self,
        prompt: &[u32],
        chain: &SampledChain,
        progress: &mut impl RunProgress,
    ) -> Result<f64, ExperimentError> {
        if self.is_base() {
            return Ok(0.0);
        }
        let mut tokens = [prompt, &chain.tokens].concat();
        if !chain.ended {
            // The last token was picked from the logits before it; those after it were not used.
            tokens.pop();
        }
        checkpoint(progress).await?;
        let base = self.base.logits(&tokens).await;
        let base = base.map_err(ExperimentError::model)?;
        checkpoint(progress).await?;
        let tuned = self.tuned.logits(&tokens).await;
        let tuned = tuned.map_err(ExperimentError::model)?;
        checkpoint(progress).await?;
        let own = base.iter().zip(tuned).skip(prompt.len() - 1);
        Ok(own
            .map(|(base, tuned)| {
                let policy = interpolate(base, &tuned, self.lambda)
                    .expect("one vocabulary and a finite lambda, as `of` saw");
                token_divergence(&policy, base).kl_nats
            })
            .sum())
    }
}

/// Logits, position by position or chain by chain.
type Rows = Vec<Vec<f32>>;

impl<M: LanguageModel> LanguageModel for Policy<'_, M> {
    type Batch = PolicyBatch<M::Batch>;
    type Error = M::Error;

    fn vocabulary_size(&self) -> usize {
        self.base.vocabulary_size()
    }

    fn end_of_text(&self) -> u32 {
        self.base.end_of_text()
    }

    fn ends_text(&self, token: u32) -> bool {
        self.base.ends_text(token)
    }

    fn context(&self) -> usize {
        self.base.context().min(self.tuned.context())
    }

    fn encode(&self, text: &str) -> Result<Vec<u32>, M::Error> {
        self.base.encode(text)
    }

    fn decode(&self, tokens: &[u32]) -> String {
        self.base.decode(tokens)
    }

    async fn logits(&self, tokens: &[u32]) -> Result<Vec<Vec<f32>>, M::Error> {
        let (base, tuned) = self.read();
        let base = match base {
            Some(model) => Some(model.logits(tokens).await?),
            None => None,
        };
        let tuned = match tuned {
            Some(model) => Some(model.logits(tokens).await?),
            None => None,
        };
        Ok(self.blend_all(base, tuned))
    }

    async fn prefill(
        &self,
        prompt: &[u32],
        chains: usize,
        length: usize,
    ) -> Result<(Self::Batch, Vec<f32>), M::Error> {
        let (base, tuned) = self.read();
        let (base, base_row) = match base {
            Some(model) => Some(model.prefill(prompt, chains, length).await?).unzip(),
            None => (None, None),
        };
        let (tuned, tuned_row) = match tuned {
            Some(model) => Some(model.prefill(prompt, chains, length).await?).unzip(),
            None => (None, None),
        };
        Ok((PolicyBatch { base, tuned }, self.blend(base_row, tuned_row)))
    }

    async fn step(
        &self,
        batch: &mut Self::Batch,
        chains: &[usize],
        tokens: &[u32],
    ) -> Result<Vec<Vec<f32>>, M::Error> {
        let base = match &mut batch.base {
            Some(batch) => Some(self.base.step(batch, chains, tokens).await?),
            None => None,
        };
        let tuned = match &mut batch.tuned {
            Some(batch) => Some(self.tuned.step(batch, chains, tokens).await?),
            None => None,
        };
        Ok(self.blend_all(base, tuned))
    }
}

#[cfg(test)]
mod tests {
    use decoding::Shaping;

    use super::*;
    use crate::sampling::{SamplingPlan, sample_chains};
    use crate::testing::subject;
    use crate::{Toy, Unobserved};

    /// Goes on with `a` so often, else ends.
    fn geometric(more: f64) -> Toy {
        Toy::new(move |_| vec![(Some(b'a'), more), (None, 1.0 - more)])
    }

    /// A chain's divergence is the number of its picks times that of one pick.
    #[test]
    fn divergence_is_that_of_every_pick() {
        let (tuned, base) = (geometric(0.75), geometric(0.5));
        let prompt = tuned.encode("x").unwrap();
        let one: f64 = 0.75 * (0.75_f64 / 0.5).ln() + 0.25 * (0.25_f64 / 0.5).ln();
        let plan = SamplingPlan {
            shaping: Shaping::default(),
            seed: 5,
            chains: 20,
            length: 4,
        };
        let chains =
            pollster::block_on(sample_chains(&tuned, &prompt, &plan, &mut Unobserved)).unwrap();
        for chain in chains {
            let mut progress = Unobserved;
            let policy = Policy::of(&base, &subject("tuned", &tuned), 1.0);
            let found = policy.kl_from_base_nats(&prompt, &chain, &mut progress);
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
            let policy = Policy::of(&base, &subject("tuned", &tuned), lambda);
            for chain in
                pollster::block_on(sample_chains(&policy, &prompt, &plan, &mut Unobserved)).unwrap()
            {
                let mut progress = Unobserved;
                // A policy is a model like any other: tuned all the way to it, its divergence is that of the mixture.
                let whole = policy;
                let origin = Policy::of(&base, &subject("base", &base), 1.0);
                let whole = Policy::of(&origin, &subject("mixture", &whole), 1.0);
                let whole = whole.kl_from_base_nats(&prompt, &chain, &mut progress);
                let whole = pollster::block_on(whole).unwrap();
                let own = policy.kl_from_base_nats(&prompt, &chain, &mut progress);
                let own = pollster::block_on(own).unwrap();
                assert!((whole - own).abs() < 1e-9, "{lambda}: {whole} and {own}");
                assert_eq!(lambda == 0.0, own == 0.0);
            }
        }
    }

    /// Only what the mixture needs is read.
    #[test]
    fn the_base_and_the_tuned_model_are_read_alone() {
        let (base, tuned) = (geometric(0.5), geometric(0.8));
        let logits = |policy: &Policy<'_, Toy>| {
            let (batch, row) = pollster::block_on(policy.prefill(&[256], 1, 1)).unwrap();
            (batch.base.is_some(), batch.tuned.is_some(), row)
        };
        let tuned_alone = Policy::of(&base, &subject("tuned", &tuned), 1.0);
        let none = Policy::of(&base, &subject("tuned", &tuned), 0.0);
        let half = Policy::of(&base, &subject("tuned", &tuned), 0.5);
        assert!(!logits(&tuned_alone).0);
        assert!(!logits(&none).1);
        assert_eq!((logits(&half).0, logits(&half).1), (true, true));
        let byte = usize::from(b'a');
        assert_eq!(logits(&none).2[byte], 0.5_f64.ln() as f32);
        assert_eq!(logits(&tuned_alone).2[byte], 0.8_f64.ln() as f32);
    }
}
