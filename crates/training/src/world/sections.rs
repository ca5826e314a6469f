//! Reads the world's data files into word lists, phrases, openings, endings
//! and joys. The format, line by line (see the head of `cast.txt`):
//!
//! - `# ...` a remark;
//! - `= kind name` begins a section; kind is `words`, `wordings`, `phrase`,
//!   `opening`, `ending` or `joy`;
//! - `key: value` an entry of the section (`topic`, `sentiment`, `set slot`, `try`...);
//! - `- ...` one line of the section's text;
//! - in a `words` section, every other line is a list parted by commas, and in
//!   a `wordings` section one pair `first > second`.

use std::collections::BTreeMap;

use super::WorldError;
use super::template::{Line, parse};

/// A section: its entries and its lines of text.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// `key: value` lines in order.
    pub(super) entries: Vec<(String, String)>,
    /// `- ...` lines.
    pub(super) lines: Vec<Line>,
    /// Words of a `words` section, pairs of a `wordings` section.
    pub(super) words: Vec<String>,
}

impl Section {
    /// The value of `key`, if the section has it.
    pub(super) fn entry(&self, key: &str) -> Option<&str> {
        self.entries
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, value)| value.as_str())
    }

    /// The comma-separated value of `key`; empty if the section lacks it.
    pub(super) fn list(&self, key: &str) -> Vec<String> {
        let items = self
            .entry(key)
            .unwrap_or_default()
            .split(',')
            .map(str::trim);
        items
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

/// All sections, by kind and name.
pub(super) type Sections = BTreeMap<(String, String), Section>;

const KINDS: [&str; 6] = ["words", "wordings", "phrase", "opening", "ending", "joy"];

/// Adds the sections of one file.
pub(super) fn parse_file(
    file: &'static str,
    text: &str,
    into: &mut Sections,
) -> Result<(), WorldError> {
    let mut current: Option<(String, String)> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let wrong = |problem: String| WorldError::Line {
            file,
            line: number + 1,
            problem,
        };
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(head) = line.strip_prefix("= ") {
            let (kind, name) = head
                .split_once(' ')
                .filter(|(kind, _)| KINDS.contains(kind))
                .ok_or_else(|| {
                    wrong(format!(
                        "\"{line}\" should be \"= KIND NAME\" with KIND one of {KINDS:?}"
                    ))
                })?;
            let key = (kind.to_owned(), name.trim().to_owned());
            if into.insert(key.clone(), Section::default()).is_some() {
                return Err(wrong(format!(
                    "{kind} {name} appears twice; rename or merge one"
                )));
            }
            current = Some(key);
            continue;
        }
        let key = current
            .as_ref()
            .ok_or_else(|| wrong("text before the first \"= kind name\"".to_owned()))?;
        let section = into.get_mut(key).expect("the current section was inserted");
        if let Some(text) = line.strip_prefix("- ") {
            section.lines.push(parse(text).map_err(wrong)?);
        } else if key.0 == "words" {
            section.words.extend(
                line.split(',')
                    .map(|w| w.trim().to_owned())
                    .filter(|w| !w.is_empty()),
            );
        } else if key.0 == "wordings" {
            section.words.push(line.to_owned());
        } else if let Some((k, value)) = line.split_once(": ") {
            section
                .entries
                .push((k.trim().to_owned(), value.trim().to_owned()));
        } else {
            return Err(wrong(format!(
                "\"{line}\" is neither \"- text\" nor \"key: value\""
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Sections, parse_file};

    #[test]
    fn mistakes_are_reported_with_file_and_line() {
        for (text, place) in [
            ("hello", "t.txt:1"),
            ("= story x", "t.txt:1"),
            ("= phrase x\n- [a", "t.txt:2"),
            ("= phrase x\n\nhello", "t.txt:3"),
            ("= joy x\n= joy x", "t.txt:2"),
        ] {
            let error = parse_file("t.txt", text, &mut Sections::new())
                .unwrap_err()
                .to_string();
            assert!(error.contains(place), "{text}: {error}");
        }
    }
}
