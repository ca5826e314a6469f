//! Realignment: a model between, or beyond, base and tuned.

use decoding::{LanguageModel, interpolate};

/// The model whose logits are `(1 - lambda) z_base + lambda z_tuned` (DeRa, arXiv 2402.02992). Base and tuned have one vocabulary.
#[derive(Debug)]
pub struct InterpolatedModel<'a, M> {
    base: &'a M,
    tuned: &'a M,
    lambda: f64,
}

impl<'a, M: LanguageModel> InterpolatedModel<'a, M> {
    /// At 0 the base, at 1 the tuned model.
    ///
    /// # Panics
    /// When the vocabularies have other sizes, or `lambda` is not finite.
    pub fn new(base: &'a M, tuned: &'a M, lambda: f64) -> Self {
        assert_eq!(
            base.vocabulary_size(),
            tuned.vocabulary_size(),
            "one vocabulary"
        );
        assert!(lambda.is_finite(), "lambda is a finite number");
        Self {
            base,
            tuned,
            lambda,
        }
    }

    fn rows_of(&self, base: &[Vec<f32>], tuned: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let pairs = base.iter().zip(tuned);
        pairs.map(|(base, tuned)| self.row(base, tuned)).collect()
    }

    fn row(&self, base: &[f32], tuned: &[f32]) -> Vec<f32> {
        interpolate(base, tuned, self.lambda)
            .expect("one vocabulary and a finite lambda, as `new` saw")
    }
}

impl<M: LanguageModel> LanguageModel for InterpolatedModel<'_, M> {
    type Batch = (M::Batch, M::Batch);
    type Error = M::Error;

    fn vocabulary_size(&self) -> usize {
        self.base.vocabulary_size()
    }

    fn end_of_text(&self) -> u32 {
        self.base.end_of_text()
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
        let base = self.base.logits(tokens).await?;
        let tuned = self.tuned.logits(tokens).await?;
        Ok(self.rows_of(&base, &tuned))
    }

    async fn prefill(
        &self,
        prompt: &[u32],
        chains: usize,
        length: usize,
    ) -> Result<(Self::Batch, Vec<f32>), M::Error> {
        let (base, base_row) = self.base.prefill(prompt, chains, length).await?;
        let (tuned, tuned_row) = self.tuned.prefill(prompt, chains, length).await?;
        Ok(((base, tuned), self.row(&base_row, &tuned_row)))
    }

    async fn step(
        &self,
        (base, tuned): &mut Self::Batch,
        chains: &[usize],
        tokens: &[u32],
    ) -> Result<Vec<Vec<f32>>, M::Error> {
        let base = self.base.step(base, chains, tokens).await?;
        let tuned = self.tuned.step(tuned, chains, tokens).await?;
        Ok(self.rows_of(&base, &tuned))
    }
}
