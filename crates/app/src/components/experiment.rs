//! The Experiments tab: the list of experiments, and the opened one.

use experiments::{CATALOGUE, Entry, Figure, Findings, Setting, shipped::Shipped};
use protocol::Asked;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::{
    chart::{Chart, use_charts},
    findings::{Controls, Results, VerdictLine, answered},
    same::Same,
};
use crate::{
    figures::{beside::pairs, numbers::knobs},
    state::{Action, Dial, Terms, Trial, TrialPhase, Tunings},
};

#[derive(Clone, PartialEq, Properties)]
pub struct LabProps {
    /// The opened experiment.
    pub name: AttrValue,
    /// What a run would ask now, beside the base.
    pub asked: Vec<Asked>,
    pub tunings: Same<Tunings>,
    pub terms: Terms,
    /// The last run, of whichever experiment.
    pub trial: Option<Trial>,
    /// What is being fetched for it, in words.
    pub fetching: Option<AttrValue>,
    pub own: Option<Same<Findings>>,
    /// None while it is not known what ships.
    pub shipped: Option<Result<Same<Shipped>, AttrValue>>,
    pub act: Callback<Action>,
}

/// The tab.
#[component]
pub fn Lab(props: &LabProps) -> Html {
    let Some(entry) = experiments::find(&props.name) else {
        return html! {};
    };
    let charts = use_charts();
    let laid_over = use_state_eq(|| true);
    let shipped = props
        .shipped
        .as_ref()
        .and_then(|shipped| shipped.as_ref().ok());
    let own = props.own.as_ref();
    let figures = |findings: Option<&Findings>| -> Vec<Figure> {
        findings.map_or_else(Vec::new, |findings| findings.figures.clone())
    };
    let mine = figures(own.map(|own| &**own));
    let both = !mine.is_empty() && shipped.is_some();
    let behind = shipped.filter(|_| !both || *laid_over);
    let drawn = pairs(&mine, &figures(behind.map(|shipped| &shipped.findings)));
    let lay_over = {
        let laid_over = laid_over.clone();
        Callback::from(move |_: Event| laid_over.set(!*laid_over))
    };
    let shown = own
        .map(|own| &**own)
        .or(shipped.map(|shipped| &shipped.findings));
    let verdict = |findings: Option<&Findings>, of: &'static str| {
        // Something in any case: were there nothing, what stands before it would be made anew and lose the keyboard.
        html! {
            if let Some(verdict) = findings.and_then(|findings| findings.verdict.clone()) { <VerdictLine {verdict} {of} /> }
        }
    };
    html! {
        <>
            <Shelf name={props.name.clone()} act={props.act.clone()} />
            <article class="experiment" data-testid="experiment" data-name={entry.name} data-state={state(props)}
                aria-labelledby="experiment-title">
                <section>
                    <Claim name={props.name.clone()} />
                    <RunLine ..props.clone() />
                    { shipped_note(props) }
                    { verdict(own.map(|own| &**own), "by your run") }
                    { verdict(shipped.map(|shipped| &shipped.findings), "by the shipped results") }
                </section>
                if !drawn.is_empty() {
                    <section aria-labelledby="figures-title">
                        <h2 id="figures-title">
                            { "Figures" }
                            if both {
                                <label class="check key">
                                    <input type="checkbox" data-testid="lay-over" checked={*laid_over} onchange={lay_over} />
                                    { "the shipped results behind yours, faintly" }
                                </label>
                            }
                        </h2>
                        <div class="charts">
                            { for drawn.iter().map(|figure| html! {
                                <Chart key={format!("{}-{}", entry.name, figure.name)} figure={figure.clone()} {charts} experiment={entry.name} />
                            }) }
                        </div>
                    </section>
                }
                <Results own={own.cloned()} shipped={shipped.cloned()} name={entry.name} />
                if let Some(shown) = shown { <Controls controls={shown.controls.clone()} /> }
                <Limits name={props.name.clone()} />
            </article>
        </>
    }
}

/// Of the opened experiment, for `data-state`.
fn state(props: &LabProps) -> &'static str {
    match present(props).map(|trial| &trial.phase) {
        Some(TrialPhase::Running) => "running",
        Some(TrialPhase::Done) => "done",
        // An earlier run of it.
        None if props.own.is_some() => "done",
        Some(TrialPhase::Cancelled | TrialPhase::Failed(_)) | None => "idle",
    }
}

