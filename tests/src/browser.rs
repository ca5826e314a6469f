//! Finding, starting and ending a headless Chrome or Chromium.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result};
use serde_json::json;
use tempfile::TempDir;

use crate::devtools::{DevTools, listening};
use crate::page::Page;

/// Names under which Chrome and Chromium are installed.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Headless, driven by us, and no traffic of its own.
const FLAGS: [&str; 9] = [
    "--headless=new",
    "--remote-debugging-port=0",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
];

/// Whether the browser has WebGPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gpu {
    /// On the software adapter that Chromium brings along: right numbers, slowly.
    Software,
    /// The browser knows WebGPU and finds no adapter.
    Absent,
}

impl Gpu {
    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Software => &["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
            Self::Absent => &["--disable-gpu"],
        }
    }
}

/// A running browser with a fresh profile; dropping it ends it.
pub(crate) struct Browser {
    process: Child,
    _profile: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// The window of a page, in CSS pixels.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A laptop's window.
pub const WIDE: Window = Window {
    width: 1280,
    height: 900,
};
/// A small phone, or an embedding column.
pub const NARROW: Window = Window {
    width: 360,
    height: 740,
};

/// Starts a browser and opens an address in it.
pub fn open(address: &str, window: Window, gpu: Gpu) -> Result<Page> {
    let profile = tempfile::tempdir().context("making a folder for the browser's profile")?;
    let program = find()?;
    let mut command = Command::new(&program);
    command
        .args(FLAGS)
        .args(gpu.flags())
        .arg(format!("--user-data-dir={}", profile.path().display()));
    if is_root() {
        // Chromium's sandbox refuses to start for root, as in containers.
        command.arg("--no-sandbox");
    }
    let mut process = command
        .arg("about:blank")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    let stderr = process.stderr.take().expect("stderr is piped above");
    let browser = Browser {
        process,
        _profile: profile,
    };

    let mut lines = BufReader::new(stderr).lines();
    let mut said = Vec::new();
    let devtools_address = loop {
        let Some(Ok(line)) = lines.next() else {
            anyhow::bail!(
                "{} ended at once, saying:\n{}",
                program.display(),
                said.join("\n")
            );
        };
        if let Some(address) = line.strip_prefix("DevTools listening on ") {
            break address.to_owned();
        }
        said.push(line);
    };
    // Chromium must not block on a full pipe.
    thread::spawn(move || for _ in lines.map_while(Result::ok) {});

    let mut devtools = DevTools::connect(&devtools_address)?;
    let target = devtools.call(
        None,
        "Target.createTarget",
        &json!({ "url": "about:blank" }),
    )?;
    let attached = devtools.call(
        None,
        "Target.attachToTarget",
        &json!({ "targetId": target["targetId"], "flatten": true }),
    )?;
    let session = attached["sessionId"]
        .as_str()
        .context("a page has a session")?
        .to_owned();
    for (method, params) in listening() {
        devtools.call(Some(&session), method, &params)?;
    }
    let metrics = json!({ "width": window.width, "height": window.height, "deviceScaleFactor": 1, "mobile": false });
    devtools.call(
        Some(&session),
        "Emulation.setDeviceMetricsOverride",
        &metrics,
    )?;
    devtools.call(Some(&session), "Page.enable", &json!({}))?;
    devtools.call(Some(&session), "Page.navigate", &json!({ "url": address }))?;
    Ok(Page::new(browser, devtools, session))
}

/// The program that `CHROME` names, or the first known one on `PATH`.
fn find() -> Result<PathBuf> {
    if let Some(program) = env::var_os("CHROME") {
        return Ok(PathBuf::from(program));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .flat_map(|folder| NAMES.map(|name| folder.join(name)))
        .find(|program| program.is_file())
        .with_context(|| {
            format!(
                "none of {} is on PATH: install one, or name one in CHROME",
                NAMES.join(", ")
            )
        })
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
