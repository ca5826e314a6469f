//! One continuation of the prompt: its tokens, their text and their measures.
//!
//! Words lie in blocks of [`BLOCK`] behind `Rc`, so that a new token leaves all earlier blocks the very same, and the page
//! redraws only the last one.

use std::rc::Rc;

use super::detokenizer::{Detokenizer, Unfinished};

/// Words in a block: small enough that redrawing one is cheap, large enough that a chain has few.
pub const BLOCK: usize = 16;

/// The darkest tint, and the surprisal in bits from which it holds.
pub const DARKEST: u8 = 8;

/// What the page draws of a token.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// Token id.
    pub token: u32,
    /// The text that it adds; empty for the end of text, and for the first parts of a split character.
    pub text: Rc<str>,
    /// Its surprisal in whole bits, at most [`DARKEST`].
    pub tint: u8,
}

/// Surprisal and entropy of a pick, bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// `-log2 p` of the token.
    pub surprisal_bits: f32,
    /// Entropy of the distribution that it was picked from.
    pub entropy_bits: f32,
}

impl Measure {
    fn tint(self) -> u8 {
        self.surprisal_bits.round().clamp(0.0, f32::from(DARKEST)) as u8
    }
}

/// A chain of a swarm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain {
    blocks: Vec<Rc<Vec<Word>>>,
    measures: Vec<Measure>,
    unfinished: Unfinished,
    /// No token follows.
    pub done: bool,
    /// It ended by itself, with the end of text, and was not cut at its length.
    pub ended: bool,
}

impl Chain {
    /// How many tokens it has.
    pub fn len(&self) -> usize {
        self.measures.len()
    }

    /// The words, [`BLOCK`] at a time.
    pub fn blocks(&self) -> &[Rc<Vec<Word>>] {
        &self.blocks
    }

    /// Token by token.
    pub fn measures(&self) -> &[Measure] {
        &self.measures
    }

    /// The words, one by one.
    pub fn words(&self) -> impl Iterator<Item = &Word> {
        self.blocks.iter().flat_map(|block| block.iter())
    }

    /// The token ids.
    pub fn tokens(&self) -> impl Iterator<Item = u32> + '_ {
        self.words().map(|word| word.token)
    }

    /// The continuation, without the prompt.
    #[cfg(test)]
    pub fn text(&self) -> String {
        self.words().map(|word| &*word.text).collect()
    }

    /// Adds a token; `last` says that none follows.
    pub fn push(&mut self, token: u32, measure: Measure, last: bool, detokenizer: &Detokenizer) {
        let mut text = self.unfinished.push(token, detokenizer);
        if last {
            self.done = true;
            self.ended = detokenizer.is_end(token);
            let rest = self.unfinished.finish();
            if !rest.is_empty() {
                text = format!("{text}{rest}").into();
            }
        }
        if self.len().is_multiple_of(BLOCK) {
            self.blocks.push(Rc::new(Vec::with_capacity(BLOCK)));
        }
        let block = self
            .blocks
            .last_mut()
            .expect("a block was just begun if there was none");
        Rc::make_mut(block).push(Word {
            token,
            text,
            tint: measure.tint(),
        });
        self.measures.push(measure);
    }

    /// Keeps the first tokens, with new measures; blocks that look as before stay the very same.
    pub fn rewind(&mut self, measures: &[Measure], detokenizer: &Detokenizer) {
        let kept = measures.len().min(self.len());
        if kept < self.len() {
            let tokens: Vec<u32> = self.tokens().take(kept).collect();
            let first_changed = kept / BLOCK * BLOCK;
            self.blocks.truncate(kept / BLOCK);
            self.measures.truncate(first_changed);
            self.done = false;
            self.ended = false;
            self.unfinished = Unfinished::default();
            for token in &tokens[..first_changed] {
                self.unfinished.push(*token, detokenizer);
            }
            for (token, measure) in tokens.into_iter().zip(measures).skip(first_changed) {
                self.push(token, *measure, false, detokenizer);
            }
        }
        self.measures.copy_from_slice(&measures[..kept]);
        for (block, measures) in self.blocks.iter_mut().zip(measures.chunks(BLOCK)) {
            let changed = block
                .iter()
                .zip(measures)
                .any(|(word, measure)| word.tint != measure.tint());
            if changed {
                for (word, measure) in Rc::make_mut(block).iter_mut().zip(measures) {
                    word.tint = measure.tint();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detokenizer() -> Detokenizer {
        Detokenizer::new((0..=255).map(|byte| vec![byte]).collect(), 300, 301, 64)
    }

    fn measure(surprisal_bits: f32) -> Measure {
        Measure {
            surprisal_bits,
            entropy_bits: 1.0,
        }
    }

    fn chain(text: &str) -> Chain {
        let mut chain = Chain::default();
        for byte in text.bytes() {
            chain.push(byte.into(), measure(0.2), false, &detokenizer());
        }
        chain
    }

    #[test]
    fn a_new_token_leaves_earlier_blocks_the_very_same() {
        let before = chain(&"word ".repeat(10));
        let mut after = before.clone();
        after.push(b'x'.into(), measure(3.0), false, &detokenizer());
        assert_eq!(after.text(), "word ".repeat(10) + "x");
        for (old, new) in before
            .blocks()
            .iter()
            .zip(after.blocks())
            .take(before.len() / BLOCK)
        {
            assert!(Rc::ptr_eq(old, new));
        }
    }

    #[test]
    fn rewinding_keeps_a_beginning_wherever_the_blocks_lie() {
        let text = "The café closed; the naïve old man walked home.";
        for kept in 0..=text.len() {
            let mut rewound = chain(text);
            rewound.rewind(&vec![measure(2.0); kept], &detokenizer());
            for byte in text.bytes().skip(kept) {
                rewound.push(byte.into(), measure(2.0), false, &detokenizer());
            }
            assert_eq!(rewound.text(), text, "kept {kept}");
            assert_eq!(rewound.measures(), vec![measure(2.0); text.len()]);
            assert!(
                rewound
                    .blocks()
                    .iter()
                    .flat_map(|block| block.iter())
                    .all(|word| word.tint == 2)
            );
        }
    }

    #[test]
    fn measures_that_look_alike_leave_all_blocks_the_very_same() {
        let before = chain(&"a".repeat(40));
        let mut after = before.clone();
        after.rewind(&[measure(0.4); 40], &detokenizer());
        assert!(
            before
                .blocks()
                .iter()
                .zip(after.blocks())
                .all(|(old, new)| Rc::ptr_eq(old, new))
        );
        assert_eq!(after.measures()[39], measure(0.4));
    }

    #[test]
    fn a_character_cut_off_by_the_end_is_shown_as_such() {
        let mut chain = chain("caf");
        chain.push(0xC3, measure(1.0), true, &detokenizer());
        assert_eq!(chain.text(), "caf\u{FFFD}");
        assert!(chain.done);
    }

    #[test]
    fn a_finished_chain_that_keeps_everything_stays_finished() {
        let mut chain = chain("abc");
        chain.push(301, measure(1.0), true, &detokenizer());
        chain.rewind(&[measure(5.0); 4], &detokenizer());
        assert!(chain.done && chain.ended);
        chain.rewind(&[measure(5.0); 3], &detokenizer());
        assert!(!chain.done && !chain.ended);
        chain.push(b'd'.into(), measure(1.0), true, &detokenizer());
        assert!(chain.done && !chain.ended, "it was cut at its length");
    }
}
