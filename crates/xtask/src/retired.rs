//! Words that this project no longer uses, each with the standard term that took its place, and the search for them.
//!
//! The list holds identifiers and phrases, not ordinary English: "read" or "room" may stand in any sentence. Every row keeps an
//! example, so that a test shows that the row finds what it is there for. Line breaks and comment markers count as a space.

use std::fs;

use anyhow::{Context, Result, bail};
use regex_lite::Regex;

use crate::project::Project;
use crate::shell::output;

/// A word or phrase that is no longer used.
struct Retired {
    /// A regular expression.
    pattern: &'static str,
    /// The term to use.
    instead: &'static str,
    /// A text in which the pattern is found; for the tests, and for readers of the list.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the tests only"))]
    example: &'static str,
}

const fn retired(pattern: &'static str, instead: &'static str, example: &'static str) -> Retired {
    Retired {
        pattern,
        instead,
        example,
    }
}

/// All retired words.
const RETIRED: &[Retired] = &[
    retired(
        r"(?i)gladness|gladdest|\bglad_\w+|\w+_glad\b|\bis_glad\b",
        "sentiment, positive",
        "/// The gladdest story, by mean_gladness",
    ),
    retired(r"(?i)\berrands?\b", "(pending) effects", "mod errands;"),
    retired(r"\bWish\b", "Control::{Continue, Pause}", "pub enum Wish {"),
    retired(
        r"(?i)\bonlookers?\b",
        "Progress, observer",
        "struct Onlooker;",
    ),
    retired(r"\bDesk\b|\bdesk\(", "Inputs", "let desk = desk(folder)?;"),
    retired(r"\b[Cc]rew\b", "worker pool", "let crew = Crew::new(2);"),
    retired(r"\bHouse\b", "ModelStore", "House::read(files)"),
    retired(
        r"\bVoice\b|\bhearing\.rs\b|\bmod hearing\b",
        "EventSource, events, handle_event",
        "mod hearing;",
    ),
    retired(
        r"\bTrial\b|\btrial\.rs\b|\bmod trial\b",
        "ExperimentRun",
        "struct Trial {",
    ),
    retired(
        r"\bShelf\b|\bshelf\.rs\b|\bmod shelf\b",
        "sidecars, published, ExperimentNav",
        "mod shelf;",
    ),
    retired(
        r"\bproof\.rs\b|\bmod proof\b|\bProof\b",
        "startup",
        "mod proof;",
    ),
    retired(r"\bpause\.rs\b|\bmod pause\b", "yield_now", "mod pause;"),
    retired(
        r"\bwatch\.rs\b|\bmod watch\b|\b(struct|trait|impl|dyn) Watch\b|\bWatch::|&mut Watch\b",
        "Observation, Progress, ResizeGuard",
        "pub trait Watch {",
    ),
    retired(
        r"\b(struct|enum) Beside\b|\bBeside::|\bSome\(Beside\b|<Beside>",
        "Realignment",
        "pub struct Beside {",
    ),
    retired(
        r"\bRows::mixed\b|\bfn mixed\b",
        "blend",
        "pub fn mixed(&self)",
    ),
    retired(r"\bTold\b", "report, Sample", "struct Told {"),
    retired(r"\buntold\b", "pending", "self.untold.clear()"),
    retired(
        r"\bDeals\b|\bfn deal\b|\.deal\(",
        "permutations, make_batches, sample_prompts",
        "pub fn deal(&self)",
    ),
    retired(
        r"\bthrow_dropout\b|\bThrown\b|\bfn throw\b",
        "reseed, AnswerDist",
        "model.throw_dropout(seed)",
    ),
    retired(
        r"\bPushed\b|\bFallen\b",
        "Perturbed, EndedIn",
        "struct Pushed {",
    ),
    retired(r"\bPassage\b", "PackedCompletions", "pub struct Passage {"),
    retired(
        r"\bbegin_with\b|\bmove_rows\b",
        "broadcast_prefix, swap_rows",
        "cache.begin_with(&prefix)",
    ),
    retired(
        r"\bTunings\b|\bstruct Tuning\b|\bTuning \{",
        "AdapterInfo, AdapterIndex",
        "pub struct Tunings(Vec<Tuning>);",
    ),
    retired(
        r"\b(struct|enum) Standing\b|\bStanding::|\bfn (serving|hopeless)\b",
        "EngineStatus, active_device, all_failed",
        "enum Standing {",
    ),
    retired(
        r"\bjournal\.rs\b|\bmod journal\b|\bjournal::",
        "log_capture",
        "mod journal;",
    ),
    retired(
        r"(?i)\blagging\.rs\b|\bmod lagging\b|\bLagging\b",
        "debounce",
        "mod lagging;",
    ),
    retired(
        r"\bstruct (Descent|Ascending)\b|\b(Descent|Ascending)::",
        "SortedDesc, LazySort",
        "struct Descent;",
    ),
    retired(
        r"\binformation_bits\b",
        "mutual_information",
        "basins.information_bits()",
    ),
    retired(
        r"\bruling\.rs\b|\bmod ruling\b|\bRuling\b",
        "tristate, Verdict",
        "mod ruling;",
    ),
    retired(r"(?i)\bsittings?\b", "session", "a run in two sittings"),
    retired(
        r"\bLlama::stream\b|\bfn stream\(&self",
        "forward",
        "fn stream(&self, ids: Tensor)",
    ),
    retired(
        r"\bModelFiles::read\b|\bModel::read\b|\bEngine::read\b|\bAction::Read\b",
        "load_from_dir, encode_prompt, prefill",
        "ModelFiles::read(folder)?",
    ),
    retired(
        r"\bEngine::room\b|\bBatch::room\b|\bfn room\b",
        "remaining_context",
        "fn room(&self) -> usize",
    ),
    retired(
        r"\b(enum|struct) Answered\b|\bAnswered::",
        "Verdict",
        "Answered::Supported",
    ),
    retired(
        r"\bstruct (Material|Needs|Setting|Entry)\b|\bMaterial::|\bNeeds::|\bSetting::",
        "Inputs, Requires, RunConfig, ExperimentInfo",
        "pub struct Material {",
    ),
    retired(
        r"\b(struct|enum) Quantity\b|\bQuantity::|<Quantity>",
        "Metric",
        "Quantity::Share",
    ),
    retired(
        r"\bstruct Vocabulary\b|\bVocabulary::",
        "Tokenizer",
        "Vocabulary::from_json(text)",
    ),
    retired(
        r"(?i)\bnam(es|ing|ed?) (the|its|all|their|which) coins?\b",
        "seed of the random draws",
        "the seed names the coins",
    ),
    retired(
        r"(?i)\bin the mean\b",
        "on average",
        "0.5 bits in the\n/// mean",
    ),
    retired(
        r"(?i)\b(is|are|was|were|be|been) (told|untold) (at|as|in|of|by|after|with|anew|once|every|the|its|here|there|only|when|what|how|whether|and|nothing|a)\b",
        "is reported, is sent, is shown",
        "what the workers are\n//! told of it; it is told at once",
    ),
    retired(
        r"(?i)\btold at once\b",
        "generated, reported at once",
        "stories, told at once",
    ),
    retired(
        r"(?i)\bon the same coins\b",
        "with the same random draws (coins)",
        "the base beside it, on the same coins",
    ),
    retired(
        r"(?i)\b(nats?|bits?|bytes|milliseconds|ms) an? (token|completion|story|chain|second|byte|step|row|answer|prompt|position|text|opening)\b|\btokens a (second|chain|story) (at most|long|in)\b|\btokens a second\b",
        "per token, per completion, per second",
        "divergence in nats a completion",
    ),
    retired(
        r"(?i)\b(means?|medians?) of a (completion|token|story|chain)\b",
        "per completion",
        "Means of a completion:",
    ),
    retired(
        r"(?i)\breward a nat\b",
        "reward per nat",
        "coefficient 0.5 of reward a nat",
    ),
    retired(
        r"(?i)\bwhat (looks back|thinks by itself)\b",
        "self-attention, MLP",
        "/// What looks back.",
    ),
    retired(
        r"(?i)\bwhat is no\b",
        "invalid ..., not a ...",
        "refuses what is no number",
    ),
    retired(
        r"(?i)\bpoints of %",
        "percentage points",
        "31.9 points of %",
    ),
    retired(
        r"(?i)\bthe engine room\b",
        "the worker",
        "what page and the\n//! engine room say",
    ),
    retired(
        r"(?i)\basked for in vain\b",
        "to avoid a 404",
        "so that nothing is asked for in vain",
    ),
    retired(
        r"(?i)\b(an?|the|every|each|which|this|new|other|own) rooms? (of (this|the) (house|list|workspace)|may name|names)\b|\brooms of this house\b",
        "crate",
        "# Rooms of this house",
    ),
    retired(
        r"(?i)\bsoftmax in the house\b",
        "one softmax",
        "One softmax in the house.",
    ),
    retired(
        r"(?i)\bretelling\b",
        "midtraining",
        "the stage retelling/training.toml",
    ),
    retired(
        r"\bsettling\b",
        "annealing",
        "the stage settling/training.toml",
    ),
];

