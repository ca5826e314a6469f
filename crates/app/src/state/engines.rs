//! Which device serves: pure rules over what the engines have said of themselves.
//!
//! The first answer never waits for the GPU: the CPU engine starts first, the WebGPU engine is fetched afterwards and only
//! where it can help, and once both stand, a run goes to whichever was measured to be faster for its number of chains.

use std::rc::Rc;

use protocol::{DeviceChoice, DeviceKind, DeviceReport, Progress};

/// How far an engine is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum EngineStatus {
    /// Not fetched.
    #[default]
    Absent,
    /// Its worker runs or is being fetched.
    Starting(Option<Progress>),
    /// It serves.
    Ready(Rc<DeviceReport>),
    /// It will not serve; why, in words.
    Unavailable(String),
}

/// What the browser says about WebGPU.
#[derive(Clone, Debug, PartialEq)]
pub enum GpuAdapter {
    /// The browser has no WebGPU.
    NoWebGpu,
    /// It has, but gives no adapter.
    None,
    /// An adapter that computes on the CPU; its name.
    Software(String),
    /// A GPU; its name.
    Hardware(String),
}

/// The two engines, and the browser's adapter once it was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Engines {
    /// The CPU engine.
    pub cpu: EngineStatus,
    /// The WebGPU engine.
    pub webgpu: EngineStatus,
    /// What `requestAdapter` said.
    pub adapter: Option<GpuAdapter>,
}

/// Why no engine serves, in sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What happened to the CPU engine, which runs everywhere.
    pub cause: String,
    /// Why WebGPU does not take its place, where it was tried.
    pub aside: Option<String>,
}

/// What to do about the WebGPU engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Nothing now.
    Wait,
    /// Ask the browser for an adapter.
    Ask,
    /// Fetch and start it.
    Start,
    /// Never; why, in words.
    Refuse(String),
}

impl Engines {
    /// The engine of a kind.
    pub fn of(&self, kind: DeviceKind) -> &EngineStatus {
        match kind {
            DeviceKind::Cpu => &self.cpu,
            DeviceKind::WebGpu => &self.webgpu,
        }
    }

    /// The engine of a kind, to be changed.
    pub fn of_mut(&mut self, kind: DeviceKind) -> &mut EngineStatus {
        match kind {
            DeviceKind::Cpu => &mut self.cpu,
            DeviceKind::WebGpu => &mut self.webgpu,
        }
    }

    /// What a device that stands ready says of itself.
    pub fn report(&self, kind: DeviceKind) -> Option<&DeviceReport> {
        match self.of(kind) {
            EngineStatus::Ready(report) => Some(report),
            _ => None,
        }
    }

    /// What to do about the WebGPU engine next. It waits until the CPU engine has settled, so that the two do not share the
    /// line while the reader waits for the first answer.
    pub fn next_step(&self, choice: DeviceChoice) -> NextStep {
        let cpu_settled = matches!(
            self.cpu,
            EngineStatus::Ready(_) | EngineStatus::Unavailable(_)
        );
        if self.webgpu != EngineStatus::Absent || choice == DeviceChoice::Cpu || !cpu_settled {
            return NextStep::Wait;
        }
        let forced = choice == DeviceChoice::WebGpu;
        match &self.adapter {
            None => NextStep::Ask,
            Some(GpuAdapter::Hardware(_)) => NextStep::Start,
            Some(GpuAdapter::Software(_)) if forced => NextStep::Start,
            Some(GpuAdapter::Software(name)) => NextStep::Refuse(format!(
                "the only WebGPU adapter here ({name}) is emulated in software, slower than the CPU engine (device=webgpu in the link forces it)"
            )),
            Some(GpuAdapter::None) => NextStep::Refuse(
                "the browser has WebGPU but finds no adapter on this machine".to_owned(),
            ),
            Some(GpuAdapter::NoWebGpu) => NextStep::Refuse("this browser has no WebGPU".to_owned()),
        }
    }

    /// Takes a refusal back that came from what the reader had chosen before, not from the engine itself: a software adapter
    /// is refused only as long as nobody asks for it.
    pub fn reconsider(&mut self, before: DeviceChoice, now: DeviceChoice) {
        let unasked = Self {
            webgpu: EngineStatus::Absent,
            ..self.clone()
        };
        if before != now
            && let (EngineStatus::Unavailable(reason), NextStep::Refuse(by_choice)) =
                (&self.webgpu, unasked.next_step(before))
            && *reason == by_choice
        {
            self.webgpu = EngineStatus::Absent;
        }
    }

