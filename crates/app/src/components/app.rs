//! The page as a whole: one state, three views, and the link in the address.

use protocol::View;
use wasm_bindgen::{JsCast as _, closure::Closure};
use yew::prelude::*;

use super::{
    about::About,
    debounce::use_debounced_effect,
    dials::{Dials, Entropy},
    experiment::ExperimentView,
    header::Header,
    model_picker::ModelPicker,
    next_token::NextTokenPanel,
    prompt::Prompt,
    ptr_eq::PtrEq,
    status_line::{Notes, StatusLine},
    swarm::SwarmPanel,
    term::Definitions,
};
use crate::{
    address,
    engine::use_engines,
    numbers::significant,
    sidecars::use_sidecars,
    state::{Action, Dial, More, Run, SamplingParams, State, Status, progress_sentence, status},
};

/// The link is rewritten when the settings have rested for so long: browsers allow some hundred rewrites a minute.
const LINK_RESTS_MS: u32 = 250;

/// The page.
#[component]
pub fn App() -> Html {
    let state = use_reducer(|| {
        let (settings, notes) = address::settings();
        State::new(settings, notes)
    });
    use_engines(&state);
    use_link(&state);
    use_sidecars(&state);

    let act = {
        let state = state.clone();
        use_callback((), move |action: Action, ()| state.dispatch(action))
    };
    let turn = {
        let state = state.clone();
        use_callback((), move |(dial, text): (Dial, String), ()| {
            // A handle keeps every state that was read through it; this one is dropped after a single reading.
            let state = state.clone();
            dial.turn(&state.settings, &text)
                .map(|action| state.dispatch(action))
        })
    };

    let (now, sentence, share) = status(&state);
    let run = state.run.as_ref();
    let recorded = state
        .recorded
        .zip(run.filter(|run| run.device().is_none()))
        .map(|(params, run)| {
            AttrValue::from(recording(&state.settings.prompt, &run.spec.prompt, params))
        });
    let more = state.more();
    let open = state.opened();
    let view = state.settings.view;
    let lab = view == View::Experiments;
    let waits = matches!(now, Status::Loading | Status::Recorded);
    let failed = now == Status::Failed;
    let line = html! { <StatusLine status={now} {sentence} {share} /> };
    let entropy = use_state_eq(|| None::<Entropy>);
    let rested = use_callback((), {
        let entropy = entropy.setter();
        move |now: Entropy, ()| entropy.set(Some(now))
    });
    let tuned = run
        .and_then(|run| run.spec.adapter.as_deref())
        .map(|name| AttrValue::from(state.adapters.title(name).to_owned()));
    html! {
        <>
            <Header {view} act={act.clone()} engines={state.engines.clone()} choice={state.settings.device}
                chains={state.chains()}
                tokens_per_second={run.map_or(0.0, |run| run.tokens_per_second)} device={run.and_then(Run::device)} />
            if failed { <div class="failure" hidden={view == View::About}>{ line.clone() }</div> }
            <main class={lab.then_some("lab")} hidden={view == View::About}>
                <div class="side">
                    <Notes notes={state.notes.clone()} act={act.clone()} />
                    if !lab { <Prompt prompt={AttrValue::from(state.settings.prompt.clone())} refusal={state.refusal.clone()}
                        adapters={PtrEq::from(&state.adapters)} adapter={state.settings.adapter.clone().map(AttrValue::from)} act={act.clone()} /> }
                    <ModelPicker adapters={PtrEq::from(&state.adapters)} adapter={state.settings.adapter.clone().map(AttrValue::from)}
                        compare={state.settings.compare} {lab} lambda={Dial::Lambda.text(&state.settings)} turn={turn.clone()} act={act.clone()} />
                    <Dials settings={state.settings.clone()} {turn} act={act.clone()}
                        stories={state.settings.chains.get()} running={more == More::Coming && state.live} {lab}
                        can_generate={!state.has_failed()} entropy={*entropy} />
                    if !failed { <div hidden={lab && !waits}>{ line }</div> }
                </div>
                <div class="stage" hidden={lab}>
                    <NextTokenPanel row={state.row().map(PtrEq::from)} detokenizer={state.detokenizer.as_ref().map(PtrEq::from)}
                        params={state.params()} {open} can_force={state.can_force()} there={state.put_there()} recorded={recorded.is_some()} {rested} act={act.clone()} />
                    <SwarmPanel swarm={PtrEq::from(&state.swarm)} {open} {tuned}
                        catalogue={state.catalogue.as_ref().map(PtrEq::from)} colouring={state.colouring}
                        predictor={state.predictor.as_ref().map(PtrEq::from)} can_open={state.can_open()} can_branch={state.can_branch()} {more} {recorded} stale={state.stale()} device={run.and_then(Run::device)}
                        length={run.map_or(0, |run| run.spec.length.get())}
                        tokens_per_second={run.map_or(0.0, |run| run.tokens_per_second)} act={act.clone()} />
                </div>
                if lab { <div class="stage">{ experiment(&state, act) }</div> }
            </main>
            <About shown={view == View::About} />
            <Definitions />
        </>
    }
}