/// Where retired words may stand: the beginning of a path, the word (empty: any), and the reason.
const ALLOWED: &[(&str, &str, &str)] = &[
    (
        "crates/xtask/src/retired.rs",
        "",
        "the list itself and its examples",
    ),
    (
        "bench-results/",
        "",
        "measured in the past; never rewritten",
    ),
    (
        "models/storyteller/experiments/",
        "",
        "rendered from results files, whose texts change with their next run",
    ),
    (
        "models/storyteller/REPORT.md",
        "",
        "written by `collapse report`; changes with its next run",
    ),
    (
        "crates/experiments/src/kl_budget/",
        "gladness",
        "a metric's key in the published results",
    ),
];

/// What is searched, by the end of a file's name.
const SEARCHED: [&str; 10] = [
    ".rs",
    ".md",
    ".toml",
    ".html",
    ".css",
    ".js",
    ".py",
    ".yml",
    ".ci/run",
    "adapters/index.json",
];

/// A retired word in a text.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// Counted from 1.
    line: usize,
    found: String,
    instead: &'static str,
}

/// Fails when a tracked file holds a retired word; prints each place with the term to use.
pub fn check(project: &Project) -> Result<()> {
    let patterns = compiled();
    let tracked = output(project.command("git").args(["ls-files"]))
        .context("`git ls-files` lists no files: is this a clone?")?;
    let mut count = 0;
    for path in tracked.lines().filter(|path| is_searched(path)) {
        let file = project.root().join(path);
        // Tracked, but deleted in the working tree.
        if !file.is_file() {
            continue;
        }
        let text =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        for finding in search(&text, &patterns) {
            let Finding {
                line,
                found,
                instead,
            } = finding;
            if is_allowed(path, &found) {
                continue;
            }
            println!("{path}:{line}: `{found}` is a retired word; write: {instead}");
            count += 1;
        }
    }
    if count > 0 {
        bail!("{count} retired words (listed with their reasons in crates/xtask/src/retired.rs)");
    }
    Ok(())
}

