//! The small files beside a model that the page reads itself: the lists of adapters and attractors, the sentiment classifier, and the
//! published results of experiments. The page works without any of them, and says which could not be had.

use std::{fmt::Display, rc::Rc};

use attractors::Catalogue;
use bundle::{ADAPTERS, ATTRACTORS, PUBLISHED, PublishedIndex, REWARD};
use experiments::Published;
use protocol::View;
use sentiment::Predictor;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Response;
use yew::prelude::*;

use crate::{
    address,
    state::{Action, AdapterIndex, Colouring, State},
};

/// Fetches what the state is to hold: the lists at once, the classifier when stories are to be coloured by it, published results with
/// their tab.
#[hook]
pub fn use_sidecars(state: &UseReducerHandle<State>) {
    let model = &state.settings.model;
    let handle = state.clone();
    use_effect_with(model.clone(), move |model| {
        let model = model.clone();
        spawn_local(async move {
            handle.dispatch(match read(&model, ADAPTERS, json::<AdapterIndex>).await {
                Ok(adapters) => Action::Adapters(Rc::new(adapters)),
                Err(reason) => Action::Missing(format!("No tuned models can be chosen: {reason}")),
            });
            handle.dispatch(match read(&model, ATTRACTORS, Catalogue::from_json).await {
                Ok(catalogue) => Action::Attractors(Rc::new(catalogue)),
                Err(reason) => Action::Missing(format!("Endings are not recognised: {reason}")),
            });
        });
    });
    let handle = state.clone();
    let wanted = state.colouring == Colouring::Sentiment && state.predictor.is_none();
    use_effect_with((model.clone(), wanted), move |(model, wanted)| {
        if *wanted {
            let model = model.clone();
            spawn_local(async move {
                let classifier = read(&model, REWARD, Predictor::from_json).await;
                let classifier = classifier
                    .map(Rc::new)
                    .map_err(|reason| format!("Words cannot be coloured by sentiment: {reason}"));
                handle.dispatch(Action::Predictor(classifier));
            });
        }
    });
    use_published(state);
}

/// Fetches the published results of the opened experiment, once the tab is open. The list says which there are, to avoid 404s.
#[hook]
fn use_published(state: &UseReducerHandle<State>) {
    let model = &state.settings.model;
    let open = state.settings.view == View::Experiments;
    let handle = state.clone();
    let wanted = open && state.experiments_tab.published_list.is_none();
    use_effect_with((model.clone(), wanted), move |(model, wanted)| {
        if *wanted {
            let model = model.clone();
            spawn_local(async move {
                let names = read(&model, PUBLISHED, json::<PublishedIndex>).await;
                handle.dispatch(Action::PublishedList(names.map(|index| Rc::from(index.0))));
            });
        }
    });
    let handle = state.clone();
    let name = state.experiment().name;
    let wanted = open && state.experiments_tab.is_published(name) && {
        let results = &state.experiments_tab.published;
        !results.contains_key(name)
    };
    use_effect_with(
        (model.clone(), wanted.then_some(name)),
        move |(model, name)| {
            if let Some(name) = *name {
                let model = model.clone();
                spawn_local(async move {
                    let file = bundle::published(name);
                    let published = read(&model, &file, json::<Published>).await.map(Rc::new);
                    handle.dispatch(Action::PublishedResults(name.to_owned(), published));
                });
            }
        },
    );
}

fn json<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_str(text)
}

/// A file of a model, read; the error is a sentence for the reader.
async fn read<T, E: Display>(
    model: &str,
    file: &str,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, String> {
    let text = fetch(model, file).await?;
    let page = text.trim_start().starts_with('<');
    read(&text).map_err(|error| {
        if page {
            format!("in place of the model’s {file} the server sends a web page.")
        } else {
            format!("the model’s {file} is not what was expected ({error}).")
        }
    })
}

/// The text of a file of a model; the error is a sentence for the reader.
async fn fetch(model: &str, file: &str) -> Result<String, String> {
    let address = format!("{}{file}", address::model_folder(model));
    let broken = || {
        format!(
            "the model’s {file} could not be downloaded; check the network and reload the page."
        )
    };
    let window = web_sys::window().ok_or_else(broken)?;
    let response = JsFuture::from(window.fetch_with_str(&address)).await;
    let response: Response = response
        .ok()
        .and_then(|response| response.dyn_into().ok())
        .ok_or_else(broken)?;
    if !response.ok() {
        let status = response.status();
        return Err(format!(
            "the model’s {file} is missing (the server says {status})."
        ));
    }
    let text = response.text().map_err(|_| broken())?;
    let text = JsFuture::from(text).await.ok();
    text.and_then(|text| text.as_string()).ok_or_else(broken)
}
