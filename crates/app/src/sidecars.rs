//! The small files beside a model that the page reads itself: which adapters there are, which words mark an attractor,
//! what a text's sentiment is predicted by, and what experiments found at full size. None is needed.

use std::{fmt::Display, rc::Rc};

use attractors::Catalogue;
use experiments::shipped::Shipped;
use protocol::View;
use sentiment::Predictor;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Response;
use yew::prelude::*;

use crate::{
    address,
    state::{Action, AdapterIndex, Colouring, State, with_full_stop},
};

/// The adapters of a model.
const ADAPTERS: &str = "adapters/index.json";
/// The attractors that are marked in its stories.
const ATTRACTORS: &str = "attractors.json";
/// The experiments whose results ship with it.
const PUBLISHED: &str = "experiments/index.json";
/// The predictor that its adapters were rewarded by.
const PREDICTOR: &str = "reward/weights.json";

/// Fetches what the state is to hold: the lists at once, the predictor when stories are to be coloured by it.
#[hook]
pub fn use_sidecars(state: &UseReducerHandle<State>) {
    {
        let handle = state.clone();
        use_effect_with(state.settings.model.clone(), move |model| {
            let model = model.clone();
            spawn_local(async move {
                if let Some(json) = text(&model, ADAPTERS).await {
                    handle.dispatch(match AdapterIndex::from_json(&json) {
                        Ok(adapters) => Action::Adapters(Rc::new(adapters)),
                        Err(error) => Action::Missing(unreadable(ADAPTERS, &error)),
                    });
                }
                if let Some(json) = text(&model, ATTRACTORS).await {
                    handle.dispatch(match Catalogue::from_json(&json) {
                        Ok(catalogue) => Action::Attractors(Rc::new(catalogue)),
                        Err(error) => Action::Missing(unreadable(ATTRACTORS, &error)),
                    });
                }
            });
        });
    }
    use_published(state);
    let handle = state.clone();
    let wanted = state.colouring == Colouring::Sentiment && state.predictor.is_none();
    use_effect_with(
        (state.settings.model.clone(), wanted),
        move |(model, wanted)| {
            if *wanted {
                let model = model.clone();
                spawn_local(async move {
                    let predictor = match text(&model, PREDICTOR).await {
                        Some(json) => Predictor::from_json(&json)
                            .map(Rc::new)
                            .map_err(|error| unreadable(PREDICTOR, &error)),
                        None => Err(format!(
                            "This model has no sentiment classifier ({PREDICTOR})."
                        )),
                    };
                    handle.dispatch(Action::Predictor(predictor));
                });
            }
        },
    );
}

/// Fetches what ships of the opened experiment, once the tab is open. The list says what there is, so that nothing is asked for in
/// vain.
#[hook]
fn use_published(state: &UseReducerHandle<State>) {
    let open = state.settings.view == View::Experiments;
    {
        let handle = state.clone();
        let wanted = open && state.experiments_tab.published_list.is_none();
        use_effect_with(
            (state.settings.model.clone(), wanted),
            move |(model, wanted)| {
                if *wanted {
                    let model = model.clone();
                    spawn_local(async move {
                        let json = text(&model, PUBLISHED).await;
                        let names = json.and_then(|json| serde_json::from_str(&json).ok());
                        let names: Vec<String> = names.unwrap_or_default();
                        handle.dispatch(Action::PublishedList(names.into()));
                    });
                }
            },
        );
    }
    let handle = state.clone();
    let name = state.experiment().name;
    let list = state.experiments_tab.published_list.as_ref();
    let wanted = open
        && list.is_some_and(|list| list.iter().any(|one| one == name))
        && !state.experiments_tab.published.contains_key(name);
    use_effect_with(
        (state.settings.model.clone(), wanted.then_some(name)),
        move |(model, name)| {
            if let Some(name) = *name {
                let model = model.clone();
                spawn_local(async move {
                    let file = format!("experiments/{name}.json");
                    let published = match text(&model, &file).await {
                        Some(json) => serde_json::from_str::<Shipped>(&json)
                            .map(Rc::new)
                            .map_err(|error| unreadable(&file, &error)),
                        None => Err(format!("The model’s {file} could not be fetched.")),
                    };
                    handle.dispatch(Action::PublishedResults(name.to_owned(), published));
                });
            }
        },
    );
}

fn unreadable(file: &str, error: &dyn Display) -> String {
    with_full_stop(&format!(
        "The model’s {file} is not what was expected: {error}"
    ))
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
