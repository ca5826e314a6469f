//! The built site in headless Chromium: the page's promises, on CPU wasm and on WebGPU's software adapter.
//!
//! Runs are tiny, as the software adapter computes a few tokens a second. `cargo xtask test --only site --only browser`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use tests::browser::{Gpu, NARROW, WIDE, Window, open};
use tests::collapse;
use tests::page::{Bar, Chain, Page};
use tests::site::{Site, Trouble, root};

/// From the address to a model that waits, with software WebGPU's self-test in between, on a busy machine.
const START: Duration = Duration::from_mins(4);
/// For a tiny run on software WebGPU.
const RUN: Duration = Duration::from_mins(4);

const PROMPT: &str = "Once%20upon%20a%20time";

/// Opens the built site with a link and waits until the model does.
fn open_ready(site: &Site, link: &str, window: Window, gpu: Gpu) -> Page {
    let mut page = open(&site.address(link), window, gpu).unwrap();
    page.wait_until(
        "the model to be ready",
        "['ready', 'done'].includes(document.querySelector('[data-testid=status]').dataset.state)",
        START,
    )
    .unwrap();
    page
}

/// Waits until the swarm stands still, and gives it.
fn settled(page: &mut Page, chains: usize) -> Vec<Chain> {
    page.wait_until(
        "the swarm to be done",
        &format!(
            "document.querySelector('[data-testid=status]').dataset.state === 'done'
            && document.querySelectorAll('[data-testid=chain][data-state=done]').length === {chains}"
        ),
        RUN,
    )
    .unwrap();
    page.chains().unwrap()
}

fn generated(page: &mut Page, chains: usize) -> Vec<Chain> {
    page.click("generate").unwrap();
    settled(page, chains)
}

/// Entropy in bits after each of these values was typed into a knob.
fn entropies(page: &mut Page, knob: &str, values: &[&str]) -> Vec<f64> {
    values
        .iter()
        .map(|value| {
            page.set(&format!("{knob}-value"), value).unwrap();
            page.number("entropy-bits").unwrap()
        })
        .collect()
}

/// Each less than the one before.
fn falls(bits: &[f64]) -> bool {
    bits.windows(2).all(|pair| pair[1] < pair[0])
}

fn set_knobs(page: &mut Page, temperature: &str, scale: &str) {
    page.set("temperature-value", temperature).unwrap();
    page.set("logit-scale-value", scale).unwrap();
}

/// What must hold on every device: the laws of the two knobs, on the trained model.
fn the_knobs_collapse_the_model(device: &str) {
    let site = Site::built().unwrap();
    let mut page = open_ready(
        &site,
        &format!("prompt={PROMPT}&n=2&len=6&seed=3&device={device}"),
        WIDE,
        Gpu::Software,
    );
    assert_eq!(
        page.attribute("device", "data-device").unwrap().as_deref(),
        Some(device)
    );

    let chains = generated(&mut page, 2);
    assert!(
        chains.iter().all(|chain| !chain.text.trim().is_empty()),
        "{chains:?}"
    );

    let by_temperature = entropies(&mut page, "temperature", &["2", "1", "0.5", "0.1", "0"]);
    assert!(
        falls(&by_temperature),
        "entropy by temperature 2, 1, 0.5, 0.1, 0: {by_temperature:?}"
    );
    assert_eq!(by_temperature[4], 0.0);

    set_knobs(&mut page, "1", "1");
    let by_scale = entropies(&mut page, "logit-scale", &["0.5", "1", "2", "8"]);
    assert!(
        falls(&by_scale),
        "entropy by logit scale 0.5, 1, 2, 8: {by_scale:?}"
    );

    set_knobs(&mut page, "1", "2");
    let scaled = (
        page.bars().unwrap(),
        page.number("beta").unwrap(),
        settled(&mut page, 2),
    );
    set_knobs(&mut page, "0.5", "1");
    let cooled = (
        page.bars().unwrap(),
        page.number("beta").unwrap(),
        settled(&mut page, 2),
    );
    assert_eq!(scaled, cooled, "T = 1 with s = 2 is T = 0.5 with s = 1");

    set_knobs(&mut page, "0", "1");
    let bars = page.bars().unwrap();
    assert!(matches!(bars[..], [Bar { p: 1.0, .. }]), "{bars:?}");
    let greedy = settled(&mut page, 2);
    assert_eq!(greedy[0], greedy[1], "greedy chains are the same chain");

    if device == "webgpu" {
        let delta: f64 = page
            .attribute("device", "data-self-test-delta")
            .unwrap()
            .unwrap()
            .parse()
            .unwrap();
        assert!(
            delta <= 1e-4,
            "WebGPU's logits differ from the CPU's by {delta} of a row's spread"
        );
    }
    assert_eq!(page.complaints().unwrap(), [""; 0]);
}

