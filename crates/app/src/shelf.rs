//! The small files beside a model that the page reads itself: which adapters there are. None is needed: a model
//! without an index is a model without adapters.

use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Response;
use yew::prelude::*;

use crate::{
    address,
    state::{Action, State, Tunings},
};

/// The adapters of a model.
const ADAPTERS: &str = "adapters/index.json";

/// Fetches what the state is to hold.
#[hook]
pub fn use_shelf(state: &UseReducerHandle<State>) {
    {
        let handle = state.clone();
        use_effect_with(state.settings.model.clone(), move |model| {
            let model = model.clone();
            spawn_local(async move {
                if let Some(json) = text(&model, ADAPTERS).await {
                    handle.dispatch(read(ADAPTERS, Tunings::from_json(&json), |tunings| {
                        Action::Adapters(Rc::new(tunings))
                    }));
                }
            });
        });
    }
}

/// What a file that was read does, or that it could not be read.
fn read<T, E: std::fmt::Display>(
    file: &str,
    content: Result<T, E>,
    action: impl FnOnce(T) -> Action,
) -> Action {
    match content {
        Ok(content) => action(content),
        Err(error) => Action::Missing(format!("The model’s {file} cannot be read: {error}.")),
    }
}

/// A file of a model, if it is there.
async fn text(model: &str, file: &str) -> Option<String> {
    let address = format!("{}{file}", address::model_folder(model));
    let response = JsFuture::from(web_sys::window()?.fetch_with_str(&address))
        .await
        .ok()?;
    let response: Response = response.dyn_into().ok().filter(Response::ok)?;
    JsFuture::from(response.text().ok()?)
        .await
        .ok()?
        .as_string()
}
