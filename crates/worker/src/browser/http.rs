//! GET requests with the browser's `fetch`.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStreamDefaultReader, Request, RequestInit};

use super::channel::scope;
use crate::host::{Body, BrokenOff, NoAnswer, Response, Resume};

#[wasm_bindgen]
extern "C" {
    /// A number, or undefined. Defined in `www/worker.js`.
    #[wasm_bindgen(js_name = expectedBytes)]
    async fn expected_bytes(response: &web_sys::Response) -> JsValue;
}

/// The chunks of a body; a response may have none.
pub struct Chunks(Option<ReadableStreamDefaultReader>);

/// Sends a request.
///
/// # Errors
/// When no answer comes.
pub async fn get(address: &str, resume: Option<Resume<'_>>) -> Result<Response<Chunks>, NoAnswer> {
    const PARTIAL_CONTENT: u16 = 206;
    let request =
        Request::new_with_str_and_init(address, &RequestInit::new()).map_err(|_| NoAnswer)?;
    if let Some(Resume { from, version }) = resume {
        let headers = request.headers();
        let range = headers.set("Range", &format!("bytes={from}-"));
        let version = headers.set("If-Range", version);
        range.and(version).map_err(|_| NoAnswer)?;
    }
    let response = JsFuture::from(scope().fetch_with_request(&request))
        .await
        .map_err(|_| NoAnswer)?;
    let response: web_sys::Response = response.unchecked_into();
    let headers = response.headers();
    let header = |name: &str| headers.get(name).ok().flatten();
    let total = if response.status() == PARTIAL_CONTENT {
        header("Content-Range").and_then(|range| whole(&range))
    } else {
        let bytes = expected_bytes(&response).await.as_f64();
        bytes.map(|bytes| bytes as u64)
    };
    // A weak tag does not promise the same bytes.
    let tag = header("ETag").filter(|tag| !tag.starts_with("W/"));
    Ok(Response {
        status: response.status(),
        total,
        compressed: header("Content-Encoding").is_some(),
        version: tag.or_else(|| header("Last-Modified")),
        body: Chunks(
            response
                .body()
                .map(|body| body.get_reader().unchecked_into()),
        ),
    })
}

/// The whole file's size in `bytes 5-9/10`.
fn whole(content_range: &str) -> Option<u64> {
    content_range.rsplit('/').next()?.parse().ok()
}

impl Body for Chunks {
    async fn read(&mut self, bytes: &mut Vec<u8>) -> Result<bool, BrokenOff> {
        let Some(reader) = &self.0 else {
            return Ok(false);
        };
        let chunk = JsFuture::from(reader.read()).await.map_err(|_| BrokenOff)?;
        let part = |key: &str| Reflect::get(&chunk, &key.into()).unwrap_or(JsValue::UNDEFINED);
        if part("done").is_truthy() {
            return Ok(false);
        }
        let start = bytes.len();
        let chunk = Uint8Array::new(&part("value"));
        bytes.resize(start + chunk.length() as usize, 0);
        chunk.copy_to(&mut bytes[start..]);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_size_is_read_from_a_range() {
        assert_eq!(whole("bytes 5-9/10"), Some(10));
        assert_eq!(whole("bytes 5-9/*"), None);
        assert_eq!(whole("nonsense"), None);
    }
}
