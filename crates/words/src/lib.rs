//! Words and sentence ends of a text, shared by sentiment scores and attractor matches.
//!
//! A word is a longest run of letters and digits; an apostrophe belongs to it where it stands between two of them ("don't"),
//! straight or curly; a hyphen separates words. Case is ignored. A sentence ends at a full stop, exclamation mark, question mark,
//! ellipsis or line end; commas and quotation marks do not end one.

use std::ops::Range;

/// Any of these between two words ends a sentence.
const SENTENCE_ENDS: [char; 5] = ['.', '!', '?', '…', '\n'];

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// In lower case, with straight apostrophes.
    pub text: String,
    /// Its bytes in the text.
    pub at: Range<usize>,
    /// Whether it is the first word of a sentence; no phrase or bigram joins it to the word before.
    pub starts_sentence: bool,
}

/// The words of a text, in order.
pub fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut end = 0;
    while let Some(skipped) = text[end..].find(char::is_alphanumeric) {
        let start = end + skipped;
        let starts_sentence = words.is_empty() || text[end..start].contains(SENTENCE_ENDS);
        end = start + length(&text[start..]);
        let mut word = text[start..end].replace('’', "'").to_lowercase();
        // The small form of a letter may be a letter and a mark: that of "İ" is.
        word.retain(|character| character.is_alphanumeric() || character == '\'');
        words.push(Word {
            text: word,
            at: start..end,
            starts_sentence,
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.text).collect()
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
    fn a_sentence_opens_behind_a_stop_and_not_behind_a_comma() {
        let opens: Vec<bool> = words("\"Oh, no,\" he said. Then… nothing\nmore")
            .into_iter()
            .map(|word| word.starts_sentence)
            .collect();
        assert_eq!(opens, [true, false, false, false, true, true, true]);
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
