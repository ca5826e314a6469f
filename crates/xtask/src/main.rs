//! `cargo xtask`: the project's tasks, each installing what it needs. One module a command; see `--help`.

mod commands;
mod packages;
mod project;
mod shell;
mod site;
mod tools;
mod wasm_target;

use anyhow::Result;
use clap::{Parser, Subcommand};

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
    /// Build the site and serve it on this machine
    Serve {
        /// Port on 127.0.0.1
        #[arg(long, default_value_t = 8080)]
        port: u16,
    },
    /// Build the deployable static site into dist/
    Build,
    /// Print the bytes of each file in dist/, raw and brotli-compressed
    Size,
}

fn main() -> Result<()> {
    let project = Project::find()?;
    match Arguments::parse().task {
        Task::Serve { port } => commands::serve::serve(&project, port),
        Task::Build => {
            site::build(&project)?;
            println!("The site is in {}: any static web server can serve it, under any path.", project.dist().display());
            Ok(())
        }
        Task::Size => commands::size::size(&project),
    }
}
