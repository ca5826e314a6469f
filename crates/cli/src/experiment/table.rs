//! ExperimentResults as a reader of a terminal likes them.

use std::fmt::Write as _;

use experiments::{ExperimentInfo, ExperimentResults};

use super::numbers::{interval, number, samples, value, word};

/// The claim, the verdict, the numbers and the controls.
pub fn text(info: &ExperimentInfo, results: &ExperimentResults) -> String {
    let mut text = format!(
        "{}\n\nClaim: {}\nSource: {}\n",
        info.title, info.claim, info.source
    );
    if let Some(verdict) = &results.verdict {
        let answer = word(verdict.answer);
        let _ = writeln!(text, "{}\n{answer}. {}", verdict.sentence, verdict.why);
    }
    let estimates = results
        .results
        .iter()
        .map(|one| [one.key.clone(), value(one), interval(one), samples(one)]);
    text += &rows(
        ["result", "value", "95 % interval", "samples"],
        estimates.collect(),
    );
    let controls = results.controls.iter().map(|one| {
        let passed = if one.passed() { "passed" } else { "FAILED" };
        [
            one.name.clone(),
            number(one.found),
            format!("{} ± {}", number(one.expected), number(one.tolerance)),
            passed.to_owned(),
        ]
    });
    text += &rows(["control", "found", "known", ""], controls.collect());
    let _ = write!(
        text,
        "\nShows: {}\nDoes not show: {}\n",
        info.shows, info.does_not_show
    );
    text
}

/// Columns as wide as their widest cell, after an empty line.
fn rows(head: [&str; 4], rows: Vec<[String; 4]>) -> String {
    let all: Vec<[String; 4]> = [head.map(str::to_owned)].into_iter().chain(rows).collect();
    let width = |column: usize| {
        all.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths = [0, 1, 2, 3].map(width);
    let mut text = "\n".to_owned();
    for row in &all {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}