/// The last run, where it was one of the opened experiment.
fn present(props: &LabProps) -> Option<&Trial> {
    let trial = props.trial.as_ref();
    trial.filter(|trial| *trial.name == *props.name)
}

#[derive(Clone, PartialEq, Properties)]
struct ShelfProps {
    name: AttrValue,
    act: Callback<Action>,
}

/// The list of experiments.
#[component]
fn Shelf(props: &ShelfProps) -> Html {
    let one = |entry: &'static Entry| {
        let open = *props.name == *entry.name;
        let choose = props
            .act
            .reform(move |_: MouseEvent| Action::Choose(entry.name.to_owned()));
        html! {
            <li>
                <button aria-current={open.then_some("true")} data-testid="choose" data-name={entry.name} onclick={choose}>
                    { entry.title }
                </button>
            </li>
        }
    };
    html! { <nav class="shelf" aria-label="Experiments"><ol>{ for CATALOGUE.iter().map(one) }</ol></nav> }
}

#[derive(Clone, PartialEq, Properties)]
struct EntryProps {
    name: AttrValue,
}

/// What is claimed, by whom, and how it is tested.
#[component]
fn Claim(props: &EntryProps) -> Html {
    let Some(entry) = experiments::find(&props.name) else {
        return html! {};
    };
    let part = |name: &'static str, text: &'static str| {
        html! { if !text.is_empty() { <div><dt>{ name }</dt><dd>{ text }</dd></div> } }
    };
    html! {
        <>
            <h2 id="experiment-title">{ entry.title }</h2>
            if !entry.claim.is_empty() {
                <blockquote>
                    <p>{ entry.claim }</p>
                    <cite>{ entry.source }</cite>
                </blockquote>
            }
            <dl>{ part("How it is tested", entry.method) }{ part("What to try", entry.to_try) }</dl>
        </>
    }
}

/// What the result shows, and what it does not.
#[component]
fn Limits(props: &EntryProps) -> Html {
    let Some(entry) = experiments::find(&props.name).filter(|entry| !entry.shows.is_empty()) else {
        return html! {};
    };
    html! {
        <section>
            <dl>
                <div><dt>{ "What this shows" }</dt><dd>{ entry.shows }</dd></div>
                <div><dt>{ "What it does not show" }</dt><dd>{ entry.does_not_show }</dd></div>
            </dl>
        </section>
    }
}

/// Run, cancel, and how far it is.
#[component]
fn RunLine(props: &LabProps) -> Html {
    let trial = present(props);
    let running = trial.is_some_and(Trial::is_running);
    let elsewhere = props
        .trial
        .as_ref()
        .filter(|trial| trial.is_running() && !running);
    let (run, cancel) = (
        props.act.reform(|_: MouseEvent| Action::TryOut),
        props.act.reform(|_: MouseEvent| Action::GiveUp),
    );
    let share = trial
        .and_then(|trial| trial.parts)
        .map(|(done, of)| f64::from(done) / f64::from(of.max(1)));
    let said = trial.map(|trial| sentence(trial, props.fetching.as_deref(), props.own.as_deref()));
    let error = match trial.map(|trial| &trial.phase) {
        Some(TrialPhase::Failed(reason)) => Some(reason.clone()),
        _ => None,
    };
    let (run_button, cancel_button) = (use_node_ref(), use_node_ref());
    {
        let (run_button, cancel_button) = (run_button.clone(), cancel_button.clone());
        let first = use_mut_ref(|| true);
        use_effect_with(running, move |running| {
            // The button that was pressed goes out; without this the focus would be lost with it.
            if !std::mem::take(&mut *first.borrow_mut()) && has_lost_focus() {
                let next = if *running { cancel_button } else { run_button };
                if let Some(next) = next.cast::<HtmlElement>() {
                    _ = next.focus();
                }
            }
        });
    }
    let moved = !running
        && props
            .own
            .as_ref()
            .is_some_and(|own| !is_of(&own.setting, props.terms));
    html! {
        <>
            <p class="asks">
                { asks(props) }
                <button class="back to-knobs" onclick={|_: MouseEvent| to_the_knobs()}>{ "Other model, other knobs ↓" }</button>
            </p>
            <div class="go">
                <button class="tell" data-testid="run" ref={run_button} disabled={running} onclick={run}>
                    { if props.own.is_some() && !running { "Run again" } else { "Run" } }
                </button>
                <button class="stop" data-testid="cancel" ref={cancel_button} disabled={!running} onclick={cancel}>{ "Cancel" }</button>
            </div>
            if running { <progress max="1" value={share.map(|share| share.to_string())} aria-label="Progress" /> }
            <p class="said" role="status" data-testid="progress">{ said }</p>
            if let Some(error) = error { <p class="failed" role="alert">{ format!("It could not be run: {}.", error.trim_end_matches('.')) }</p> }
            if moved { <p class="asks">{ "The knobs have moved since; run again for the new ones." }</p> }
            if let Some(other) = elsewhere {
                <p class="asks">
                    { format!("“{}” is running; to run this one ends it.", experiments::find(&other.name).map_or("", |entry| entry.title)) }
                </p>
            }
        </>
    }
}

