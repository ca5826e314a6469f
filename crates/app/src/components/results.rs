//! What an experiment found, as tables: numbers with intervals, controls, and what is to be said of the claim.

use experiments::{Condition, Control, Estimate, ExperimentResults, Outcome, Size, Verdict};
use yew::prelude::*;

use super::{chart::save_csv, ptr_eq::PtrEq, term::Defined};
use crate::{
    figures::csv,
    numbers::{grouped, knobs, significant},
};

/// So many numbers are shown at once; those that answer the claim come first.
const AT_ONCE: usize = 12;

#[derive(Clone, PartialEq, Properties)]
pub struct VerdictProps {
    pub verdict: Verdict,
    /// Of whose numbers.
    pub of: AttrValue,
}

/// The answer to the claim: one sentence, then each condition with its own answer, and the numbers behind it folded.
#[component]
pub fn VerdictLine(props: &VerdictProps) -> Html {
    let Verdict {
        answer,
        sentence,
        conditions,
        why,
    } = &props.verdict;
    let class = match answer {
        Outcome::Supported => "yes",
        Outcome::NotSupported => "no",
        Outcome::Undecided => "open",
    };
    let why = format!("{}.", why.trim_end_matches('.'));
    let condition = |condition: &Condition| {
        let holds = match condition.holds {
            Some(true) => "yes",
            Some(false) => "no",
            None => "undecided",
        };
        html! { <li><Defined text={condition.claim.clone()} />{ ": " }<b>{ holds }</b></li> }
    };
    html! {
        <div class={classes!("verdict", class)} data-testid="verdict" translate="no">
            <p>
                <b>{ format!("{} ({}). ", answered(*answer), props.of) }</b>
                <Defined text={if sentence.is_empty() { why.clone() } else { sentence.clone() }} />
            </p>
            if conditions.len() > 1 { <ul>{ for conditions.iter().map(condition) }</ul> }
            if !sentence.is_empty() {
                <details>
                    <summary>{ "The numbers that decide" }</summary>
                    <p><Defined text={why} /></p>
                </details>
            }
        </div>
    }
}

/// What is said of a claim, in a word or two.
pub fn answered(answer: Outcome) -> &'static str {
    match answer {
        Outcome::Supported => "Supported",
        Outcome::NotSupported => "Not supported",
        Outcome::Undecided => "Undecided",
    }
}

/// The knobs that findings were made with.
fn made_with(findings: &ExperimentResults) -> String {
    let setting = &findings.setting;
    let size = match setting.size {
        Size::Quick => "quick",
        Size::Full => "full size",
    };
    let knobs = knobs(&setting.shaping, setting.lambda, setting.seed);
    format!("{size}, {knobs}")
}

/// One number, of the reader's run, of what ships, or of both.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    own: Option<Estimate>,
    published: Option<Estimate>,
}

fn lines(own: Option<&[Estimate]>, published: Option<&[Estimate]>) -> Vec<Line> {
    let (first, second) = (own.unwrap_or_default(), published.unwrap_or_default());
    let known = |all: &[Estimate], key: &str| all.iter().find(|one| one.key == key).cloned();
    let both = first.iter().map(|one| Line {
        own: Some(one.clone()),
        published: known(second, &one.key),
    });
    let rest = second
        .iter()
        .filter(|one| known(first, &one.key).is_none())
        .map(|one| Line {
            own: None,
            published: Some(one.clone()),
        });
    both.chain(rest).collect()
}

#[derive(Clone, PartialEq, Properties)]
pub struct ResultsProps {
    pub own: Option<PtrEq<ExperimentResults>>,
    pub published: Option<PtrEq<experiments::Published>>,
    pub name: AttrValue,
}

/// The numbers: the reader's, and what ships beside them.
#[component]
pub fn Results(props: &ResultsProps) -> Html {
    let own = props.own.as_deref();
    let published = props
        .published
        .as_ref()
        .map(|published| &published.findings);
    let results = |findings: Option<&'_ ExperimentResults>| findings.map(|one| one.results.clone());
    let lines = lines(results(own).as_deref(), results(published).as_deref());
    if lines.is_empty() {
        return html! {};
    }
    let both = own.is_some() && published.is_some();
    let table = |lines: &[Line]| {
        html! {
            <div class="wide" role="region" aria-label="Table of numbers" tabindex="0">
                <table>
                    <thead><tr>
                        <th scope="col">{ "What" }</th>
                        <th scope="col">{ if own.is_some() { "Your run" } else { "Published" } }</th>
                        <th scope="col">{ "95% interval" }</th>
                        <th scope="col">{ "Samples" }</th>
                        if both { <th scope="col">{ "Published" }</th> }
                    </tr></thead>
                    <tbody>{ for lines.iter().map(|line| row(line, both)) }</tbody>
                </table>
            </div>
        }
    };
    let save = {
        let runs = [("your run", own), ("published", published)];
        let runs: Vec<(String, &[Estimate])> = runs
            .into_iter()
            .filter_map(|(whose, findings)| Some((whose, findings?)))
            .map(|(whose, findings)| {
                let run = format!("{whose}: {}", made_with(findings));
                (run, &*findings.results)
            })
            .collect();
        let table = csv::of_results(&runs);
        let name = format!("{}-results", props.name);
        Callback::from(move |_: MouseEvent| save_csv(&table, &name))
    };
    let (first, more) = lines.split_at(lines.len().min(AT_ONCE));
    html! {
        <details class="fold" translate="no">
            <summary>{ "Numbers" }</summary>
            if let (true, Some(own)) = (both, own) {
                <p class="asks">
                    { format!("Your run: {}. ", made_with(own)) }
                    { "This quick run uses fewer, shorter samples and fewer prompts than the published results, so ignore small differences." }
                </p>
            }
            { table(first) }
            if !more.is_empty() {
                <details>
                    <summary>{ format!("{} more", more.len()) }</summary>
                    { table(more) }
                </details>
            }
            <p class="save">{ "Save as " }<button aria-label="Save all numbers as CSV" onclick={save}>{ "CSV" }</button></p>
        </details>
    }
}

