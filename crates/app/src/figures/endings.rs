//! How stories end: the kind of ending of each, the phrases that tell it, shares of kinds with intervals, and how soon they come. The
//! lists of phrases lie beside the model; what they find is for looking at, and no model was rewarded for it.

use std::{cmp::Reverse, collections::BTreeMap, rc::Rc};

use attractors::{Catalogue, Ending, Endings, Story};
use statistics::{HittingCurve, Interval, Observation, hitting_curve, wilson_95};

use super::token_spans::TokenSpans;
use crate::state::{BLOCK, Chain};

/// What a catalogue finds in a chain.
#[derive(Debug, PartialEq)]
pub struct ChainEnding {
    /// How it ends, and all phrases in it.
    pub story: Story,
    /// Tokens until each attractor is first hit, of those that are.
    hits: BTreeMap<usize, u32>,
    /// Tokens until it is observed no more.
    observed: u32,
    /// The phrase that each token belongs to, [`BLOCK`] tokens at a time.
    pub blocks: Vec<Rc<[Option<Mark>]>>,
}

/// A phrase that a token belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The attractor that it signals, by its position in the catalogue.
    pub attractor: usize,
    /// Whether it stands where the story ends, so that it can tell its ending.
    pub in_ending: bool,
}

/// Reads a chain; one of at most `length` tokens that has ended by itself will hit nothing more before that.
pub fn chain_ending(catalogue: &Catalogue, chain: &Chain, length: u32) -> ChainEnding {
    let spans = TokenSpans::of(chain);
    let story = catalogue.story(&spans.text, chain.ended);
    let mut marks = vec![None; chain.len()];
    let mut hits = BTreeMap::new();
    for found in &story.matches {
        let tokens = spans.tokens(&found.at);
        hits.entry(found.attractor).or_insert(tokens.end as u32);
        marks[tokens].fill(Some(Mark {
            attractor: found.attractor,
            in_ending: found.in_ending && story.is_finished(),
        }));
    }
    let so_far = chain.len() as u32;
    ChainEnding {
        story,
        hits,
        observed: if chain.done {
            length.max(so_far)
        } else {
            so_far
        },
        blocks: marks.chunks(BLOCK).map(Rc::from).collect(),
    }
}

/// Which part of the finished stories of a side end in an attractor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// How many.
    pub stories: usize,
    /// Of how many that are finished.
    pub of: usize,
    /// Wilson's 95% interval of the share.
    pub interval: Interval,
}

impl Share {
    /// From 0 to 1.
    pub fn share(&self) -> f64 {
        self.stories as f64 / self.of as f64
    }
}

/// The shares of an attractor.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares {
    /// Its position in the catalogue.
    pub attractor: usize,
    /// One for each side; none for a side of which no story is finished.
    pub sides: Vec<Option<Share>>,
}

/// The endings of a side, counted.
pub fn endings(side: &[Rc<ChainEnding>]) -> Endings {
    Endings::of(side.iter().map(|chain| &chain.story))
}

/// The attractors that any finished story ends in, the one with most stories of the first side first.
pub fn shares(sides: &[Endings]) -> Vec<Shares> {
    let of_attractor = |side: &Endings, attractor: usize| {
        let mut counts = side.counts.iter();
        let own = counts.find(|(ending, _)| *ending == Ending::Attractor(attractor));
        own.map_or(0, |(_, count)| *count)
    };
    let endings = sides.iter().flat_map(|side| &side.counts);
    let mut present: Vec<usize> = endings
        .filter_map(|(ending, _)| match ending {
            Ending::Attractor(attractor) => Some(*attractor),
            Ending::Unfinished | Ending::Tie(_) | Ending::Other(_) => None,
        })
        .collect();
    present.sort_unstable();
    present.dedup();
    // A stable sort: the catalogue's order among equals.
    present.sort_by_cached_key(|&attractor| {
        let counts = sides.iter().map(|side| of_attractor(side, attractor));
        Reverse(counts.collect::<Vec<_>>())
    });
    let share = |side: &Endings, attractor: usize| {
        let (stories, of) = (of_attractor(side, attractor), side.finished);
        let interval = wilson_95(stories, of)?;
        Some(Share {
            stories,
            of,
            interval,
        })
    };
    present
        .into_iter()
        .map(|attractor| Shares {
            attractor,
            sides: sides.iter().map(|side| share(side, attractor)).collect(),
        })
        .collect()
}

/// What is said of the stories of a side in a line, such as "3 different endings, 2 not finished, 35% of the text shared".
///
/// `different` counts different endings of finished stories; without a catalogue nothing is said of them.
pub fn headline(endings: Option<&Endings>, shared: Option<f64>, running: bool) -> String {
    let mut parts = Vec::new();
    if let Some(endings) = endings {
        match endings.different() {
            0 => {}
            1 => parts.push("1 ending".to_owned()),
            different => parts.push(format!("{different} different endings")),
        }
        if endings.unfinished > 0 {
            let how = if running {
                "being written"
            } else {
                "not finished"
            };
            parts.push(format!("{} {how}", endings.unfinished));
        }
    }
    if let Some(shared) = shared {
        parts.push(format!("{:.0}% of the text shared", 100.0 * shared));
    }
    parts.join(", ")
}

