//! The page as a typed object: reads and changes elements by their `data-testid`, waits, and collects console errors.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::devtools::{DevTools, Event};

/// Polling interval of a wait.
const POLL: Duration = Duration::from_millis(20);

/// One of the likeliest next tokens, as a bar shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// The token.
    pub id: u32,
    /// Its probability under the knobs.
    pub p: f64,
}

/// One story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its text, without the prompt.
    pub text: String,
    /// Whether it has ended.
    pub done: bool,
}

/// An open page in a browser of its own.
pub struct Page {
    devtools: DevTools,
    session: String,
    /// Console errors of the page and its workers so far.
    complaints: Vec<String>,
    // Dropped last: the connection goes before the browser does.
    _browser: Browser,
}

impl Page {
    pub(crate) fn new(browser: Browser, devtools: DevTools, session: String) -> Self {
        Self {
            devtools,
            session,
            complaints: Vec::new(),
            _browser: browser,
        }
    }

    /// Goes to an address; a script runs before anything of the page does.
    pub fn visit(&mut self, address: &str, script: &str) -> Result<()> {
        let script = json!({ "source": script });
        self.devtools.call(
            Some(&self.session),
            "Page.addScriptToEvaluateOnNewDocument",
            &script,
        )?;
        let address = json!({ "url": address });
        self.devtools
            .call(Some(&self.session), "Page.navigate", &address)?;
        Ok(())
    }

