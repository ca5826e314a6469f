//! The engine on WebGPU, with the CPU backend beside it to be compared with.

fn main() {
    worker::begin(protocol::DeviceKind::WebGpu);
}
