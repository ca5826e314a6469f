//! `--device`: where the tensors live.

use anyhow::bail;
use burn::tensor::Device;
use clap::ValueEnum;
use transformer::device;

/// A device by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DeviceName {
    /// All cores of the CPU; works everywhere
    Cpu,
    /// Vulkan, Metal or DX12; needs the cargo feature `wgpu`
    Wgpu,
    /// NVIDIA; needs the cargo feature `cuda`
    Cuda,
}

impl DeviceName {
    /// The devices that this program was built for.
    pub const BUILT_IN: &'static [Self] = &[
        Self::Cpu,
        #[cfg(feature = "wgpu")]
        Self::Wgpu,
        #[cfg(feature = "cuda")]
        Self::Cuda,
    ];

    /// The name, as `--device` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        }
    }

    /// Starts the device.
    pub fn open(self) -> anyhow::Result<Device> {
        match self {
            Self::Cpu => Ok(device::cpu()),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Ok(pollster::block_on(device::wgpu())?),
            #[cfg(feature = "cuda")]
            Self::Cuda => Ok(device::cuda()),
            #[cfg(not(all(feature = "wgpu", feature = "cuda")))]
            absent => {
                let name = absent.name();
                bail!(
                    "this collapse was built without {name}; build one that has it with \
                     `cargo build --release --package cli --features {name}`, or take --device cpu"
                )
            }
        }
    }
}
