//! Which text of stories other stories of the same side have too, token by token, wherever it stands.

use std::{collections::HashSet, rc::Rc};

use attractors::SharedText;

use super::token_spans::TokenSpans;
use crate::state::{BLOCK, Chain};

/// What the stories of a side share.
#[derive(Debug, PartialEq)]
pub struct SideShared {
    /// Share of all words, 0 to 1; none without words.
    pub share: Option<f64>,
    /// Different texts, token by token.
    pub distinct: usize,
    /// By story.
    pub stories: Vec<Rc<StoryShared>>,
}

/// What a story shares with others.
#[derive(Debug, PartialEq)]
pub struct StoryShared {
    /// Whether each token belongs to a shared stretch, [`BLOCK`] tokens at a time; the first token is the lowest bit.
    pub blocks: Vec<u16>,
    /// Whether an earlier story has all its tokens.
    pub repeats: bool,
}

const _: () = assert!(
    BLOCK <= u16::BITS as usize,
    "a bit for every word of a block"
);

/// Compares the stories of a side.
pub fn side_shared(side: &[Rc<Chain>]) -> SideShared {
    let spans: Vec<TokenSpans> = side.iter().map(|chain| TokenSpans::of(chain)).collect();
    let texts: Vec<&str> = spans.iter().map(|spans| &*spans.text).collect();
    let shared = SharedText::of(&texts);
    let mut seen = HashSet::new();
    let stories = side.iter().zip(&spans).zip(&shared.spans);
    let stories = stories.map(|((chain, spans), stretches)| {
        let mut blocks = vec![0; chain.len().div_ceil(BLOCK)];
        for token in stretches.iter().flat_map(|bytes| spans.tokens(bytes)) {
            blocks[token / BLOCK] |= 1 << (token % BLOCK);
        }
        let tokens: Vec<u32> = chain.tokens().collect();
        Rc::new(StoryShared {
            blocks,
            repeats: !seen.insert(tokens),
        })
    });
    let stories: Vec<Rc<StoryShared>> = stories.collect();
    SideShared {
        share: shared.share(),
        distinct: stories.iter().filter(|story| !story.repeats).count(),
        stories,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::token_spans::tests::chain;

    fn tokens(story: &StoryShared) -> Vec<usize> {
        let blocks = story.blocks.iter().enumerate();
        let bits = blocks.flat_map(|(block, bits)| {
            (0..BLOCK)
                .filter(move |bit| bits >> bit & 1 == 1)
                .map(move |bit| block * BLOCK + bit)
        });
        bits.collect()
    }

    #[test]
    fn what_is_shared_is_found_in_the_middle_of_stories() {
        let common = [
            " and", " then", " there", " was", " a", " big", " wedding", ".",
        ];
        let one = [&["Tom", " ran"], &common[..], &[" Bye"]].concat();
        let other = [&["Ann"], &common[..]].concat();
        let alone = ["Nobody", " came"];
        let side: Vec<Rc<Chain>> = [&one[..], &other, &alone, &other]
            .map(|texts| Rc::new(chain(texts)))
            .to_vec();
        let found = side_shared(&side);
        assert_eq!(tokens(&found.stories[0]), (2..9).collect::<Vec<_>>());
        assert!(tokens(&found.stories[1]).contains(&1) && tokens(&found.stories[2]).is_empty());
        let repeats: Vec<bool> = found.stories.iter().map(|story| story.repeats).collect();
        assert_eq!(
            (repeats, found.distinct),
            (vec![false, false, false, true], 3)
        );
        assert!(found.share.unwrap() > 0.5);
    }

    #[test]
    fn nothing_shares_nothing() {
        let found = side_shared(&[]);
        assert_eq!(
            (found.share, found.distinct, found.stories.len()),
            (None, 0, 0)
        );
    }
}
