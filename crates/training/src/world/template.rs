//! The template language: one line of text with choices, slots and phrases.
//!
//! - `[a|b|c]` one of the alternatives, which may be empty and may nest;
//! - `{slot}` a value fixed for the whole story, `{Slot}` the same capitalised;
//! - `<phrase>` a line drawn afresh from the phrase or word list of that name.
//!
//! What the names mean is decided in `telling`; here is only the syntax.

/// One piece of a parsed line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Words as they stand.
    Text(String),
    /// A value that stays the same through a story.
    Slot {
        /// Name in lower case.
        name: String,
        /// Whether the first letter is to be a capital.
        capital: bool,
    },
    /// A line drawn from a phrase or word list.
    Phrase(String),
    /// Exactly one of these.
    Choice(Vec<Template>),
}

/// A parsed line.
pub(super) type Template = Vec<Piece>;

/// Parses one line; the error says what is wrong with it.
pub(super) fn parse(line: &str) -> Result<Template, String> {
    let mut rest = line;
    let template = parse_until(&mut rest)?;
    match rest.chars().next() {
        None => Ok(template),
        Some(c) => Err(format!("'{c}' closes nothing, before \"{}\"", &rest[1..])),
    }
}

/// Parses up to the end of the line or up to a character that closes a piece.
fn parse_until(rest: &mut &str) -> Result<Template, String> {
    let mut pieces = Template::new();
    while let Some(c) = rest.chars().next() {
        match c {
            '[' => {
                *rest = &rest[1..];
                pieces.push(parse_choice(rest)?);
            }
            '{' => {
                let name = take_name(rest, '}')?;
                let capital = name.starts_with(|c: char| c.is_ascii_uppercase());
                pieces.push(Piece::Slot {
                    name: name.to_ascii_lowercase(),
                    capital,
                });
            }
            '<' => pieces.push(Piece::Phrase(take_name(rest, '>')?.to_owned())),
            // The caller decides whether this closes something.
            '|' | ']' | '}' | '>' => return Ok(pieces),
            _ => {
                let end = rest
                    .find(['[', ']', '{', '}', '<', '>', '|'])
                    .unwrap_or(rest.len());
                pieces.push(Piece::Text(rest[..end].to_owned()));
                *rest = &rest[end..];
            }
        }
    }
    Ok(pieces)
}

fn parse_choice(rest: &mut &str) -> Result<Piece, String> {
    let mut options = Vec::new();
    loop {
        options.push(parse_until(rest)?);
        match rest.chars().next() {
            Some('|') => *rest = &rest[1..],
            Some(']') => {
                *rest = &rest[1..];
                return Ok(Piece::Choice(options));
            }
            Some(c) => return Err(format!("'{c}' inside '[...]' closes nothing")),
            None => return Err("'[' is never closed by ']'".to_owned()),
        }
    }
}

/// Takes `{name}` or `<name>` off the front and returns the name.
fn take_name<'a>(rest: &mut &'a str, close: char) -> Result<&'a str, String> {
    let end = rest
        .find(close)
        .ok_or_else(|| format!("\"{rest}\" lacks its '{close}'"))?;
    let name = &rest[1..end];
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(valid) {
        return Err(format!(
            "\"{name}\" is not a name: use letters, digits and '_'"
        ));
    }
    *rest = &rest[end + 1..];
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::{Piece, parse};

    #[test]
    fn nested_choices_and_empty_options_parse() {
        let template = parse("a [b [c|d]|] {Hero} <adj>.").unwrap();
        assert_eq!(template.len(), 7);
        let Piece::Choice(options) = &template[1] else {
            panic!("no choice")
        };
        assert_eq!(options.len(), 2);
        assert!(options[1].is_empty());
        assert_eq!(
            template[3],
            Piece::Slot {
                name: "hero".to_owned(),
                capital: true
            }
        );
    }

    #[test]
    fn broken_lines_are_refused_with_the_reason() {
        for (line, reason) in [
            ("a [b|c", "never closed"),
            ("a b]", "closes nothing"),
            ("{hero", "lacks its '}'"),
            ("<two words>", "not a name"),
            ("[a {b]|c}", "not a name"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }
}