/// What is said of a recorded run: its prompt where that is not the reader's, and its knobs.
fn recording(prompt: &str, recorded: &str, params: SamplingParams) -> String {
    let after = if recorded == prompt {
        String::new()
    } else {
        format!(" after “{recorded}”")
    };
    format!(
        "recorded run{after} at T = {}, s = {}",
        significant(params.shaping.temperature()),
        significant(params.shaping.logit_scale())
    )
}

/// The Experiments tab.
fn experiment(state: &State, act: Callback<Action>) -> Html {
    let name = state.experiment().name;
    let experiments_tab = &state.experiments_tab;
    let published = match experiments_tab.published.get(name) {
        Some(Ok(published)) => Some(Ok(PtrEq::from(published))),
        Some(Err(reason)) => Some(Err(format!("No published results: {reason}").into())),
        None => match &experiments_tab.published_list {
            Some(Err(reason)) => Some(Err(format!("No published results: {reason}").into())),
            Some(Ok(_)) if !experiments_tab.is_published(name) => Some(Err(AttrValue::Static(
                "No results of this experiment were published with this model; run it to get some.",
            ))),
            _ => None,
        },
    };
    let fetching = state
        .fetching
        .map(|(kind, progress)| AttrValue::from(progress_sentence(kind, progress)));
    html! {
        <ExperimentView {name} asked={state.would_ask()} adapters={PtrEq::from(&state.adapters)} params={state.params()} run={experiments_tab.run.clone()}
            {fetching} own={experiments_tab.own.get(name).map(PtrEq::from)} {published} {act} />
    }
}

/// Keeps the address and the settings equal, in both directions.
#[hook]
fn use_link(state: &UseReducerHandle<State>) {
    let opened_with = use_memo((), |()| state.settings.clone());
    use_debounced_effect(&state.settings, LINK_RESTS_MS, move |settings| {
        if *settings != *opened_with || address::settings().0 != *settings {
            address::rewrite(settings);
        }
    });
    let state = state.clone();
    use_effect_with((), move |()| {
        let follow = Closure::<dyn Fn()>::new(move || {
            // Read once and dropped, as a handle keeps every state that was read through it.
            let state = state.clone();
            let (settings, notes) = address::settings();
            if settings.model != state.settings.model {
                address::reload();
            } else if settings != state.settings || !notes.is_empty() {
                state.dispatch(Action::Follow(settings, notes));
            }
        });
        gloo_utils::window()
            .add_event_listener_with_callback("hashchange", follow.as_ref().unchecked_ref())
            .expect("a window takes listeners");
        // The page lives as long as its window.
        follow.forget();
    });
}
