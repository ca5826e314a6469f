//! Sharpening whole texts against sharpening every token, on texts few enough to list.
//!
//! `p(x)^g / Z` is what a reward that grows with `ln p` makes of a model under a KL penalty (arXiv 2510.01171). A temperature
//! makes `Π p(x_t | x_<t)^g / Z_t(x_<t)`. The two differ by the norms `Z_t`, which depend on the text so far; where positions are
//! independent they do not, and both are one.

use decoding::{kl_nats, total_variation};

/// How many letters there are.
const LETTERS: usize = 3;

/// Texts of a fixed length whose every letter depends on the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letters {
    /// Probabilities of the first letter.
    pub(super) first: [f64; LETTERS],
    /// Probabilities of the next, by the one before.
    pub(super) next: [[f64; LETTERS]; LETTERS],
}

/// A likelier first step that leads to many continuations, a less likely one that leads to a single one: `b` is a rut.
pub(super) const RUT: Letters = Letters {
    first: [0.6, 0.4, 0.0],
    next: [[1.0 / 3.0; LETTERS], [0.0, 1.0, 0.0], [1.0 / 3.0; LETTERS]],
};

/// Every letter whatever was before.
pub(super) const INDEPENDENT: Letters = Letters {
    first: [0.5, 0.3, 0.2],
    next: [[0.5, 0.3, 0.2]; LETTERS],
};

/// Probabilities of all texts of a length, in a fixed order, `3^length` of them.
pub(super) type Sharpen = fn(&Letters, usize, f64) -> Vec<f64>;

/// `p(x)^g / Z`.
pub(super) fn by_text(letters: &Letters, length: usize, scale: f64) -> Vec<f64> {
    normal(letters.texts(length, |row| row.map(|p| power(p, scale))))
}

/// `Π p(x_t | x_<t)^g / Z_t`.
pub(super) fn by_token(letters: &Letters, length: usize, scale: f64) -> Vec<f64> {
    letters.texts(length, |row| {
        let powers = row.map(|p| power(p, scale));
        let sum: f64 = powers.iter().sum();
        powers.map(|power| power / sum)
    })
}

impl Letters {
    /// The product of what `shaped` makes of the rows along every text.
    fn texts(&self, length: usize, shaped: impl Fn([f64; LETTERS]) -> [f64; LETTERS]) -> Vec<f64> {
        let (first, next) = (shaped(self.first), self.next.map(&shaped));
        let mut texts = vec![(None, 1.0)];
        for _ in 0..length {
            texts = texts
                .into_iter()
                .flat_map(|(last, weight): (Option<usize>, f64)| {
                    let row = last.map_or(first, |last| next[last]);
                    (0..LETTERS).map(move |letter| (Some(letter), weight * row[letter]))
                })
                .collect();
        }
        texts.into_iter().map(|(_, weight)| weight).collect()
    }
}

/// `p^g`, and nothing of nothing even at `g = 0`: what has no probability gets none.
fn power(p: f64, scale: f64) -> f64 {
    if p > 0.0 { p.powf(scale) } else { 0.0 }
}

fn normal(mut weights: Vec<f64>) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= sum;
    }
    weights
}

/// How far the two are from each other: total variation, and `KL(by text || by token)` in nats.
pub(super) fn apart(
    letters: &Letters,
    length: usize,
    scale: f64,
    [by_text, by_token]: [Sharpen; 2],
) -> (f64, f64) {
    let text = by_text(letters, length, scale);
    let token = by_token(letters, length, scale);
    (total_variation(&text, &token), kl_nats(&text, &token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_scale_one_both_are_the_model() {
        for letters in [RUT, INDEPENDENT] {
            let (text, token) = (by_text(&letters, 4, 1.0), by_token(&letters, 4, 1.0));
            assert_eq!(text.len(), 81);
            assert!((text.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!(total_variation(&text, &token) < 1e-12);
        }
    }

    /// At a high scale whole texts fall into the rut, tokens take the likelier first step and then wander.
    #[test]
    fn sharpened_texts_and_sharpened_tokens_go_different_ways() {
        // Of two letters "bb" is the fifth text.
        assert!(by_text(&RUT, 2, 20.0)[4] > 0.999);
        assert!(by_token(&RUT, 2, 20.0)[4] < 0.001);
    }
}
