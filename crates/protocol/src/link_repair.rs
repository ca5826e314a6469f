//! What the web does to links, undone where only one meaning is possible: `&amp;`, a closing bracket or full stop that a writer's
//! sentence added, decimal commas, words that trackers append, a whole link that was encoded once more, Windows line ends.
//!
//! A prompt is taken as it stands, but for its line ends: any other character in it may be meant.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Entities for `&` that remain when a page's source is escaped once too often.
const ENTITIES: [&str; 3] = ["amp;", "#38;", "#038;"];

/// Settings whose values are real numbers; of others, only these take a decimal comma.
const REAL: [&str; 7] = ["t", "s", "lambda", "top_p", "min_p", "typical", "rep"];

/// Settings whose values are whole numbers.
const WHOLE: [&str; 4] = ["top_k", "seed", "n", "len"];

/// A link without the characters before its first key, and decoded once where all of it was encoded.
pub(crate) fn unwrapped(link: &str) -> Cow<'_, str> {
    let link = link.trim_start_matches(['#', '?', '!', '/']);
    let encoded = |link: &str| {
        let equals = |three: &[u8]| three.eq_ignore_ascii_case(b"%3D");
        !link.contains('=') && link.as_bytes().windows(3).any(equals)
    };
    if encoded(link) {
        percent_decode_str(link)
            .decode_utf8()
            .unwrap_or(Cow::Borrowed(link))
    } else {
        Cow::Borrowed(link)
    }
}

/// The parts between `&` or what has become of it, without empty ones.
pub(crate) fn parts(link: &str) -> impl Iterator<Item = &str> {
    link.split('&')
        .map(without_entity)
        .filter(|part| !part.is_empty())
}

fn without_entity(mut part: &str) -> &str {
    let starts = |part: &str, entity: &str| {
        let head = part.get(..entity.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(entity))
    };
    while let Some(entity) = ENTITIES.iter().find(|entity| starts(part, entity)) {
        part = &part[entity.len()..];
    }
    part
}

/// Whether a key was appended by a tracker, and means nothing to anybody here.
pub(crate) fn is_tracker(key: &str) -> bool {
    const TRACKERS: [&str; 9] = [
        "fbclid", "gclid", "dclid", "msclkid", "twclid", "yclid", "mc_cid", "mc_eid", "igshid",
    ];
    key.starts_with("utm_") || TRACKERS.contains(&key)
}

/// Text with `\n` at every line's end, as text areas give it; what is computed is then what is seen.
pub(crate) fn line_ends(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// The one other spelling that a value which could not be used may be meant as, if there is one.
pub(crate) fn respelled(key: &str, value: &str) -> Option<String> {
    if key == "prompt" {
        return None;
    }
    let bare = value
        .trim()
        .trim_start_matches(['“', '‘', '"', '\'', '(', '<'])
        .trim_end_matches([
            ')', ']', '}', '>', '.', ',', ';', ':', '!', '?', '"', '\'', '”', '’', '…',
        ]);
    let other = if REAL.contains(&key) {
        real(bare)?
    } else if WHOLE.contains(&key) {
        whole(bare)?
    } else {
        bare.to_owned()
    };
    (other != value).then_some(other)
}

/// A real number with a point for its comma; not where the comma may part thousands.
fn real(text: &str) -> Option<String> {
    if text == "∞" {
        return Some("inf".to_owned());
    }
    let Some((before, after)) = text.split_once(',') else {
        return Some(text.to_owned());
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let thousands = after.len() == 3 && before != "0";
    (digits(before) && digits(after) && !after.is_empty() && !thousands)
        .then(|| format!("{before}.{after}"))
}

/// A whole number that is written as a real one.
fn whole(text: &str) -> Option<String> {
    /// From here on not every whole number is an `f64`.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if text.parse::<u64>().is_ok() {
        return Some(text.to_owned());
    }
    let number: f64 = text.parse().ok()?;
    (number.fract() == 0.0 && (0.0..EXACT).contains(&number)).then(|| number.to_string())
}