    /// Why no engine serves and none will; none while one does or may.
    pub fn all_failed(&self, choice: DeviceChoice) -> Option<Failure> {
        let EngineStatus::Unavailable(cpu) = &self.cpu else {
            return None;
        };
        let cause = format!("CPU: {}", with_full_stop(cpu));
        let aside = match &self.webgpu {
            EngineStatus::Unavailable(webgpu) => {
                Some(format!("WebGPU: {}", with_full_stop(webgpu)))
            }
            EngineStatus::Absent if choice == DeviceChoice::Cpu => None,
            _ => return None,
        };
        Some(Failure { cause, aside })
    }

    /// The device that a run of so many chains goes to; none while none is ready.
    pub fn active_device(&self, choice: DeviceChoice, chains: u32) -> Option<DeviceKind> {
        let (cpu, webgpu) = (
            self.report(DeviceKind::Cpu),
            self.report(DeviceKind::WebGpu),
        );
        match (cpu, webgpu) {
            (None, None) => None,
            (Some(_), None) => Some(DeviceKind::Cpu),
            (None, Some(_)) => Some(DeviceKind::WebGpu),
            (Some(cpu), Some(webgpu)) => Some(match choice {
                DeviceChoice::Cpu => DeviceKind::Cpu,
                DeviceChoice::WebGpu => DeviceKind::WebGpu,
                DeviceChoice::Auto => match (step_ms(cpu, chains), step_ms(webgpu, chains)) {
                    (Some(cpu), Some(webgpu)) if webgpu < cpu => DeviceKind::WebGpu,
                    (None, Some(_)) => DeviceKind::WebGpu,
                    _ => DeviceKind::Cpu,
                },
            }),
        }
    }

    /// Why the active_device device serves, for the badge.
    pub fn reason(&self, choice: DeviceChoice, chains: u32) -> String {
        let measured = |kind| self.report(kind).and_then(|report| step_ms(report, chains));
        match (self.active_device(choice, chains), choice) {
            (None, _) => "No engine is ready yet.".to_owned(),
            (Some(DeviceKind::Cpu), DeviceChoice::Cpu) => {
                "The link asks for the CPU (device=cpu).".to_owned()
            }
            (Some(DeviceKind::WebGpu), DeviceChoice::WebGpu) => {
                "The link asks for WebGPU (device=webgpu).".to_owned()
            }
            (Some(kind), _) => match (
                measured(DeviceKind::Cpu),
                measured(DeviceKind::WebGpu),
                &self.webgpu,
            ) {
                (Some(cpu), Some(webgpu), _) => format!(
                    "{} was measured to be faster for {chains} {}: {cpu:.1} ms per step on the CPU, {webgpu:.1} ms on WebGPU.",
                    device_name(kind),
                    if chains == 1 { "story" } else { "stories" },
                ),
                (_, _, EngineStatus::Unavailable(reason)) => {
                    format!("WebGPU is not used: {}", with_full_stop(reason))
                }
                (_, _, EngineStatus::Starting(_)) => {
                    "WebGPU is starting; it takes over once its results match the CPU’s.".to_owned()
                }
                _ if kind == DeviceKind::WebGpu => match &self.cpu {
                    EngineStatus::Unavailable(reason) => {
                        format!(
                            "The CPU engine is not available: {}",
                            with_full_stop(reason)
                        )
                    }
                    _ => "The CPU engine is not ready.".to_owned(),
                },
                _ => "Asking the browser for a WebGPU adapter.".to_owned(),
            },
        }
    }
}

/// A device's name for the reader.
pub fn device_name(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Cpu => "CPU",
        DeviceKind::WebGpu => "WebGPU",
    }
}

/// A reason with a full stop, unless it has an end of its own.
pub fn with_full_stop(reason: &str) -> String {
    let end = if reason.ends_with(['.', '?', '!']) {
        ""
    } else {
        "."
    };
    format!("{reason}{end}")
}

/// Milliseconds per step at the measured number of chains nearest to this one (by ratio).
fn step_ms(report: &DeviceReport, chains: u32) -> Option<f32> {
    let apart = |measured: u32| {
        (f64::from(measured.max(1)) / f64::from(chains.max(1)))
            .ln()
            .abs()
    };
    let nearest = report
        .speeds
        .iter()
        .min_by(|a, b| apart(a.chains).total_cmp(&apart(b.chains)))?;
    Some(nearest.step_ms)
}

#[cfg(test)]
mod tests {
    use protocol::Speed;

    use super::*;

