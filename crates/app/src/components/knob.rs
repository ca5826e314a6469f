//! One setting: a slider, and a number box that takes exact values.
//!
//! What was typed stays as typed until the reader leaves the box; what cannot be used is said beside it and changes nothing.

use web_sys::{HtmlInputElement, InputEvent, KeyboardEvent};
use yew::prelude::*;

use super::{dials::Entropy, term::Defined};
use crate::{
    numbers::{about, decimal},
    state::Dial,
};

#[derive(Clone, PartialEq, Properties)]
pub struct KnobProps {
    pub dial: Dial,
    /// The present value, exactly.
    pub text: AttrValue,
    /// What the knobs make of the next token, once they have rested; for those knobs that change it.
    #[prop_or_default]
    pub entropy: Option<Entropy>,
    /// Takes text for a dial; the error says why it cannot.
    pub turn: Callback<(Dial, String), Result<(), String>>,
}

/// What stands in the number box, while it is not simply the value.
#[derive(Clone, Debug, PartialEq)]
struct Draft {
    text: String,
    error: Option<String>,
}

/// One setting.
#[component]
pub fn Knob(props: &KnobProps) -> Html {
    let KnobProps {
        dial,
        text,
        entropy,
        turn,
    } = props.clone();
    let face = dial.face();
    let draft = use_state_eq(|| None::<Draft>);
    // Follows when the knob has rested, and costs the frames of its move nothing.
    let spoken = use_memo(entropy.filter(|_| dial.shapes()), |entropy| {
        entropy.map(|Entropy { bits, choices, .. }| {
            AttrValue::from(format!(
                "{text}: {} bits of entropy, {} effective choices",
                decimal(bits),
                about(choices)
            ))
        })
    });

    let slide = {
        let (turn, draft) = (turn.clone(), draft.clone());
        Callback::from(move |event: InputEvent| {
            let input: HtmlInputElement = event.target_unchecked_into();
            // A slider holds allowed values only.
            _ = turn.emit((dial, input.value()));
            draft.set(None);
        })
    };
    let write = {
        let (turn, draft) = (turn.clone(), draft.clone());
        move |text: String| {
            let error = turn.emit((dial, text.clone())).err();
            draft.set(Some(Draft { text, error }));
        }
    };
    let type_in = {
        let write = write.clone();
        Callback::from(move |event: InputEvent| {
            write(event.target_unchecked_into::<HtmlInputElement>().value());
        })
    };
    let step = Callback::from(move |event: KeyboardEvent| {
        let direction = match event.key().as_str() {
            "ArrowUp" => 1.0,
            "ArrowDown" => -1.0,
            _ => return,
        };
        let input: HtmlInputElement = event.target_unchecked_into();
        if let Ok(value) = input.value().parse::<f64>() {
            event.prevent_default();
            let (from, to, step) = face.slider;
            let next = ((value / step + direction).round() * step).clamp(from, to);
            write(
                format!("{next:.2}")
                    .parse::<f64>()
                    .unwrap_or(next)
                    .to_string(),
            );
        }
    });
    let leave = {
        let draft = draft.clone();
        Callback::from(move |_: FocusEvent| {
            if draft.as_ref().is_some_and(|draft| draft.error.is_none()) {
                draft.set(None);
            }
        })
    };

    let (from, to, by) = face.slider;
    let slider_value = text
        .parse::<f64>()
        .unwrap_or(to)
        .clamp(from, to)
        .to_string();
    let error = draft.as_ref().and_then(|draft| draft.error.clone());
    let boxed = draft
        .as_ref()
        .map_or_else(|| text.clone(), |draft| draft.text.clone().into());
    let (name_id, help_id) = (format!("{}-name", face.id), format!("{}-help", face.id));
    let error_id = format!("{}-error", face.id);
    let described = if error.is_some() {
        format!("{error_id} {help_id}")
    } else {
        help_id.clone()
    };
    html! {
        <div class="knob">
            <label id={name_id.clone()} for={face.id}>
                { face.name }
                if !face.letter.is_empty() { { " " }<var>{ face.letter }</var> }
            </label>
            <input class="number" type="text" inputmode="decimal" autocomplete="off" spellcheck="false"
                data-testid={format!("{}-value", face.id)} value={boxed} aria-labelledby={name_id.clone()}
                aria-describedby={described} aria-invalid={error.is_some().then_some("true")}
                oninput={type_in} onkeydown={step} onblur={leave} />
            <input class="slider" type="range" id={face.id} data-testid={face.id} min={from.to_string()} max={to.to_string()}
                step={by.to_string()} value={slider_value} aria-valuetext={(*spoken).clone()} aria-describedby={help_id.clone()} oninput={slide} />
            if let Some(error) = error {
                <small class="error" role="alert" translate="no" id={error_id}>{ format!("{error}. In use: {text}.") }</small>
            }
            <small id={help_id}><b>{ face.unit }</b>{ " · " }<Defined text={face.help} /></small>
        </div>
    }
}
