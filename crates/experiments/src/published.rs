//! Results as they ship beside a model: one JSON file per experiment, `experiments/<name>.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ExperimentResults;

/// Results with what they were made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// When, and with which weights.
    pub made: Provenance,
    /// What was found: a function of models, inputs and config, so the same three give the same to the last bit.
    pub findings: ExperimentResults,
}

/// When results were made, and with which weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The day, UTC, as `2026-11-23`. For readers; nothing depends on it.
    pub date: String,
    /// The fingerprint of the weights of each model, by its name among the results' subjects.
    pub models: BTreeMap<String, String>,
}

impl Published {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is not what [`Published::to_json`] writes.
    pub fn from_json(json: &str) -> serde_json::Result<Self> {
        serde_json::from_str(json)
    }

    /// The file, with a line end. Numbers have as many digits as tell them from their neighbours, so equal files hold equal bits.
    ///
    /// # Errors
    /// Not with results: all that they hold can be written.
    pub fn to_json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Where results of a new run first differ from a file, whatever its date: a path such as `findings.results[3].value` and what
    /// stands there before and now. `None` where they are the same to the last bit.
    ///
    /// # Errors
    /// When the file is not what [`Published::to_json`] writes.
    pub fn first_difference(file: &str, anew: &Self) -> serde_json::Result<Option<String>> {
        let anew = Self {
            made: Provenance {
                date: Self::from_json(file)?.made.date,
                ..anew.made.clone()
            },
            findings: anew.findings.clone(),
        };
        let written = anew.to_json()?;
        if written == file {
            return Ok(None);
        }
        // Both sides are read by one parser: the very last bit of a number may be lost there, and is then named by its line.
        let (before, now) = (serde_json::from_str(file)?, serde_json::from_str(&written)?);
        Ok(Some(differs("", &before, &now).unwrap_or_else(|| {
            let lines = file.lines().zip(written.lines());
            let (line, (before, now)) = (1..)
                .zip(lines)
                .find(|(_, (before, now))| before != now)
                .unwrap_or((1, ("white space", "none")));
            format!("line {line}: {} before, {} now", before.trim(), now.trim())
        })))
    }
}

/// The first place where two values differ.
fn differs(path: &str, before: &Value, now: &Value) -> Option<String> {
    match (before, now) {
        (Value::Object(old), Value::Object(new)) => {
            let keys = old.keys().chain(new.keys());
            let mut places = keys.map(|key| {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                let of = |map: &serde_json::Map<String, Value>| {
                    map.get(key).cloned().unwrap_or(Value::Null)
                };
                differs(&path, &of(old), &of(new))
            });
            places.find_map(|found| found)
        }
        (Value::Array(old), Value::Array(new)) => {
            let mut places = (0..old.len().max(new.len())).map(|place| {
                let of = |list: &[Value]| list.get(place).cloned().unwrap_or(Value::Null);
                differs(&format!("{path}[{place}]"), &of(old), &of(new))
            });
            places.find_map(|found| found)
        }
        _ if before == now => None,
        _ => Some(format!("{path}: {before} before, {now} now")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Estimate, RunConfig, Size};

    fn shipped(value: f64, date: &str) -> Published {
        Published {
            made: Provenance {
                date: date.to_owned(),
                models: BTreeMap::from([("base".to_owned(), "f00d".to_owned())]),
            },
            findings: ExperimentResults {
                experiment: "toy".to_owned(),
                setting: RunConfig::plain(Size::Full),
                subjects: vec!["base".to_owned()],
                results: vec![
                    Estimate::exact("one", "one", "", 1.0),
                    Estimate::exact("other", "other", "", value),
                ]
                .into(),
                controls: Vec::new(),
                figures: Vec::new(),
                verdict: None,
            },
        }
    }

    #[test]
    fn a_file_reads_back_and_the_date_does_not_count() {
        let file = shipped(0.1 + 0.2, "2026-01-01").to_json().unwrap();
        assert!(Published::from_json(&file).is_ok());
        let anew = shipped(0.1 + 0.2, "2030-01-01");
        assert_eq!(Published::first_difference(&file, &anew).unwrap(), None);
        assert!(Published::first_difference("{}", &anew).is_err());
    }

    #[test]
    fn the_first_difference_is_named_down_to_the_last_bit() {
        let file = shipped(2.5, "2026-01-01").to_json().unwrap();
        let found = Published::first_difference(&file, &shipped(3.5, "2026-01-01")).unwrap();
        assert_eq!(
            found.unwrap(),
            "findings.results[1].value: 2.5 before, 3.5 now"
        );
        let next = f64::from_bits(2.5_f64.to_bits() + 1);
        let found = Published::first_difference(&file, &shipped(next, "2026-01-01")).unwrap();
        assert!(found.unwrap().contains("2.5000000000000004"));
        let mut other = shipped(2.5, "2026-01-01");
        other
            .made
            .models
            .insert("base".to_owned(), "beef".to_owned());
        let found = Published::first_difference(&file, &other).unwrap();
        assert!(found.unwrap().starts_with("made.models.base"));
    }
}
