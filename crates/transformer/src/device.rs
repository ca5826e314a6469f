//! Where tensors live, and the one place that reads them back.
//!
//! A browser cannot wait for its GPU: a synchronous read panics there. Everything that leaves a device passes through
//! [`read_rows`].

use burn::tensor::{Device, Tensor};
use thiserror::Error;

/// A device that cannot be had, or that failed.
#[derive(Clone, Debug, Error)]
pub enum DeviceError {
    /// The device could not be started.
    #[error("no {wanted} device: {reason}")]
    Unavailable {
        /// Which kind.
        wanted: &'static str,
        /// What the driver said.
        reason: String,
    },
    /// The device stopped answering.
    #[error("the device failed: {0}; reload, or choose the CPU")]
    Failed(String),
}

/// burn's flex backend: works everywhere.
pub fn cpu() -> Device {
    Device::flex()
}

/// The browser's WebGPU, or natively what wgpu finds.
///
/// # Errors
/// When there is no adapter.
#[cfg(any(feature = "webgpu", feature = "wgpu"))]
pub async fn wgpu() -> Result<Device, DeviceError> {
    // 32 tasks a submission: what burn's documentation gives for browsers.
    Device::wgpu_options()
        .tasks_max(32)
        .init_async()
        .await
        .map_err(|error| DeviceError::Unavailable {
            wanted: "WebGPU",
            reason: error.to_string(),
        })
}

/// The first CUDA device.
#[cfg(feature = "cuda")]
pub fn cuda() -> Device {
    Device::cuda(0)
}

/// Rows of a matrix, read back from whatever device holds it.
///
/// # Shapes
/// - rows: `[rows, columns]`
///
/// # Errors
/// When the device was lost, or did not give f32.
pub async fn read_rows(rows: Tensor<2>) -> Result<Vec<Vec<f32>>, DeviceError> {
    let columns = rows.dims()[1];
    let data = rows
        .into_data_async()
        .await
        .map_err(|error| DeviceError::Failed(format!("{error:?}")))?;
    let values = data
        .try_into_vec::<f32>()
        .map_err(|error| DeviceError::Failed(format!("{error:?}")))?;
    Ok(values.chunks_exact(columns).map(<[f32]>::to_vec).collect())
}
