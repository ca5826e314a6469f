//! What the estimators say where the answer is known: a model whose logits are doubled, one that is left alone, one that no scale
//! imitates, and texts of two letters.

use decoding::{LanguageModel, Shaping};

use super::fit::Contrast;
use super::sharpening::{INDEPENDENT, RUT, Sharpen, apart, by_text, by_token};
use super::{Compare, Order, Part, Plan, Unit, contrast, in_order};
use crate::bootstrap::mean;
use crate::progress::ExperimentError;
use crate::results::Control;
use crate::sampling::SamplingPlan;
use crate::{Toy, Unobserved};

/// What the controls examine; a test breaks one of them on purpose.
pub(super) struct Estimators {
    pub(super) compare: Compare,
    pub(super) order: Order,
    pub(super) sharpen: [Sharpen; 2],
}

impl Default for Estimators {
    fn default() -> Self {
        Self {
            compare: Contrast::of,
            order: in_order,
            sharpen: [by_text, by_token],
        }
    }
}

/// A model whose logits are another's, times a power of two, which is exact in f32.
struct Scaled<'a, M> {
    model: &'a M,
    scale: f32,
}

impl<M> Scaled<'_, M> {
    fn row(&self, row: &[f32]) -> Vec<f32> {
        row.iter().map(|logit| self.scale * logit).collect()
    }

    fn all(&self, rows: &[Vec<f32>]) -> Vec<Vec<f32>> {
        rows.iter().map(|row| self.row(row)).collect()
    }
}

impl<M: LanguageModel> LanguageModel for Scaled<'_, M> {
    type Batch = M::Batch;
    type Error = M::Error;

    fn vocabulary_size(&self) -> usize {
        self.model.vocabulary_size()
    }

    fn end_of_text(&self) -> u32 {
        self.model.end_of_text()
    }

    fn ends_text(&self, token: u32) -> bool {
        self.model.ends_text(token)
    }

    fn context(&self) -> usize {
        self.model.context()
    }

    fn encode(&self, text: &str) -> Result<Vec<u32>, M::Error> {
        self.model.encode(text)
    }

    fn decode(&self, tokens: &[u32]) -> String {
        self.model.decode(tokens)
    }

    async fn logits(&self, tokens: &[u32]) -> Result<Vec<Vec<f32>>, M::Error> {
        Ok(self.all(&self.model.logits(tokens).await?))
    }

    async fn prefill(
        &self,
        prompt: &[u32],
        chains: usize,
        length: usize,
    ) -> Result<(M::Batch, Vec<f32>), M::Error> {
        let (batch, row) = self.model.prefill(prompt, chains, length).await?;
        Ok((batch, self.row(&row)))
    }

    async fn step(
        &self,
        batch: &mut M::Batch,
        chains: &[usize],
        tokens: &[u32],
    ) -> Result<Vec<Vec<f32>>, M::Error> {
        Ok(self.all(&self.model.step(batch, chains, tokens).await?))
    }
}

/// Letters whose odds depend on the one before; a text may end after any.
fn letters() -> Toy {
    Toy::new(|text| {
        let [a, b, c] = match text.last() {
            Some(b'a') => [0.5, 0.25, 0.15],
            Some(b'b') => [0.05, 0.7, 0.15],
            _ => [0.3, 0.05, 0.55],
        };
        vec![
            (Some(b'a'), a),
            (Some(b'b'), b),
            (Some(b'c'), c),
            (None, 0.1),
        ]
    })
}

/// The same row at every position.
fn constant(row: [f64; 3]) -> Toy {
    Toy::new(move |_| {
        let bytes = [Some(b'a'), Some(b'b'), Some(b'c')];
        bytes.into_iter().zip(row).collect()
    })
}

