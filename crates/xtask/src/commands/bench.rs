//! `cargo xtask bench`: speeds of the command line and of the built page in one run, as a table to keep.
//!
//! `collapse bench --json` and `tests/benches/page.rs` print measurements (what, where, value, unit); this command lists them side by
//! side, with the size of the site.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::commands::size;
use crate::project::Project;
use crate::shell::{output, timed};
use crate::{chromium, machine, native, site};

/// One measured number.
#[derive(Deserialize)]
struct Measurement {
    /// Such as `decode, 16 chains`; the same name for the same quantity in different places.
    what: String,
    /// Such as `native, CPU`.
    place: String,
    value: f64,
    unit: String,
}

/// The page's measurements, as its benchmark prints them.
#[derive(Deserialize)]
struct PageReport {
    measurements: Vec<Measurement>,
    /// Files that the page fetched before its first live distribution.
    fetched: Vec<String>,
    browser: String,
}

/// Measures everything, or only the page's slider; prints the table and keeps it under `bench-results/`.
pub fn bench(project: &Project, slider: bool) -> Result<()> {
    site::build(project)?;
    chromium::ensure()?;
    let mut measurements = if slider {
        Vec::new()
    } else {
        command_line(project)?
    };
    let page = timed("Measure the page", || {
        let mut cargo = project.command("cargo");
        cargo.args([
            "bench",
            "--workspace",
            "--features",
            "tests/browser",
            "--bench",
            "page",
        ]);
        if slider {
            cargo.args(["--", "slider"]);
        }
        let text = printed(&mut cargo)?;
        let report = text
            .lines()
            .last()
            .context("the page's measurements print a line")?;
        serde_json::from_str::<PageReport>(report).context("reading the page's measurements")
    })?;
    measurements.extend(page.measurements);
    if !slider {
        measurements.extend(weights(project, &page.fetched)?);
    }

    let today = OffsetDateTime::now_utc()
        .format(format_description!("[year]-[month]-[day]"))
        .context("writing the date")?;
    let machine = machine::describe();
    let report = written(project, &today, &machine, &page.browser, &measurements);
    println!("\n{report}");
    let folder = project.root().join("bench-results");
    let part = if slider { "-slider" } else { "" };
    let file = folder.join(format!(
        "{today}-{}{part}.md",
        machine::short_name(&machine)
    ));
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&file, &report))
        .with_context(|| format!("writing {}", file.display()))?;
    println!("Kept in {}.", file.display());
    Ok(())
}

/// The native numbers.
fn command_line(project: &Project) -> Result<Vec<Measurement>> {
    let collapse = native::collapse(project)?;
    timed("Measure the command line", || {
        let mut collapse = project.command(&collapse.to_string_lossy());
        let text = printed(collapse.args(["bench", "--model", "models/storyteller", "--json"]))?;
        serde_json::from_str::<Vec<Measurement>>(&text)
            .context("reading what `collapse bench` prints")
    })
}

/// What a command prints; its errors and progress stay visible.
fn printed(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("starting {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}", output.status);
    }
    String::from_utf8(output.stdout).context("a measurement is text")
}

/// Bytes of the site, and of what a reader fetches until the first distribution.
fn weights(project: &Project, fetched: &[String]) -> Result<Vec<Measurement>> {
    let sizes = size::measure(&project.dist())?;
    let sum = |wanted: &dyn Fn(&str) -> bool, bytes: fn(&size::FileSize) -> usize| -> f64 {
        sizes
            .iter()
            .filter(|file| wanted(&file.path.to_string_lossy()))
            .map(bytes)
            .sum::<usize>() as f64
    };
    let needed = |file: &str| fetched.iter().any(|name| name == file);
    let code = |file: &str| needed(file) && !file.starts_with("models/");
    let all = |_: &str| true;
    let weigh = |what: &str, wanted: &dyn Fn(&str) -> bool| {
        [
            ("raw", (|file| file.raw) as fn(&size::FileSize) -> usize),
            ("brotli", |file| file.brotli),
        ]
        .map(|(place, bytes)| Measurement {
            what: what.to_owned(),
            place: place.to_owned(),
            value: sum(wanted, bytes),
            unit: "bytes".to_owned(),
        })
    };
    Ok([
        weigh("fetched until the first distribution", &needed),
        weigh("of these, without the model", &code),
        weigh("the whole site", &all),
    ]
    .into_iter()
    .flatten()
    .collect())
}

/// The report, in Markdown.
fn written(
    project: &Project,
    date: &str,
    machine: &str,
    browser: &str,
    measurements: &[Measurement],
) -> String {
    let commit = output(
        project
            .command("git")
            .args(["describe", "--always", "--dirty"]),
    )
    .unwrap_or_default();
    let compiler = output(project.command("rustc").arg("--version")).unwrap_or_default();
    let mut report = format!(
        "# Measured on {date}\n\nMachine: {machine}  \nBrowser: {browser}  \nCompiler: {compiler}  \nCommit: {commit}\n\n\
         One run of `cargo xtask bench`; ratios are to the first row of the same name. Native numbers are the CPU's: this command \
         builds the command line without GPU backends. The software adapter's runs are short, as it computes on the CPU.\n\n\
         | what | where | value | unit | ratio |\n| --- | --- | ---: | --- | ---: |\n"
    );
    for measurement in measurements {
        let first = measurements
            .iter()
            .find(|other| other.what == measurement.what)
            .expect("a measurement is found among all of them");
        let ratio = measurement.value / first.value;
        let Measurement {
            what,
            place,
            value,
            unit,
        } = measurement;
        let value = if value.fract() == 0.0 {
            format!("{value:.0}")
        } else {
            format!("{value:.1}")
        };
        writeln!(
            report,
            "| {what} | {place} | {value} | {unit} | {ratio:.2} |"
        )
        .expect("a String takes every text");
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_to_the_first_row_of_the_same_name() {
        let speed = |place: &str, value| Measurement {
            what: "decode, 1 chains".to_owned(),
            place: place.to_owned(),
            value,
            unit: "tokens/s".to_owned(),
        };
        let project = Project::find().unwrap();
        let rows = [speed("native", 1000.0), speed("page", 437.5)];
        let report = written(&project, "2026-01-01", "a machine", "a browser", &rows);
        assert!(
            report.contains("| decode, 1 chains | native | 1000 | tokens/s | 1.00 |"),
            "{report}"
        );
        assert!(
            report.contains("| decode, 1 chains | page | 437.5 | tokens/s | 0.44 |"),
            "{report}"
        );
    }
}