fn is_searched(path: &str) -> bool {
    SEARCHED.iter().any(|end| path.ends_with(end))
        && !ALLOWED
            .iter()
            .any(|(allowed, word, _)| word.is_empty() && path.starts_with(allowed))
}

/// Whether a word that was found may stand in this file.
fn is_allowed(path: &str, found: &str) -> bool {
    ALLOWED
        .iter()
        .any(|(allowed, word, _)| path.starts_with(allowed) && found.contains(word))
}

fn compiled() -> Vec<(Regex, &'static str)> {
    RETIRED
        .iter()
        .map(|row| {
            let regex = Regex::new(row.pattern).expect("a test compiles every pattern");
            (regex, row.instead)
        })
        .collect()
}

/// Every retired word of a text, in order of lines. A line that declares an alias is left out: that is how an old key or flag goes on
/// working.
fn search(text: &str, patterns: &[(Regex, &'static str)]) -> Vec<Finding> {
    let (joined, starts) = joined(text);
    let lines: Vec<_> = text.lines().collect();
    let mut findings = Vec::new();
    for (regex, instead) in patterns {
        for found in regex.find_iter(&joined) {
            let index = starts.partition_point(|&start| start <= found.start()) - 1;
            if !lines[index].contains("alias") {
                findings.push(Finding {
                    line: index + 1,
                    found: found.as_str().to_owned(),
                    instead,
                });
            }
        }
    }
    findings.sort_by_key(|finding| finding.line);
    findings
}

/// A text as one line, without indentation, comment markers and the backslashes that continue a string; and where in it each line of
/// the text begins.
fn joined(text: &str) -> (String, Vec<usize>) {
    let mut joined = String::with_capacity(text.len());
    let mut starts = Vec::new();
    for line in text.lines() {
        starts.push(joined.len());
        let content = line
            .trim_start()
            .trim_start_matches(['/', '!', '#', '*', '>'])
            .trim()
            .trim_end_matches('\\')
            .trim_end();
        joined.push_str(content);
        joined.push(' ');
    }
    (joined, starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<Finding> {
        search(text, &compiled())
    }

    #[test]
    fn every_retired_word_is_found_when_it_is_put_back() {
        for row in RETIRED {
            let text = format!("fn main() {{}}\n/// {}\n", row.example);
            assert!(
                found(&text)
                    .iter()
                    .any(|finding| finding.instead == row.instead && finding.line >= 2),
                "`{}` does not find its example `{}`",
                row.pattern,
                row.example
            );
        }
    }

    #[test]
    fn ordinary_english_is_left_alone() {
        for text in [
            "A reader reads the first row in a quiet room.",
            "There is room for it in the meantime; a hidden file is told apart by its name.",
            "nats per token, bits per byte, tokens per story; a token, a completion",
            "the seed of the random draws",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn phrases_are_found_across_lines_of_a_comment_and_of_a_string() {
        for text in [
            "x\n    /// so that nothing is asked\n    /// for in vain\n",
            "x\n    \"nothing is asked \\\n     for in vain\"\n",
        ] {
            let lines: Vec<_> = found(text).iter().map(|finding| finding.line).collect();
            assert_eq!(lines, [2], "{text}");
        }
    }

    #[test]
    fn an_alias_keeps_an_old_key_alive() {
        let key = "asked for in vain";
        assert_eq!(found(&format!("#[serde(alias = \"{key}\")]")), []);
        assert_eq!(found(&format!("#[serde(rename = \"{key}\")]")).len(), 1);
    }

    #[test]
    fn a_place_allows_its_own_words_only() {
        let path = "crates/experiments/src/kl_budget/mod.rs";
        assert!(is_searched(path) && is_allowed(path, "gladness"));
        assert!(!is_allowed(path, "errand") && !is_allowed("README.md", "gladness"));
    }

    #[test]
    fn the_files_that_are_searched_are_code_docs_and_the_page() {
        for path in [
            "crates/app/src/lib.rs",
            "README.md",
            "www/index.html",
            "models/storyteller/adapters/index.json",
        ] {
            assert!(is_searched(path), "{path}");
        }
        for path in [
            "crates/xtask/src/retired.rs",
            "models/storyteller/truth.json",
        ] {
            assert!(!is_searched(path), "{path}");
        }
    }
}
