//! `cargo xtask`: the project's tasks, each installing what it needs. One module per command; see `--help`.

mod chromium;
mod commands;
mod debian_rust;
mod licences;
mod machine;
mod native;
mod packages;
mod project;
mod python;
mod retired;
mod shell;
mod site;
mod tally;
mod tools;
mod wasm_target;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::commands::test::Step;
use crate::project::Project;

/// Build, serve, test and measure the Mode Collapse Playground.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the site and serve it on this machine, rebuilding on every saved change
    Serve {
        /// Port on 127.0.0.1
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// Optimise as for `build`: the page's real speed, after a much longer build
        #[arg(long)]
        release: bool,
        /// Build the engine for WebGPU, too (without it the page computes on the CPU)
        #[arg(long)]
        webgpu: bool,
    },
    /// Build the deployable static site into dist/
    Build,
    /// Run every check: formatting, lints, licences, tests, conformance, and the built site in a browser
    Test {
        /// Run only this step (repeat for more)
        #[arg(long)]
        only: Vec<Step>,
    },
    /// Formatting, retired words, lints and documentation only
    Check,
    /// Look for known vulnerabilities among the crates (needs the network; not part of `test`)
    Advisories,
    /// Measure the command line and the built page, print a table and keep it under bench-results/
    Bench {
        /// Measure the slider only (five minutes instead of fifteen)
        #[arg(long)]
        slider: bool,
    },
    /// Print the bytes of each file in dist/, raw and brotli-compressed
    Size,
    /// Regenerate fixtures, golden outputs and the recording, after a change that is meant to change them
    Bless,
}

fn main() -> Result<ExitCode> {
    let project = Project::find()?;
    let task = Arguments::parse().task;
    project.claim_target()?;
    match task {
        Task::Serve {
            port,
            release,
            webgpu,
        } => commands::serve::serve(&project, port, release, webgpu)?,
        Task::Build => {
            site::build(&project)?;
            println!(
                "The site is in {}: any static web server can serve it, under any path.",
                project.dist().display()
            );
        }
        Task::Test { only } => return Ok(commands::test::test(&project, &only)),
        Task::Check => commands::check::check(&project)?,
        Task::Advisories => licences::advisories(&project)?,
        Task::Bench { slider } => commands::bench::bench(&project, slider)?,
        Task::Size => commands::size::size(&project)?,
        Task::Bless => commands::bless::bless(&project)?,
    }
    Ok(ExitCode::SUCCESS)
}
