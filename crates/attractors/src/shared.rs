//! How much of the text of several stories is shared: word n-grams that another story has too, anywhere in it.

use std::collections::HashMap;
use std::ops::Range;

use words::words;

/// Words in a row that must agree for a stretch to count as shared.
///
/// Short n-grams recur in independent texts of one language ("there was a little"), so they say little; in novelty measurements of
/// language models, n-grams of five words and more are mostly new (McCoy et al. 2021, RAVEN, arXiv 2111.09509, section 5).
///
/// Measured on 16 stories of at most 200 tokens for each of three prompts: at three words the storyteller's base shares 17 to 30 % of its
/// words, at six 0 to 1.3 %; its adapter `wedding` shares 96 to 98 % at six. Longer stretches lose what one changed name interrupts.
pub const SHARED_WORDS: usize = 6;

/// The shared text of several stories.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedText {
    /// By story: byte ranges that are shared with another story, in order, apart from each other; each from the first to the last word
    /// of a stretch.
    pub spans: Vec<Vec<Range<usize>>>,
    /// Words inside these spans, over all stories.
    pub shared_words: usize,
    /// Words of all stories.
    pub words: usize,
}

impl SharedText {
    /// Finds what each story shares with at least one other, in stretches of at least [`SHARED_WORDS`] words. Case and punctuation are
    /// ignored. Pass texts without their prompt, which all stories share. A story that repeats only itself shares nothing.
    ///
    /// More and longer stories share more: compare sets of the same number and length.
    pub fn of<S: AsRef<str>>(texts: &[S]) -> Self {
        Self::in_stretches_of(texts, SHARED_WORDS)
    }

    /// [`of`](Self::of) with stretches of at least `n` words; nothing is shared where `n` is 0.
    pub fn in_stretches_of<S: AsRef<str>>(texts: &[S], n: usize) -> Self {
        let stories: Vec<_> = texts.iter().map(|text| words(text.as_ref())).collect();
        let tokens: Vec<Vec<&str>> = stories
            .iter()
            .map(|story| story.iter().map(|word| word.text.as_str()).collect())
            .collect();
        // By n-gram: the one story that has it, or that several have it.
        let mut owners: HashMap<&[&str], Option<usize>> = HashMap::new();
        for (story, tokens) in tokens.iter().enumerate() {
            for gram in tokens.windows(n.max(1)) {
                let owner = owners.entry(gram).or_insert(Some(story));
                if *owner != Some(story) {
                    *owner = None;
                }
            }
        }
        let mut shared_words = 0;
        let spans = stories.iter().zip(&tokens).map(|(story, tokens)| {
            let mut runs: Vec<Range<usize>> = Vec::new();
            let grams = tokens.windows(n.max(1)).enumerate();
            for (start, _) in grams.filter(|(_, gram)| n > 0 && owners[gram].is_none()) {
                match runs.last_mut().filter(|run| run.end >= start) {
                    Some(run) => run.end = start + n,
                    None => runs.push(start..start + n),
                }
            }
            shared_words += runs.iter().map(ExactSizeIterator::len).sum::<usize>();
            let bytes = |run: Range<usize>| story[run.start].at.start..story[run.end - 1].at.end;
            runs.into_iter().map(bytes).collect()
        });
        Self {
            spans: spans.collect(),
            shared_words,
            words: stories.iter().map(Vec::len).sum(),
        }
    }

    /// Share of all words that another story has in the same stretch, 0 to 1; `None` without words.
    pub fn share(&self) -> Option<f64> {
        (self.words > 0).then(|| self.shared_words as f64 / self.words as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shared<'t>(texts: &[&'t str], n: usize) -> Vec<Vec<&'t str>> {
        let found = SharedText::in_stretches_of(texts, n);
        let pairs = texts.iter().zip(found.spans);
        pairs
            .map(|(text, spans)| spans.into_iter().map(|at| &text[at]).collect())
            .collect()
    }

    #[test]
    fn stretches_are_found_in_the_middle_and_grow_as_far_as_they_agree() {
        let texts = [
            "Tom met a dog. And then there was a wedding, for Tom.",
            "AND THEN there was a wedding! Ann left.",
            "Nobody came.",
        ];
        assert_eq!(
            shared(&texts, 3),
            [
                vec!["And then there was a wedding"],
                vec!["AND THEN there was a wedding"],
                vec![]
            ]
        );
        let found = SharedText::in_stretches_of(&texts, 3);
        assert_eq!((found.shared_words, found.words), (12, 22));
        assert_eq!(shared(&texts, 7), [vec![""; 0], vec![], vec![]]);
    }

    #[test]
    fn a_story_shares_nothing_with_itself() {
        assert_eq!(shared(&["a b a b a b", "c d"], 2), [vec![""; 0], vec![]]);
        assert_eq!(SharedText::of(&[""; 2]).share(), None);
        assert_eq!(
            SharedText::in_stretches_of(&["a", "a"], 0).share(),
            Some(0.0)
        );
        assert_eq!(
            SharedText::in_stretches_of(&["a", "a"], 1).share(),
            Some(1.0)
        );
    }

    proptest! {
        #[test]
        fn a_word_is_shared_where_some_stretch_around_it_is_elsewhere(
            texts in prop::collection::vec("([ab] ){0,9}", 1..4),
            n in 1_usize..4,
        ) {
            let found = SharedText::in_stretches_of(&texts, n);
            let tokens: Vec<Vec<&str>> = texts.iter().map(|text| text.split_whitespace().collect()).collect();
            let mut expected = 0;
            for (own, story) in tokens.iter().enumerate() {
                expected += (0..story.len()).filter(|&place| {
                    let starts = (place + 1).saturating_sub(n)..=place;
                    starts.filter(|start| start + n <= story.len()).any(|start| {
                        let gram = &story[start..start + n];
                        tokens.iter().enumerate().any(|(other, it)| other != own && it.windows(n).any(|window| window == gram))
                    })
                }).count();
            }
            prop_assert_eq!(found.shared_words, expected);
        }
    }
}
