//! Ways to pick tokens, and chains picked so.

use std::num::NonZeroUsize;

use decoding::{Beam, LanguageModel, Shaping, coin, shape, surprisal_nats};

use super::reader::{HypothesisReader, shared};
use crate::config::{RunConfig, Size, at_temperature};
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::sampling::SampledChain;

/// Chains that are drawn in one batch: with more, a step takes longer than a reader who cancels waits.
const TOGETHER: usize = 32;

/// A way to pick tokens.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// In keys.
    pub key: String,
    /// For people.
    pub title: String,
    /// What it does.
    pub picks: Picks,
}

/// What a decoder does.
#[derive(Clone, Copy, Debug)]
pub enum Picks {
    /// Shapes the logits and samples.
    Shaped(Shaping),
    /// Keeps so many continuations and takes the likeliest at the end.
    Beam(NonZeroUsize),
}

/// All decoders, from the greedy to the plain one, and the run's own where it is another.
///
/// # Panics
/// Never: the parameters are allowed.
pub fn decoders(config: &RunConfig) -> Vec<Decoder> {
    let widths: &[usize] = config.size.of(&[4], &[1, 2, 4, 8, 16]);
    let plain = Shaping::default();
    let shaped = |key: &str, title: &str, shaping| Decoder {
        key: key.to_owned(),
        title: title.to_owned(),
        picks: Picks::Shaped(shaping),
    };
    let beams = widths.iter().filter_map(|&width| {
        Some(Decoder {
            key: format!("beam-{width}"),
            title: format!("beam {width}"),
            picks: Picks::Beam(NonZeroUsize::new(width)?),
        })
    });
    let mut all = vec![shaped("greedy", "greedy", at_temperature(0.0))];
    all.extend(beams);
    all.extend([
        shaped("cold", "T = 0.3", at_temperature(0.3)),
        shaped("cool", "T = 0.7", at_temperature(0.7)),
        shaped("top-k", "top-k 40", plain.with_top_k(40)),
        shaped(
            "top-p",
            "top-p 0.9",
            plain.with_top_p(0.9).expect("it is a share"),
        ),
        shaped(
            "min-p",
            "min-p 0.1",
            plain.with_min_p(0.1).expect("it is a share"),
        ),
        shaped(
            "typical",
            "typical 0.9",
            plain.with_typical_p(0.9).expect("it is a share"),
        ),
        shaped("plain", "T = 1", plain),
    ]);
    if config.shaping != plain {
        all.push(shaped("yours", "your settings", config.shaping));
    }
    all
}

/// How many openings a decoder continues, and by how much.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Openings of each group that are continued.
    pub a_group: usize,
    /// Stories by people.
    pub people: usize,
    /// Texts that are compared with each other: measures of a set depend on its size, so all sets have this one, but for beam
    /// search in the quick run.
    pub set: usize,
    /// Tokens per chain at most.
    pub length: usize,
    /// Beam search reads so many hypotheses side by side, over all openings that it continues, ...
    hypotheses: usize,
    /// ... which are so many at least.
    beamed: usize,
}

impl Extent {
    /// What a size comes to.
    pub fn of(size: Size) -> Self {
        Self {
            a_group: size.of(4, 32),
            people: size.of(16, 32),
            set: 16,
            length: size.of(64, 192),
            hypotheses: size.of(16, 128),
            beamed: size.of(4, 16),
        }
    }

    /// How many of the first openings are continued so: wide beams cost more, and continue fewer.
    pub fn openings(&self, picks: Picks) -> usize {
        match picks {
            Picks::Shaped(_) => usize::MAX,
            Picks::Beam(width) => (self.hypotheses / width).max(self.beamed),
        }
    }
}

/// One chain behind each opening.
///
/// # Errors
/// When the run is cancelled or the model fails.
pub async fn continued<M: LanguageModel>(
    model: &M,
    openings: &[Vec<u32>],
    picks: Picks,
    seed: u64,
    length: usize,
    progress: &mut impl RunProgress,
) -> Result<Vec<SampledChain>, ExperimentError> {
    let mut chains = Vec::new();
    match picks {
        Picks::Shaped(shaping) => {
            for openings in openings.chunks(TOGETHER) {
                let drawing = Drawing {
                    first: chains.len(),
                    shaping,
                    seed,
                    length,
                };
                chains.extend(drawing.side_by_side(model, openings, progress).await?);
            }
        }
        Picks::Beam(width) => {
            for opening in openings {
                chains.push(likeliest(model, opening, width, length, progress).await?);
            }
        }
    }
    Ok(chains)
}

struct Drawing {
    /// The number of the first chain, for its random draws.
    first: usize,
    shaping: Shaping,
    seed: u64,
    length: usize,
}

