//! The Experiments tab: the list of experiments, and the opened one.

use experiments::{
    CATALOGUE, ExperimentInfo, ExperimentResults, Figure, Provenance, Published, RunConfig,
};
use protocol::ExperimentAdapter;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::{
    chart::{Chart, use_charts},
    ptr_eq::PtrEq,
    results::{Controls, Results, VerdictLine, answered},
    term::Defined,
};
use crate::{
    figures::overlay::pairs,
    numbers::knobs,
    state::{Action, AdapterIndex, Dial, ExperimentPhase, ExperimentRun, SamplingParams},
};

#[derive(Clone, PartialEq, Properties)]
pub struct ExperimentViewProps {
    /// The opened experiment.
    pub name: AttrValue,
    /// What a run would ask now, beside the base.
    pub asked: Vec<ExperimentAdapter>,
    pub adapters: PtrEq<AdapterIndex>,
    pub params: SamplingParams,
    /// The last run, of whichever experiment.
    pub run: Option<ExperimentRun>,
    /// What is being fetched for it, in words.
    pub fetching: Option<AttrValue>,
    pub own: Option<PtrEq<ExperimentResults>>,
    /// None while it is not known what ships.
    pub published: Option<Result<PtrEq<Published>, AttrValue>>,
    pub act: Callback<Action>,
}

/// The tab.
#[component]
pub fn ExperimentView(props: &ExperimentViewProps) -> Html {
    let Some(info) = experiments::find(&props.name) else {
        return html! {};
    };
    let charts = use_charts();
    let laid_over = use_state_eq(|| true);
    let published = props
        .published
        .as_ref()
        .and_then(|published| published.as_ref().ok());
    let own = props.own.as_ref();
    let figures = |findings: Option<&ExperimentResults>| -> Vec<Figure> {
        findings.map_or_else(Vec::new, |findings| findings.figures.clone())
    };
    let mine = figures(own.map(|own| &**own));
    let both = !mine.is_empty() && published.is_some();
    let behind = published.filter(|_| !both || *laid_over);
    let drawn = pairs(&mine, &figures(behind.map(|published| &published.findings)));
    let lay_over = {
        let laid_over = laid_over.clone();
        Callback::from(move |_: Event| laid_over.set(!*laid_over))
    };
    let shown = own
        .map(|own| &**own)
        .or(published.map(|published| &published.findings));
    let verdict = |findings: Option<&ExperimentResults>, of: &'static str| {
        // Something in any case: were there nothing, what stands before it would be made anew and lose the keyboard.
        html! {
            if let Some(verdict) = findings.and_then(|findings| findings.verdict.clone()) { <VerdictLine {verdict} {of} /> }
        }
    };
    html! {
        <>
            <ExperimentNav name={props.name.clone()} act={props.act.clone()} />
            <article class="experiment" key={info.name} data-testid="experiment" data-name={info.name} data-state={state(props)}
                aria-labelledby="experiment-title">
                <section>
                    <h2 id="experiment-title">{ info.title }</h2>
                    <Claim name={props.name.clone()} />
                    { verdict(own.map(|own| &**own), "your run") }
                    { verdict(published.map(|published| &published.findings), "published results") }
                    if let Some(Err(reason)) = &props.published { <p class="asks" translate="no">{ reason }</p> }
                    <RunLine ..props.clone() />
                </section>
                if !drawn.is_empty() {
                    <section aria-labelledby="figures-title">
                        <h2>
                            <span id="figures-title">{ "Figures" }</span>
                            if both {
                                <label class="check key">
                                    <input type="checkbox" data-testid="lay-over" checked={*laid_over} onchange={lay_over} />
                                    { "Show the published results behind yours" }
                                </label>
                            }
                        </h2>
                        <div class="charts">
                            { for drawn.iter().map(|figure| html! {
                                <Chart key={format!("{}-{}", info.name, figure.name)} figure={figure.clone()} {charts} experiment={info.name} />
                            }) }
                        </div>
                    </section>
                }
                <Limits name={props.name.clone()} />
                <Method name={props.name.clone()} />
                <Results own={own.cloned()} published={published.cloned()} name={info.name} />
                if let Some(shown) = shown { <Controls controls={shown.controls.clone()} /> }
                if let Some(published) = published { { provenance(&published.made) } }
            </article>
        </>
    }
}

