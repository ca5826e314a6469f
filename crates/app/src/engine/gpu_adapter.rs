//! What the browser says about WebGPU, before a megabyte is spent on it.
//!
//! Through `Reflect`, as web-sys has WebGPU only behind a compiler flag.

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::state::GpuAdapter;

/// Names under which renderers that compute on the CPU go.
const SOFTWARE: [&str; 5] = [
    "swiftshader",
    "llvmpipe",
    "lavapipe",
    "software",
    "basic render",
];

/// Asks for an adapter and what it is.
pub async fn ask() -> GpuAdapter {
    let Some(window) = web_sys::window() else {
        return GpuAdapter::NoWebGpu;
    };
    let gpu = get(&window.navigator(), "gpu");
    if !gpu.is_object() {
        return GpuAdapter::NoWebGpu;
    }
    let Some(adapter) = request(&gpu).await.filter(JsValue::is_object) else {
        return GpuAdapter::None;
    };
    let info = get(&adapter, "info");
    let words: Vec<String> = ["description", "vendor", "architecture"]
        .iter()
        .filter_map(|word| get(&info, word).as_string())
        .collect();
    let name = match words.iter().find(|word| !word.is_empty()) {
        Some(description) if *description == words[0] => description.clone(),
        Some(_) => words[1..].join(" ").trim().to_owned(),
        None => "unnamed".to_owned(),
    };
    let known = words.join(" ").to_lowercase();
    let fallback = [&info, &adapter]
        .iter()
        .any(|holder| get(holder, "isFallbackAdapter").is_truthy());
    if fallback || SOFTWARE.iter().any(|software| known.contains(software)) {
        GpuAdapter::Software(name)
    } else {
        GpuAdapter::Hardware(name)
    }
}

async fn request(gpu: &JsValue) -> Option<JsValue> {
    let request: Function = get(gpu, "requestAdapter").dyn_into().ok()?;
    let wishes = Object::new();
    Reflect::set(
        &wishes,
        &"powerPreference".into(),
        &"high-performance".into(),
    )
    .ok()?;
    let promise: Promise = request.call1(gpu, &wishes).ok()?.dyn_into().ok()?;
    JsFuture::from(promise).await.ok()
}

fn get(holder: &JsValue, key: &str) -> JsValue {
    if holder.is_object() {
        Reflect::get(holder, &key.into()).unwrap_or(JsValue::UNDEFINED)
    } else {
        JsValue::UNDEFINED
    }
}
