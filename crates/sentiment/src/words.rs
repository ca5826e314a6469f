//! What a word is, and which words make a pair.
//!
//! A word is a longest run of letters and digits; an apostrophe belongs to it where it stands between two of them ("don't"),
//! straight or curly. Case is ignored. Two words that follow each other are a pair, unless a sentence ends between them: at a
//! full stop, exclamation mark, question mark, ellipsis or line end. Commas and quotation marks do not part a pair; a hyphen
//! parts words.

use std::ops::Range;

/// Between two words, any of these says that they are no pair.
const SENTENCE_ENDS: [char; 5] = ['.', '!', '?', '…', '\n'];

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// In lower case, with straight apostrophes.
    pub text: String,
    /// Its bytes in the text.
    pub at: Range<usize>,
    /// Whether it is the first of a sentence, so that it makes no pair with the word before.
    pub opens: bool,
}

/// A word or a pair of words that occurs in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gram {
    /// The word, or both with a space between.
    pub text: String,
    /// Numbers of its first and its last word in the text; equal for a single word.
    pub of: (usize, usize),
}

/// The words of a text, in order.
pub fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut end = 0;
    while let Some(skipped) = text[end..].find(char::is_alphanumeric) {
        let start = end + skipped;
        let opens = words.is_empty() || text[end..start].contains(SENTENCE_ENDS);
        end = start + length(&text[start..]);
        let mut word = text[start..end].replace('’', "'").to_lowercase();
        // The small form of a letter may be a letter and a mark: that of "İ" is.
        word.retain(|character| character.is_alphanumeric() || character == '\'');
        words.push(Word {
            text: word,
            at: start..end,
            opens,
        });
    }
    words
}

/// Bytes of the word with which a text begins.
fn length(text: &str) -> usize {
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let joins = matches!(character, '\'' | '’') && next.is_some_and(char::is_alphanumeric);
        if !character.is_alphanumeric() && !joins {
            return at;
        }
    }
    text.len()
}

/// The words, each followed by the pair that begins with it if there is one.
pub fn grams(words: &[Word]) -> impl Iterator<Item = Gram> {
    words.iter().enumerate().flat_map(move |(at, word)| {
        let single = Gram {
            text: word.text.clone(),
            of: (at, at),
        };
        let next = words.get(at + 1).filter(|next| !next.opens);
        let pair = next.map(|next| Gram {
            text: format!("{} {}", word.text, next.text),
            of: (at, at + 1),
        });
        [Some(single), pair].into_iter().flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.text).collect()
    }

    fn pairs(text: &str) -> Vec<String> {
        let grams = grams(&words(text))
            .map(|gram| gram.text)
            .collect::<Vec<_>>();
        grams
            .into_iter()
            .filter(|gram| gram.contains(' '))
            .collect()
    }

    #[test]
    fn case_and_the_shape_of_an_apostrophe_do_not_matter() {
        assert_eq!(texts("Don't DON’T don't"), ["don't"; 3]);
        assert_eq!(texts("Élan ÉLAN"), ["élan", "élan"]);
    }

    #[test]
    fn an_apostrophe_belongs_to_a_word_only_between_letters() {
        assert_eq!(
            texts("the dogs' 'tis o'clock '"),
            ["the", "dogs", "tis", "o'clock"]
        );
        assert_eq!(texts("rock''n"), ["rock", "n"]);
    }

    #[test]
    fn digits_are_words_and_hyphens_part_them() {
        assert_eq!(
            texts("7 well-known owls, 3rd row"),
            ["7", "well", "known", "owls", "3rd", "row"]
        );
        assert!(texts(" *** -- \"!\" ").is_empty());
    }

    #[test]
    fn a_sentence_end_parts_a_pair_and_a_comma_or_quotation_mark_does_not() {
        assert_eq!(
            pairs("\"Stop, you,\" he said. \"Go!\" She went\nHome… Now? Yes."),
            ["stop you", "you he", "he said", "she went"]
        );
    }

    #[test]
    fn a_pair_knows_its_two_words() {
        let words = words("One two. Three four");
        let last = grams(&words)
            .filter(|gram| gram.text == "three four")
            .last();
        assert_eq!(last.unwrap().of, (2, 3));
    }

    proptest! {
            #[test]
            fn every_word_lies_where_it_says_and_is_a_word_itself(text in "[A-Za-zéİß'’ .!?\n-]{0,60}|\\PC{0,40}") {
                let mut end = 0;
                for word in words(&text) {
                    prop_assert!(word.at.start >= end && !word.at.is_empty());
    let again: Vec<String> = texts(&word.text);
                    prop_assert_eq!(again, std::slice::from_ref(&word.text));
                    prop_assert_eq!(texts(&text[word.at.clone()]), [word.text]);
                    end = word.at.end;
                }
            }
        }
}
