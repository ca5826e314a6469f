//! `EXPERIMENTS.md`: every claim answered by what was measured, from the files that ship.

use std::collections::BTreeMap;
use std::fmt::{Arguments, Write as _};

use experiments::{CATALOGUE, Estimate, ExperimentInfo, ExperimentResults, Published, Size};

use super::numbers::{answer, interval, number, samples, value};

/// Rows of a table of results that are shown at once; the others open on a click.
const SHOWN: usize = 40;
/// Characters of a fingerprint that are shown.
const FINGERPRINT: usize = 16;

/// The whole text; files and pictures lie in the folder `experiments` beside it.
pub fn text(model: &str, found: &BTreeMap<&str, Published>) -> String {
    let mut text = String::new();
    let there = || {
        CATALOGUE
            .iter()
            .filter_map(|info| Some((info, found.get(info.name)?)))
    };
    add(
        &mut text,
        format_args!(
            "# What the experiments say about {model}\n\n\
             Written by `collapse experiment all`; `collapse experiment all --check` runs everything anew and compares it with the \
             files in [experiments](experiments) bit for bit. Each claim is answered for this model and its adapters alone, by a \
             rule that stands beside the answer. An interval holds 95 %; where there is none, no sample is behind the number. \
             Controls put the same estimators to something whose answer is known.\n\n\
             | claim | answer |\n| --- | --- |\n"
        ),
    );
    for (info, shipped) in there() {
        let said = shipped
            .findings
            .verdict
            .as_ref()
            .map_or("not answered", |verdict| answer(verdict.answer));
        add(
            &mut text,
            format_args!(
                "| [{}](#{}) | {said} |\n",
                cell(info.claim),
                anchor(info.title)
            ),
        );
    }
    for (info, shipped) in there() {
        experiment(&mut text, info, shipped);
    }
    text
}

fn add(text: &mut String, line: Arguments<'_>) {
    text.write_fmt(line).expect("a string takes every text");
}

/// How a heading is linked to.
fn anchor(title: &str) -> String {
    let letters = title.to_lowercase();
    let kept = letters
        .chars()
        .filter(|it| it.is_alphanumeric() || [' ', '-', '_'].contains(it));
    kept.map(|it| if it == ' ' { '-' } else { it }).collect()
}

/// A text within a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn experiment(text: &mut String, info: &ExperimentInfo, shipped: &Published) {
    let results = &shipped.findings;
    add(
        text,
        format_args!(
            "\n## {}\n\n**Claim.** {}\nSource: {}.\n",
            info.title, info.claim, info.source
        ),
    );
    if let Some(verdict) = &results.verdict {
        add(
            text,
            format_args!(
                "\n**Answer: {}.** {}\n",
                answer(verdict.answer),
                sentence(&verdict.why)
            ),
        );
    }
    let size = match results.setting.size {
        Size::Quick => "at the page's quick size",
        Size::Full => "at full size",
    };
    let models = shipped
        .made
        .models
        .iter()
        .map(|(name, print)| format!("{name} `{}`", print.get(..FINGERPRINT).unwrap_or(print)));
    let file = format!("experiments/{}.json", info.name);
    add(
        text,
        format_args!(
            "\n**Method.** {} Run {size} on {} with seed {}; weights {}; all numbers in [{file}]({file}).\n",
            info.method,
            shipped.made.date,
            results.setting.seed,
            models.collect::<Vec<_>>().join(", ")
        ),
    );
    estimates(text, &results.results);
    for figure in &results.figures {
        add(
            text,
            format_args!(
                "\n![{}](experiments/{})\n\n*{}.* {}\n",
                cell(&figure.text).replace(['[', ']'], ""),
                super::figures::file(results, figure),
                figure.title,
                figure.text
            ),
        );
    }
    controls(text, results);
    add(
        text,
        format_args!(
            "\n**What this shows.** {}\n\n**What it does not show.** {}\n",
            info.shows, info.does_not_show
        ),
    );
}

/// With a capital letter and a full stop.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters
        .next()
        .map(|it| it.to_uppercase().to_string())
        .unwrap_or_default();
    let stop = if words.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

fn estimates(text: &mut String, results: &[Estimate]) {
    let (shown, others) = results.split_at(results.len().min(SHOWN));
    table(text, shown);
    if !others.is_empty() {
        add(
            text,
            format_args!(
                "\n<details><summary>{} more numbers</summary>\n",
                others.len()
            ),
        );
        table(text, others);
        add(text, format_args!("\n</details>\n"));
    }
}

fn table(text: &mut String, results: &[Estimate]) {
    add(
        text,
        format_args!(
            "\n| result | value | 95 % interval | samples |\n| --- | ---: | ---: | ---: |\n"
        ),
    );
    for one in results {
        add(
            text,
            format_args!(
                "| {} | {} | {} | {} |\n",
                cell(&one.label),
                value(one),
                interval(one),
                samples(one)
            ),
        );
    }
}

fn controls(text: &mut String, results: &ExperimentResults) {
    if results.controls.is_empty() {
        return;
    }
    add(
        text,
        format_args!(
            "\n| control | known | found | within | passed |\n| --- | ---: | ---: | ---: | --- |\n"
        ),
    );
    for one in &results.controls {
        let passed = if one.passed() { "yes" } else { "**no**" };
        add(
            text,
            format_args!(
                "| {}: {} | {} | {} | {} | {passed} |\n",
                cell(&one.name),
                cell(&one.about),
                number(one.expected),
                number(one.found),
                number(one.tolerance)
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_linked_as_readers_of_markdown_do() {
        assert_eq!(
            anchor("Is tuning just scaled logits?"),
            "is-tuning-just-scaled-logits"
        );
        assert_eq!(sentence("of 100 numbers"), "Of 100 numbers.");
        assert_eq!(cell("KL(p|q)"), "KL(p\\|q)");
    }
}
