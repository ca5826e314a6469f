//! The settings panel: all knobs, β, and the button that runs them.

use protocol::Settings;
use yew::prelude::*;

use super::knob::Knob;
use crate::{
    figures::numbers::{counted, significant},
    state::{Action, Dial},
};

#[derive(Clone, PartialEq, Properties)]
pub struct DialsProps {
    pub settings: Settings,
    pub turn: Callback<(Dial, String), Result<(), String>>,
    pub act: Callback<Action>,
    pub stories: u32,
    pub running: bool,
    /// Whether the knobs are those of an experiment, which has its own buttons.
    pub lab: bool,
}

/// The settings panel.
#[component]
pub fn Dials(props: &DialsProps) -> Html {
    let DialsProps {
        settings,
        turn,
        act,
        stories,
        running,
        lab,
    } = props.clone();
    let knob =
        |dial: Dial| html! { <Knob {dial} text={dial.text(&settings)} turn={turn.clone()} /> };
    let beta = settings.shaping.beta();
    let tell = format!("Tell {}", counted(stories.into(), "story", "stories"));
    html! {
        <section aria-labelledby="decoding-title">
            <h2 id="decoding-title">{ "Decoding" }</h2>
            { knob(Dial::Temperature) }
            { knob(Dial::LogitScale) }
            <p class="beta">
                <span><var>{ "β" }</var>{ " = " }<var>{ "s" }</var>{ " / " }<var>{ "T" }</var></span>
                <b data-testid="beta" data-value={beta.to_string()}>{ significant(beta) }</b>
            </p>
            <details>
                <summary>{ "more: filters, seed, chains, length" }</summary>
                { for Dial::MORE.into_iter().map(knob) }
            </details>
            <div class="go" hidden={lab}>
                <button class="tell" data-testid="generate" onclick={act.reform(|_: MouseEvent| Action::Generate)}>{ tell }</button>
                <button class="stop" data-testid="stop" disabled={!running} onclick={act.reform(|_: MouseEvent| Action::Stop)}>
                    { "Stop" }
                </button>
            </div>
        </section>
    }
}
