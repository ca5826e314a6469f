//! The small engine: burn's CPU backend alone. It starts first and runs everywhere.

fn main() {
    worker::start(protocol::DeviceKind::Cpu);
}
