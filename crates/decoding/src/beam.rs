//! Beam search over any model: a pure state that says which continuations to run next.
//!
//! Does not run the model: the caller does, on whatever device and as asynchronously as it likes, and hands in the rows of logits;
//! [`beam_search`] is the loop for a model that is a plain function.
//!
//! The definition is the canonical one in `transformers` (`early_stopping="never"`, `length_penalty=0.0`): a hypothesis scores
//! `Σ ln p` over its tokens, in nats, under the unshaped model, without regard to length.

use std::cmp::Ordering;
use std::num::NonZeroUsize;

use crate::logits::{LogSumExp, log_sum_exp};

/// One continuation and its score.
#[derive(Clone, PartialEq, Debug)]
pub struct Hypothesis {
    /// The tokens after the prompt, the end of text included where it ended.
    pub tokens: Vec<u32>,
    /// `Σ ln p` of the tokens, in nats, at most 0.
    pub log_probability: f64,
}

/// One step of a continuation: which running hypothesis it extends and with what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extension {
    /// Index, among the hypotheses that ran in this step, of the one extended: the cache to copy.
    pub parent: usize,
    /// The token appended, to be fed to the model next.
    pub token: u32,
}

/// The state of a beam search.
///
/// A step scores every token after every running hypothesis and looks at the best `2 * width` of them: those within the first
/// `width` that end the text are finished, and the first `width` that do not end it run on. Equal scores go by parent, then by
/// token. Forbidden tokens are never taken.
#[derive(Clone, PartialEq, Debug)]
pub struct Beam {
    width: NonZeroUsize,
    ends: Vec<u32>,
    running: Vec<Hypothesis>,
    finished: Vec<Hypothesis>,
}

impl Beam {
    /// Starts with one empty hypothesis, for which the model runs once, on the prompt.
    pub fn new(width: NonZeroUsize) -> Self {
        let empty = Hypothesis {
            tokens: Vec::new(),
            log_probability: 0.0,
        };
        Self {
            width,
            ends: Vec::new(),
            running: vec![empty],
            finished: Vec::new(),
        }
    }

    /// Says which token ends a text.
    #[must_use]
    pub fn with_end(mut self, end: Option<u32>) -> Self {
        self.ends = end.into_iter().collect();
        self
    }

    /// Says which tokens end a text, each of them.
    #[must_use]
    pub fn with_ends(mut self, ends: &[u32]) -> Self {
        self.ends = ends.to_vec();
        self
    }

    /// The hypotheses to run the model on, best first: the next rows of logits are asked in this order.
    pub fn running(&self) -> &[Hypothesis] {
        &self.running
    }

    /// Whether no further step can change the outcome: nothing runs, or `width` hypotheses are finished and none that runs scores
    /// better than the worst of them (scores only fall).
    pub fn is_done(&self) -> bool {
        match (
            self.running.first(),
            self.finished.get(self.width.get() - 1),
        ) {
            (None, _) => true,
            (Some(best_running), Some(worst_finished)) => {
                best_running.log_probability <= worst_finished.log_probability
            }
            (Some(_), None) => false,
        }
    }

    /// Takes one row of logits for each running hypothesis and returns the extensions that run next, best first.
    ///
    /// A hypothesis without a row is dropped; rows beyond the running hypotheses are ignored.
    pub fn advance<R: AsRef<[f32]>>(&mut self, rows: &[R]) -> Vec<Extension> {
        let width = self.width.get();
        let candidates = self.candidates(rows, width.saturating_mul(2));
        let (mut running, mut extensions) = (Vec::new(), Vec::new());
        for (rank, (log_probability, extension)) in candidates.into_iter().enumerate() {
            let ends = self.ends.contains(&extension.token);
            if ends && rank < width {
                self.finished
                    .push(self.extended(extension, log_probability));
            } else if !ends && running.len() < width {
                running.push(self.extended(extension, log_probability));
                extensions.push(extension);
            }
        }
        self.finished.sort_by(better);
        self.finished.truncate(width);
        self.running = running;
        extensions
    }

    /// The best `width` hypotheses, finished or still running, best first; equal scores in the order of their tokens.
    pub fn hypotheses(&self) -> Vec<Hypothesis> {
        let mut all = [self.finished.as_slice(), self.running.as_slice()].concat();
        all.sort_by(better);
        all.truncate(self.width.get());
        all
    }

    /// The best `count` one-token continuations, best first.
    fn candidates<R: AsRef<[f32]>>(&self, rows: &[R], count: usize) -> Vec<(f64, Extension)> {
        let mut candidates = Vec::new();
        for (parent, (hypothesis, row)) in self.running.iter().zip(rows).enumerate() {
            let LogSumExp {
                cleaned,
                log_sum_exp,
            } = log_sum_exp(row.as_ref());
            let allowed = cleaned
                .iter()
                .zip(0_u32..)
                .filter(|(logit, _)| **logit > f32::NEG_INFINITY);
            candidates.extend(allowed.map(|(logit, token)| {
                let log_p = (f64::from(*logit) - log_sum_exp).min(0.0);
                (
                    hypothesis.log_probability + log_p,
                    Extension { parent, token },
                )
            }));
        }
        let order = |(a, x): &(f64, Extension), (b, y): &(f64, Extension)| {
            b.total_cmp(a)
                .then_with(|| (x.parent, x.token).cmp(&(y.parent, y.token)))
        };
        if candidates.len() > count {
            candidates.select_nth_unstable_by(count, order);
            candidates.truncate(count);
        }
        candidates.sort_unstable_by(order);
        candidates
    }

    fn extended(&self, extension: Extension, log_probability: f64) -> Hypothesis {
        let mut tokens = self.running[extension.parent].tokens.clone();
        tokens.push(extension.token);
        Hypothesis {
            tokens,
            log_probability,
        }
    }
}

/// Searches up to `length` tokens with a model that maps continuations to one row of logits each; returns up to `width`
/// hypotheses, best first.
pub fn beam_search(
    width: NonZeroUsize,
    length: usize,
    end: Option<u32>,
    mut model: impl FnMut(&[Vec<u32>]) -> Vec<Vec<f32>>,
) -> Vec<Hypothesis> {
    let mut beam = Beam::new(width).with_end(end);
    for _ in 0..length {
        if beam.is_done() {
            break;
        }
        let sequences: Vec<Vec<u32>> = beam
            .running
            .iter()
            .map(|hypothesis| hypothesis.tokens.clone())
            .collect();
        beam.advance(&model(&sequences));
    }
    beam.hypotheses()
}

/// Higher scores first; equal scores in the order of their tokens.
fn better(a: &Hypothesis, b: &Hypothesis) -> Ordering {
    b.log_probability
        .total_cmp(&a.log_probability)
        .then_with(|| a.tokens.cmp(&b.tokens))
}
