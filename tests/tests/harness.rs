//! Tests the browser harness itself on a page of a few lines: it reads, changes, waits, and misses no console error.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::time::Duration;

use tempfile::TempDir;
use tests::browser::{Gpu, NARROW, WIDE, open};
use tests::page::{Bar, Chain};
use tests::site::Site;

const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><title>fixture</title><link rel="icon" href="data:,">
<input type="range" min="0" max="2" step="0.01" data-testid="temperature">
<b data-testid="beta" data-value=""></b>
<button data-testid="token-bar" data-id="7" data-p="0.25"></button>
<p data-testid="chain" data-state="done">and <s>they</s> married</p>
<p data-testid="chain" data-state="running"></p>
<script type="module">
  const beta = document.querySelector("[data-testid=beta]");
  document.querySelector("[data-testid=temperature]").oninput = event => {
    beta.dataset.value = 1 / Number(event.target.value);
    if (event.target.value === "0.5") new Worker("worker.js", { type: "module" });
    if (event.target.value === "0.25") fetch("missing.json");
    if (event.target.value === "1.5") setTimeout(() => { throw new Error("from the page") });
  };
  document.querySelector("[data-testid=token-bar]").onclick = () => document.querySelector("[data-state=running]").dataset.state = "done";
</script>"#;

const WORKER: &str =
    r#"console.error("from the worker"); throw new Error("thrown in the worker");"#;

fn fixture() -> (TempDir, Site) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("index.html"), PAGE).unwrap();
    fs::write(folder.path().join("worker.js"), WORKER).unwrap();
    let site = Site::serve(folder.path()).unwrap();
    (folder, site)
}

const MOMENT: Duration = Duration::from_secs(30);

#[test]
fn a_quiet_page_is_read_and_turned_without_complaints() {
    let (_folder, site) = fixture();
    let mut page = open(&site.address("t=1"), WIDE, Gpu::Software).unwrap();
    page.wait_until("the page", "document.readyState === 'complete'", MOMENT)
        .unwrap();
    page.set("temperature", "0.8").unwrap();
    assert_eq!(page.number("beta").unwrap(), 1.25);
    assert_eq!(page.value("temperature").unwrap(), "0.8");
    assert_eq!(page.bars().unwrap(), [Bar { id: 7, p: 0.25 }]);
    page.click("token-bar").unwrap();
    let done = |text: &str| Chain {
        text: text.to_owned(),
        done: true,
    };
    assert_eq!(page.chains().unwrap(), [done("and they married"), done("")]);
    assert_eq!(page.evaluate("location.hash").unwrap(), "#t=1");
    assert_eq!(page.complaints().unwrap(), [""; 0]);
}

#[test]
fn complaints_of_page_worker_and_network_are_heard() {
    let (_folder, site) = fixture();
    let mut page = open(&site.address(""), NARROW, Gpu::Software).unwrap();
    page.wait_until("the page", "document.readyState === 'complete'", MOMENT)
        .unwrap();
    for temperature in ["0.5", "0.25", "1.5"] {
        page.set("temperature", temperature).unwrap();
    }
    let expected = [
        "from the worker",
        "thrown in the worker",
        "404",
        "from the page",
    ];
    let start = std::time::Instant::now();
    loop {
        let complaints = page.complaints().unwrap().join("\n");
        if expected.iter().all(|words| complaints.contains(words)) {
            break;
        }
        assert!(start.elapsed() < MOMENT, "heard only:\n{complaints}");
    }
}

#[test]
fn a_browser_without_a_gpu_has_no_adapter() {
    let (_folder, site) = fixture();
    let mut page = open(&site.address(""), WIDE, Gpu::Absent).unwrap();
    page.wait_until("the page", "document.readyState === 'complete'", MOMENT)
        .unwrap();
    assert_eq!(
        page.evaluate("navigator.gpu.requestAdapter()").unwrap(),
        serde_json::Value::Null
    );
}

#[test]
fn the_software_adapter_computes_in_page_and_worker() {
    let (folder, site) = fixture();
    let ask = "navigator.gpu.requestAdapter().then(adapter => adapter.requestDevice()).then(device => !!device.queue)";
    fs::write(
        folder.path().join("worker.js"),
        format!("postMessage(await {ask})"),
    )
    .unwrap();
    let mut page = open(&site.address(""), WIDE, Gpu::Software).unwrap();
    page.wait_until("the page", "document.readyState === 'complete'", MOMENT)
        .unwrap();
    assert_eq!(page.evaluate(ask).unwrap(), true);
    let in_worker = "new Promise(done => new Worker('worker.js', { type: 'module' }).onmessage = event => done(event.data))";
    assert_eq!(page.evaluate(in_worker).unwrap(), true);
    assert_eq!(page.complaints().unwrap(), [""; 0]);
}
