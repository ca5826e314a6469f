//! Values that follow once they have rested: what is read out and not seen may come a little later than what is seen, so that the
//! frame of a slider's move does not pay for it.

use std::{cell::RefCell, rc::Rc};

use gloo_timers::callback::Timeout;
use yew::prelude::*;

/// How long a value that is not seen rests before it is passed on.
pub const RESTS_MS: u32 = 150;

/// A value as it was when it last rested.
#[hook]
pub fn use_debounced<T: Clone + PartialEq + 'static>(value: &T) -> UseStateHandle<T> {
    let debounced = use_state_eq(|| value.clone());
    let setter = debounced.setter();
    use_debounced_effect(value, RESTS_MS, move |value| setter.set(value.clone()));
    debounced
}

/// Calls with a value once it has rested for `rest_ms`, at the latest after twice that. A value that moves is looked at by one timer
/// now and then; none is set and called off with every move.
#[hook]
pub fn use_debounced_effect<T: Clone + PartialEq + 'static>(
    value: &T,
    rest_ms: u32,
    call: impl Fn(&T) + 'static,
) {
    let latest = use_mut_ref(|| value.clone());
    let timer = use_mut_ref(|| None::<Timeout>);
    let waits = use_mut_ref(|| false);
    use_effect_with(value.clone(), move |value| {
        latest.replace(value.clone());
        if !waits.replace(true) {
            wait(value.clone(), latest, rest_ms, &timer, move |value| {
                waits.replace(false);
                call(value);
            });
        }
    });
}

fn wait<T: Clone + PartialEq + 'static>(
    seen: T,
    latest: Rc<RefCell<T>>,
    rest_ms: u32,
    timer: &Rc<RefCell<Option<Timeout>>>,
    call: impl FnOnce(&T) + 'static,
) {
    let next = {
        let timer = timer.clone();
        Timeout::new(rest_ms, move || {
            let now = latest.borrow().clone();
            if now == seen {
                call(&now);
            } else {
                wait(now, latest, rest_ms, &timer, call);
            }
        })
    };
    timer.replace(Some(next));
}