impl Drawing {
    /// One chain behind each opening, all in one batch: it is opened on what the openings share, at least the token that begins
    /// every text, and each chain is fed the rest of its opening before it picks. So a greedy chain of each opening costs little
    /// more than one.
    async fn side_by_side<M: LanguageModel>(
        &self,
        model: &M,
        openings: &[Vec<u32>],
        progress: &mut impl RunProgress,
    ) -> Result<Vec<SampledChain>, ExperimentError> {
        let shared = shared(openings);
        if shared == 0 {
            return Err(ExperimentError::Missing(
                "no token begins every text of this model: its openings cannot be read side by side".to_owned(),
            ));
        }
        let longest = openings.iter().map(Vec::len).max().unwrap_or(0);
        checkpoint(progress).await?;
        let room = longest - shared + self.length;
        let opened = model
            .prefill(&openings[0][..shared], openings.len(), room)
            .await;
        let (mut batch, first) = opened.map_err(ExperimentError::model)?;
        let mut chains = vec![no_tokens(); openings.len()];
        let mut read = vec![shared; openings.len()];
        let mut going: Vec<usize> = (0..openings.len()).collect();
        let mut rows = vec![first; openings.len()];
        loop {
            let (mut next, mut tokens) = (Vec::new(), Vec::new());
            for (&chain, row) in going.iter().zip(&rows) {
                let given = openings[chain].get(read[chain]).copied();
                let token = given
                    .or_else(|| self.pick(model, chain, &openings[chain], row, &mut chains[chain]));
                if let Some(token) = token {
                    read[chain] += 1;
                    next.push(chain);
                    tokens.push(token);
                }
            }
            if next.is_empty() {
                break;
            }
            checkpoint(progress).await?;
            let step = model.step(&mut batch, &next, &tokens).await;
            rows = step.map_err(ExperimentError::model)?;
            going = next;
        }
        for chain in &mut chains {
            chain.text = model.decode(&chain.tokens);
        }
        Ok(chains)
    }

    /// The chain's next token, where it is to be read: not when it ends the chain, or is its last.
    fn pick<M: LanguageModel>(
        &self,
        model: &M,
        chain: usize,
        opening: &[u32],
        row: &[f32],
        own: &mut SampledChain,
    ) -> Option<u32> {
        // Only the repetition penalty looks back.
        let history = if self.shaping.repetition_penalty() == 1.0 {
            Vec::new()
        } else {
            [opening, &own.tokens].concat()
        };
        let coin = coin(
            self.seed,
            (self.first + chain) as u32,
            own.surprisal_nats.len() as u32,
        );
        let token = shape(row, &history, &self.shaping).pick(coin);
        own.surprisal_nats.push(surprisal_nats(row, token));
        if model.ends_text(token) {
            own.ended = true;
            return None;
        }
        own.tokens.push(token);
        (own.tokens.len() < self.length).then_some(token)
    }
}

/// The likeliest continuation that beam search finds.
async fn likeliest<M: LanguageModel>(
    model: &M,
    opening: &[u32],
    width: NonZeroUsize,
    length: usize,
    progress: &mut impl RunProgress,
) -> Result<SampledChain, ExperimentError> {
    let mut beam = Beam::new(width).with_end(Some(model.end_of_text()));
    let mut reader = HypothesisReader::new(model, opening, width.get(), length);
    for _ in 0..length {
        if beam.is_done() {
            break;
        }
        let running: Vec<&[u32]> = beam
            .running()
            .iter()
            .map(|one| one.tokens.as_slice())
            .collect();
        let rows = reader.rows(&running, progress).await?;
        beam.advance(&rows);
    }
    let found = beam.hypotheses().into_iter().next();
    let mut tokens = found.map(|best| best.tokens).unwrap_or_default();
    let ended = tokens.last().is_some_and(|&token| model.ends_text(token));
    if ended {
        tokens.pop();
    }
    score_text(model, opening, tokens, ended, progress).await
}

/// A text after its opening as if the model had sampled it: the surprisal of each token under the unshaped model.
///
/// # Errors
/// When the run is cancelled or the model fails.
pub async fn score_text<M: LanguageModel>(
    model: &M,
    opening: &[u32],
    tokens: Vec<u32>,
    ended: bool,
    progress: &mut impl RunProgress,
) -> Result<SampledChain, ExperimentError> {
    checkpoint(progress).await?;
    let whole = [opening, &tokens].concat();
    let rows = model.logits(&whole).await.map_err(ExperimentError::model)?;
    let end = ended.then(|| model.end_of_text());
    let picked = tokens.iter().copied().chain(end);
    let costs = rows.iter().skip(opening.len() - 1).zip(picked);
    Ok(SampledChain {
        surprisal_nats: costs
            .map(|(row, token)| surprisal_nats(row, token))
            .collect(),
        text: model.decode(&tokens),
        tokens,
        ended,
    })
}

fn no_tokens() -> SampledChain {
    SampledChain {
        tokens: Vec::new(),
        ended: false,
        surprisal_nats: Vec::new(),
        text: String::new(),
    }
}
