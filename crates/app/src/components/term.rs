//! Technical terms with their definitions on hover, focus and tap.
//!
//! A term is a small button with `data-term`; [`Definitions`] stands once on the page and shows the definition of whichever term the
//! pointer or the keyboard is on, so that also terms in plain HTML (`www/about.html`) have one.

use wasm_bindgen::prelude::*;
use web_sys::{Element, Event, KeyboardEvent};
use yew::prelude::*;

use crate::glossary::{Piece, TERMS, Term, find, pieces};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = Element)]
    type Placed;
    #[wasm_bindgen(method, js_name = getBoundingClientRect)]
    fn bounds(this: &Placed) -> Bounds;

    /// CSS pixels of the window.
    type Bounds;
    #[wasm_bindgen(method, getter)]
    fn left(this: &Bounds) -> f64;
    #[wasm_bindgen(method, getter)]
    fn top(this: &Bounds) -> f64;
    #[wasm_bindgen(method, getter)]
    fn bottom(this: &Bounds) -> f64;
}

#[derive(Clone, PartialEq, Properties)]
pub struct DefinedProps {
    /// A text in which terms may occur.
    pub text: AttrValue,
}

/// A text with its terms defined.
#[component]
pub fn Defined(props: &DefinedProps) -> Html {
    let piece = |piece: Piece<'_>| match piece {
        Piece::Text(text) => html! { { text.to_owned() } },
        Piece::Term(term, written) => one(term, written.to_owned()),
    };
    html! { <>{ for pieces(&props.text).into_iter().map(piece) }</> }
}

fn one(term: &Term, written: String) -> Html {
    html! {
        <button type="button" class="term" data-term={term.key} aria-describedby={id(term)}>{ written }</button>
    }
}

fn id(term: &Term) -> String {
    format!("definition-{}", term.key)
}

/// The definition that is shown, and where, CSS pixels of the window.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    term: &'static Term,
    left: f64,
    /// Distance from the window's upper edge, or from its lower one.
    top: Option<f64>,
    bottom: f64,
}

/// Widest definition, CSS pixels; the style sheet has the same.
const WIDTH: f64 = 300.0;
/// A term with less room below it has its definition above, CSS pixels.
const ROOM: f64 = 150.0;
/// Between term and definition, and to the window's edge, CSS pixels.
const GAP: f64 = 6.0;

/// All definitions, for screen readers, and the one that is shown.
#[component]
pub fn Definitions() -> Html {
    let shown = use_state_eq(|| None::<Shown>);
    {
        let shown = shown.setter();
        use_effect_with((), move |()| {
            let point = {
                let shown = shown.clone();
                Closure::<dyn Fn(Event)>::new(move |event: Event| {
                    let at = event
                        .target()
                        .and_then(|target| target.dyn_into::<Element>().ok());
                    let within = |class: &str| at.as_ref()?.closest(class).ok().flatten();
                    if let Some(term) = within(".term") {
                        shown.set(place(&term));
                    } else if within(".definition").is_none() {
                        shown.set(None);
                    }
                })
            };
            let hide = Closure::<dyn Fn(Event)>::new(move |event: Event| {
                let key = event.dyn_ref::<KeyboardEvent>().map(KeyboardEvent::key);
                if key.is_none_or(|key| key == "Escape") {
                    shown.set(None);
                }
            });
            if let Some(document) = web_sys::window().and_then(|window| window.document()) {
                for (name, call) in [
                    ("pointerover", &point),
                    ("focusin", &point),
                    ("keydown", &hide),
                ] {
                    _ = document
                        .add_event_listener_with_callback(name, call.as_ref().unchecked_ref());
                }
                // What scrolls need not be the document itself.
                _ = document.add_event_listener_with_callback_and_bool(
                    "scroll",
                    hide.as_ref().unchecked_ref(),
                    true,
                );
            }
            // The page lives as long as its window.
            point.forget();
            hide.forget();
        });
    }
    html! {
        <>
            <div hidden=true>
                { for TERMS.iter().map(|term| html! { <p id={id(term)}>{ term.definition }</p> }) }
            </div>
            if let Some(Shown { term, left, top, bottom }) = &*shown {
                <p class="definition" aria-hidden="true" style={match top {
                    Some(top) => format!("left:{left}px;top:{top}px"),
                    None => format!("left:{left}px;bottom:{bottom}px"),
                }}>{ term.definition }</p>
            }
        </>
    }
}

/// Where the definition of a term's element is shown.
fn place(element: &Element) -> Option<Shown> {
    let term = find(&element.get_attribute("data-term")?)?;
    let window = web_sys::window()?;
    let size = |size: Result<JsValue, JsValue>| size.ok()?.as_f64();
    let (width, height) = (size(window.inner_width())?, size(window.inner_height())?);
    let bounds = element.unchecked_ref::<Placed>().bounds();
    let below = height - bounds.bottom() >= ROOM;
    Some(Shown {
        term,
        left: bounds.left().min(width - WIDTH - GAP).max(GAP),
        top: below.then_some(bounds.bottom() + GAP),
        bottom: height - bounds.top() + GAP,
    })
}
