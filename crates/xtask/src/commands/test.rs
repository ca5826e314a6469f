//! `cargo xtask test`: every check, as named steps, quick ones first. The first failing step ends the run.
//!
//! The last line is always `N passed, N failed`: each test of a test run counts, and each other check counts as one.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::commands::{check, size};
use crate::native::{self, cargo_test};
use crate::project::Project;
use crate::shell::{human, run, run_watched, timed};
use crate::tally::Tally;
use crate::{chromium, licences, python, retired, site};

/// The steps of `cargo xtask test`, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Step {
    /// Formatting of all sources
    Format,
    /// No retired words in code, docs and page
    Words,
    /// Clippy, natively and for the browser
    Lint,
    /// Rustdoc: no broken links
    Docs,
    /// Licences and duplicate versions of crates (cargo-deny), licences of npm packages
    Licences,
    /// Unit, property, golden and agreement tests
    Native,
    /// Agreement with Hugging Face's transformers (Python)
    Conformance,
    /// The deployable site builds
    Site,
    /// The built site in headless Chromium
    Browser,
}

impl Step {
    /// What to do when it fails.
    fn advice(self) -> &'static str {
        match self {
            Self::Format => "run `cargo fmt --all`",
            Self::Words => "write the standard term that stands beside each place above",
            Self::Lint => {
                "mend what clippy names above; `cargo xtask check` repeats the quick steps"
            }
            Self::Docs => "mend the links that rustdoc names above",
            Self::Licences => {
                "see deny.toml and crates/xtask/src/licences.rs: allow the licence with a reason, or choose another package"
            }
            Self::Native => {
                "`cargo xtask test --only native` repeats these tests; if an output changed on purpose, `cargo xtask bless`"
            }
            Self::Conformance => "the scripts are in tests/python; each says what differs",
            Self::Site => "`cargo xtask build` repeats this",
            Self::Browser => {
                "`cargo xtask test --only browser` repeats these tests on the site built last"
            }
        }
    }

    fn run(self, project: &Project) -> Result<Tally> {
        match self {
            Self::Format => check::format(project).map(|()| Tally::of_one(true)),
            Self::Words => retired::check(project).map(|()| Tally::of_one(true)),
            Self::Lint => check::lint(project).map(|()| Tally::of_one(true)),
            Self::Docs => check::docs(project).map(|()| Tally::of_one(true)),
            Self::Licences => licences::check(project).map(|()| Tally::of_one(true)),
            Self::Native => counted(project, &["--no-fail-fast"]),
            Self::Conformance => conformance(project),
            Self::Site => site::build(project)
                .and_then(|()| size::size(project))
                .map(|()| Tally::of_one(true)),
            Self::Browser => {
                chromium::ensure()?;
                native::collapse(project)?;
                // One browser at a time: software WebGPU takes every core.
                let wanted = [
                    "--features",
                    "tests/browser",
                    "--test",
                    "harness",
                    "--test",
                    "browser",
                ];
                counted(
                    project,
                    &[&wanted[..], &["--no-fail-fast", "--", "--test-threads=1"]].concat(),
                )
            }
        }
    }
}

/// Runs all steps, or only the chosen ones, and prints the summary.
pub fn test(project: &Project, only: &[Step]) -> ExitCode {
    let start = Instant::now();
    let mut total = Tally::default();
    let mut failure = None;
    for &step in Step::value_variants() {
        if !only.is_empty() && !only.contains(&step) {
            continue;
        }
        let result = timed(&format!("Test step: {step:?}"), || {
            let tally = step.run(project)?;
            total += tally;
            if tally.failed > 0 {
                bail!("{} of its tests failed", tally.failed);
            }
            Ok(())
        });
        if let Err(error) = result {
            // A step that broke before it could count its tests is one failure.
            if total.failed == 0 {
                total += Tally::of_one(false);
            }
            failure = Some(error.context(format!("step {step:?} failed: {}", step.advice())));
            break;
        }
    }
    if let Some(error) = &failure {
        println!("\n{error:#}");
    }
    println!(
        "\nAll this took {}.\n{} passed, {} failed",
        human(start.elapsed()),
        total.passed,
        total.failed
    );
    if failure.is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Runs tests and adds up what their binaries report.
fn counted(project: &Project, arguments: &[&str]) -> Result<Tally> {
    let mut tally = Tally::default();
    let well = run_watched(&mut cargo_test(project, arguments), |line| {
        if let Some(counts) = Tally::of_closing_line(line) {
            tally += counts;
        }
    })?;
    if !well && tally.failed == 0 {
        bail!("the tests did not build or did not finish");
    }
    Ok(tally)
}

/// Runs every `tests/python/check_*.py`; each is one check.
fn conformance(project: &Project) -> Result<Tally> {
    let python = python::ensure(project)?;
    // The scripts call the command line for its numbers.
    let collapse = native::collapse(project)?;
    let mut tally = Tally::default();
    for script in python::scripts(project, "check_", "")? {
        let name = script
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let passed = timed(&name, || {
            run(project
                .command(&python.to_string_lossy())
                .arg(&script)
                .env("COLLAPSE", &collapse))
        });
        if let Err(error) = &passed {
            println!("{error:#}");
        }
        tally += Tally::of_one(passed.is_ok());
    }
    Ok(tally)
}
