//! Loads a model onto this worker's device, tests the device against the CPU, and times it.

use protocol::{DeviceKind, DeviceReport, Event, Progress, SelfTest, Speed, Stage};
use transformer::{LlamaModel, ModelFiles, Pipeline, self_test, shard_names};

use crate::download::{DownloadError, download};
use crate::event_loop::check_device;
use crate::failure::Failure;
use crate::host::Host;

/// Numbers of chains whose step is timed at start: one, and a swarm. More would delay the first answer.
const TIMED_CHAINS: [usize; 2] = [1, 16];

/// After a step that takes longer than this, more chains are not timed.
const SLOW_MS: f64 = 200.0;

/// A loaded model.
pub struct Loaded {
    /// The model on its device.
    pub model: Pipeline,
    /// The device, its self-test and its speed, for the page.
    pub report: DeviceReport,
}

/// Fetches the files, uploads the weights, tests the device and times it.
///
/// # Errors
/// When a file cannot be fetched or used, or the device fails its test.
pub async fn load(host: &impl Host, kind: DeviceKind, folder: &str) -> Result<Loaded, Failure> {
    let quiet = |_, _| ();
    let progress = |stage, done, total| host.send(Event::Progress(Progress { stage, done, total }));
    let address = |file: &str| format!("{folder}{file}");
    let weights = async |file: &str| {
        let shown = |done, total| progress(Stage::Weights, done, total);
        download(host, &address(file), shown).await
    };
    let config = download(host, &address("config.json"), quiet).await?;
    let tokenizer = download(host, &address("tokenizer.json"), quiet).await?;
    let mut parts = Vec::new();
    match weights("model.safetensors").await {
        Ok(bytes) => parts.push(bytes),
        Err(missing @ DownloadError::Missing { .. }) => {
            let index = if_there(host, &address("model.safetensors.index.json")).await?;
            for file in shard_names(&index.ok_or(missing)?)? {
                parts.push(weights(&file).await?);
            }
        }
        Err(other) => return Err(other.into()),
    }
    let further_weights = parts.split_off(1);
    let files = ModelFiles {
        config,
        generation_config: if_there(host, &address("generation_config.json")).await?,
        tokenizer,
        tokenizer_config: if_there(host, &address("tokenizer_config.json")).await?,
        weights: parts.remove(0),
        further_weights,
    };
    progress(Stage::Upload, 0, None);
    let device = host.start_device(kind).await.map_err(Failure::device)?;
    let model = Pipeline::load(&files, &device)?;
    let self_test = match kind {
        DeviceKind::Cpu => None,
        DeviceKind::WebGpu => {
            progress(Stage::SelfTest, 0, Some(2));
            let tested = test(host, &model, &files).await?;
            progress(Stage::SelfTest, 1, Some(2));
            Some(tested)
        }
    };
    let speeds = speeds(host, &model.model).await?;
    // Other numbers of chains are other programs.
    check_device(host)?;
    let adapter = match kind {
        DeviceKind::Cpu => "WebAssembly SIMD, one thread",
        DeviceKind::WebGpu => "WebGPU",
    };
    let report = DeviceReport {
        kind,
        adapter: adapter.to_owned(),
        self_test,
        speeds,
    };
    Ok(Loaded { model, report })
}

/// Compares a GPU's logits with the CPU's.
async fn test(host: &impl Host, model: &Pipeline, files: &ModelFiles) -> Result<SelfTest, Failure> {
    let cpu = host
        .start_device(DeviceKind::Cpu)
        .await
        .map_err(Failure::device)?;
    let reference = Pipeline::load(files, &cpu)?;
    let agreement = self_test::compare(&model.model, &reference.model)
        .await
        .map_err(Failure::device)?;
    check_device(host)?;
    if !agreement.holds() {
        return Err(Failure::device(format!(
            "its logits differ from the CPU's by {:.1e} of a row's spread, {:.0e} is allowed",
            agreement.largest_difference,
            self_test::TOLERANCE
        )));
    }
    Ok(SelfTest {
        max_relative_delta: agreement.largest_difference as f32,
        tolerance: self_test::TOLERANCE as f32,
    })
}

async fn speeds(host: &impl Host, model: &LlamaModel) -> Result<Vec<Speed>, Failure> {
    let mut speeds = Vec::new();
    for chains in TIMED_CHAINS {
        let step_ms = self_test::step_time_ms(model, chains, || host.now_ms())
            .await
            .map_err(Failure::device)?;
        speeds.push(Speed {
            chains: chains as u32,
            step_ms: step_ms as f32,
        });
        if step_ms > SLOW_MS {
            break;
        }
    }
    Ok(speeds)
}

/// Fetches a file that a folder may lack; servers also answer for one that is not there with a web page.
async fn if_there(host: &impl Host, address: &str) -> Result<Option<Vec<u8>>, DownloadError> {
    match download(host, address, |_, _| ()).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(DownloadError::Missing { .. } | DownloadError::WebPage { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
