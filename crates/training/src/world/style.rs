//! How a story is worded: pairs of wordings that mean the same, of which a story keeps to one.
//!
//! One narrator says "did not" and "everyone", another "didn't" and "everybody". The pairs are lines of the sections
//! `= wordings NAME` of the data files: `did not > didn't`.

use super::random::SplitMix64;

/// Stories in a thousand that take the second wording of a pair.
const SECOND_PER_MILLE: usize = 400;

/// Two wordings that mean the same.
#[derive(Debug)]
pub(super) struct Wordings {
    first: String,
    second: String,
}

impl Wordings {
    /// Reads `first > second`.
    pub(super) fn from_line(line: &str) -> Result<Self, String> {
        let (first, second) = line
            .split_once(" > ")
            .ok_or_else(|| format!("\"{line}\" should be \"FIRST > SECOND\""))?;
        Ok(Self {
            first: first.trim().to_owned(),
            second: second.trim().to_owned(),
        })
    }
}

/// The text with the second wordings of some pairs, drawn for the whole text.
pub(super) fn reworded(text: &str, pairs: &[Wordings], rng: &mut SplitMix64) -> String {
    let mut text = text.to_owned();
    for Wordings { first, second } in pairs {
        if rng.chance(SECOND_PER_MILLE) {
            text = replaced(&text, first, second);
        }
    }
    text
}

/// The text with whole words replaced; a capital stays one.
fn replaced(text: &str, first: &str, second: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = find_word(rest, first) {
        let (before, found) = rest.split_at(at);
        let capital = found.starts_with(|c: char| c.is_uppercase());
        out.push_str(before);
        if capital {
            out.push_str(&super::grammar::capitalised(second));
        } else {
            out.push_str(second);
        }
        rest = &found[first.len()..];
    }
    out + rest
}

/// Where the words begin in the text, whatever case their first letter has.
fn find_word(text: &str, words: &str) -> Option<usize> {
    let inside = |c: char| c.is_alphanumeric() || c == '\'';
    let tail = &words[1..];
    text.match_indices(tail).find_map(|(at, _)| {
        let start = at.checked_sub(1).filter(|at| text.is_char_boundary(*at))?;
        let same = text[start..at].eq_ignore_ascii_case(&words[..1]);
        let open = !text[..start].ends_with(inside);
        let closed = !text[at + tail.len()..].starts_with(inside);
        (same && open && closed).then_some(start)
    })
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn whole_words_are_replaced_and_capitals_stay() {
        let text = "Nobody came. nobody's dog did not bark, nobody did.";
        assert_eq!(
            replaced(text, "nobody", "no one"),
            "No one came. nobody's dog did not bark, no one did."
        );
        assert_eq!(
            replaced("He did not. did nothing", "did not", "didn't"),
            "He didn't. did nothing"
        );
        assert_eq!(replaced("", "a", "b"), "");
    }
}
