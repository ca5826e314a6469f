//! How far a realigned model is from its base, in nats a completion.

use decoding::{LanguageModel, Shaping, kl_nats, mix, shape};

use crate::chains::Drawn;
use crate::watch::{Stop, Watch, rest};

/// As [`divergence_nats`](crate::chains::divergence_nats) of the model at `lambda` between (or beyond) base and tuned, but both are
/// read once, where a [`Mixed`](crate::Mixed) policy and its base would read the base twice. At `lambda` 1 it is the tuned model.
///
/// # Errors
/// When the reader had enough or a model cannot be asked.
///
/// # Panics
/// When the vocabularies have other sizes, or `lambda` is not finite.
pub async fn realigned_nats<M: LanguageModel>(
    base: &M,
    tuned: &M,
    lambda: f64,
    prompt: &[u32],
    chain: &Drawn,
    watch: &mut impl Watch,
) -> Result<f64, Stop> {
    let mut tokens = [prompt, &chain.tokens].concat();
    if !chain.ended {
        // The last token was picked from the row before it; the row behind it was not used.
        tokens.pop();
    }
    rest(watch).await?;
    let base = base.rows(&tokens).await.map_err(Stop::model)?;
    rest(watch).await?;
    let tuned = tuned.rows(&tokens).await.map_err(Stop::model)?;
    rest(watch).await?;
    let plain = Shaping::default();
    let own = base.iter().zip(&tuned).skip(prompt.len() - 1);
    Ok(own
        .map(|(base, tuned)| {
            let policy = mix(base, tuned, lambda).expect("one vocabulary and a finite lambda");
            let policy = shape(&policy, &[], &plain);
            let base = shape(base, &[], &plain);
            kl_nats(policy.probabilities(), base.probabilities())
        })
        .sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chains::{Draw, divergence_nats, draw};
    use crate::{Mixed, Toy, Unwatched};

    /// The same number as that of the policy built from both.
    #[test]
    fn it_is_the_divergence_of_the_mixed_model() {
        let toy = |more: f64| Toy::new(move |_| vec![(Some(b'a'), more), (None, 1.0 - more)]);
        let (base, tuned) = (toy(0.5), toy(0.8));
        let prompt = base.encode("x").unwrap();
        let plan = Draw {
            shaping: Shaping::default(),
            seed: 3,
            chains: 5,
            length: 6,
        };
        for lambda in [0.0, 0.5, 1.0, 1.5] {
            let policy = Mixed::new(&base, &tuned, lambda);
            let origin = Mixed::new(&base, &tuned, 0.0);
            for chain in pollster::block_on(draw(&policy, &prompt, &plan, &mut Unwatched)).unwrap()
            {
                let mut watch = Unwatched;
                let whole = divergence_nats(&policy, &origin, &prompt, &chain, &mut watch);
                let whole = pollster::block_on(whole).unwrap();
                let own = realigned_nats(&base, &tuned, lambda, &prompt, &chain, &mut watch);
                let own = pollster::block_on(own).unwrap();
                assert!((whole - own).abs() < 1e-9, "{lambda}: {whole} and {own}");
                assert_eq!(lambda == 0.0, own == 0.0);
            }
        }
    }
}
