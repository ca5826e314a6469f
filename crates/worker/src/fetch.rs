//! Model files over the network, counted while they come.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStreamDefaultReader, Response};

use crate::port::scope;

#[wasm_bindgen]
extern "C" {
    /// A number, or undefined. `www/worker.js` says it.
    #[wasm_bindgen(js_name = expectedBytes)]
    async fn expected_bytes(response: &Response) -> JsValue;
}

/// Fetches a file; `heard(done, total)` is told of every piece, in bytes.
///
/// The total is what the server says the file has, or the site itself where the server compresses on the way; none where neither
/// does.
///
/// # Errors
/// In words for the reader.
pub async fn fetch(
    address: &str,
    mut heard: impl FnMut(u64, Option<u64>),
) -> Result<Vec<u8>, String> {
    let unreachable =
        |_| format!("{address} cannot be fetched; is the server running, and the network up?");
    let response: Response = JsFuture::from(scope().fetch_with_str(address))
        .await
        .map_err(unreachable)?
        .unchecked_into();
    if !response.ok() {
        return Err(format!(
            "{address} is not there (the server says {}); is the name in the link right?",
            response.status()
        ));
    }
    let total = expected_bytes(&response).await.as_f64();
    let total = total.map(|bytes| bytes as u64);
    let Some(body) = response.body() else {
        return Ok(Vec::new());
    };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let mut bytes = Vec::new();
    loop {
        let piece = JsFuture::from(reader.read()).await.map_err(|_| {
            format!(
                "{address} broke off after {} bytes; reload the page",
                bytes.len()
            )
        })?;
        let part = |key: &str| Reflect::get(&piece, &key.into()).unwrap_or(JsValue::UNDEFINED);
        if part("done").is_truthy() {
            return Ok(bytes);
        }
        let start = bytes.len();
        let piece = Uint8Array::new(&part("value"));
        bytes.resize(start + piece.length() as usize, 0);
        piece.copy_to(&mut bytes[start..]);
        heard(bytes.len() as u64, total);
    }
}
