//! The small engine: burn's CPU backend alone. It answers first, everywhere.

fn main() {
    worker::begin(protocol::DeviceKind::Cpu);
}
