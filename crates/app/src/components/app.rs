//! The page as a whole: one state, two pages, and the link in the address.

use wasm_bindgen::{JsCast as _, closure::Closure};
use yew::prelude::*;

use super::{
    about::About,
    dials::Dials,
    header::Header,
    next_token::NextTokenPanel,
    prompt::Prompt,
    same::Same,
    status_line::{Notes, StatusLine},
    storyteller::Storyteller,
    swarm::SwarmPanel,
};
use crate::{
    address,
    engine::{after_ms, forget, use_engines},
    shelf::use_shelf,
    state::{Action, Dial, Run, State, status},
};

/// The link is rewritten when the settings have rested for so long: browsers allow some hundred rewrites a minute.
const LINK_RESTS_MS: u32 = 250;

/// Which page is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The experiment.
    Playground,
    /// What it is about.
    About,
}

/// The page.
#[component]
pub fn App() -> Html {
    let state = use_reducer(|| {
        let (settings, notes) = address::settings();
        State::new(settings, notes)
    });
    let page = use_state(|| Page::Playground);
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
    let go = {
        let page = page.setter();
        use_callback((), move |to: Page, ()| page.set(to))
    };

    let (now, sentence, share) = status(&state);
    let run = state.run.as_ref();
    let recorded = state
        .recorded
        .filter(|_| run.is_some_and(|run| run.device().is_none()));
    let running = run.is_some_and(|run| run.is_running(state.terms()));
    let open = state.opened();
    let tuned = run
        .and_then(|run| run.order.adapter.as_deref())
        .map(|name| AttrValue::from(state.tunings.title(name).to_owned()));
    html! {
        <>
            <Header page={*page} {go} engines={state.engines.clone()} choice={state.settings.device}
                chains={state.chains()}
                tokens_per_second={run.map_or(0.0, |run| run.tokens_per_second)} device={run.and_then(Run::device)} />
            <main hidden={*page != Page::Playground}>
                <div class="side">
                    <Notes notes={state.notes.clone()} act={act.clone()} />
                    <Prompt prompt={AttrValue::from(state.settings.prompt.clone())} refusal={state.refusal.clone()} act={act.clone()} />
                    <Storyteller tunings={Same::from(&state.tunings)} adapter={state.settings.adapter.clone().map(AttrValue::from)}
                        compare={state.settings.compare} lambda={Dial::Lambda.text(&state.settings)} turn={turn.clone()} act={act.clone()} />
                    <Dials settings={state.settings.clone()} {turn} act={act.clone()}
                        stories={state.settings.chains.get()} running={running && state.live} />
                    <StatusLine status={now} {sentence} {share} />
                </div>
                <div class="stage">
                    <NextTokenPanel row={state.row().map(Same::from)} language={state.language.as_ref().map(Same::from)}
                        terms={state.terms()} {open} can_force={state.can_force()} there={state.put_there()} recorded={recorded.is_some()} act={act.clone()} />
                    <SwarmPanel swarm={Same::from(&state.swarm)} {open} {tuned}
                        catalogue={state.catalogue.as_ref().map(Same::from)} colouring={state.colouring}
                        predictor={state.predictor.as_ref().map(Same::from)} can_open={state.can_open()} {running} {recorded} stale={state.stale()} device={run.and_then(Run::device)}
                        length={run.map_or(0, |run| run.order.length.get())}
                        tokens_per_second={run.map_or(0.0, |run| run.tokens_per_second)} {act} />
                </div>
            </main>
            <About shown={*page == Page::About} />
        </>
    }
}

/// Keeps the address and the settings equal, in both directions.
#[hook]
fn use_link(state: &UseReducerHandle<State>) {
    {
        let opened_with = use_memo((), |()| state.settings.clone());
        use_effect_with(state.settings.clone(), move |settings| {
            let settings = settings.clone();
            let timer = (settings != *opened_with || address::settings().0 != settings)
                .then(|| after_ms(LINK_RESTS_MS, move || address::rewrite(&settings)));
            move || {
                if let Some(timer) = timer {
                    forget(timer);
                }
            }
        });
    }
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