async fn unit<B: LanguageModel, T: LanguageModel>(
    base: &B,
    tuned: &T,
    estimators: &Estimators,
) -> Result<Unit, ExperimentError> {
    let plan = Plan {
        round: 0,
        group: 0,
        part: Part::Fit,
        opening: "a",
        sampling: SamplingPlan {
            shaping: Shaping::default(),
            seed: 1,
            chains: 8,
            length: 16,
        },
        compare: estimators.compare,
        order: estimators.order,
    };
    contrast(base, tuned, &plan, &mut Unobserved).await
}

/// Runs all estimators where their answers are known.
pub(super) async fn controls(estimators: &Estimators) -> Result<Vec<Control>, ExperimentError> {
    let mut controls = doubled(estimators).await?;
    controls.extend(taste(estimators).await?);
    controls.extend(sharpened(estimators.sharpen));
    Ok(controls)
}

fn control(name: &str, about: &str, expected: f64, found: f64, tolerance: f64) -> Control {
    Control {
        name: name.to_owned(),
        about: about.to_owned(),
        expected,
        found,
        tolerance,
    }
}

/// A model that is another scaled, and one that is not.
async fn doubled(estimators: &Estimators) -> Result<Vec<Control>, ExperimentError> {
    let toy = letters();
    let twice = Scaled {
        model: &toy,
        scale: 2.0,
    };
    let doubled = unit(&toy, &twice, estimators).await?;
    let same = unit(&toy, &toy, estimators).await?;
    let own: Vec<f64> = doubled.own.iter().map(|(scale, _)| *scale).collect();
    let best = doubled.there.best();
    Ok(vec![
        control(
            "doubled logits: one scale",
            "A model whose logits are the base's times 2 is the base at scale 2. Newton's method ends at steps of 1e-9.",
            2.0,
            best,
            1e-6,
        ),
        control(
            "doubled logits: a scale for every position",
            "The same, position by position: the mean scale.",
            2.0,
            mean(&own),
            1e-6,
        ),
        control(
            "doubled logits: what is left",
            "Nothing is left of the divergence, in nats per token, but rounding.",
            0.0,
            doubled.nats(best) / doubled.positions(),
            1e-9,
        ),
        control(
            "doubled logits: the temperature back",
            "At temperature 2 the doubled model is the base again.",
            2.0,
            1.0 / doubled.back.best(),
            1e-6,
        ),
        control(
            "doubled logits: rank correlation",
            "Scaling leaves the order of tokens as it is.",
            1.0,
            doubled.ranks.0 / doubled.ranks.1 as f64,
            1e-9,
        ),
        control(
            "the model itself: one scale",
            "A model that was not tuned needs no scale.",
            1.0,
            same.there.best(),
            1e-6,
        ),
    ])
}

/// A model that no scale imitates: what is explained is not everything.
async fn taste(estimators: &Estimators) -> Result<Vec<Control>, ExperimentError> {
    let base = constant([0.5, 0.25, 0.25]);
    let unit = unit(&base, &constant([0.6, 0.3, 0.1]), estimators).await?;
    let explained = 1.0 - unit.nats(unit.there.best()) / unit.nats(1.0);
    // The last two letters have equal logits, which no scale tells apart.
    let left = 0.3 * 1.5_f64.ln() + 0.1 * 0.5_f64.ln();
    let all = 0.6 * 1.2_f64.ln() + 0.3 * 1.2_f64.ln() + 0.1 * 0.4_f64.ln();
    Ok(vec![control(
        "a taste: what is explained",
        "From 1/2, 1/4, 1/4 to 0.6, 0.3, 0.1: the best scale is log2 3, and it cannot tell the last two apart, so it explains \
         28 %. Logits are rounded to f32.",
        1.0 - left / all,
        explained,
        1e-5,
    )])
}

