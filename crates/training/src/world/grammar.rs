//! English spelling rules laid over an expanded story: capitals at the start
//! of sentences, and "a" or "an" by the sound of the next word.

/// Words spelt with a vowel that sound with a consonant.
const CONSONANT_SOUND: [&str; 6] = ["one", "once", "unicorn", "uniform", "useful", "usual"];
/// Words spelt with a consonant that sound with a vowel.
const VOWEL_SOUND: [&str; 2] = ["hour", "honest"];

/// "a" or "an", whichever goes before `word`.
pub(super) fn article(word: &str) -> &'static str {
    let word = word
        .trim_matches(|c: char| !c.is_ascii_alphabetic())
        .to_ascii_lowercase();
    let vowel = word.starts_with(['a', 'e', 'i', 'o', 'u']) && !CONSONANT_SOUND.contains(&&*word);
    if vowel || VOWEL_SOUND.contains(&&*word) {
        "an"
    } else {
        "a"
    }
}

/// The whole text with articles and capitals in order and single spaces.
pub(super) fn tidy(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| capitals(&articles(line)))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The line with "a" or "an" as the next word sounds, and single spaces.
pub(super) fn articles(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut fixed: Vec<&str> = Vec::with_capacity(words.len());
    for (i, &word) in words.iter().enumerate() {
        fixed.push(match (word, words.get(i + 1)) {
            ("a" | "an", Some(next)) => article(next),
            ("A" | "An", Some(next)) if article(next) == "an" => "An",
            ("A" | "An", Some(_)) => "A",
            ("\"A" | "\"An", Some(next)) if article(next) == "an" => "\"An",
            ("\"A" | "\"An", Some(_)) => "\"A",
            _ => word,
        });
    }
    fixed.join(" ")
}

/// Capitalises the first letter of each sentence and of each quotation. After
/// `!"` or `?"` the sentence may go on (`"Help!" cried Tom.`), and so may a
/// quotation that a comma ended (`"Stop," said mom, "or you will fall."`), so the
/// letter there stays as the template wrote it.
fn capitals(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut start = true;
    let mut quoted = false;
    let mut interrupted = false;
    let mut previous = ' ';
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                if !quoted {
                    interrupted = previous == ',';
                }
                start = if quoted {
                    !interrupted
                } else {
                    start && previous == '.'
                };
            }
            '.' | '!' | '?' => {
                start = true;
                interrupted = false;
            }
            ' ' => {}
            _ if start && c.is_alphanumeric() => {
                out.extend(c.to_uppercase());
                start = false;
                previous = c;
                continue;
            }
            _ => start = false,
        }
        out.push(c);
        previous = c;
    }
    out
}

/// The same words with a capital in front.
pub(super) fn capitalised(words: &str) -> String {
    let mut chars = words.chars();
    chars
        .next()
        .map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::tidy;

    #[test]
    fn articles_follow_the_sound_of_the_next_word() {
        assert_eq!(
            tidy("a old man met a unicorn for a hour. a apple fell."),
            "An old man met a unicorn for an hour. An apple fell."
        );
    }

    #[test]
    fn capitals_open_sentences_and_quotations_only() {
        assert_eq!(
            tidy("mom said, \"stop.\" he ran.  \"wait!\" cried Tom. \"yes,\" said mom."),
            "Mom said, \"Stop.\" He ran. \"Wait!\" cried Tom. \"Yes,\" said mom."
        );
        assert_eq!(
            tidy("\"no,\" said Tom, \"not now.\" \"oh,\" said mom. she asked, \"when?\""),
            "\"No,\" said Tom, \"not now.\" \"Oh,\" said mom. She asked, \"When?\""
        );
    }
}
