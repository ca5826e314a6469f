//! Devices, and the one place that reads tensors back.
//!
//! A browser cannot wait for its GPU: a synchronous read panics there. All data leave a device through [`read_logits`].

pub use burn::tensor::Device;
use burn::tensor::Tensor;
use thiserror::Error;

/// A device that is unavailable, or that failed.
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
    /// Logits that have no softmax.
    #[error(
        "{rows} of {all} rows of logits are NaN or infinite: weights too large for f32, an adapter too strong, or a device that \
         computes wrongly; fetch or export the model again, leave the adapter out or choose a smaller lambda, or compute on the CPU"
    )]
    NotFinite {
        /// How many of the rows.
        rows: usize,
        /// All rows that were read.
        all: usize,
    },
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

/// Rows of logits, read back from whatever device holds them.
///
/// # Shapes
/// - rows: `[rows, vocab]`
///
/// # Errors
/// When the device was lost, did not give f32, or a row has no softmax: where weights overflow, decoding would take what is left
/// for a uniform distribution.
pub async fn read_logits(rows: Tensor<2>) -> Result<Vec<Vec<f32>>, DeviceError> {
    let rows = read_back(rows).await?;
    let wrong = rows.iter().filter(|row| !has_softmax(row)).count();
    if wrong > 0 {
        return Err(DeviceError::NotFinite {
            rows: wrong,
            all: rows.len(),
        });
    }
    Ok(rows)
}

/// No NaN, no positive infinity, and not negative infinity alone. A token of negative infinity has the probability 0.
fn has_softmax(row: &[f32]) -> bool {
    // Counted: `all` would stop at the first that is not, and so look at one after the other.
    let below = row.iter().filter(|logit| **logit < f32::INFINITY).count();
    below == row.len() && row.iter().any(|logit| logit.is_finite())
}

/// [`read_logits`] without the check of the values.
pub(crate) async fn read_back(rows: Tensor<2>) -> Result<Vec<Vec<f32>>, DeviceError> {
    let [count, columns] = rows.dims();
    if count == 0 {
        return Ok(Vec::new());
    }
    let data = rows
        .into_data_async()
        .await
        .map_err(|error| DeviceError::Failed(format!("{error:?}")))?;
    let values = data
        .try_into_vec::<f32>()
        .map_err(|error| DeviceError::Failed(format!("{error:?}")))?;
    Ok(values.chunks_exact(columns).map(<[f32]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: [[f32; 2]; 3]) -> Result<Vec<Vec<f32>>, DeviceError> {
        pollster::block_on(read_logits(Tensor::from_data(values, &cpu())))
    }

    #[test]
    fn rows_that_have_a_softmax_are_read_as_they_are() {
        let values = [[1.0, f32::NEG_INFINITY], [f32::MAX, f32::MIN], [0.0, -0.0]];
        let rows = read(values).expect("all rows have a softmax");
        assert_eq!(rows, values.map(Vec::from));
    }

    #[test]
    fn rows_without_a_softmax_are_counted_and_refused() {
        let (infinity, sound) = (f32::INFINITY, [1.0, 2.0]);
        for wrong in [[f32::NAN, 1.0], [1.0, infinity], [-infinity, -infinity]] {
            let error = read([wrong, sound, wrong]).expect_err("two rows are wrong");
            let said = error.to_string();
            for word in [
                "2 of 3 rows",
                "NaN or infinite",
                "export the model again",
                "on the CPU",
            ] {
                assert!(said.contains(word), "`{said}` does not say `{word}`");
            }
        }
    }

    #[test]
    fn no_rows_are_read_as_none() {
        let none = Tensor::zeros([0, 5], &cpu());
        let rows = pollster::block_on(read_logits(none)).expect("nothing is wrong with nothing");
        assert!(rows.is_empty());
    }
}
