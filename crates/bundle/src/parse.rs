//! Reading a file of the folder, with errors that name file and field.

use serde::de::DeserializeOwned;
use thiserror::Error;

/// A file that is not what its name says.
#[derive(Debug, Error)]
pub enum BundleError {
    /// Not the JSON that was expected.
    #[error("{file} cannot be read: {source}; take the file from the model's own folder")]
    Json {
        /// Which file.
        file: &'static str,
        /// Which field is missing or wrong, and where.
        source: serde_json::Error,
    },
    /// A value that cannot be used.
    #[error("{file}: `{field}` {problem}")]
    Value {
        /// Which file.
        file: &'static str,
        /// Which field.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// What a file of a model's folder holds.
pub trait Parse: DeserializeOwned {
    /// The file's name in the folder.
    const FILE: &'static str;

    /// Checks what the types alone do not say.
    ///
    /// # Errors
    /// Names the field.
    fn check(&self) -> Result<(), BundleError> {
        Ok(())
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// When it is not the JSON that was expected, or a value cannot be used.
    fn parse(json: &str) -> Result<Self, BundleError> {
        let parsed: Self = serde_json::from_str(json).map_err(|source| BundleError::Json {
            file: Self::FILE,
            source,
        })?;
        parsed.check()?;
        Ok(parsed)
    }
}
