//! Counts of passed and failed tests, parsed from what test binaries print.

use std::ops::AddAssign;

/// Tests that passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
}

impl Tally {
    /// The tally of a check that is one thing: it passed or it failed.
    pub fn of_one(passed: bool) -> Self {
        Self {
            passed: usize::from(passed),
            failed: usize::from(!passed),
        }
    }

    /// Reads the closing line of a cargo test binary, such as `test result: ok. 5 passed; 0 failed; 1 ignored; ...`.
    pub fn of_closing_line(line: &str) -> Option<Self> {
        let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
        let count = |word: &str| {
            counts
                .split("; ")
                .find_map(|part| part.strip_suffix(word)?.trim_end().parse::<usize>().ok())
        };
        Some(Self {
            passed: count("passed")?,
            failed: count("failed")?,
        })
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn a_closing_line_gives_its_counts() {
        let line = "test result: FAILED. 51 passed; 2 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.10s";
        assert_eq!(
            Tally::of_closing_line(line),
            Some(Tally {
                passed: 51,
                failed: 2
            })
        );
    }

    #[test]
    fn other_lines_give_nothing() {
        for line in [
            "running 5 tests",
            "test a ... ok",
            "test result: ok",
            "12 passed; 0 failed",
        ] {
            assert_eq!(Tally::of_closing_line(line), None, "{line}");
        }
    }
}
