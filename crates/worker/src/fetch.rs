//! Downloads of model files, with their progress.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStreamDefaultReader, Response};

use protocol::FailureCause;

use crate::channel::scope;
use crate::failure::Failure;

#[wasm_bindgen]
extern "C" {
    /// A number, or undefined. Defined in `www/worker.js`.
    #[wasm_bindgen(js_name = expectedBytes)]
    async fn expected_bytes(response: &Response) -> JsValue;
}

/// Fetches a file and calls `progress(done, total)`, in bytes, after every chunk.
///
/// The total is what the server declares, or the site's own list where the server compresses on the way; absent where neither
/// is known.
///
/// # Errors
/// When the server does not answer, does not have the file, or breaks off.
pub async fn fetch(
    address: &str,
    mut progress: impl FnMut(u64, Option<u64>),
) -> Result<Vec<u8>, Failure> {
    let unreachable = |_| {
        Failure::new(
            FailureCause::Network,
            format!("{address} cannot be fetched; is the server running, and the network up?"),
        )
    };
    let response: Response = JsFuture::from(scope().fetch_with_str(address))
        .await
        .map_err(unreachable)?
        .unchecked_into();
    if !response.ok() {
        return Err(Failure::new(
            FailureCause::File,
            format!(
                "{address} is not there (the server says {}); is the name in the link right?",
                response.status()
            ),
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
            Failure::new(
                FailureCause::Network,
                format!(
                    "{address} broke off after {} bytes; reload the page",
                    bytes.len()
                ),
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
        progress(bytes.len() as u64, total);
    }
}