/// Whole texts against tokens, on texts of two letters and where no letter depends on another.
fn sharpened(sharpen: [Sharpen; 2]) -> Vec<Control> {
    let (variation, nats) = apart(&RUT, 2, 2.0, sharpen);
    let (independent, _) = apart(&INDEPENDENT, 4, 2.0, sharpen);
    // By text the rut weighs 0.4², the rest 0.6² · 3 / 3²; by token 0.4² and 0.6².
    let (text, token) = (0.16 / (0.16 + 0.12), 0.16 / (0.16 + 0.36));
    let rut = text * f64::ln(text / token);
    let rest = (1.0 - text) * f64::ln((1.0 - text) / (1.0 - token));
    vec![
        control(
            "two letters: total variation",
            "Sharpened by 2 as texts, 4/7 are in the rut; sharpened token by token 4/13.",
            text - token,
            variation,
            1e-9,
        ),
        control(
            "two letters: divergence",
            "The same in nats: within each branch all texts stay alike, so it is the divergence of the branches.",
            rut + rest,
            nats,
            1e-9,
        ),
        control(
            "independent letters: total variation",
            "Where no letter depends on another, sharpening texts and sharpening tokens are one.",
            0.0,
            independent,
            1e-9,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(estimators: &Estimators) -> Vec<String> {
        let controls = pollster::block_on(controls(estimators)).unwrap();
        let failed = controls.into_iter().filter(|control| !control.passed());
        failed.map(|control| control.name).collect()
    }

    #[test]
    fn the_controls_pass() {
        assert_eq!(failed(&Estimators::default()), Vec::<String>::new());
    }

    /// Scaling the tuned model towards the base, in place of the base towards the tuned model.
    #[test]
    fn the_controls_fail_when_the_models_are_exchanged() {
        let broken = Estimators {
            compare: |base, tuned| Contrast::of(tuned, base),
            ..Estimators::default()
        };
        let failed = failed(&broken);
        for name in [
            "doubled logits: one scale",
            "doubled logits: a scale for every position",
            "doubled logits: the temperature back",
            "a taste: what is explained",
        ] {
            assert!(failed.iter().any(|one| one == name), "{name}: {failed:?}");
        }
    }

    /// Looking at the likeliest tokens only loses what the rest says.
    #[test]
    fn the_controls_fail_when_the_tail_is_cut() {
        let broken = Estimators {
            compare: |base, tuned| {
                let floor = base.iter().copied().fold(f32::NEG_INFINITY, f32::max) - 0.8;
                let cut = |row: &[f32]| -> Vec<f32> {
                    let pairs = row.iter().zip(base);
                    let kept = pairs.map(|(z, b)| if *b < floor { f32::NEG_INFINITY } else { *z });
                    kept.collect()
                };
                Contrast::of(&cut(base), &cut(tuned))
            },
            ..Estimators::default()
        };
        let scale = "doubled logits: a scale for every position".to_owned();
        assert!(failed(&broken).contains(&scale));
    }

    /// Rows read too coarsely leave what no scale explains, and rows a token apart have another order.
    #[test]
    fn the_controls_fail_when_rows_are_misread() {
        let broken = Estimators {
            compare: |base, tuned| {
                let coarse: Vec<f32> = base.iter().map(|logit| logit.round()).collect();
                Contrast::of(&coarse, tuned)
            },
            order: |base, tuned| in_order(&base[1..], &tuned[..tuned.len() - 1]),
            ..Estimators::default()
        };
        let failed = failed(&broken);
        for name in [
            "doubled logits: what is left",
            "doubled logits: rank correlation",
            "the model itself: one scale",
        ] {
            assert!(failed.iter().any(|one| one == name), "{name}: {failed:?}");
        }
    }

    /// One norm for all texts in place of one a prefix makes tokens into texts; sharpening only once makes texts into nothing.
    #[test]
    fn the_controls_fail_when_norms_are_mistaken() {
        let broken = Estimators {
            sharpen: [by_text, by_text],
            ..Estimators::default()
        };
        assert_eq!(
            failed(&broken),
            ["two letters: total variation", "two letters: divergence"]
        );
        let broken = Estimators {
            sharpen: [
                |letters, length, scale| by_text(letters, length, scale + 0.5),
                by_token,
            ],
            ..Estimators::default()
        };
        assert!(failed(&broken).contains(&"independent letters: total variation".to_owned()));
    }
}
