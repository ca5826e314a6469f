//! From logits to the next-token [`Distribution`] ([`shape`]), and its methods: probabilities, entropy, the ruler, and sampling with a
//! random draw.
//!
//! Comparisons of two distributions are in `divergence`; the order of tokens in `sorted`; the cuts in `filters`.

use crate::coin::Coin;
use crate::logits::{self, WeightedLogits};
use crate::shaping::Shaping;
use crate::sorted::SortedDesc;

/// Shapes one row of logits into the distribution of the next token.
///
/// `history` holds all tokens so far, prompt included, for the repetition penalty, as in `transformers`.
///
/// The order of the steps is that of Hugging Face's `generate` with sampling on, each step seeing only what the one before kept:
///
/// 1. repetition penalty on the tokens in `history`;
/// 2. `β = s / T` times the logits (`T = 0`: all mass on the highest logit, ties to the lowest id, and no later step changes it);
/// 3. top-k; 4. top-p; 5. min-p; 6. locally typical; 7. normalisation.
///
/// Where it says more than `transformers` does:
/// - Ties: top-k and typical keep all tokens that tie with the last one kept, as there; top-p keeps the lowest ids.
/// - `β = 0` is uniform over the tokens that remain, and top-k still keeps the highest logits: the limit of small `β`.
/// - NaN counts as minus infinity, which forbids a token; plus infinity counts as the largest finite number; a row that forbids
///   every token is read as uniform. An empty row gives an empty distribution.
/// - A token whose probability is below e^-708 of the largest has probability zero.
///
/// One pass of exponentials over the row; each cut that is on adds a pass or two and a partial sort.
pub fn shape(logits: &[f32], history: &[u32], shaping: &Shaping) -> Distribution {
    let mut logits = logits::clean(logits);
    if shaping.repetition_penalty() != 1.0 {
        logits::penalize_repetition(&mut logits, history, shaping.repetition_penalty());
    }
    let beta = shaping.beta();
    if beta == f64::INFINITY {
        return Distribution::certain(logits);
    }
    let mut row = WeightedLogits::new(logits, beta);
    if shaping.top_k() > 0 {
        row.keep_top_k(shaping.top_k() as usize);
    }
    if shaping.top_p() < 1.0 {
        row.keep_top_p(shaping.top_p());
    }
    if shaping.min_p() > 0.0 {
        row.keep_min_p(shaping.min_p());
    }
    if shaping.typical_p() < 1.0 {
        row.keep_typical_p(shaping.typical_p());
    }
    Distribution::normalise(row)
}

/// The probabilities of one next token over the vocabulary, made by [`shape`]. They are not negative and sum to 1 to rounding.
///
/// Its *order* of tokens, used by [`pick`](Self::pick), [`ruler`](Self::ruler) and [`ranked`](Self::ranked): positive
/// probabilities before zeros; then the highest (penalised) logit first; ties by the lowest id. Probabilities fall along it to
/// rounding. Moving temperature or scale does not change it while the cuts leave the same tokens: locally typical, above all, can cut
/// the likeliest token at one temperature and lead with it at another.
#[derive(Clone, PartialEq, Debug)]
pub struct Distribution {
    logits: Vec<f32>,
    probabilities: Vec<f64>,
    max_logit: f32,
    beta: f64,
    entropy_nats: f64,
}

/// One token's piece of the ruler from 0 to 1 on which the random draw falls.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Segment {
    /// The token.
    pub id: u32,
    /// Where its piece begins: the probability of all tokens before it.
    pub start: f64,
    /// Where its piece ends: `start` plus its probability.
    pub end: f64,
}

impl Distribution {
    fn certain(logits: Vec<f32>) -> Self {
        let max_logit = logits::max_logit(&logits);
        let mut probabilities = vec![0.0; logits.len()];
        if let Some(first) = logits.iter().position(|&logit| logit == max_logit) {
            probabilities[first] = 1.0;
        }
        Self {
            logits,
            probabilities,
            max_logit,
            beta: f64::INFINITY,
            entropy_nats: 0.0,
        }
    }

    fn normalise(row: WeightedLogits) -> Self {
        let sums = row.sums();
        let WeightedLogits {
            logits,
            weights: mut probabilities,
            max_logit,
            beta,
        } = row;
        for probability in &mut probabilities {
            *probability /= sums.mass;
        }
        let entropy_nats = if logits.is_empty() {
            0.0
        } else {
            sums.entropy_nats()
        };
        Self {
            logits,
            probabilities,
            max_logit,
            beta,
            entropy_nats,
        }
    }

    /// The probability of every token, by id.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// The probability of a token; zero for an id outside the vocabulary.
    pub fn probability(&self, id: u32) -> f64 {
        self.probabilities.get(id as usize).copied().unwrap_or(0.0)
    }

    /// Shannon entropy in bits, from 0 to log2 of the vocabulary's size.
    pub fn entropy_bits(&self) -> f64 {
        self.entropy_nats / std::f64::consts::LN_2
    }

    /// `2^H`, from 1 to the vocabulary's size: the number of equally likely tokens that would have this entropy.
    pub fn effective_choices(&self) -> f64 {
        self.entropy_nats.exp()
    }

    /// The largest probability.
    pub fn top_mass(&self) -> f64 {
        self.probabilities.iter().copied().fold(0.0, f64::max)
    }

    /// `-log2 p` of a token in bits: 0 for a certain one, infinity for an impossible one, as defined in [`shape`].
    pub fn surprisal_bits(&self, id: u32) -> f64 {
        0.0 - self.probability(id).log2()
    }

    /// The first `n` tokens of the order with their probabilities, fewer where the vocabulary ends.
    pub fn ranked(&self, n: usize) -> Vec<(u32, f64)> {
        self.sorted()
            .take(n)
            .map(|id| (id, self.probability(id)))
            .collect()
    }

    /// The first `n` segments of the ruler, fewer where the possible tokens end: the tokens of positive probability, laid end to
    /// end in the order. The last one ends at 1 to rounding.
    pub fn ruler(&self, n: usize) -> Vec<Segment> {
        self.segments().take(n).collect()
    }

    /// Samples a token by inverse CDF: the first in the order whose cumulative probability exceeds the random draw, so the one whose segment
    /// of the ruler holds it. A draw beyond the last segment, which rounding can leave, picks the last token.
    ///
    /// Never a token of probability zero; 0 for an empty distribution. Without cuts the same draw picks a token further down the
    /// order, or the same, as the temperature rises.
    pub fn pick(&self, coin: Coin) -> u32 {
        let mut picked = 0;
        for segment in self.segments() {
            picked = segment.id;
            if segment.end > coin.value() {
                break;
            }
        }
        picked
    }

    fn segments(&self) -> impl Iterator<Item = Segment> {
        let mut end = 0.0;
        self.sorted()
            .take_while(|&id| self.probability(id) > 0.0)
            .map(move |id| {
                let start = end;
                end += self.probability(id);
                Segment { id, start, end }
            })
    }

    fn sorted(&self) -> SortedDesc<'_> {
        SortedDesc::new(&self.logits, &self.probabilities, self.max_logit, self.beta)
    }
}
