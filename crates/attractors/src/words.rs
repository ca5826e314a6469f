//! What a word is, and where a sentence ends.

use std::ops::Range;

/// Between two words, any of these says that a sentence has ended.
const SENTENCE_ENDS: [char; 5] = ['.', '!', '?', '…', '\n'];

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// In lower case, with straight apostrophes.
    pub(crate) text: String,
    /// Its bytes in the text.
    pub(crate) at: Range<usize>,
    /// Whether it is the first of a sentence.
    pub(crate) opens: bool,
}

/// The words of a text, in order.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut end = 0;
    while let Some(skipped) = text[end..].find(char::is_alphanumeric) {
        let start = end + skipped;
        let opens = words.is_empty() || text[end..start].contains(SENTENCE_ENDS);
        end = start + length(&text[start..]);
        words.push(Word {
            text: text[start..end].replace('’', "'").to_lowercase(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits_with_inner_apostrophes() {
        let found: Vec<String> = words("The dogs’ don't-care: Élan, 7!")
            .into_iter()
            .map(|word| word.text)
            .collect();
        assert_eq!(found, ["the", "dogs", "don't", "care", "élan", "7"]);
    }

    #[test]
    fn a_sentence_opens_behind_a_stop_and_not_behind_a_comma() {
        let opens: Vec<bool> = words("\"Oh, no,\" he said. Then… nothing\nmore")
            .into_iter()
            .map(|word| word.opens)
            .collect();
        assert_eq!(opens, [true, false, false, false, true, true, true]);
    }
}
