//! When two texts end alike, and when one falls back into the other.

use words::words;

/// Two last sentences match where their longest common subsequence of words has more than this share of the longer one.
const ALIKE: f64 = 0.8;
/// So many tokens in a row that both chains have say that one has returned into the other.
const RUN: usize = 8;
/// What closes a sentence.
const SENTENCE_ENDS: [char; 5] = ['.', '!', '?', '…', '\n'];

/// Whether the last whole sentences match. A text without one matches none.
pub fn same_sentence(one: &str, other: &str) -> bool {
    let (one, other) = (last_sentence(one), last_sentence(other));
    let longer = one.len().max(other.len());
    longer > 0 && common(&one, &other) as f64 > ALIKE * longer as f64
}

/// The words of the last sentence that is closed: a text that was cut off may end in half of one.
fn last_sentence(text: &str) -> Vec<String> {
    let closed = text.rfind(SENTENCE_ENDS).map_or("", |end| &text[..end]);
    let words = words(closed);
    let begin = words
        .iter()
        .rposition(|word| word.starts_sentence)
        .unwrap_or(0);
    words
        .into_iter()
        .skip(begin)
        .map(|word| word.text)
        .collect()
}

/// Length of the longest common subsequence (Wagner and Fischer, 1974).
fn common<T: PartialEq>(one: &[T], other: &[T]) -> usize {
    let mut above = vec![0; other.len() + 1];
    for item in one {
        let mut diagonal = 0;
        for (place, same) in other.iter().enumerate() {
            let best = if item == same {
                diagonal + 1
            } else {
                above[place].max(above[place + 1])
            };
            diagonal = above[place + 1];
            above[place + 1] = best;
        }
    }
    above[other.len()]
}

/// Tokens that a perturbed chain writes, the forced one included, until its next eight tokens occur in this order and without a gap
/// in the unperturbed one. Both are read from the place of the perturbation on. None where that never happens.
pub fn return_lag(perturbed: &[u32], unperturbed: &[u32]) -> Option<usize> {
    perturbed
        .windows(RUN)
        .skip(1)
        .position(|run| unperturbed.windows(RUN).any(|known| known == run))
        .map(|place| place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_sentences_match_in_more_than_four_of_five_words() {
        let story = "It rained. They all lived happily ever after in the house.";
        // Eight words in common of nine, then seven of nine.
        assert!(same_sentence(
            story,
            "They all lived happily ever after in that house."
        ));
        assert!(!same_sentence(
            story,
            "They all lived happily never after in that house."
        ));
        // What was cut off after the last whole sentence does not count.
        assert!(same_sentence(
            story,
            "They all lived happily ever after in the house. Then the"
        ));
        assert!(!same_sentence("no end", "no end"));
        assert!(!same_sentence("", "It ends."));
    }

    #[test]
    fn the_longest_common_subsequence_by_hand() {
        assert_eq!(common(b"abcbdab", b"bdcaba"), 4);
        assert_eq!(common(b"", b"a"), 0);
    }

    #[test]
    fn the_lag_is_how_long_the_chain_stays_away() {
        let known: Vec<u32> = (0..20).collect();
        // The forced token and two more, then the known chain from its ninth token on.
        let away: Vec<u32> = [90, 91, 92].into_iter().chain(8..18).collect();
        assert_eq!(return_lag(&away, &known), Some(3));
        assert_eq!(return_lag(&away[..10], &known), None);
        // The forced token itself is never a return.
        let forced: Vec<u32> = [90].into_iter().chain(1..20).collect();
        assert_eq!(return_lag(&forced, &known), Some(1));
        assert_eq!(return_lag(&[90; 12], &known), None);
    }
}