/// How soon stories reach an attractor, by Kaplan and Meier's estimate.
pub fn hitting(side: &[Rc<ChainEnding>], attractor: usize) -> HittingCurve {
    let observations: Vec<Observation> = side
        .iter()
        .map(|chain| match chain.hits.get(&attractor) {
            Some(tokens) => Observation {
                tokens: *tokens,
                hit: true,
            },
            None => Observation {
                tokens: chain.observed,
                hit: false,
            },
        })
        .collect();
    hitting_curve(&observations)
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

    /// A story that ended by itself.
    fn read(texts: &[&str]) -> Rc<ChainEnding> {
        let mut chain = chain(texts);
        chain.ended = true;
        Rc::new(chain_ending(&catalogue(), &chain, 10))
    }

    fn attractors(read: &ChainEnding) -> Vec<Option<usize>> {
        let marks = read.blocks.iter().flat_map(|block| block.iter());
        marks.map(|mark| mark.map(|mark| mark.attractor)).collect()
    }

    #[test]
    fn the_words_of_a_phrase_are_marked_by_kind_and_hit_with_their_last_token() {
        let found = read(&["They", " got", " mar", "ried", ".", " He", " cried"]);
        let (wedding, tears) = (Some(0), Some(1));
        assert_eq!(
            attractors(&found),
            [None, wedding, wedding, wedding, None, None, tears]
        );
        assert_eq!(
            found.story.attractor(),
            tears,
            "the last sentence is the ending"
        );
        let in_ending: Vec<bool> = found.blocks[0]
            .iter()
            .flatten()
            .map(|mark| mark.in_ending)
            .collect();
        assert_eq!(in_ending, [false, false, false, true]);
        assert_eq!(found.hits, BTreeMap::from([(0, 4), (1, 7)]));
    }

    #[test]
    fn a_story_that_was_cut_has_no_ending() {
        let cut = Rc::new(chain_ending(&catalogue(), &chain(&["A", " wedding"]), 10));
        assert_eq!(cut.story.ending, Ending::Unfinished);
        assert_eq!(
            attractors(&cut),
            [None, Some(0)],
            "its words are marked all the same"
        );
        assert!(!cut.blocks[0][1].unwrap().in_ending);
        let counted = endings(&[cut, read(&[" wedding"])]);
        assert_eq!((counted.finished, counted.unfinished), (1, 1));
    }

    #[test]
    fn marks_lie_in_their_own_blocks() {
        let mut texts = vec![" a"; BLOCK + 3];
        texts[BLOCK - 1] = " got";
        texts[BLOCK] = " married";
        let sizes: Vec<usize> = read(&texts)
            .blocks
            .iter()
            .map(|block| block.len())
            .collect();
        assert_eq!(sizes, [BLOCK, 3]);
        let marked: Vec<usize> = attractors(&read(&texts))
            .iter()
            .enumerate()
            .filter_map(|(token, mark)| mark.map(|_| token))
            .collect();
        assert_eq!(marked, [BLOCK - 1, BLOCK]);
    }

    #[test]
    fn shares_are_of_the_finished_stories_of_each_side_and_the_largest_comes_first() {
        let (wed, tears, none) = (read(&[" wedding"]), read(&[" cried"]), read(&[" rain"]));
        let cut = Rc::new(chain_ending(&catalogue(), &chain(&[" cried"]), 10));
        let tuned = [wed.clone(), wed.clone(), tears.clone(), cut, wed];
        let base = [none.clone(), tears, none.clone(), none];
        let shares = shares(&[endings(&tuned), endings(&base)]);
        let found: Vec<(usize, Vec<f64>)> = shares
            .iter()
            .map(|shares| {
                let sides = shares.sides.iter().flatten().map(Share::share).collect();
                (shares.attractor, sides)
            })
            .collect();
        assert_eq!(found, [(0, vec![0.75, 0.0]), (1, vec![0.25, 0.25])]);
        let Interval { low, high } = shares[0].sides[0].unwrap().interval;
        assert!(0.0 < low && low < 0.75 && 0.75 < high && high < 1.0);
    }

    #[test]
    fn a_story_that_has_ended_is_observed_to_the_limit_and_one_that_goes_on_only_so_far() {
        let ended = read(&[" rain"]);
        assert_eq!(hitting(from_ref(&ended), 0).observed, 10);
        let mut going = chain(&[" rain", " fell"]);
        going.done = false;
        let going = Rc::new(chain_ending(&catalogue(), &going, 10));
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
        assert!(shares(&[endings(&[])]).is_empty());
    }

    #[test]
    fn the_headline_counts_endings_of_finished_stories_and_says_what_is_not_finished() {
        let (wed, tears) = (read(&[" wedding"]), read(&[" cried"]));
        let cut = Rc::new(chain_ending(&catalogue(), &chain(&[" wedding"]), 10));
        let line = |side: &[Rc<ChainEnding>], running| {
            headline(Some(&endings(side)), Some(0.857), running)
        };
        assert_eq!(
            line(&[wed.clone(), wed.clone()], false),
            "1 ending, 86% of the text shared"
        );
        assert_eq!(
            line(&[wed, tears, cut.clone()], false),
            "2 different endings, 1 not finished, 86% of the text shared"
        );
        assert_eq!(
            line(&[cut], true),
            "1 being written, 86% of the text shared"
        );
        assert_eq!(headline(None, Some(0.0), false), "0% of the text shared");
        assert_eq!(headline(None, None, false), "");
    }
}
