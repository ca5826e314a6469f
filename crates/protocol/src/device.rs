//! What a worker reports about the device that it computes on.

use serde::{Deserialize, Serialize};

/// Where the numbers are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DeviceKind {
    /// burn's flex backend in wasm.
    Cpu,
    /// burn's wgpu backend on the browser's WebGPU.
    WebGpu,
}

/// A device that is ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// Which kind.
    pub kind: DeviceKind,
    /// How it computes. The page knows the name of a GPU, as it asked the browser before it fetched the worker.
    pub adapter: String,
    /// The comparison with the CPU; absent on the CPU itself.
    pub self_test: Option<SelfTest>,
    /// Measured at start. The page sends a run to the device that is faster for its number of chains.
    pub speeds: Vec<Speed>,
}

/// GPU logits against CPU logits on a fixed prompt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// Largest `|delta logit|`, as a share of the row's spread (max - min).
    pub max_relative_delta: f32,
    /// The largest share that passes.
    pub tolerance: f32,
}

/// One timing of a decoding step with read-back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Chains in the batch.
    pub chains: u32,
    /// Milliseconds per step, averaged over a few.
    pub step_ms: f32,
}