/// Whether no element has the keyboard.
fn has_lost_focus() -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    let focused = document.and_then(|document| document.active_element());
    focused.is_none_or(|element| element.tag_name() == "BODY" || element.has_attribute("disabled"))
}

/// On a narrow page model and knobs stand below the results.
fn to_the_knobs() {
    let document = web_sys::window().and_then(|window| window.document());
    let knob =
        document.and_then(|document| document.get_element_by_id(Dial::Temperature.face().id));
    if let Some(knob) = knob.and_then(|knob| knob.dyn_into::<HtmlElement>().ok()) {
        // Focus scrolls there.
        _ = knob.focus();
    }
}

fn is_of(setting: &Setting, terms: Terms) -> bool {
    setting.shaping == terms.shaping
        && setting.lambda == terms.lambda.get()
        && setting.seed == terms.seed
}

/// Whom a run asks, and with which knobs.
fn asks(props: &LabProps) -> String {
    let titles = props.asked.iter().map(|one| props.tunings.title(&one.name));
    let names: Vec<&str> = std::iter::once("Base").chain(titles).collect();
    format!(
        "A run asks {}, with your knobs ({}), on this machine, in under a minute.",
        names.join(", "),
        told(props.terms)
    )
}

fn told(terms: Terms) -> String {
    knobs(&terms.shaping, terms.lambda.get(), terms.seed)
}

/// How far a run is, with which knobs it was made, and in a word what it found.
fn sentence(trial: &Trial, fetching: Option<&str>, own: Option<&Findings>) -> String {
    let verdict = own.and_then(|own| own.verdict.as_ref());
    let verdict = verdict.map_or(String::new(), |verdict| {
        format!(" The claim: {}.", answered(verdict.answer).to_lowercase())
    });
    let with = told(trial.terms);
    match (&trial.phase, trial.parts) {
        (TrialPhase::Running, _) if trial.device.is_none() => {
            "It begins as soon as the model is ready.".to_owned()
        }
        (TrialPhase::Running, None) => {
            fetching.map_or("Begun.".to_owned(), |what| format!("{what}."))
        }
        (TrialPhase::Running, Some((done, of))) => format!("{done} of {of} parts done."),
        (TrialPhase::Done, _) => match trial.seconds {
            Some(seconds) => format!("Done in {seconds:.1} s, with {with}.{verdict}"),
            None => format!("Done, with {with}.{verdict}"),
        },
        (TrialPhase::Cancelled, Some((done, of))) => {
            format!("Cancelled after {done} of {of} parts; what was found stays.")
        }
        (TrialPhase::Cancelled, None) => "Cancelled.".to_owned(),
        (TrialPhase::Failed(_), _) => String::new(),
    }
}

/// Where the shipped results come from, or why there are none.
fn shipped_note(props: &LabProps) -> Html {
    let text = match &props.shipped {
        None => return html! {},
        Some(Err(reason)) => reason.to_string(),
        Some(Ok(shipped)) => {
            let hashes = shipped.made.models.iter().map(|(name, hash)| {
                let short: String = hash.chars().take(8).collect();
                format!("{name} {short}")
            });
            format!(
                "The shipped results were computed at full size on {}, from the weights {}.",
                shipped.made.date,
                hashes.collect::<Vec<_>>().join(", ")
            )
        }
    };
    html! { <p class="asks" data-testid="shipped">{ text }</p> }
}
