//! The engine on WebGPU, with the CPU backend for its self-test.

fn main() {
    worker::start(protocol::DeviceKind::WebGpu);
}
