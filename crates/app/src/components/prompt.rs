//! The prompt and its examples.

use web_sys::{HtmlTextAreaElement, InputEvent, KeyboardEvent};
use yew::prelude::*;

use crate::{
    engine::{after_ms, forget},
    state::{Action, with_full_stop},
};

/// The prompt is read by the model when typing has rested for so long.
const TYPING_RESTS_MS: u32 = 250;

/// Beginnings that a small storyteller can continue, and a request, which it answers on the next line.
const EXAMPLES: [&str; 4] = [
    "I went to the hardware store to buy a hammer.",
    "The old man was very ill.",
    "Once there was a little dragon who",
    "Tell a sad story about a lost dog.\n",
];

#[derive(Clone, PartialEq, Properties)]
pub struct PromptProps {
    pub prompt: AttrValue,
    /// Why the model cannot read it.
    pub refusal: Option<String>,
    pub act: Callback<Action>,
}

/// The prompt and its examples.
#[component]
pub fn Prompt(props: &PromptProps) -> Html {
    let PromptProps {
        prompt,
        refusal,
        act,
    } = props.clone();
    {
        let act = act.clone();
        use_effect_with(prompt.clone(), move |_| {
            let timer = after_ms(TYPING_RESTS_MS, move || act.emit(Action::Read));
            move || forget(timer)
        });
    }
    let edit = act.reform(|event: InputEvent| {
        Action::Prompt(event.target_unchecked_into::<HtmlTextAreaElement>().value())
    });
    let run = {
        let act = act.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
                event.prevent_default();
                act.emit(Action::Generate);
            }
        })
    };
    let chip = |example: &'static str| {
        let act = act.clone();
        let take = Callback::from(move |_: MouseEvent| {
            act.emit(Action::Prompt(example.to_owned()));
            act.emit(Action::Generate);
        });
        html! { <button aria-pressed={(prompt == example).to_string()} onclick={take}>{ example.trim_end() }</button> }
    };
    html! {
        <section aria-labelledby="prompt-title">
            <h2 id="prompt-title"><label for="prompt">{ "Prompt" }</label></h2>
            <textarea id="prompt" data-testid="prompt" rows="3" spellcheck="false" value={prompt.clone()} oninput={edit}
                onkeydown={run} aria-describedby="prompt-help" />
            if let Some(refusal) = refusal {
                <small class="error" role="alert" translate="no">{ with_full_stop(&refusal) }</small>
            }
            <p id="prompt-help" class="unseen">{ "Control and Enter generate stories." }</p>
            <div class="chips" translate="no" role="group" aria-label="Examples">{ for EXAMPLES.into_iter().map(chip) }</div>
        </section>
    }
}
