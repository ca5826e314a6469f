//! The page's address: the link in its hash, and where the model lies.

use gloo_utils::window;
use protocol::{LinkNote, Settings, read_address, write_link};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// Whether the page is shown in a frame of another one. There it leaves the history and the scroll position alone: they are its
/// host's.
pub fn is_framed() -> bool {
    let window = window();
    let top = window.top().ok().flatten();
    top.is_none_or(|top| !js_sys::Object::is(&window, &top))
}

/// The settings that the address holds.
pub fn settings() -> (Settings, Vec<LinkNote>) {
    let location = window().location();
    let [query, hash] = [location.search(), location.hash()].map(Result::unwrap_or_default);
    read_address(&query, &hash)
}

/// Puts settings into the address. Another tab or experiment is a new entry in the history, so that one can go back; moved knobs
/// are none. In a frame nothing is a new entry: going back is to leave the host's page.
pub fn rewrite(settings: &Settings) {
    let hash = format!("#{}", write_link(settings));
    let (before, _) = self::settings();
    let elsewhere = (before.view, &before.experiment) != (settings.view, &settings.experiment);
    if let Ok(history) = window().history() {
        let (nothing, hash) = (&wasm_bindgen::JsValue::NULL, Some(&*hash));
        // A browser may refuse when the address changes too often; the next change brings it up to date.
        _ = if elsewhere && !is_framed() {
            history.push_state_with_url(nothing, "", hash)
        } else {
            history.replace_state_with_url(nothing, "", hash)
        };
    }
}

/// Opens the address anew, as for another model.
pub fn reload() {
    _ = window().location().reload();
}

/// Whether a model lies beside the page. Only a server that says so counts as a no.
pub async fn has_model(model: &str) -> bool {
    let config = format!("{}config.json", model_folder(model));
    match JsFuture::from(window().fetch_with_str(&config)).await {
        Ok(response) => response
            .dyn_into()
            .is_ok_and(|response: Response| response.ok()),
        Err(_) => true,
    }
}

/// The address of a model's folder, beside the page.
pub fn model_folder(model: &str) -> String {
    let relative = format!("models/{model}/");
    let base = window()
        .document()
        .and_then(|document| document.base_uri().ok().flatten())
        .unwrap_or_default();
    web_sys::Url::new_with_base(&relative, &base).map_or(relative, |url| url.href())
}
