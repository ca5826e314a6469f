//! The page as a whole: one state, three views, and the link in the address.

use std::rc::Rc;

use protocol::View;
use wasm_bindgen::{JsCast as _, closure::Closure};
use yew::prelude::*;

use super::{
    about::About,
    dials::Dials,
    header::Header,
    lab::Lab,
    lagging::use_rested,
    next_token::NextTokenPanel,
    prompt::Prompt,
    same::Same,
    status_line::{Notes, StatusLine},
    storyteller::Storyteller,
    swarm::SwarmPanel,
};
use crate::{
    address,
    engine::use_engines,
    figures::numbers::significant,
    shelf::use_shelf,
    state::{Action, Dial, More, Run, State, Status, Terms, sentence, status},
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
    use_shelf(&state);

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
        .map(|(terms, run)| {
            AttrValue::from(recording(&state.settings.prompt, &run.order.prompt, terms))
        });
    let more = run.map_or(More::No, |run| run.more(state.terms()));
    let open = state.opened();
    let view = state.settings.view;
    let lab = view == View::Experiments;
    let waits = matches!(now, Status::Loading | Status::Recorded | Status::Failed);
    let tuned = run
        .and_then(|run| run.order.adapter.as_deref())
        .map(|name| AttrValue::from(state.tunings.title(name).to_owned()));
    html! {
        <>
            <Header {view} act={act.clone()} engines={state.engines.clone()} choice={state.settings.device}
                chains={state.chains()}
                tokens_per_second={run.map_or(0.0, |run| run.tokens_per_second)} device={run.and_then(Run::device)} />
            <main class={lab.then_some("lab")} hidden={view == View::About}>
                <div class="side">
                    <Notes notes={state.notes.clone()} act={act.clone()} />
                    if !lab { <Prompt prompt={AttrValue::from(state.settings.prompt.clone())} refusal={state.refusal.clone()} act={act.clone()} /> }
                    <Storyteller tunings={Same::from(&state.tunings)} adapter={state.settings.adapter.clone().map(AttrValue::from)}
                        compare={state.settings.compare} {lab} lambda={Dial::Lambda.text(&state.settings)} turn={turn.clone()} act={act.clone()} />
                    <Dials settings={state.settings.clone()} {turn} act={act.clone()}
                        stories={state.settings.chains.get()} running={more == More::Coming && state.live} {lab} />
                    <div hidden={lab && !waits}><StatusLine status={now} {sentence} {share} /></div>
                </div>
                <div class="stage" hidden={lab}>
                    <NextTokenPanel row={state.row().map(Same::from)} language={state.language.as_ref().map(Same::from)}
                        terms={state.terms()} {open} can_force={state.can_force()} there={state.put_there()} recorded={recorded.is_some()} act={act.clone()} />
                    <SwarmPanel swarm={Same::from(&state.swarm)} {open} {tuned}
                        catalogue={state.catalogue.as_ref().map(Same::from)} colouring={state.colouring}
                        predictor={state.predictor.as_ref().map(Same::from)} can_open={state.can_open()} can_branch={state.can_branch()} {more} {recorded} stale={state.stale()} device={run.and_then(Run::device)}
                        length={run.map_or(0, |run| run.order.length.get())}
                        tokens_per_second={run.map_or(0.0, |run| run.tokens_per_second)} act={act.clone()} />
                </div>
                if lab { <div class="stage">{ laboratory(&state, act) }</div> }
            </main>
            <About shown={view == View::About} />
        </>
    }
}

/// What is said of a recorded run: its prompt where that is not the reader's, and its knobs.
fn recording(prompt: &str, recorded: &str, terms: Terms) -> String {
    let after = if recorded == prompt {
        String::new()
    } else {
        format!(" after “{recorded}”")
    };
    format!(
        "recorded run{after} at T = {}, s = {}",
        significant(terms.shaping.temperature()),
        significant(terms.shaping.logit_scale())
    )
}

/// The Experiments tab.
fn laboratory(state: &State, act: Callback<Action>) -> Html {
    let name = state.experiment().name;
    let bench = &state.bench;
    let nothing = || {
        Err(AttrValue::Static(
            "No results of this experiment ship with this model; run it to see some.",
        ))
    };
    let shipped = match bench.shipped.get(name) {
        Some(Ok(shipped)) => Some(Ok(Same::from(shipped))),
        Some(Err(reason)) => Some(Err(reason.clone().into())),
        None => {
            let ships = |shelf: &Rc<[String]>| shelf.iter().any(|one| one == name);
            bench
                .shelf
                .as_ref()
                .filter(|shelf| !ships(shelf))
                .map(|_| nothing())
        }
    };
    let fetching = state
        .fetching
        .map(|(kind, progress)| AttrValue::from(sentence(kind, progress)));
    html! {
        <Lab {name} asked={state.would_ask()} tunings={Same::from(&state.tunings)} terms={state.terms()} trial={bench.trial.clone()}
            {fetching} own={bench.own.get(name).map(Same::from)} {shipped} {act} />
    }
}

/// Keeps the address and the settings equal, in both directions.
#[hook]
fn use_link(state: &UseReducerHandle<State>) {
    let opened_with = use_memo((), |()| state.settings.clone());
    use_rested(&state.settings, LINK_RESTS_MS, move |settings| {
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
        let window = web_sys::window().expect("the page runs in a window");
        window
            .add_event_listener_with_callback("hashchange", follow.as_ref().unchecked_ref())
            .expect("a window takes listeners");
        // The page lives as long as its window.
        follow.forget();
    });
}
