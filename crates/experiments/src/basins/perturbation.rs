//! Perturbing a greedy chain once, and looking whether it comes back.

use attractors::Catalogue;
use decoding::LanguageModel;

use super::Opening;
use super::ending::return_lag;
use crate::bootstrap::interval_95;
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::table::{Metric, Row, Table, metrics};

/// The ranks that are forced: the second to the tenth likeliest token.
const RANKS: usize = 9;

/// What decides whether a chain came back; a test may break it.
#[derive(Clone, Copy)]
pub struct Estimators {
    /// The attractor that a text ends in.
    pub ends_in: fn(&Catalogue, &str) -> Option<usize>,
    /// Whether two texts end in the same sentence.
    pub same_sentence: fn(&str, &str) -> bool,
}

/// One perturbed chain against the unperturbed one; of both, only what comes after the perturbation is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Returned {
    /// The attractor that the unperturbed chain ends in.
    pub known: Option<usize>,
    /// The one that the perturbed chain ends in.
    pub own: Option<usize>,
    /// Whether their last whole sentences match.
    pub same_sentence: bool,
    /// Tokens until the perturbed chain goes on in the words of the other; none where it never does.
    pub lag: Option<usize>,
}

impl Returned {
    /// Whether both end in one attractor.
    pub fn same_ending(&self) -> bool {
        self.known.is_some() && self.own == self.known
    }

    /// Whether neither ends in any.
    fn both_none(&self) -> bool {
        self.known.is_none() && self.own.is_none()
    }
}

/// The ids of a row from the likeliest down, without what it forbids; of equals the smaller id comes first.
fn ranked(row: &[f32], count: usize) -> Vec<u32> {
    let mut allowed: Vec<u32> = (0..row.len() as u32)
        .filter(|&id| row[id as usize] > f32::NEG_INFINITY)
        .collect();
    allowed.sort_by(|&one, &other| row[other as usize].total_cmp(&row[one as usize]));
    allowed.truncate(count);
    allowed
}

/// The likeliest id of a row; the end of text where the row allows nothing.
fn likeliest(row: &[f32], end_of_text: u32) -> u32 {
    let mut best = (end_of_text, f32::NEG_INFINITY);
    for (id, &logit) in row.iter().enumerate() {
        if logit > best.1 {
            best = (id as u32, logit);
        }
    }
    best.0
}

/// Goes on greedily with chains that each begin with a token of their own, until all have ended or have so many tokens. What ends a
/// text is not among a chain's tokens.
///
/// # Errors
/// When the run is cancelled or the model fails.
async fn greedy<M: LanguageModel>(
    model: &M,
    batch: &mut M::Batch,
    first: &[u32],
    length: usize,
    progress: &mut impl RunProgress,
) -> Result<Vec<Vec<u32>>, ExperimentError> {
    let mut chains: Vec<Vec<u32>> = vec![Vec::new(); first.len()];
    let mut picked: Vec<(usize, u32)> = first.iter().copied().enumerate().collect();
    for written in 1..=length {
        picked.retain(|&(_, token)| token != model.end_of_text());
        for &(chain, token) in &picked {
            chains[chain].push(token);
        }
        // The last token is never read.
        if picked.is_empty() || written == length {
            break;
        }
        let (going, tokens): (Vec<usize>, Vec<u32>) = picked.iter().copied().unzip();
        checkpoint(progress).await?;
        let rows = model
            .step(batch, &going, &tokens)
            .await
            .map_err(ExperimentError::model)?;
        let next = going.into_iter().zip(rows);
        picked = next
            .map(|(chain, row)| (chain, likeliest(&row, model.end_of_text())))
            .collect();
    }
    Ok(chains)
}

/// Writes the greedy chain behind an opening, then, from its middle on, once as it is and once with each of the second to the tenth
/// likeliest token in place of the likeliest; the perturbed chains in the order of their token's rank. A token that ends the text
/// is not forced. Nothing where the chain is too short to be perturbed.
///
/// The middle is half of `length`, or of the chain where it ended before.
///
/// # Errors
/// When the run is cancelled or the model fails.
pub async fn perturb<M: LanguageModel>(
    model: &M,
    opening: &str,
    length: usize,
    catalogue: &Catalogue,
    estimators: &Estimators,
    progress: &mut impl RunProgress,
) -> Result<Vec<Returned>, ExperimentError> {
    let prompt = model.encode(opening).map_err(ExperimentError::model)?;
    let half = length / 2;
    checkpoint(progress).await?;
    let (mut batch, row) = model
        .prefill(&prompt, 1, half.max(1))
        .await
        .map_err(ExperimentError::model)?;
    let first = [likeliest(&row, model.end_of_text())];
    let mut way = greedy(model, &mut batch, &first, half, progress)
        .await?
        .remove(0);
    if way.len() < half {
        way.truncate(way.len() / 2);
    }
    if way.is_empty() {
        return Ok(Vec::new());
    }
    let place = [prompt.as_slice(), &way].concat();
    let left = length - way.len();
    checkpoint(progress).await?;
    let opened = model.prefill(&place, RANKS + 1, left).await;
    let (mut batch, row) = opened.map_err(ExperimentError::model)?;
    let mut first = ranked(&row, RANKS + 1);
    if likeliest(&row, model.end_of_text()) == model.end_of_text() {
        // It ends exactly here: there is no second half.
        return Ok(Vec::new());
    }
    first.retain(|&token| token != model.end_of_text());
    let chains = greedy(model, &mut batch, &first, left, progress).await?;
    checkpoint(progress).await?;
    let texts: Vec<String> = chains.iter().map(|chain| model.decode(chain)).collect();
    let ending = |text: &str| (estimators.ends_in)(catalogue, text);
    let known = ending(&texts[0]);
    let returned = (1..chains.len()).map(|forced| Returned {
        known,
        own: ending(&texts[forced]),
        same_sentence: (estimators.same_sentence)(&texts[forced], &texts[0]),
        lag: return_lag(&chains[forced], &chains[0]),
    });
    Ok(returned.collect())
}

