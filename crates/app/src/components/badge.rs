//! The device badge: where the numbers are computed, how fast, and why there.

use protocol::{DeviceChoice, DeviceKind, DeviceReport};
use yew::prelude::*;

use crate::{
    numbers::grouped,
    state::{EngineStatus, Engines, GpuAdapter, device_name},
};

#[derive(Clone, PartialEq, Properties)]
pub struct BadgeProps {
    pub engines: Engines,
    pub choice: DeviceChoice,
    pub chains: u32,
    pub tokens_per_second: f32,
    pub ran_on: Option<DeviceKind>,
}

/// The device badge. The details are shown on hover and focus, and are its description for screen readers.
#[component]
pub fn Badge(props: &BadgeProps) -> Html {
    let BadgeProps {
        engines,
        choice,
        chains,
        ..
    } = props;
    let Some(kind) = engines.active_device(*choice, *chains) else {
        let text = if engines.all_failed(*choice).is_some() {
            "not running"
        } else {
            "loading…"
        };
        return html! { <div class="badge" translate="no"><button data-testid="device" data-device="none">{ text }</button></div> };
    };
    let report = engines
        .report(kind)
        .expect("the engine that serves is ready");
    let (adapter, software) = adapter(engines, report);
    let measured = (props.ran_on == Some(kind) && props.tokens_per_second > 0.0)
        .then_some(props.tokens_per_second);
    let speed = measured
        .map(|speed| format!(" · {} tokens per second", grouped(speed.round() as u64)))
        .unwrap_or_default();
    let word = match kind {
        DeviceKind::Cpu => "cpu",
        DeviceKind::WebGpu => "webgpu",
    };
    let delta = report
        .self_test
        .map(|test| test.max_relative_delta.to_string());
    html! {
        <div class="badge" translate="no">
            <button data-testid="device" data-device={word} data-software={software.to_string()}
                data-self-test-delta={delta} aria-describedby="why-this-device">
                <i aria-hidden="true" />
                { if software { "runs on your CPU" } else { "runs on your GPU" } }
            </button>
            <div role="tooltip" id="why-this-device">
                <p>{ format!("{} · {adapter}{speed}", device_name(kind)) }</p>
                { for sentences(engines, report, *choice, *chains).into_iter().map(|sentence| html! { <p>{ sentence }</p> }) }
            </div>
        </div>
    }
}

/// The adapter's name, and whether it computes on the CPU. A GPU's worker does not know; the browser told the page.
fn adapter(engines: &Engines, report: &DeviceReport) -> (String, bool) {
    match (report.kind, &engines.adapter) {
        (DeviceKind::WebGpu, Some(GpuAdapter::Software(name))) => (name.clone(), true),
        (DeviceKind::WebGpu, Some(GpuAdapter::Hardware(name))) => (name.clone(), false),
        _ => (report.adapter.clone(), report.kind == DeviceKind::Cpu),
    }
}

fn sentences(
    engines: &Engines,
    report: &DeviceReport,
    choice: DeviceChoice,
    chains: u32,
) -> Vec<String> {
    let mut sentences = vec![engines.reason(choice, chains)];
    let (_, software) = adapter(engines, report);
    if software && report.kind == DeviceKind::WebGpu {
        sentences.push("This adapter is emulated on the CPU: correct, but slow.".to_owned());
    }
    if let Some(test) = report.self_test {
        sentences.push(format!(
            "Self-test: its logits differ from the CPU’s by at most {:.1e} of their range (tolerance {:.0e}).",
            test.max_relative_delta, test.tolerance
        ));
    }
    if let (Some(GpuAdapter::Hardware(gpu)), EngineStatus::Starting(_)) =
        (&engines.adapter, &engines.webgpu)
    {
        sentences.push(format!("GPU: {gpu}."));
    }
    sentences
}
