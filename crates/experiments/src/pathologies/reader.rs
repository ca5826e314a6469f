//! Reads the running hypotheses of a beam search with a model whose batches only go forward.
//!
//! A batch is opened on what the hypotheses share, with more chains than there are hypotheses. One that goes on is fed a token;
//! where one splits in two, the second takes a chain that has read less, and is fed what is missing. When the spare chains are
//! used up, the batch is opened again. Hypotheses share all but their last tokens, so little is read twice.

use decoding::LanguageModel;

use crate::progress::{ExperimentError, RunProgress, checkpoint};

/// Chains in a batch for each hypothesis: the spare ones last for some splits.
const CHAINS_EACH: usize = 4;

/// How many first tokens all of some texts share.
pub fn shared<S: AsRef<[u32]>>(texts: &[S]) -> usize {
    let Some((first, others)) = texts.split_first() else {
        return 0;
    };
    let first = first.as_ref();
    let with = |other: &S| {
        let pairs = first.iter().zip(other.as_ref());
        pairs.take_while(|(one, other)| one == other).count()
    };
    others.iter().map(with).min().unwrap_or(first.len())
}

/// A model that reads hypotheses behind one opening.
pub struct HypothesisReader<'a, M: LanguageModel> {
    model: &'a M,
    opening: &'a [u32],
    chains: usize,
    length: usize,
    batch: Option<Open<M::Batch>>,
}

/// A batch, and what each of its chains has read behind the opening.
struct Open<B> {
    batch: B,
    read: Vec<Vec<u32>>,
}

impl<'a, M: LanguageModel> HypothesisReader<'a, M> {
    /// For at most `width` hypotheses of at most `length` tokens.
    pub fn new(model: &'a M, opening: &'a [u32], width: usize, length: usize) -> Self {
        Self {
            model,
            opening,
            chains: if width == 1 { 1 } else { CHAINS_EACH * width },
            length,
            batch: None,
        }
    }

    /// The row after each hypothesis. Each is longer than those of the last call, and goes on one of them.
    ///
    /// # Errors
    /// When the run is cancelled or the model fails.
    pub async fn rows(
        &mut self,
        hypotheses: &[&[u32]],
        progress: &mut impl RunProgress,
    ) -> Result<Vec<Vec<f32>>, ExperimentError> {
        let mut rows = vec![Vec::new(); hypotheses.len()];
        let seated = self
            .batch
            .take()
            .and_then(|open| Some((seats(&open.read, hypotheses)?, open)));
        let (seats, mut open) = if let Some(found) = seated {
            found
        } else {
            let (open, row) = self.open(hypotheses, progress).await?;
            // Only the empty hypothesis has read all there is.
            rows.fill(row);
            ((0..hypotheses.len()).collect(), open)
        };
        loop {
            let behind: Vec<usize> = (0..hypotheses.len())
                .filter(|&one| open.read[seats[one]].len() < hypotheses[one].len())
                .collect();
            if behind.is_empty() {
                break;
            }
            let chains: Vec<usize> = behind.iter().map(|&one| seats[one]).collect();
            let next = |&one: &usize| hypotheses[one][open.read[seats[one]].len()];
            let tokens: Vec<u32> = behind.iter().map(next).collect();
            checkpoint(progress).await?;
            let step = self.model.step(&mut open.batch, &chains, &tokens).await;
            for ((one, token), row) in behind
                .into_iter()
                .zip(tokens)
                .zip(step.map_err(ExperimentError::model)?)
            {
                open.read[seats[one]].push(token);
                rows[one] = row;
            }
        }
        self.batch = Some(open);
        Ok(rows)
    }

    /// A batch on what the hypotheses share, but never on the whole of one, so that each is fed a token and gets a row of its own.
    async fn open(
        &self,
        hypotheses: &[&[u32]],
        progress: &mut impl RunProgress,
    ) -> Result<(Open<M::Batch>, Vec<f32>), ExperimentError> {
        let longest = hypotheses.iter().map(|one| one.len()).max().unwrap_or(0);
        let root = &hypotheses[0][..shared(hypotheses).min(longest.saturating_sub(1))];
        checkpoint(progress).await?;
        let prompt = [self.opening, root].concat();
        let room = self.length - root.len();
        let opened = self.model.prefill(&prompt, self.chains, room).await;
        let (batch, row) = opened.map_err(ExperimentError::model)?;
        let read = vec![root.to_vec(); self.chains];
        Ok((Open { batch, read }, row))
    }
}

/// A chain for each hypothesis, the one that has read most of it; `None` where there are too few that have read nothing else.
fn seats(read: &[Vec<u32>], hypotheses: &[&[u32]]) -> Option<Vec<usize>> {
    let mut taken = vec![false; read.len()];
    let mut seats = Vec::new();
    for hypothesis in hypotheses {
        let free =
            (0..read.len()).filter(|&chain| !taken[chain] && hypothesis.starts_with(&read[chain]));
        let seat = free.max_by_key(|&chain| read[chain].len())?;
        taken[seat] = true;
        seats.push(seat);
    }
    Some(seats)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use decoding::{Beam, beam_search, coin};

    use super::*;
    use crate::{Toy, Unobserved};

    /// A toy whose next letters follow from all that was read, as coins do from a number.
    fn moody() -> Toy {
        Toy::new(|text| {
            let read = text
                .iter()
                .fold(7_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(*byte));
            let weights: Vec<f64> = (0..6)
                .map(|letter| coin(read, letter, 0).value() + 0.01)
                .collect();
            let sum: f64 = weights.iter().sum();
            let letters = [
                Some(b'a'),
                Some(b'b'),
                Some(b'c'),
                Some(b'd'),
                Some(b'e'),
                None,
            ];
            letters
                .into_iter()
                .zip(weights)
                .map(|(letter, weight)| (letter, weight / sum))
                .collect()
        })
    }

    #[test]
    fn it_finds_what_a_search_finds_that_reads_everything_anew() {
        let toy = moody();
        for (prompt, width) in [("x", 1), ("y", 2), ("so", 3), ("z", 5), ("w", 8)] {
            let width = NonZeroUsize::new(width).unwrap();
            let opening = toy.encode(prompt).unwrap();
            let anew = beam_search(width, 12, Some(toy.end_of_text()), |sequences| {
                let rows = sequences.iter().map(|tokens| {
                    let whole = [opening.as_slice(), tokens].concat();
                    pollster::block_on(toy.logits(&whole))
                        .unwrap()
                        .pop()
                        .unwrap()
                });
                rows.collect()
            });
            let mut beam = Beam::new(width).with_end(Some(toy.end_of_text()));
            let mut reader = HypothesisReader::new(&toy, &opening, width.get(), 12);
            for _ in 0..12 {
                if beam.is_done() {
                    break;
                }
                let running: Vec<&[u32]> = beam
                    .running()
                    .iter()
                    .map(|one| one.tokens.as_slice())
                    .collect();
                let rows = pollster::block_on(reader.rows(&running, &mut Unobserved)).unwrap();
                beam.advance(&rows);
            }
            assert_eq!(beam.hypotheses(), anew);
        }
    }
}
