//! Which attractors chains have reached: marks on their words, shares with intervals, and how soon. The lists of words lie beside
//! the model; what they find is for looking at, and no model was rewarded for it.

use std::{collections::BTreeMap, ops::Range, rc::Rc};

use attractors::Catalogue;
use statistics::{HittingCurve, Interval, Observation, hitting_curve, wilson_95};

use super::token_spans::TokenSpans;
use crate::state::{BLOCK, Chain};

/// What a catalogue finds in a chain.
#[derive(Debug, PartialEq)]
pub struct Marks {
    /// The attractor that the chain ends in, or would if it ended now; by its position in the catalogue.
    pub ends_in: Option<usize>,
    /// Tokens until each attractor is first hit, of those that are.
    hits: BTreeMap<usize, u32>,
    /// Tokens until its watch ends.
    watched: u32,
    /// Whether each token belongs to a mark, [`BLOCK`] tokens at a time; the first token is the lowest bit.
    pub blocks: Vec<u16>,
}

const _: () = assert!(
    BLOCK <= u16::BITS as usize,
    "a bit for every word of a block"
);

/// Reads a chain; one of at most `length` tokens that has ended by itself will hit nothing more before that.
pub fn marks(catalogue: &Catalogue, chain: &Chain, length: u32) -> Marks {
    let spans = TokenSpans::of(chain);
    let found = catalogue.recognise(&spans.text);
    let mut blocks = vec![0; chain.len().div_ceil(BLOCK)];
    let mut hits = BTreeMap::new();
    for mark in &found.matches {
        let Range { start, end } = spans.tokens(&mark.at);
        for token in start..end {
            blocks[token / BLOCK] |= 1 << (token % BLOCK);
        }
        hits.entry(mark.attractor).or_insert(end as u32);
    }
    let told = chain.len() as u32;
    Marks {
        ends_in: found.ends_in_one(),
        hits,
        watched: if chain.done { length.max(told) } else { told },
        blocks,
    }
}

/// Which part of some chains ends in an attractor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// How many.
    pub chains: usize,
    /// Of how many.
    pub of: usize,
    /// Wilson's 95% interval of the share.
    pub interval: Interval,
}

impl Share {
    /// From 0 to 1.
    pub fn share(&self) -> f64 {
        self.chains as f64 / self.of as f64
    }
}

/// The shares of an attractor.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares {
    /// Its position in the catalogue.
    pub attractor: usize,
    /// One a side.
    pub sides: Vec<Share>,
}

/// The attractors that any chain ends in, the one with most chains of the first side first. Sides have a chain at least.
pub fn shares(sides: &[&[Rc<Marks>]]) -> Vec<Shares> {
    let count = |side: &[Rc<Marks>], attractor: usize| {
        side.iter()
            .filter(|marks| marks.ends_in == Some(attractor))
            .count()
    };
    let mut present: Vec<usize> = sides
        .iter()
        .flat_map(|side| side.iter())
        .filter_map(|marks| marks.ends_in)
        .collect();
    present.sort_unstable();
    present.dedup();
    let mut shares: Vec<Shares> = present
        .into_iter()
        .filter_map(|attractor| {
            let sides = sides.iter().map(|side| {
                let (chains, of) = (count(side, attractor), side.len());
                Some(Share {
                    chains,
                    of,
                    interval: wilson_95(chains, of)?,
                })
            });
            Some(Shares {
                attractor,
                sides: sides.collect::<Option<_>>()?,
            })
        })
        .collect();
    // A stable sort: the catalogue's order among equals.
    shares.sort_by_key(|shares| {
        std::cmp::Reverse(
            shares
                .sides
                .iter()
                .map(|share| share.chains)
                .collect::<Vec<_>>(),
        )
    });
    shares
}

/// How soon chains hit an attractor, by Kaplan and Meier's estimate.
pub fn hitting(side: &[Rc<Marks>], attractor: usize) -> HittingCurve {
    let watches: Vec<Observation> = side
        .iter()
        .map(|marks| match marks.hits.get(&attractor) {
            Some(tokens) => Observation {
                tokens: *tokens,
                hit: true,
            },
            None => Observation {
                tokens: marks.watched,
                hit: false,
            },
        })
        .collect();
    hitting_curve(&watches)
}

/// The curve by token, from the first one on, as far as it is known.
pub fn by_token(curve: &HittingCurve) -> Vec<f64> {
    (1..).map_while(|tokens| curve.hit_by(tokens)).collect()
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;
    use crate::figures::token_spans::tests::chain;

    fn catalogue() -> Catalogue {
        Catalogue::from_json(
            r#"{
                "about": "two kinds of ending", "ending_sentences": 1,
                "attractors": [
                    { "name": "wedding", "title": "Wedding", "about": "two marry", "phrases": ["wedding*", "got married"] },
                    { "name": "tears", "title": "Tears", "about": "somebody cries", "phrases": ["cried"] }
                ]
            }"#,
        )
        .unwrap()
    }

    fn read(texts: &[&str]) -> Rc<Marks> {
        Rc::new(marks(&catalogue(), &chain(texts), 10))
    }

    #[test]
    fn the_words_of_a_mark_are_marked_and_hit_with_their_last_token() {
        let marks = read(&["They", " got", " mar", "ried", ".", " He", " cried"]);
        assert_eq!(marks.blocks, [0b100_1110]);
        assert_eq!(marks.ends_in, Some(1), "the last words decide");
        assert_eq!(marks.hits, BTreeMap::from([(0, 4), (1, 7)]));
    }

    #[test]
    fn marks_lie_in_their_own_blocks() {
        let mut texts = vec![" a"; BLOCK + 3];
        texts[BLOCK - 1] = " got";
        texts[BLOCK] = " married";
        assert_eq!(read(&texts).blocks, [1 << (BLOCK - 1), 1]);
    }

    #[test]
    fn shares_are_of_each_side_and_the_largest_comes_first() {
        let (wed, tears, none) = (read(&[" wedding"]), read(&[" cried"]), read(&[" rain"]));
        let tuned = [wed.clone(), wed.clone(), tears.clone(), wed];
        let base = [none.clone(), tears, none.clone(), none];
        let shares = shares(&[&tuned, &base]);
        let found: Vec<(usize, Vec<f64>)> = shares
            .iter()
            .map(|shares| {
                let sides = shares.sides.iter().map(Share::share).collect();
                (shares.attractor, sides)
            })
            .collect();
        assert_eq!(found, [(0, vec![0.75, 0.0]), (1, vec![0.25, 0.25])]);
        let Interval { low, high } = shares[0].sides[0].interval;
        assert!(0.0 < low && low < 0.75 && 0.75 < high && high < 1.0);
    }

    #[test]
    fn a_story_that_has_ended_is_watched_to_the_limit_and_one_that_goes_on_only_so_far() {
        let ended = read(&[" rain"]);
        assert_eq!(hitting(from_ref(&ended), 0).observed, 10);
        let mut going = chain(&[" rain", " fell"]);
        going.done = false;
        let going = Rc::new(marks(&catalogue(), &going, 10));
        assert_eq!(hitting(from_ref(&going), 0).observed, 2);
        let hit = read(&[" a", " wedding"]);
        let curve = by_token(&hitting(&[ended, going, hit], 0));
        assert_eq!(curve.len(), 10);
        assert_eq!(curve[0], 0.0);
        assert!((curve[1] - 1.0 / 3.0).abs() < 1e-12 && curve[9] == curve[1]);
    }

    #[test]
    fn nobody_has_a_share_of_nothing() {
        assert!(shares(&[]).is_empty());
        assert!(shares(&[&[]]).is_empty());
    }
}
