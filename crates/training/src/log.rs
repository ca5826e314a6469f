//! Logs of a run: one JSON object per line, each with its `step`.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

use serde_json::Value;

use crate::error::{TrainingError, at};
use crate::files::write_atomically;

/// Opens a log to append after a step, and drops the lines beyond it.
pub fn reopen(path: &Path, step: usize) -> Result<File, TrainingError> {
    let until = |line: &&str| {
        let entry: Option<Value> = serde_json::from_str(line).ok();
        entry
            .and_then(|entry| entry["step"].as_u64())
            .is_some_and(|at| at as usize <= step)
    };
    let kept: Vec<String> = match fs::read_to_string(path) {
        Ok(text) => text
            .lines()
            .filter(until)
            .map(|line| format!("{line}\n"))
            .collect(),
        Err(_) => Vec::new(),
    };
    write_atomically(path, kept.concat().as_bytes())?;
    OpenOptions::new().append(true).open(path).map_err(at(path))
}

/// Rounds to four decimals.
pub fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