    fn ready(kind: DeviceKind, speeds: &[(u32, f32)]) -> EngineStatus {
        let speeds = speeds
            .iter()
            .map(|&(chains, step_ms)| Speed { chains, step_ms })
            .collect();
        EngineStatus::Ready(Rc::new(DeviceReport {
            kind,
            adapter: "test".to_owned(),
            self_test: None,
            speeds,
        }))
    }

    fn both() -> Engines {
        Engines {
            cpu: ready(DeviceKind::Cpu, &[(1, 2.0), (16, 12.0), (64, 30.0)]),
            webgpu: ready(DeviceKind::WebGpu, &[(1, 5.0), (16, 6.0), (64, 8.0)]),
            adapter: Some(GpuAdapter::Hardware("test".to_owned())),
        }
    }

    #[test]
    fn a_run_goes_to_the_device_that_is_faster_for_its_chains() {
        let served: Vec<_> = [1, 3, 5, 16, 64]
            .map(|chains| both().active_device(DeviceChoice::Auto, chains))
            .to_vec();
        let (cpu, webgpu) = (Some(DeviceKind::Cpu), Some(DeviceKind::WebGpu));
        assert_eq!(served, [cpu, cpu, webgpu, webgpu, webgpu]);
    }

    #[test]
    fn the_link_forces_either_device() {
        assert_eq!(
            both().active_device(DeviceChoice::WebGpu, 1),
            Some(DeviceKind::WebGpu)
        );
        assert_eq!(
            both().active_device(DeviceChoice::Cpu, 64),
            Some(DeviceKind::Cpu)
        );
    }

    #[test]
    fn the_cpu_serves_until_webgpu_is_ready_even_where_webgpu_is_forced() {
        let engines = Engines {
            webgpu: EngineStatus::Starting(None),
            ..both()
        };
        assert_eq!(
            engines.active_device(DeviceChoice::WebGpu, 16),
            Some(DeviceKind::Cpu)
        );
    }

    #[test]
    fn whichever_engine_stands_serves_when_the_other_refused() {
        let refused = || EngineStatus::Unavailable("lost".to_owned());
        let engines = Engines {
            cpu: refused(),
            ..both()
        };
        assert_eq!(
            engines.active_device(DeviceChoice::Cpu, 1),
            Some(DeviceKind::WebGpu)
        );
        assert_eq!(
            Engines {
                webgpu: refused(),
                ..engines
            }
            .active_device(DeviceChoice::Auto, 1),
            None
        );
    }

    #[test]
    fn webgpu_is_fetched_only_after_the_cpu_and_only_for_hardware_unless_forced() {
        let fresh = Engines {
            cpu: EngineStatus::Starting(None),
            ..Engines::default()
        };
        assert_eq!(fresh.next_step(DeviceChoice::WebGpu), NextStep::Wait);
        let mut engines = Engines {
            cpu: ready(DeviceKind::Cpu, &[]),
            ..Engines::default()
        };
        assert_eq!(engines.next_step(DeviceChoice::Cpu), NextStep::Wait);
        assert_eq!(engines.next_step(DeviceChoice::Auto), NextStep::Ask);
        engines.adapter = Some(GpuAdapter::Software("SwiftShader".to_owned()));
        assert!(
            matches!(engines.next_step(DeviceChoice::Auto), NextStep::Refuse(reason) if reason.contains("SwiftShader"))
        );
        assert_eq!(engines.next_step(DeviceChoice::WebGpu), NextStep::Start);
        engines.adapter = Some(GpuAdapter::Hardware("M2".to_owned()));
        assert_eq!(engines.next_step(DeviceChoice::Auto), NextStep::Start);
        engines.webgpu = EngineStatus::Starting(None);
        assert_eq!(engines.next_step(DeviceChoice::Auto), NextStep::Wait);
        engines.webgpu = EngineStatus::Absent;
        for missing in [GpuAdapter::None, GpuAdapter::NoWebGpu] {
            engines.adapter = Some(missing);
            assert!(matches!(
                engines.next_step(DeviceChoice::WebGpu),
                NextStep::Refuse(_)
            ));
        }
    }

    #[test]
    fn the_reason_says_what_was_measured_or_what_is_missing() {
        let reason = both().reason(DeviceChoice::Auto, 16);
        assert!(
            reason.contains("WebGPU was measured")
                && reason.contains("12.0 ms")
                && reason.contains("6.0 ms"),
            "{reason}"
        );
        let refused = Engines {
            webgpu: EngineStatus::Unavailable("this browser has no WebGPU".to_owned()),
            ..both()
        };
        assert_eq!(
            refused.reason(DeviceChoice::Auto, 16),
            "WebGPU is not used: this browser has no WebGPU."
        );
    }
}
