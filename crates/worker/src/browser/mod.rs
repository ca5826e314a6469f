//! The browser around the event loop: the only files that know of JavaScript.

mod channel;
mod http;
mod log_capture;
mod yield_now;

use futures::channel::mpsc::UnboundedReceiver;
use js_sys::Promise;
use protocol::{Command, DeviceKind, Event};
use transformer::{DeviceError, device};
use wasm_bindgen_futures::JsFuture;

use crate::host::{Device, Host, NoAnswer, Response, Resume};

/// A Web Worker.
pub struct Browser {
    yielder: yield_now::Yielder,
}

impl Browser {
    /// Captures the log, and starts to receive commands.
    pub fn open() -> (Self, UnboundedReceiver<Command>) {
        log_capture::install();
        let yielder = yield_now::Yielder::new();
        (Self { yielder }, channel::open())
    }
}

/// Sends an event to the page.
pub fn send(event: &Event) {
    channel::send(event);
}

impl Host for Browser {
    type Body = http::Chunks;

    fn send(&self, event: Event) {
        channel::send(&event);
    }

    fn now_ms(&self) -> f64 {
        let performance = channel::scope().performance();
        performance.map_or(0.0, |clock| clock.now())
    }

    async fn yield_now(&self) {
        self.yielder.yield_now().await;
    }

    async fn sleep(&self, ms: u32) {
        let promise = Promise::new(&mut |resolve, _| {
            let scope = channel::scope();
            // Where the browser has no timer left, it resumes at once.
            let set =
                scope.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms as i32);
            if set.is_err() {
                let _ = resolve.call0(&wasm_bindgen::JsValue::NULL);
            }
        });
        // This promise is never rejected.
        let _ = JsFuture::from(promise).await;
    }

    async fn get(
        &self,
        address: &str,
        resume: Option<Resume<'_>>,
    ) -> Result<Response<http::Chunks>, NoAnswer> {
        http::get(address, resume).await
    }

    async fn start_device(&self, kind: DeviceKind) -> Result<Device, DeviceError> {
        match kind {
            DeviceKind::Cpu => Ok(device::cpu()),
            DeviceKind::WebGpu => webgpu().await,
        }
    }

    fn device_error(&self) -> Option<String> {
        log_capture::first_error()
    }
}

#[cfg(feature = "webgpu")]
async fn webgpu() -> Result<Device, DeviceError> {
    device::wgpu().await
}

/// The small build carries no GPU code.
#[cfg(not(feature = "webgpu"))]
async fn webgpu() -> Result<Device, DeviceError> {
    std::future::ready(Err(DeviceError::Unavailable {
        wanted: "WebGPU",
        reason: "this worker was built without WebGPU; use worker-webgpu".to_owned(),
    }))
    .await
}