    /// Evaluates a JavaScript expression in the page; a promise is awaited.
    pub fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let params =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self
            .devtools
            .call(Some(&self.session), "Runtime.evaluate", &params)?;
        if let Some(exception) = answer.get("exceptionDetails") {
            bail!("`{expression}` threw {exception}");
        }
        Ok(answer["result"]["value"].take())
    }

    /// Waits until a JavaScript expression holds; the error says what the page was doing instead.
    pub fn wait_until(&mut self, what: &str, expression: &str, limit: Duration) -> Result<()> {
        let start = Instant::now();
        loop {
            // While the page loads, nothing may be there yet to ask.
            let holds = self.evaluate(&format!(
                "(() => {{ try {{ return !!({expression}) }} catch {{ return false }} }})()"
            ))?;
            if holds == true {
                return Ok(());
            }
            if start.elapsed() > limit {
                let shown = self.evaluate("document.body?.innerText?.slice(0, 1500)")?;
                let complaints = self.complaints()?.join("\n");
                bail!(
                    "waited {} s for: {what}. The page shows:\n{shown}\nIts console says:\n{complaints}",
                    limit.as_secs()
                );
            }
            std::thread::sleep(POLL);
        }
    }

    /// The text of the element with this hook.
    pub fn text(&mut self, hook: &str) -> Result<String> {
        let text = self.evaluate(&format!("{}.textContent", element(hook)))?;
        text.as_str()
            .map(str::to_owned)
            .with_context(|| format!("{hook} has no text"))
    }

    /// An attribute of the element with this hook.
    pub fn attribute(&mut self, hook: &str, name: &str) -> Result<Option<String>> {
        let value = self.evaluate(&format!("{}.getAttribute({})", element(hook), json!(name)))?;
        Ok(value.as_str().map(str::to_owned))
    }

    /// The exact number (`data-value`) behind the element with this hook.
    pub fn number(&mut self, hook: &str) -> Result<f64> {
        let text = self
            .attribute(hook, "data-value")?
            .with_context(|| format!("{hook} has no data-value"))?;
        text.parse()
            .with_context(|| format!("{hook} shows {text}, which is no number"))
    }

    /// The value of an input.
    pub fn value(&mut self, hook: &str) -> Result<String> {
        let value = self.evaluate(&format!("{}.value", element(hook)))?;
        value
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("{hook} is no input"))
    }

    /// Puts a value into a range input, number box or text area as a person would: with the events `input` and `change`.
    pub fn set(&mut self, hook: &str, value: &str) -> Result<()> {
        self.evaluate(&format!(
            "(() => {{
                const input = {};
                Object.getOwnPropertyDescriptor(Object.getPrototypeOf(input), 'value').set.call(input, {});
                for (const event of ['input', 'change']) input.dispatchEvent(new Event(event, {{ bubbles: true }}));
            }})()",
            element(hook),
            json!(value)
        ))?;
        self.next_paint()
    }

    /// Clicks the element with this hook.
    pub fn click(&mut self, hook: &str) -> Result<()> {
        self.evaluate(&format!("{}.click()", element(hook)))?;
        self.next_paint()
    }

    /// Waits until the page has painted what was done to it.
    pub fn next_paint(&mut self) -> Result<()> {
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")?;
        Ok(())
    }

    /// The likeliest next tokens.
    pub fn bars(&mut self) -> Result<Vec<Bar>> {
        let bars = self.evaluate(
            "[...document.querySelectorAll('[data-testid=token-bar]')].map(bar => [Number(bar.dataset.id), Number(bar.dataset.p)])",
        )?;
        let bars: Vec<(u32, f64)> =
            serde_json::from_value(bars).context("reading the token bars")?;
        Ok(bars.into_iter().map(|(id, p)| Bar { id, p }).collect())
    }

    /// The swarm.
    pub fn chains(&mut self) -> Result<Vec<Chain>> {
        let chains = self.evaluate(
            "[...document.querySelectorAll('[data-testid=chain]')].map(chain => [chain.textContent, chain.dataset.state === 'done'])",
        )?;
        let chains: Vec<(String, bool)> =
            serde_json::from_value(chains).context("reading the chains")?;
        Ok(chains
            .into_iter()
            .map(|(text, done)| Chain { text, done })
            .collect())
    }

    /// Slows the page's main thread down by a factor, as on a weaker machine.
    pub fn slow_down(&mut self, factor: f64) -> Result<()> {
        self.devtools.call(
            Some(&self.session),
            "Emulation.setCPUThrottlingRate",
            &json!({ "rate": factor }),
        )?;
        Ok(())
    }

    /// Seconds that the main thread has spent so far on `ScriptDuration`, `LayoutDuration`, `RecalcStyleDuration` or all
    /// of its work, `TaskDuration`.
    pub fn spent(&mut self, on: &str) -> Result<f64> {
        self.devtools
            .call(Some(&self.session), "Performance.enable", &json!({}))?;
        let answer =
            self.devtools
                .call(Some(&self.session), "Performance.getMetrics", &json!({}))?;
        let metrics = answer["metrics"]
            .as_array()
            .context("the browser keeps metrics")?;
        let metric = metrics.iter().find(|metric| metric["name"] == on);
        metric
            .and_then(|metric| metric["value"].as_f64())
            .with_context(|| format!("the browser does not measure {on}"))
    }

    /// Evaluates a script as [`Page::evaluate`] does; returns the main thread's CPU time per frame meanwhile, in milliseconds: scripts,
    /// style, layout, paint and commit to the compositor.
    pub fn frames(&mut self, script: &str) -> Result<Vec<f64>> {
        const WRITING: Duration = Duration::from_secs(30);
        let session = self.session.clone();
        let start = json!({ "traceConfig": { "includedCategories": ["cc"] }, "transferMode": "ReportEvents" });
        self.devtools
            .call(Some(&session), "Tracing.start", &start)?;
        self.evaluate(script)?;
        self.devtools
            .call(Some(&session), "Tracing.end", &json!({}))?;
        let (ended, mut frames) = (Instant::now(), Vec::new());
        while ended.elapsed() < WRITING {
            for event in self.devtools.take_events() {
                match event.method.as_str() {
                    "Tracing.dataCollected" => {
                        let traced = event.params["value"].as_array().into_iter().flatten();
                        let of_frame =
                            traced.filter(|one| one["name"] == "ProxyMain::BeginMainFrame");
                        let cpu_us = of_frame.filter_map(|one| one["tdur"].as_f64());
                        frames.extend(cpu_us.map(|us| us / 1000.0));
                    }
                    "Tracing.tracingComplete" => return Ok(frames),
                    _ => self.complaints.extend(complaint(&event)),
                }
            }
            // Any call makes the connection read what has come in.
            self.evaluate("0")?;
        }
        bail!("the browser does not end its trace")
    }

    /// A PNG of the window, in base64.
    pub fn screenshot(&mut self) -> Result<String> {
        let answer = self.devtools.call(
            Some(&self.session),
            "Page.captureScreenshot",
            &json!({ "format": "png" }),
        )?;
        answer["data"]
            .as_str()
            .map(str::to_owned)
            .context("a screenshot has data")
    }

    /// Console errors, failed requests and exceptions of the page and its workers, since it was opened.
    pub fn complaints(&mut self) -> Result<&[String]> {
        // Any call makes the connection read what has come in.
        self.evaluate("0")?;
        let heard = self.devtools.take_events();
        self.complaints.extend(heard.iter().filter_map(complaint));
        Ok(&self.complaints)
    }
}

/// A JavaScript expression for the element with this hook.
fn element(hook: &str) -> String {
    format!("document.querySelector('[data-testid=\"{hook}\"]')")
}

/// The error that an event reports, if any.
fn complaint(event: &Event) -> Option<String> {
    let params = &event.params;
    match event.method.as_str() {
        "Runtime.consoleAPICalled"
            if matches!(params["type"].as_str(), Some("error" | "assert")) =>
        {
            let words = params["args"].as_array()?.iter().map(|word| {
                let text = word["value"].as_str().or(word["description"].as_str());
                text.map_or_else(|| word["value"].to_string(), str::to_owned)
            });
            Some(format!(
                "console error: {}",
                words.collect::<Vec<_>>().join(" ")
            ))
        }
        "Runtime.exceptionThrown" => {
            let details = &params["exceptionDetails"];
            let text = details["exception"]["description"]
                .as_str()
                .or(details["text"].as_str())
                .unwrap_or_default();
            Some(format!("exception: {text}"))
        }
        "Log.entryAdded" if params["entry"]["level"] == "error" => {
            let entry = &params["entry"];
            Some(format!(
                "browser error: {} ({})",
                entry["text"].as_str()?,
                entry["url"].as_str().unwrap_or_default()
            ))
        }
        "Inspector.targetCrashed" => Some("the page crashed".to_owned()),
        _ => None,
    }
}
