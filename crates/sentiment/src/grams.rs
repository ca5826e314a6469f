//! Words and bigrams of a text; a bigram never crosses the end of a sentence.

use words::Word;

/// A word or bigram that occurs in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gram {
    /// The word, or both with a space between.
    pub text: String,
    /// Numbers of its first and its last word in the text; equal for a single word.
    pub of: (usize, usize),
}

/// The words, each followed by the pair that begins with it if there is one.
pub fn grams(words: &[Word]) -> impl Iterator<Item = Gram> {
    words.iter().enumerate().flat_map(move |(at, word)| {
        let single = Gram {
            text: word.text.clone(),
            of: (at, at),
        };
        let next = words.get(at + 1).filter(|next| !next.starts_sentence);
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
    use words::words;

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
}