/// Of the opened experiment, for `data-state`.
fn state(props: &ExperimentViewProps) -> &'static str {
    match present(props).map(|run| &run.phase) {
        Some(ExperimentPhase::Running) => "running",
        Some(ExperimentPhase::Done) => "done",
        // An earlier run of it.
        None if props.own.is_some() => "done",
        Some(ExperimentPhase::Cancelled | ExperimentPhase::Failed(_)) | None => "idle",
    }
}

/// The last run, where it was one of the opened experiment.
fn present(props: &ExperimentViewProps) -> Option<&ExperimentRun> {
    let run = props.run.as_ref();
    run.filter(|run| *run.name == *props.name)
}

#[derive(Clone, PartialEq, Properties)]
struct ExperimentNavProps {
    name: AttrValue,
    act: Callback<Action>,
}

/// The list of experiments.
#[component]
fn ExperimentNav(props: &ExperimentNavProps) -> Html {
    let one = |info: &'static ExperimentInfo| {
        let open = *props.name == *info.name;
        let choose = props
            .act
            .reform(move |_: MouseEvent| Action::Choose(info.name.to_owned()));
        html! {
            <li>
                <button aria-current={open.then_some("true")} data-testid="choose" data-name={info.name} onclick={choose}>
                    { info.title }
                </button>
            </li>
        }
    };
    html! { <nav class="experiments" aria-label="Experiments"><ol>{ for CATALOGUE.iter().map(one) }</ol></nav> }
}

#[derive(Clone, PartialEq, Properties)]
struct InfoProps {
    name: AttrValue,
}

/// What is claimed, and by whom.
#[component]
fn Claim(props: &InfoProps) -> Html {
    let Some(info) = experiments::find(&props.name).filter(|info| !info.claim.is_empty()) else {
        return html! {};
    };
    html! {
        <blockquote>
            <p>{ info.claim }</p>
            <cite>{ info.source }</cite>
        </blockquote>
    }
}

/// How the claim is tested, and what to try.
#[component]
fn Method(props: &InfoProps) -> Html {
    let Some(info) = experiments::find(&props.name) else {
        return html! {};
    };
    let part = |name: &'static str, text: &'static str| {
        html! { if !text.is_empty() { <div><dt>{ name }</dt><dd><Defined {text} /></dd></div> } }
    };
    html! {
        <details class="fold">
            <summary>{ "How it was tested" }</summary>
            <dl>{ part("Method", info.method) }{ part("What to try", info.to_try) }</dl>
        </details>
    }
}

/// What the result shows, and what it does not.
#[component]
fn Limits(props: &InfoProps) -> Html {
    let Some(info) = experiments::find(&props.name).filter(|info| !info.shows.is_empty()) else {
        return html! {};
    };
    html! {
        <section>
            <dl>
                <div><dt>{ "What this shows" }</dt><dd><Defined text={info.shows} /></dd></div>
                <div><dt>{ "What it does not show" }</dt><dd><Defined text={info.does_not_show} /></dd></div>
            </dl>
        </section>
    }
}

