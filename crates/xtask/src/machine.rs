//! What machine this is, for reports.

use std::fs;
use std::thread;

/// Processor, cores, memory and system, as far as the system says.
pub fn describe() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let memory_gib = value("/proc/meminfo", "MemTotal")
        .and_then(|size| size.trim_end_matches(" kB").parse::<f64>().ok())
        .map(|kibibytes| format!(", {:.0} GiB", kibibytes / f64::from(1 << 20)));
    let system = fs::read_to_string("/etc/os-release").ok().and_then(|text| {
        Some(
            text.lines()
                .find_map(|line| line.strip_prefix("PRETTY_NAME="))?
                .trim_matches('"')
                .to_owned(),
        )
    });
    format!(
        "{}, {cores} cores{}, {}",
        processor(),
        memory_gib.unwrap_or_default(),
        system.unwrap_or_else(|| format!("{} {}", std::env::consts::OS, std::env::consts::ARCH))
    )
}

/// A description as part of a file's name: its first words, in small letters.
pub fn short_name(description: &str) -> String {
    let processor = description
        .split(',')
        .next()
        .unwrap_or_default()
        .to_lowercase();
    let letters: String = processor
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                ' '
            }
        })
        .collect();
    letters
        .split_whitespace()
        .take(4)
        .collect::<Vec<_>>()
        .join("-")
}

fn processor() -> String {
    value("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// The value behind the first `key: value` line of a file.
fn value(file: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == key).then(|| value.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::short_name;

    #[test]
    fn a_short_name_is_fit_for_a_file() {
        assert_eq!(
            short_name("Some(R) Chip(TM) CPU X-1 @ 2.00GHz, 2 cores"),
            "some-r-chip-tm"
        );
    }
}
