//! Brings a model onto this worker's device and measures it.

use protocol::{DeviceKind, DeviceReport, Event, Speed, Stage};
use transformer::{Engine, Model, ModelFiles, device, self_test};

use crate::fetch;
use crate::port::{now_ms, say};

/// Numbers of chains whose step is timed at start: one, and a swarm. More would delay the first answer.
const TIMED_CHAINS: [usize; 2] = [1, 16];

/// A step that takes longer than this is not tried with more chains.
const SLOW_MS: f64 = 200.0;

/// A model that stands ready, and what its device says of itself.
pub struct Ready {
    /// The model on its device.
    pub model: Model,
    /// For the page.
    pub report: DeviceReport,
}

/// Fetches, uploads, proves, times.
///
/// # Errors
/// In words for the reader.
pub async fn load(kind: DeviceKind, folder: &str) -> Result<Ready, String> {
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

async fn cpu(files: &ModelFiles) -> Result<Ready, String> {
    let model = Model::load(files, &device::cpu()).map_err(|error| error.to_string())?;
    let report = DeviceReport {
        kind: DeviceKind::Cpu,
        adapter: "WebAssembly SIMD, one thread".to_owned(),
        self_test: None,
        speeds: speeds(&model.engine).await?,
    };
    Ok(Ready { model, report })
}

#[cfg(feature = "webgpu")]
async fn webgpu(files: &ModelFiles) -> Result<Ready, String> {
    let gpu = device::wgpu().await.map_err(|error| error.to_string())?;
    let model = Model::load(files, &gpu).map_err(|error| error.to_string())?;
    progress(Stage::SelfTest, 0, Some(2));
    let reference = Model::load(files, &device::cpu()).map_err(|error| error.to_string())?;
    let agreement = self_test::compare(&model.engine, &reference.engine)
        .await
        .map_err(|error| error.to_string())?;
    refused_program()?;
    if !agreement.holds() {
        return Err(format!(
            "its logits differ from the CPU's by {:.1e} of a row's spread, {:.0e} is allowed",
            agreement.largest_difference,
            self_test::TOLERANCE
        ));
    }
    progress(Stage::SelfTest, 1, Some(2));
    let speeds = speeds(&model.engine).await?;
    // Other numbers of chains are other programs.
    refused_program()?;
    let report = DeviceReport {
        kind: DeviceKind::WebGpu,
        adapter: "WebGPU".to_owned(),
        self_test: Some(protocol::SelfTest {
            max_relative_delta: agreement.largest_difference as f32,
            tolerance: self_test::TOLERANCE as f32,
        }),
        speeds,
    };
    Ok(Ready { model, report })
}

/// An error when the browser has refused one of the programs sent to the GPU so far.
#[cfg(feature = "webgpu")]
fn refused_program() -> Result<(), String> {
    match crate::journal::error() {
        Some(error) => Err(format!("the GPU refused a program ({error})")),
        None => Ok(()),
    }
}

/// The small build carries no GPU code.
#[cfg(not(feature = "webgpu"))]
async fn webgpu(_files: &ModelFiles) -> Result<Ready, String> {
    std::future::ready(Err(
        "this worker was built without WebGPU; use worker-webgpu".to_owned(),
    ))
    .await
}

async fn speeds(engine: &Engine) -> Result<Vec<Speed>, String> {
    let mut speeds = Vec::new();
    for chains in TIMED_CHAINS {
        let step_ms = self_test::measure(engine, chains, now_ms)
            .await
            .map_err(|error| error.to_string())?;
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
    say(&Event::Progress { stage, done, total });
}