#[test]
fn on_the_cpu_the_knobs_collapse_the_model() {
    the_knobs_collapse_the_model("cpu");
}

#[test]
fn on_webgpu_the_knobs_collapse_the_model() {
    the_knobs_collapse_the_model("webgpu");
}

#[test]
fn a_software_adapter_is_not_chosen_and_no_adapter_is_no_loss() {
    let site = Site::built().unwrap();
    for gpu in [Gpu::Software, Gpu::Absent] {
        let mut page = open_ready(&site, &format!("prompt={PROMPT}&n=1&len=2"), WIDE, gpu);
        assert_eq!(generated(&mut page, 1).len(), 1);
        assert_eq!(
            page.attribute("device", "data-device").unwrap().as_deref(),
            Some("cpu"),
            "{gpu:?}"
        );
        assert_eq!(page.complaints().unwrap(), [""; 0], "{gpu:?}");
    }
}

#[test]
fn a_forced_device_that_is_not_there_falls_back_and_says_why() {
    let site = Site::built().unwrap();
    let mut page = open_ready(
        &site,
        &format!("prompt={PROMPT}&n=1&len=2&device=webgpu"),
        WIDE,
        Gpu::Absent,
    );
    generated(&mut page, 1);
    assert_eq!(
        page.attribute("device", "data-device").unwrap().as_deref(),
        Some("cpu")
    );
    let shown = page
        .evaluate("document.body.textContent")
        .unwrap()
        .as_str()
        .unwrap()
        .to_lowercase();
    assert!(
        shown.contains("adapter"),
        "the page says why it is not on WebGPU"
    );
}

#[test]
fn the_engine_is_counted_while_it_is_fetched() {
    /// Keeps what the status line says, and every count of bytes that an engine's worker tells.
    const LISTEN: &str = "
        window.said = [];
        window.counted = [];
        new MutationObserver(() => {
            const sentence = document.querySelector('[data-testid=status] span')?.textContent;
            if (sentence && sentence !== said.at(-1)) said.push(sentence);
        }).observe(document, { subtree: true, childList: true, characterData: true });
        window.Worker = class extends Worker {
            constructor(...given) {
                super(...given);
                this.addEventListener('message', ({ data }) => {
                    if (Number.isInteger(data.done)) counted.push([data.done, data.total]);
                });
            }
        };";
    let size = std::fs::metadata(root().join("dist/worker-cpu_bg.wasm"))
        .unwrap()
        .len();
    let slow = Trouble::Slow {
        rest: Duration::from_millis(20),
    };
    let site = Site::troubled(slow).unwrap();
    let mut page = open("about:blank", WIDE, Gpu::Absent).unwrap();
    page.visit(
        &site.address(&format!("prompt={PROMPT}&n=1&len=2&device=cpu")),
        LISTEN,
    )
    .unwrap();
    page.wait_until(
        "the model to be ready",
        "['ready', 'done'].includes(document.querySelector('[data-testid=status]').dataset.state)",
        START,
    )
    .unwrap();

    let counted: Vec<(u64, u64)> =
        serde_json::from_value(page.evaluate("counted").unwrap()).unwrap();
    assert!(counted.is_sorted() && counted.len() > 2, "{counted:?}");
    assert!(counted.iter().all(|&(_, total)| total == size));
    assert_eq!(counted.last(), Some(&(size, size)));

    let said: Vec<String> = serde_json::from_value(page.evaluate("said").unwrap()).unwrap();
    let of_all = format!(" of {:.1} MB", size as f64 / 1e6);
    let megabytes: Vec<f64> = said
        .iter()
        .filter_map(|sentence| sentence.strip_prefix("Fetching the CPU engine: "))
        .map(|amount| amount.strip_suffix(&of_all).unwrap().parse().unwrap())
        .collect();
    assert!(megabytes.is_sorted() && megabytes.len() > 2, "{said:?}");
    assert!(
        said.iter()
            .any(|sentence| sentence.starts_with("Fetching the model: ")),
        "{said:?}"
    );
    assert_eq!(page.complaints().unwrap(), [""; 0]);
}

