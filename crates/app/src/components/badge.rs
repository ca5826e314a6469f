//! The device badge: where the numbers are computed, how fast, and why there.

use protocol::{DeviceChoice, DeviceKind, DeviceReport};
use yew::prelude::*;

use crate::{
    engine::choice::{Adapter, Engines, Standing, name},
    figures::numbers::grouped,
};

#[derive(Clone, PartialEq, Properties)]
pub struct BadgeProps {
    pub engines: Engines,
    pub choice: DeviceChoice,
    pub chains: u32,
    pub tokens_per_second: f32,
    pub ran_on: Option<DeviceKind>,
}

/// The device badge. Its sentence is shown on hover and focus, and is its description for screen readers.
#[component]
pub fn Badge(props: &BadgeProps) -> Html {
    let BadgeProps {
        engines,
        choice,
        chains,
        ..
    } = props;
    let Some(kind) = engines.serving(*choice, *chains) else {
        let text = if engines.hopeless(*choice).is_some() {
            "no engine"
        } else {
            "starting…"
        };
        return html! { <div class="badge"><button data-testid="device" data-device="none">{ text }</button></div> };
    };
    let report = engines.report(kind).expect("the serving engine is ready");
    let (adapter, software) = adapter(engines, report);
    let measured = (props.ran_on == Some(kind) && props.tokens_per_second > 0.0)
        .then_some(props.tokens_per_second);
    let speed = measured
        .map(|speed| format!(" · {} tok/s", grouped(speed.round() as u64)))
        .unwrap_or_default();
    let word = match kind {
        DeviceKind::Cpu => "cpu",
        DeviceKind::WebGpu => "webgpu",
    };
    let delta = report
        .self_test
        .map(|test| test.max_relative_delta.to_string());
    html! {
        <div class="badge">
            <button data-testid="device" data-device={word} data-software={software.to_string()}
                data-self-test-delta={delta} aria-describedby="why-this-device">
                <i aria-hidden="true" />
                { format!("{} · {adapter}{speed}", name(kind)) }
            </button>
            <div role="tooltip" id="why-this-device">
                { for sentences(engines, report, *choice, *chains).into_iter().map(|sentence| html! { <p>{ sentence }</p> }) }
            </div>
        </div>
    }
}

/// The adapter's name, and whether it computes on the CPU. A GPU's worker does not know; the browser told the page.
fn adapter(engines: &Engines, report: &DeviceReport) -> (String, bool) {
    match (report.kind, &engines.adapter) {
        (DeviceKind::WebGpu, Some(Adapter::Software(name))) => (name.clone(), true),
        (DeviceKind::WebGpu, Some(Adapter::Hardware(name))) => (name.clone(), false),
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
        sentences.push("This adapter computes on the CPU: right numbers, slowly.".to_owned());
    }
    if let Some(test) = report.self_test {
        sentences.push(format!(
            "Self-test: its logits differ from the CPU’s by at most {:.1e} of a row’s spread ({:.0e} is allowed).",
            test.max_relative_delta, test.tolerance
        ));
    }
    if let (Some(Adapter::Hardware(gpu)), Standing::Starting(_)) =
        (&engines.adapter, &engines.webgpu)
    {
        sentences.push(format!("Adapter: {gpu}."));
    }
    sentences
}