fn row(line: &Line, both: bool) -> Html {
    let Some(one) = line.own.as_ref().or(line.published.as_ref()) else {
        return html! {};
    };
    let exact = |number: Option<f64>| number.map(|number| number.to_string());
    // What only ships stands in its own column, beside the reader's.
    let mine = line
        .own
        .as_ref()
        .or(line.published.as_ref().filter(|_| !both));
    let samples = mine.map(csv::samples);
    html! {
        <tr data-testid="result" data-key={one.key.clone()} data-value={exact(one.value)} data-low={exact(one.low)}
            data-high={exact(one.high)}>
            <th scope="row"><Defined text={one.label.clone()} /></th>
            <td>{ mine.map(value) }</td>
            <td>{ mine.and_then(range) }</td>
            <td>{ samples }</td>
            if both { <td class="soft">{ line.published.as_ref().map(within) }</td> }
        </tr>
    }
}

fn value(one: &Estimate) -> String {
    match (one.value, one.unit.as_str()) {
        (None, _) => "–".to_owned(),
        (Some(value), "") => significant(value),
        (Some(value), "%") => format!("{}%", significant(value)),
        (Some(value), unit) => format!("{} {unit}", significant(value)),
    }
}

fn range(one: &Estimate) -> Option<String> {
    let (low, high) = (one.low?, one.high?);
    Some(format!("{} to {}", significant(low), significant(high)))
}

fn within(one: &Estimate) -> String {
    match range(one) {
        Some(range) => format!(
            "{} ({range}; n = {})",
            value(one),
            grouped(one.samples as u64)
        ),
        None => value(one),
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct ControlsProps {
    pub controls: Vec<Control>,
}

/// The same estimators where the answer is known.
#[component]
pub fn Controls(props: &ControlsProps) -> Html {
    let controls = &props.controls;
    if controls.is_empty() {
        return html! {};
    }
    let passed = controls.iter().filter(|control| control.passed()).count();
    let row = |control: &Control| {
        let passed = control.passed();
        html! {
            <tr data-testid="control" data-passed={passed.to_string()}>
                <th scope="row">{ &control.name }<small>{ &control.about }</small></th>
                <td>{ significant(control.expected) }</td>
                <td>{ significant(control.found) }</td>
                <td>{ significant(control.tolerance) }</td>
                <td class={if passed { "yes" } else { "no" }}>{ if passed { "✓ passed" } else { "✗ failed" } }</td>
            </tr>
        }
    };
    html! {
        <details class="fold">
            <summary translate="no">
                { format!("How the method was checked: {passed} of {} checks passed", controls.len()) }
            </summary>
            <p class="asks">{ "The same estimators, run on cases whose answer is known." }</p>
            <div class="wide" role="region" aria-label="Table of controls" tabindex="0">
                <table>
                    <thead><tr>
                        <th scope="col">{ "Control" }</th>
                        <th scope="col">{ "Known answer" }</th>
                        <th scope="col">{ "Found" }</th>
                        <th scope="col">{ "Tolerance" }</th>
                        <th scope="col">{ "Result" }</th>
                    </tr></thead>
                    <tbody translate="no">{ for controls.iter().map(row) }</tbody>
                </table>
            </div>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_both_stand_in_one_line_and_none_is_lost() {
        let one = |key: &str, value: f64| Estimate::exact(key, key, "", value);
        let own = [one("a", 1.0), one("b", 2.0)];
        let published = [one("c", 3.0), one("a", 4.0)];
        let seen: Vec<(Option<f64>, Option<f64>)> = lines(Some(&own), Some(&published))
            .iter()
            .map(|line| {
                let of = |one: &Option<Estimate>| one.as_ref().and_then(|one| one.value);
                (of(&line.own), of(&line.published))
            })
            .collect();
        assert_eq!(
            seen,
            [(Some(1.0), Some(4.0)), (Some(2.0), None), (None, Some(3.0))]
        );
    }
}