#[test]
fn an_engine_that_is_not_there_is_named() {
    let site = Site::troubled(Trouble::Lacks("worker-cpu_bg.wasm")).unwrap();
    let link = format!("prompt={PROMPT}&n=1&len=2&device=cpu");
    let mut page = open(&site.address(&link), WIDE, Gpu::Absent).unwrap();
    page.wait_until(
        "the page to give up",
        "document.querySelector('[data-testid=status]').dataset.state === 'failed'",
        START,
    )
    .unwrap();
    let said = page.text("status").unwrap();
    assert!(
        said.contains("worker-cpu_bg.wasm is not there (the server says 404)"),
        "{said}"
    );
    // The browser's own word on the missing file, and no exception that nobody caught.
    let complaints = page.complaints().unwrap();
    assert!(
        complaints.iter().all(|words| words.contains("404")),
        "{complaints:?}"
    );
}

#[test]
fn a_link_is_an_experiment() {
    let site = Site::built().unwrap();
    let mut page = open_ready(
        &site,
        &format!("prompt={PROMPT}&device=cpu"),
        WIDE,
        Gpu::Absent,
    );
    for (knob, value) in [
        ("temperature", "0.7"),
        ("seed", "11"),
        ("chains", "3"),
        ("length", "9"),
    ] {
        page.set(&format!("{knob}-value"), value).unwrap();
    }
    let told = generated(&mut page, 3);
    // The address follows once the hand has rested.
    page.wait_until("the link", "location.hash.includes('len=9')", RUN)
        .unwrap();
    let hash = page.evaluate("location.hash.slice(1)").unwrap();

    let mut again = open_ready(&site, hash.as_str().unwrap(), WIDE, Gpu::Absent);
    assert_eq!(again.value("temperature-value").unwrap(), "0.7");
    assert_eq!(
        generated(&mut again, 3),
        told,
        "the link {hash} tells other stories"
    );
    assert_eq!(again.complaints().unwrap(), [""; 0]);
}

#[test]
fn values_that_a_link_cannot_mean_are_noted_and_replaced() {
    let site = Site::built().unwrap();
    let bad = "t=-3&s=fast&n=1000&len=0&device=toaster&colour=red";
    let mut page = open_ready(&site, bad, WIDE, Gpu::Absent);
    assert_eq!(
        page.evaluate("document.querySelectorAll('[role=alert] li').length")
            .unwrap(),
        6
    );
    assert_eq!(page.value("temperature-value").unwrap(), "1");
    assert_eq!(page.complaints().unwrap(), [""; 0]);
}

#[test]
fn stop_ends_a_long_run() {
    let site = Site::built().unwrap();
    let mut page = open_ready(
        &site,
        &format!("prompt={PROMPT}&n=64&len=128&device=cpu"),
        WIDE,
        Gpu::Absent,
    );
    page.click("generate").unwrap();
    let first_words =
        "[...document.querySelectorAll('[data-testid=chain]')].some(chain => chain.textContent)";
    page.wait_until("the first words", first_words, RUN)
        .unwrap();
    page.click("stop").unwrap();
    page.wait_until(
        "the end",
        "document.querySelector('[data-testid=status]').dataset.state === 'done'",
        RUN,
    )
    .unwrap();
    let told = page.chains().unwrap();
    page.next_paint().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(page.chains().unwrap(), told, "chains grow after the end");
    assert!(page.text("status").unwrap().contains("Stopped"));
}

#[test]
fn a_phone_or_an_embedding_column_scrolls_one_way_only() {
    let site = Site::built().unwrap();
    let mut page = open_ready(
        &site,
        &format!("prompt={PROMPT}&n=4&len=24&device=cpu"),
        NARROW,
        Gpu::Absent,
    );
    generated(&mut page, 4);
    let width = page
        .evaluate("document.documentElement.scrollWidth")
        .unwrap();
    assert!(
        width.as_u64().unwrap() <= u64::from(NARROW.width),
        "the page is {width} px wide"
    );
}

#[test]
fn page_and_command_line_tell_the_same_stories() {
    let site = Site::built().unwrap();
    let link = format!("prompt={PROMPT}&t=0.8&top_k=40&seed=5&n=3&len=24&device=cpu");
    let mut page = open_ready(&site, &link, WIDE, Gpu::Absent);
    let told: Vec<String> = generated(&mut page, 3)
        .into_iter()
        .map(|chain| chain.text)
        .collect();

    let knobs = [
        "--prompt",
        "Once upon a time",
        "--temperature",
        "0.8",
        "--top-k",
        "40",
        "--seed",
        "5",
    ];
    let sizes = [
        "--chains", "3", "--length", "24", "--device", "cpu", "--json",
    ];
    let sampled = collapse::run(&[&["sample"][..], &knobs, &sizes].concat()).unwrap();
    let expected: Vec<&str> = sampled["chains"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chain| chain["text"].as_str().unwrap())
        .collect();
    assert_eq!(told, expected);
}
