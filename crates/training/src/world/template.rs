//! The template language: one line of text with choices, slots and phrases.
//!
//! - `[a|b|c]` one of the alternatives, which may be empty and may nest;
//! - `{slot}` a value fixed for the whole story, `{Slot}` the same capitalised;
//! - `<phrase>` a line drawn afresh from the phrase or word list of that name;
//! - `@me`, `@they`, `@child`, `@animal`, `@grown`, `@small` at the start of a line or alternative:
//!   it is drawn only for that kind of hero (see [`Guard`]).
//!
//! What the names mean is decided in `expansion`; here is only the syntax.

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
    /// Exactly one of those that are open to the hero; nothing where none is.
    Choice(Vec<Line>),
}

/// The pieces of a line in order.
pub(super) type Template = Vec<Piece>;

/// A template and the heroes that it is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Which heroes; all of them without a guard.
    pub(super) guard: Option<Guard>,
    /// The text.
    pub(super) template: Template,
}

/// What the hero of a story is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hero {
    /// A child who tells the story: "I".
    Me,
    /// A child with a name.
    Child,
    /// An animal, or a thing that lives.
    Animal,
    /// Someone grown up.
    Grown,
}

impl Hero {
    /// All kinds.
    pub(super) const ALL: [Self; 4] = [Self::Me, Self::Child, Self::Animal, Self::Grown];

    /// The kind as names of phrases have it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Me => "me",
            Self::Child => "child",
            Self::Animal => "animal",
            Self::Grown => "grown",
        }
    }
}

/// Restricts a line to some heroes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// `@me`, `@child`, `@animal` or `@grown`: this kind only.
    Only(Hero),
    /// `@they`, `@small`: every kind but `@me`, but `@grown`.
    Not(Hero),
}

impl Guard {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "they" => Some(Self::Not(Hero::Me)),
            "small" => Some(Self::Not(Hero::Grown)),
            _ => {
                let mut kinds = Hero::ALL.into_iter();
                kinds.find(|kind| kind.name() == name).map(Self::Only)
            }
        }
    }
}

impl Line {
    /// Whether the line is for such a hero.
    pub(super) fn open_to(&self, hero: Hero) -> bool {
        match self.guard {
            None => true,
            Some(Guard::Only(kind)) => kind == hero,
            Some(Guard::Not(kind)) => kind != hero,
        }
    }
}

/// Parses one line; the error says what is wrong with it.
pub(super) fn parse(line: &str) -> Result<Line, String> {
    let mut rest = line;
    let parsed = parse_guarded(&mut rest)?;
    match rest.chars().next() {
        None => Ok(parsed),
        Some(c) => Err(format!("'{c}' closes nothing, before \"{}\"", &rest[1..])),
    }
}

/// Parses a guard, if there is one, and then up to where `parse_until` stops.
fn parse_guarded(rest: &mut &str) -> Result<Line, String> {
    let guard = match rest.strip_prefix('@') {
        None => None,
        Some(after) => {
            let end = after
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(after.len());
            let name = &after[..end];
            let guard = Guard::from_name(name).ok_or_else(|| {
                format!(
                    "\"@{name}\" is for nobody: use @me, @they, @child, @animal, @grown or @small"
                )
            })?;
            *rest = after[end..].strip_prefix(' ').unwrap_or(&after[end..]);
            Some(guard)
        }
    };
    let template = parse_until(rest)?;
    Ok(Line { guard, template })
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
            '@' => return Err("'@' belongs at the start of a line or alternative".to_owned()),
            // The caller decides whether this closes something.
            '|' | ']' | '}' | '>' => return Ok(pieces),
            _ => {
                let end = rest
                    .find(['[', ']', '{', '}', '<', '>', '|', '@'])
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
        options.push(parse_guarded(rest)?);
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
    use super::{Hero, Piece, parse};

    #[test]
    fn nested_choices_and_empty_options_parse() {
        let template = parse("a [b [c|d]|] {Hero} <adj>.").unwrap().template;
        assert_eq!(template.len(), 7);
        let Piece::Choice(options) = &template[1] else {
            panic!("no choice")
        };
        assert_eq!(options.len(), 2);
        assert!(options[1].template.is_empty());
        assert_eq!(
            template[3],
            Piece::Slot {
                name: "hero".to_owned(),
                capital: true
            }
        );
    }

    #[test]
    fn guards_say_which_heroes_a_line_is_for() {
        let line = parse("@they he [@grown worked|@small played|slept].").unwrap();
        let open = |line: &super::Line| Hero::ALL.map(|hero| line.open_to(hero));
        assert_eq!(open(&line), [false, true, true, true]);
        let Piece::Choice(options) = &line.template[1] else {
            panic!("no choice")
        };
        assert_eq!(open(&options[0]), [false, false, false, true]);
        assert_eq!(open(&options[1]), [true, true, true, false]);
        assert_eq!(open(&options[2]), [true; 4]);
        assert_eq!(
            options[1].template,
            [Piece::Text("played".to_owned())],
            "the guard and its space are not text"
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
            ("@nobody a", "is for nobody"),
            ("a @me b", "start of a line"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }
}
