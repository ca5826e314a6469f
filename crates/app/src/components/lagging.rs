//! What is read out rather than seen may follow a little later: so the frame of a slider's move does not pay for it.

use yew::prelude::*;

use crate::engine::after_ms;

/// How far it may lag behind.
const LAG_MS: u32 = 150;

/// A value as it was a moment ago. While it changes with every frame it follows a few times a second; at rest it is the same.
#[hook]
pub fn use_lagging<T: Clone + PartialEq + 'static>(value: &T) -> UseStateHandle<T> {
    let lagging = use_state_eq(|| value.clone());
    let latest = use_mut_ref(|| value.clone());
    let waits = use_mut_ref(|| false);
    {
        let behind = *lagging != *value;
        let setter = lagging.setter();
        use_effect_with(value.clone(), move |value| {
            latest.replace(value.clone());
            if behind && !waits.replace(true) {
                after_ms(LAG_MS, move || {
                    waits.replace(false);
                    setter.set(latest.borrow().clone());
                });
            }
        });
    }
    lagging
}
