//! How commands speak: JSON on stdout, and errors in one line on stderr.

use std::io::{self, ErrorKind, Write as _};

use anyhow::Context as _;
use serde::{Serialize, Serializer};

/// Where results go.
pub const STDOUT: &str = "cannot write to standard output";

/// Prints a value as one line of JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer(&mut stdout, value)
        .map_err(io::Error::from)
        .and_then(|()| writeln!(stdout))
        .context(STDOUT)
}

/// Prints some words, with a line end.
pub fn line(words: &str) -> anyhow::Result<()> {
    writeln!(io::stdout().lock(), "{words}").context(STDOUT)
}

/// Writes a number that may be infinite: JSON has no word for it, so it becomes the string `"inf"`.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
pub fn maybe_infinite<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if number.is_infinite() {
        serializer.serialize_str("inf")
    } else {
        serializer.serialize_f64(*number)
    }
}

/// An error and its causes, each said once: some of them already quote the cause below.
pub fn chain(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !said.contains(&cause) {
            if !said.is_empty() {
                said.push_str(": ");
            }
            said.push_str(&cause);
        }
    }
    said
}

/// Prints a line on stderr; where nobody reads that either, there is nobody to tell.
pub fn complain(words: &str) {
    let _ = writeln!(io::stderr().lock(), "{words}");
}

/// Whether the failure is only that nobody reads stdout any more.
pub fn reader_left(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        kind == Some(ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_said_once() {
        let cause = io::Error::new(ErrorKind::NotFound, "no such file");
        let error = anyhow::Error::from(cause)
            .context("cannot read a.toml: no such file")
            .context("the recipe cannot be used");
        assert_eq!(
            chain(&error),
            "the recipe cannot be used: cannot read a.toml: no such file"
        );
    }
}
