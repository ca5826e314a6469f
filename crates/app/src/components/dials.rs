//! The settings panel: all knobs, β, and the button that runs them.

use protocol::Settings;
use yew::prelude::*;

use super::knob::Knob;
use crate::{
    numbers::{counted, significant},
    state::{Action, Dial, SamplingParams},
};

#[derive(Clone, PartialEq, Properties)]
pub struct DialsProps {
    pub settings: Settings,
    pub turn: Callback<(Dial, String), Result<(), String>>,
    pub act: Callback<Action>,
    pub stories: u32,
    pub running: bool,
    /// Whether a model is there, or may still come.
    pub can_generate: bool,
    /// What the knobs make of the shown token, once they have rested.
    pub entropy: Option<Entropy>,
    /// Whether the knobs are those of an experiment, which has its own buttons.
    pub lab: bool,
}

/// What the knobs make of the next token, for those who hear the sliders: it is read out with a slider's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entropy {
    /// The knobs.
    pub params: SamplingParams,
    /// Entropy of the next token, bits.
    pub bits: f64,
    /// `2^H`.
    pub choices: f64,
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
        can_generate,
        entropy,
        lab,
    } = props.clone();
    let knob = |dial: Dial| html! { <Knob {dial} text={dial.text(&settings)} {entropy} turn={turn.clone()} /> };
    let beta = settings.shaping.beta();
    let generate = format!("Generate {}", counted(stories.into(), "story", "stories"));
    html! {
        <section aria-labelledby="decoding-title">
            <h2 id="decoding-title">{ "Sampling" }</h2>
            { knob(Dial::Temperature) }
            { knob(Dial::LogitScale) }
            <p class="beta">
                <span>{ "Sharpness " }<var>{ "β" }</var>{ " = " }<var>{ "s" }</var>{ " / " }<var>{ "T" }</var></span>
                <b data-testid="beta" translate="no" data-value={beta.to_string()}>{ significant(beta) }</b>
            </p>
            <small class="ratio">{ "Only this ratio matters: " }<var>{ "T" }</var>{ " = ½ and " }<var>{ "s" }</var>{ " = 2 give the same stories." }</small>
            <details>
                <summary>{ "More: filters, seed, number and length of stories" }</summary>
                { for Dial::MORE.into_iter().map(knob) }
            </details>
            <div class="go" hidden={lab}>
                <button class="tell" data-testid="generate" translate="no" disabled={!can_generate} onclick={act.reform(|_: MouseEvent| Action::Generate)}>{ generate }</button>
                <button class="stop" data-testid="stop" disabled={!running} onclick={act.reform(|_: MouseEvent| Action::Stop)}>
                    { "Stop" }
                </button>
            </div>
        </section>
    }
}