/// Run, cancel, and how far it is.
#[component]
fn RunLine(props: &ExperimentViewProps) -> Html {
    let run = present(props);
    let running = run.is_some_and(ExperimentRun::is_running);
    let elsewhere = props
        .run
        .as_ref()
        .filter(|run| run.is_running() && !running);
    let (start, cancel) = (
        props.act.reform(|_: MouseEvent| Action::RunExperiment),
        props.act.reform(|_: MouseEvent| Action::CancelExperiment),
    );
    let share = run
        .and_then(|run| run.parts)
        .map(|(done, of)| f64::from(done) / f64::from(of.max(1)));
    let said = run.map(|run| sentence(run, props.fetching.as_deref(), props.own.as_deref()));
    let error = match run.map(|run| &run.phase) {
        Some(ExperimentPhase::Failed(reason)) => Some(reason.clone()),
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
            .is_some_and(|own| !is_of(&own.setting, props.params));
    html! {
        <>
            <p class="asks" translate="no">
                { asks(props) }
                <button class="back to-knobs" onclick={|_: MouseEvent| to_the_knobs()}>{ "Change model or settings ↓" }</button>
            </p>
            <div class="go">
                <button class="tell" data-testid="run" ref={run_button} disabled={running} onclick={start}>
                    { if props.own.is_some() && !running { "Run again" } else { "Run" } }
                </button>
                <button class="stop" data-testid="cancel" ref={cancel_button} disabled={!running} onclick={cancel}>{ "Cancel" }</button>
            </div>
            if running { <progress max="1" value={share.map(|share| share.to_string())} aria-label="Progress" /> }
            <p class="said" role="status" translate="no" data-testid="progress">{ said }</p>
            if let Some(error) = error { <p class="failed" role="alert" translate="no">{ format!("The experiment failed: {}.", error.trim_end_matches('.')) }</p> }
            if moved { <p class="asks">{ "The settings have changed; run again to use them." }</p> }
            if let Some(other) = elsewhere {
                <p class="asks">
                    { format!("“{}” is running. Starting this one will cancel it.", experiments::find(&other.name).map_or("", |info| info.title)) }
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

fn is_of(setting: &RunConfig, params: SamplingParams) -> bool {
    setting.shaping == params.shaping
        && setting.lambda == params.lambda.get()
        && setting.seed == params.seed
}

/// Names as a list in words: "Base", "Base and Wedding", "Base, Raters and Spread".
fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Which models a run compares, and with which settings.
fn asks(props: &ExperimentViewProps) -> String {
    let titles = props
        .asked
        .iter()
        .map(|one| props.adapters.title(&one.name));
    let names: Vec<&str> = std::iter::once("Base").chain(titles).collect();
    format!(
        "Runs {} on your computer with your settings ({}); takes under a minute.",
        list(&names),
        settings_in_words(props.params)
    )
}

fn settings_in_words(params: SamplingParams) -> String {
    knobs(&params.shaping, params.lambda.get(), params.seed)
}

/// How far a run is, with which knobs it was made, and in a word what it found.
fn sentence(
    run: &ExperimentRun,
    fetching: Option<&str>,
    own: Option<&ExperimentResults>,
) -> String {
    let verdict = own.and_then(|own| own.verdict.as_ref());
    let verdict = verdict.map_or(String::new(), |verdict| {
        format!(" The claim: {}.", answered(verdict.answer).to_lowercase())
    });
    let with = settings_in_words(run.params);
    match (&run.phase, run.parts) {
        (ExperimentPhase::Running, _) if run.device.is_none() => {
            "Starts as soon as the model is ready.".to_owned()
        }
        (ExperimentPhase::Running, None) => {
            fetching.map_or("Started.".to_owned(), |what| format!("{what}."))
        }
        (ExperimentPhase::Running, Some((done, of))) => format!("{done} of {of} parts done."),
        (ExperimentPhase::Done, _) => match run.seconds {
            Some(seconds) => format!("Done in {seconds:.1} s, with {with}.{verdict}"),
            None => format!("Done, with {with}.{verdict}"),
        },
        (ExperimentPhase::Cancelled, Some((done, of))) => {
            format!("Cancelled after {done} of {of} parts; the results so far stay.")
        }
        (ExperimentPhase::Cancelled, None) => "Cancelled.".to_owned(),
        (ExperimentPhase::Failed(_), _) => String::new(),
    }
}

/// Where the published results come from.
fn provenance(made: &Provenance) -> Html {
    let models = made.models.iter().map(|(name, hash)| {
        html! { <tr><th scope="row">{ name }</th><td><code>{ hash }</code></td></tr> }
    });
    html! {
        <details class="fold" data-testid="published">
            <summary>{ "Where the published results come from" }</summary>
            <p class="asks" translate="no">{ format!("Computed at full size on {}, from these weights:", made.date) }</p>
            <div class="wide" role="region" aria-label="Weights" tabindex="0">
                <table>
                    <thead><tr><th scope="col">{ "Model" }</th><th scope="col">{ "Fingerprint of its weights" }</th></tr></thead>
                    <tbody translate="no">{ for models }</tbody>
                </table>
            </div>
        </details>
    }
}