metrics! {
    pub RETURN = bootstrap "return", "%", "perturbed stories that end in the same attractor, where the unperturbed one ends in one";
    BOTH_NONE = bootstrap "both-none", "%", "perturbed stories that end in no attractor, like the unperturbed one";
    pub SAME_SENTENCE = bootstrap "same-sentence", "%", "perturbed stories with the same last sentence";
    REJOIN = bootstrap "rejoin", "%", "perturbed stories that go on in the unperturbed one's words";
    LAG = bootstrap "lag", "tokens", "tokens until they do, median of those that do";
}

/// Share of the perturbed chains that end in the attractor of the unperturbed one, among those where that ends in one. Not a number
/// where none does.
pub fn returned(openings: &[&Opening]) -> f64 {
    share(openings, Returned::same_ending, |one| one.known.is_some())
}

fn share(
    openings: &[&Opening],
    holds: impl Fn(&Returned) -> bool,
    among: impl Fn(&Returned) -> bool,
) -> f64 {
    let chains = || openings.iter().flat_map(|one| &one.returns);
    let all = chains().filter(|one| among(one)).count();
    chains().filter(|one| among(one) && holds(one)).count() as f64 / all as f64
}

/// The median lag of those that went back into the other's words; not a number where none did.
fn median_lag(openings: &[&Opening]) -> f64 {
    let chains = openings.iter().flat_map(|one| &one.returns);
    let mut lags: Vec<usize> = chains.filter_map(|one| one.lag).collect();
    lags.sort_unstable();
    lags.get(lags.len().saturating_sub(1) / 2)
        .map_or(f64::NAN, |&lag| lag as f64)
}

/// What is measured of the perturbed chains behind some openings; the samples are the openings that have any of those counted.
pub fn add_to_table(table: &mut Table, row: &Row, openings: &[&Opening], seed: u64) {
    type Among = fn(&Returned) -> bool;
    type Measure<'a> = &'a dyn Fn(&[&Opening]) -> f64;
    let percent =
        |holds: Among| move |openings: &[&Opening]| 100.0 * share(openings, holds, |_| true);
    let measures: [(&Metric, Among, Measure<'_>); 5] = [
        (&RETURN, |one| one.known.is_some(), &|openings| {
            100.0 * returned(openings)
        }),
        (&BOTH_NONE, |_| true, &percent(Returned::both_none)),
        (&SAME_SENTENCE, |_| true, &percent(|one| one.same_sentence)),
        (&REJOIN, |_| true, &percent(|one| one.lag.is_some())),
        (&LAG, |one| one.lag.is_some(), &median_lag),
    ];
    for (metric, among, of) in measures {
        let interval = interval_95(openings.len(), seed, |drawn| {
            of(&drawn
                .iter()
                .map(|&place| openings[place])
                .collect::<Vec<_>>())
        });
        let counted = openings.iter().filter(|one| one.returns.iter().any(among));
        table.put(row, metric, of(openings), interval, counted.count());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_come_first_and_what_is_forbidden_never() {
        let row = [0.0, 2.0, f32::NEG_INFINITY, 2.0, f32::NAN, 1.0];
        assert_eq!(ranked(&row, 4), [1, 3, 5, 0]);
        assert_eq!(ranked(&row, 9).len(), 4);
        assert_eq!(likeliest(&row, 7), 1);
        assert_eq!(likeliest(&[f32::NAN], 7), 7);
    }

    #[test]
    fn shares_are_of_those_that_can_return() {
        let chain = |known, own, lag| Returned {
            known,
            own,
            same_sentence: false,
            lag,
        };
        let opening = |returns: [Returned; 2]| Opening {
            group: 0,
            ends: Vec::new(),
            returns: returns.into(),
        };
        let one = opening([chain(Some(3), Some(3), Some(4)), chain(Some(3), None, None)]);
        let other = opening([chain(None, None, Some(9)), chain(None, None, Some(2))]);
        let (mut table, row) = (Table::default(), Row::of("it"));
        add_to_table(&mut table, &row, &[&one, &other], 1);
        let found = |metric: &Metric| {
            let found = table.get(&row, metric).unwrap();
            (found.value, found.samples)
        };
        assert_eq!(found(&RETURN), (Some(50.0), 1));
        assert_eq!(found(&BOTH_NONE), (Some(50.0), 2));
        assert_eq!((found(&REJOIN).0, found(&LAG).0), (Some(75.0), Some(4.0)));
        assert_eq!(found(&SAME_SENTENCE).0, Some(0.0));
    }
}
