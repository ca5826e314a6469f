//! Running other programs, and printing what runs and how long it took.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Prints `what`, does it, and prints how long it took.
pub fn timed<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("==> {what}");
    let start = Instant::now();
    let result = work();
    let verdict = if result.is_ok() { "done" } else { "FAILED" };
    println!("    {what}: {verdict} in {}", human(start.elapsed()));
    result
}

/// Runs a command and shows its output; fails when it cannot start or exits with an error.
pub fn run(command: &mut Command) -> Result<()> {
    let line = spelled(command);
    let status = command
        .status()
        .with_context(|| format!("could not start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}

/// Runs a command, prints its output and passes every line to `see`; returns whether the command succeeded.
pub fn run_watched(command: &mut Command, mut see: impl FnMut(&str)) -> Result<bool> {
    let line = spelled(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start `{line}`"))?;
    let stdout = child.stdout.take().expect("stdout is piped above");
    for text in BufReader::new(stdout).lines() {
        let text = text.with_context(|| format!("reading what `{line}` prints"))?;
        println!("{text}");
        see(&text);
    }
    Ok(child.wait()?.success())
}

/// What a command prints, trimmed; `None` when it cannot start or exits with an error.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a program of this name lies on `PATH`.
pub fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A duration as a person reads it.
pub fn human(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!(
            "{} min {} s",
            duration.as_secs() / 60,
            duration.as_secs() % 60
        )
    }
}

/// The command as one would type it.
fn spelled(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|word| word.to_string_lossy()));
    words.join(" ")
}
