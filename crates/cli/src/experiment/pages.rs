//! `EXPERIMENTS.md`, one page of answers, and a page for each experiment: templates filled from result files, nothing computed.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use experiments::{CATALOGUE, Condition, ExperimentInfo, ExperimentResults, Published, Size};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Value, context};

use super::numbers::{interval, number, samples, value, word};

/// Rows of a table of numbers that are shown at once; the others open on a click.
const SHOWN: usize = 40;
/// Characters of a fingerprint that are shown.
const FINGERPRINT: usize = 16;

/// The page of answers; the experiments' own pages lie in the folder `experiments` beside it.
pub fn answers(model: &str, found: &BTreeMap<&str, Published>) -> Result<String> {
    let there = CATALOGUE.iter().filter_map(|info| {
        let sentence = sentence(&found.get(info.name)?.findings);
        Some(context! { info => of(info), sentence })
    });
    let experiments: Vec<Value> = there.collect();
    fill(
        include_str!("templates/answers.md"),
        context! { model, experiments },
    )
}

/// The page of one experiment.
pub fn experiment(info: &ExperimentInfo, published: &Published) -> Result<String> {
    let results = &published.findings;
    let figures = results.figures.iter().map(|figure| {
        context! {
            alt => cell(&figure.text).replace(['[', ']'], ""),
            file => super::figures::file(results, figure),
            title => figure.title.clone(),
        }
    });
    let numbers = results.results.iter();
    let numbers = numbers.map(|one| [cell(&one.label), value(one), interval(one), samples(one)]);
    let controls = results.controls.iter().map(|one| {
        [
            format!("{}: {}", cell(&one.name), cell(&one.about)),
            number(one.expected),
            number(one.found),
            number(one.tolerance),
            if one.passed() { "yes" } else { "**no**" }.to_owned(),
        ]
    });
    let weights = published.made.models.iter();
    let weights =
        weights.map(|(name, hash)| format!("{name} `{}`", hash.get(..FINGERPRINT).unwrap_or(hash)));
    let conditions = results
        .verdict
        .iter()
        .flat_map(|verdict| &verdict.conditions);
    fill(
        include_str!("templates/experiment.md"),
        context! {
            info => of(info),
            sentence => sentence(results),
            why => results.verdict.as_ref().map(|verdict| verdict.why.clone()),
            conditions => conditions.map(Condition::sentence).collect::<Vec<_>>(),
            figures => figures.collect::<Vec<_>>(),
            numbers => numbers.collect::<Vec<_>>(),
            shown => SHOWN,
            controls => controls.collect::<Vec<_>>(),
            passed => results.controls.iter().filter(|one| one.passed()).count(),
            date => published.made.date.clone(),
            weights => weights.collect::<Vec<_>>(),
            seed => results.setting.seed,
            size => match results.setting.size {
                Size::Quick => "at the page's quick size",
                Size::Full => "at full size",
            },
        },
    )
}

fn fill(template: &str, values: Value) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()?,
    );
    let page = environment.render_str(template, values);
    page.context("filling a template of the experiments' pages")
}

fn of(info: &ExperimentInfo) -> Value {
    context! {
        name => info.name,
        title => info.title,
        claim => info.claim,
        source => info.source.trim_end_matches('.'),
        method => info.method,
        shows => info.shows,
        does_not_show => info.does_not_show,
    }
}

/// The answer in one sentence; of a file of an earlier version in a word.
fn sentence(results: &ExperimentResults) -> String {
    match &results.verdict {
        Some(verdict) if !verdict.sentence.is_empty() => verdict.sentence.clone(),
        Some(verdict) => format!("{}.", word(verdict.answer)),
        None => "Not answered.".to_owned(),
    }
}

/// A text within a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use experiments::{Estimate, Provenance, RunConfig, Verdict};

    use super::*;

    fn published() -> Published {
        let verdict = Verdict {
            sentence: "No: it is not.".to_owned(),
            conditions: vec![
                Condition::new("one", Some(true)),
                Condition::new("two", None),
            ],
            ..Verdict::of(Some(false), "Because.".to_owned())
        };
        let numbers =
            (0..SHOWN + 2).map(|at| Estimate::exact(format!("a.{at}"), "KL(p|q)", "", 2.5));
        Published {
            made: Provenance {
                date: "2026-01-01".to_owned(),
                models: BTreeMap::from([("base".to_owned(), "0123456789abcdef0123".to_owned())]),
            },
            findings: ExperimentResults {
                experiment: CATALOGUE[0].name.to_owned(),
                setting: RunConfig::plain(Size::Full),
                subjects: vec!["base".to_owned()],
                results: numbers.collect::<Vec<_>>().into(),
                controls: Vec::new(),
                figures: Vec::new(),
                verdict: Some(verdict),
            },
        }
    }

    #[test]
    fn the_answer_comes_first_and_every_number_is_there() {
        let page = experiment(&CATALOGUE[0], &published()).unwrap();
        let start = format!(
            "# {}\n\n**No: it is not.**\n\nThe claim: ",
            CATALOGUE[0].title
        );
        assert!(page.starts_with(&start), "{page}");
        assert_eq!(
            page.matches("| KL(p\\|q) | 2.500 |  |  |\n").count(),
            SHOWN + 2
        );
        assert!(page.contains("<summary>2 more numbers</summary>"), "{page}");
        assert!(
            page.contains("- one: yes\n- two: undecided\n\nBecause.\n"),
            "{page}"
        );
        assert!(page.contains("- base `0123456789abcdef`\n"), "{page}");
        assert!(
            !page.contains("## Controls") && !page.contains("{{"),
            "{page}"
        );
    }

    #[test]
    fn one_page_of_answers_links_to_a_page_each() {
        let found = BTreeMap::from([(CATALOGUE[0].name, published())]);
        let page = answers("toy", &found).unwrap();
        let link = format!(
            "\n\n## [{}](experiments/{}.md)\n\n**No: it is not.**\n\nThe claim: {}\n",
            CATALOGUE[0].title, CATALOGUE[0].name, CATALOGUE[0].claim
        );
        assert!(page.ends_with(&link), "{page}");
        assert_eq!(page.matches("\n## ").count(), 1);
    }
}
