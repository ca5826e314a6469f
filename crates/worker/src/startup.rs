//! Loads a model onto this worker's device, tests the device against the CPU, and times it.

use protocol::{DeviceKind, DeviceReport, Event, Progress, Speed, Stage};
use transformer::{LlamaModel, ModelFiles, Pipeline, device, self_test};

use crate::channel::{now_ms, send};
use crate::failure::Failure;
use crate::fetch;

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
pub async fn load(kind: DeviceKind, folder: &str) -> Result<Loaded, Failure> {
    let quiet = |_, _| ();
    let files = ModelFiles {
        config: fetch::fetch(&format!("{folder}config.json"), quiet).await?,
        tokenizer: fetch::fetch(&format!("{folder}tokenizer.json"), quiet).await?,
        weights: fetch::fetch(&format!("{folder}model.safetensors"), |done, total| {
            progress(Stage::Weights, done, total);
        })
        .await?,
    };
    progress(Stage::Upload, 0, None);
    match kind {
        DeviceKind::Cpu => cpu(&files).await,
        DeviceKind::WebGpu => webgpu(&files).await,
    }
}

async fn cpu(files: &ModelFiles) -> Result<Loaded, Failure> {
    let pipeline = Pipeline::load(files, &device::cpu())?;
    let report = DeviceReport {
        kind: DeviceKind::Cpu,
        adapter: "WebAssembly SIMD, one thread".to_owned(),
        self_test: None,
        speeds: speeds(&pipeline.model).await?,
    };
    Ok(Loaded {
        model: pipeline,
        report,
    })
}

#[cfg(feature = "webgpu")]
async fn webgpu(files: &ModelFiles) -> Result<Loaded, Failure> {
    let gpu = device::wgpu().await.map_err(Failure::device)?;
    let pipeline = Pipeline::load(files, &gpu)?;
    progress(Stage::SelfTest, 0, Some(2));
    let reference = Pipeline::load(files, &device::cpu())?;
    let agreement = self_test::compare(&pipeline.model, &reference.model)
        .await
        .map_err(Failure::device)?;
    check_programs()?;
    if !agreement.holds() {
        return Err(Failure::device(format!(
            "its logits differ from the CPU's by {:.1e} of a row's spread, {:.0e} is allowed",
            agreement.largest_difference,
            self_test::TOLERANCE
        )));
    }
    progress(Stage::SelfTest, 1, Some(2));
    let speeds = speeds(&pipeline.model).await?;
    // Other numbers of chains are other programs.
    check_programs()?;
    let report = DeviceReport {
        kind: DeviceKind::WebGpu,
        adapter: "WebGPU".to_owned(),
        self_test: Some(protocol::SelfTest {
            max_relative_delta: agreement.largest_difference as f32,
            tolerance: self_test::TOLERANCE as f32,
        }),
        speeds,
    };
    Ok(Loaded {
        model: pipeline,
        report,
    })
}

/// Fails when the browser has refused one of the programs sent to the GPU so far.
#[cfg(feature = "webgpu")]
fn check_programs() -> Result<(), Failure> {
    match crate::log_capture::first_error() {
        Some(error) => Err(Failure::device(format!(
            "the GPU refused a program ({error})"
        ))),
        None => Ok(()),
    }
}

/// The small build carries no GPU code.
#[cfg(not(feature = "webgpu"))]
async fn webgpu(_files: &ModelFiles) -> Result<Loaded, Failure> {
    std::future::ready(Err(Failure::device(
        "this worker was built without WebGPU; use worker-webgpu",
    )))
    .await
}

async fn speeds(engine: &LlamaModel) -> Result<Vec<Speed>, Failure> {
    let mut speeds = Vec::new();
    for chains in TIMED_CHAINS {
        let step_ms = self_test::step_time_ms(engine, chains, now_ms)
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

fn progress(stage: Stage, done: u64, total: Option<u64>) {
    send(&Event::Progress(Progress { stage, done, total }));
}
