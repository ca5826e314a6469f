//! Free text: `--prompt TEXT`, `--prompt-file FILE`, and files of text.
//!
//! A text is a text, whatever it begins with and however long it is. Files are UTF-8, with or without a byte-order mark.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use transformer::file_kind;

/// The text to continue.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Prompt {
    /// The text to continue, whatever it begins with
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    prompt: Option<OsString>,
    /// The text to continue, from a file in UTF-8; - for standard input
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    prompt_file: Option<PathBuf>,
}

impl Prompt {
    /// The text.
    pub fn text(&self) -> anyhow::Result<String> {
        match (&self.prompt, &self.prompt_file) {
            (Some(prompt), _) => utf8_argument("--prompt", prompt).map(str::to_owned),
            (None, Some(file)) => read(file),
            (None, None) => Err(anyhow!("give the prompt with --prompt or --prompt-file")),
        }
    }
}

/// A text on the command line.
pub fn utf8_argument<'a>(option: &str, text: &'a OsString) -> anyhow::Result<&'a str> {
    text.to_str().ok_or_else(|| {
        anyhow!(
            "the text of {option} is not UTF-8: set the terminal to UTF-8, or give it by a file"
        )
    })
}

/// The text of a file, or of standard input for `-`.
pub fn read(file: &Path) -> anyhow::Result<String> {
    let is_standard_input = file == Path::new("-");
    let name = if is_standard_input {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    };
    let bytes = if is_standard_input {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    let bytes = bytes.with_context(|| format!("cannot read the text {name}"))?;
    let text = file_kind::utf8(&bytes)
        .map_err(|problem| anyhow!("cannot read the text {name}: {problem}"))?;
    Ok(text.to_owned())
}
