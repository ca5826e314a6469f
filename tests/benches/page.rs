//! Measures the built site in headless Chromium and prints what it found as JSON: `{"measurements": [{"what", "place",
//! "value", "unit"}, ...], "fetched": [files until the first distribution], "browser": name}`. `cargo xtask bench` prints the table.
//! With the argument `slider` it measures nothing else.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on has failed"
)]

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::browser::{Gpu, WIDE, open};
use tests::page::Page;
use tests::site::Site;

const START: Duration = Duration::from_mins(5);
/// Changes of a round, each between two frames.
const MOVES: usize = 100;
/// Rounds. Other programs slow down some and hardly others.
const ROUNDS: usize = 10;
/// What a round does between two frames, as JavaScript of the number `move`, of `all` of them. The last two stand beside the
/// slider's: what any frame of this page takes, and how machine and throttle spread work that is always the same.
const CHANGES: [(&str, &str); 4] = [
    // Far from where the last move ended, as after clicks on the track.
    (
        "slider to paint",
        "slide(0.15 + 0.3 * (move * 37 % all) / all)",
    ),
    // The same stretch there and back in small steps, as a hand pulls it.
    (
        "slider dragged, to paint",
        "slide(0.15 + 0.3 * Math.abs(2 * move / all - 1))",
    ),
    (
        "one number changed",
        "number.nodeValue = move < all - 1 ? (1 + move / 1000).toFixed(3) : said",
    ),
    ("arithmetic alone", "calculate(window.steps)"),
];
/// How long that arithmetic takes where nothing is throttled, milliseconds: about what a slider's move does.
const ARITHMETIC_MS: f64 = 3.0;
/// CPU throttle for the slider: how many times slower the reader's machine is assumed to be.
const SLOWER: f64 = 4.0;

/// A live distribution is shown: the model has answered, and no recording plays.
const LIVE: &str =
    "['ready', 'done'].includes(document.querySelector('[data-testid=status]')?.dataset.state)
    && document.querySelector('[data-testid=entropy-bits]')";
const DONE: &str = "document.querySelector('[data-testid=status]').dataset.state === 'done'";

fn main() {
    let site = Site::built().unwrap();
    let mut report = Report::default();
    if std::env::args().any(|argument| argument == "slider") {
        let browser = slider(&site, &mut report);
        return report.print(&[], &browser);
    }
    let fetched = start_up(&site, &mut report);
    start_up_on_webgpu(&site, &mut report);
    let browser = slider(&site, &mut report);
    for (chains, length) in [(1, 64), (16, 64), (64, 64)] {
        decode(&site, &mut report, "cpu", chains, length);
    }
    // The software adapter computes a few tokens per second.
    for (chains, length) in [(1, 8), (16, 4), (64, 2)] {
        decode(&site, &mut report, "webgpu", chains, length);
    }
    for entry in experiments::CATALOGUE {
        experiment(&site, &mut report, entry.name);
    }
    report.print(&fetched, &browser);
}

/// The measurements so far.
#[derive(Default)]
struct Report(Vec<Value>);

impl Report {
    fn add(&mut self, what: &str, place: &str, value: f64, unit: &str) {
        eprintln!("    {what}, {place}: {value:.1} {unit}");
        self.0
            .push(json!({ "what": what, "place": place, "value": value, "unit": unit }));
    }

    fn print(&self, fetched: &[String], browser: &str) {
        println!(
            "{}",
            json!({ "measurements": self.0, "fetched": fetched, "browser": browser })
        );
    }
}

/// A quantile.
fn quantile(values: impl IntoIterator<Item = f64>, share: f64) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[((values.len() as f64 * share) as usize).min(values.len() - 1)]
}

/// Milliseconds since navigation at which a condition first held, looked at once a frame.
fn moment(page: &mut Page, condition: &str) -> f64 {
    page.evaluate(&format!(
        "new Promise(done => {{
            const look = () => {{ if ({condition}) done(performance.now()); else requestAnimationFrame(look) }};
            look();
        }})"
    ))
    .unwrap()
    .as_f64()
    .unwrap()
}

/// From an empty cache to the first distribution; returns the files that were fetched until then.
fn start_up(site: &Site, report: &mut Report) -> Vec<String> {
    let mut page = open(&site.address("device=cpu"), WIDE, Gpu::Absent).unwrap();
    page.wait_until("the document", "document.body", START)
        .unwrap();
    let knobs = moment(
        &mut page,
        "document.querySelector('[data-testid=temperature]')",
    );
    report.add("start: knobs shown", "page, CPU", knobs, "ms");
    let live = moment(&mut page, LIVE);
    report.add("start: first distribution", "page, CPU", live, "ms");
    site.served()
}

/// From an empty cache to the moment from which WebGPU serves: its engine fetched, its logits compared with the CPU's, its speed
/// measured.
fn start_up_on_webgpu(site: &Site, report: &mut Report) {
    let mut page = open(&site.address("device=webgpu"), WIDE, Gpu::Software).unwrap();
    page.wait_until("the document", "document.body", START)
        .unwrap();
    let serves = moment(
        &mut page,
        "document.querySelector('[data-testid=device]')?.dataset.device === 'webgpu'",
    );
    report.add("start: WebGPU serves", ON_WEBGPU, serves, "ms");
}

/// How long the main thread works on one slider move: event, state, drawing, layout and paint of that frame; and beside it what the
/// same page, machine and throttle make of less.
fn slider(site: &Site, report: &mut Report) -> String {
    let mut page = open(&site.address("device=cpu&n=16&len=64"), WIDE, Gpu::Absent).unwrap();
    page.wait_until("a distribution", LIVE, START).unwrap();
    page.click("generate").unwrap();
    page.wait_until("the swarm", DONE, START).unwrap();
    page.evaluate(&format!(
        "(() => {{
            window.calculate = steps => {{
                let value = 1;
                for (let step = 0; step < steps; step++) value = (value * 1103515245 + 12345) % 2147483648;
                return value;
            }};
            const pace = () => {{ const start = performance.now(); calculate(1e6); return performance.now() - start }};
            window.steps = 1e6 * {ARITHMETIC_MS} / Math.min(...Array.from({{ length: 30 }}, pace));
        }})()"
    ))
    .unwrap();
    let mut kinds = CHANGES.map(|(what, change)| (what, Change::of(change)));
    for _ in 0..ROUNDS {
        for (_, change) in &mut kinds {
            change.try_out(&mut page);
        }
    }
    for (what, change) in kinds {
        change.tell(what, report);
    }
    page.evaluate("navigator.userAgent")
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

/// The browser's breakdown of a frame's time.
const PARTS: [(&str, &str); 3] = [
    ("script", "ScriptDuration"),
    ("style", "RecalcStyleDuration"),
    ("layout", "LayoutDuration"),
];

/// Measurements of one kind of change.
struct Change {
    script: String,
    /// With the browser's throttle: how long each change took, in milliseconds, and whether the next-token panel had changed by
    /// then.
    throttled: Vec<(f64, bool)>,
    /// Seconds of that in each of [`PARTS`].
    spent: [f64; 3],
    /// Without it: the main thread's CPU time for each frame, milliseconds. The throttle is a thread that interrupts the main one; where
    /// the compositor has its core, it comes late, spares one frame and takes from the next. This does not suffer from that.
    cpu: Vec<f64>,
}

impl Change {
    /// `change` is its JavaScript.
    fn of(change: &str) -> Self {
        // Browsers hand out input events right before a frame's callbacks; a message posted there arrives when that frame is painted.
        let script = format!(
            "(async () => {{
                const slider = document.querySelector('[data-testid=temperature]');
                const entropy = document.querySelector('[data-testid=entropy-bits]').dataset;
                const number = document.querySelector('[data-testid=beta]').firstChild, said = number.nodeValue;
                const from = Number(slider.min), to = Number(slider.max), all = {MOVES}, moves = [];
                const slide = share => {{
                    slider.value = from + (to - from) * share;
                    slider.dispatchEvent(new Event('input', {{ bubbles: true }}));
                }};
                for (let move = 0; move < all; move++) {{
                    moves.push(await new Promise(done => requestAnimationFrame(() => {{
                        const before = entropy.value, painted = new MessageChannel(), start = performance.now();
                        painted.port1.onmessage = () => done([performance.now() - start, entropy.value !== before]);
                        {change};
                        painted.port2.postMessage(0);
                    }})));
                }}
                return moves;
            }})()"
        );
        Self {
            script,
            throttled: Vec::new(),
            spent: [0.0; 3],
            cpu: Vec::new(),
        }
    }

    /// Does a round.
    fn try_out(&mut self, page: &mut Page) {
        let spent = |page: &mut Page| PARTS.map(|(_, on)| page.spent(on).unwrap());
        rest(page);
        page.slow_down(SLOWER).unwrap();
        let before = spent(page);
        let moves = page.evaluate(&self.script).unwrap();
        let moves: Vec<(f64, bool)> = serde_json::from_value(moves).unwrap();
        self.throttled.extend(moves);
        let after = spent(page);
        for (part, spent) in self.spent.iter_mut().enumerate() {
            *spent += after[part] - before[part];
        }
        page.slow_down(1.0).unwrap();
        rest(page);
        self.cpu.extend(page.frames(&self.script).unwrap());
    }

    fn tell(&self, what: &str, report: &mut Report) {
        let throttled = format!("{what} at {SLOWER}x CPU throttle");
        let moves = &self.throttled;
        let wall = || moves.iter().map(|(time, _)| *time);
        let cpu = || self.cpu.iter().map(|time| SLOWER * time);
        let cpu_time = format!("{what}, {SLOWER} x CPU time of the frame");
        for (what, median, high) in [
            (&throttled, quantile(wall(), 0.5), quantile(wall(), 0.95)),
            (&cpu_time, quantile(cpu(), 0.5), quantile(cpu(), 0.95)),
        ] {
            report.add(&format!("{what}, median"), "page", median, "ms");
            report.add(&format!("{what}, 95th percentile"), "page", high, "ms");
        }
        let repainted = moves.iter().filter(|(_, repainted)| *repainted).count();
        if repainted == 0 {
            return;
        }
        for ((part, _), spent) in PARTS.into_iter().zip(self.spent) {
            let mean_ms = 1000.0 * spent / moves.len() as f64;
            report.add(
                &format!("{throttled}, {part} on average"),
                "page",
                mean_ms,
                "ms",
            );
        }
        let share = 100.0 * repainted as f64 / moves.len() as f64;
        report.add(
            &format!("{throttled}, repainted in the same frame"),
            "page",
            share,
            "%",
        );
    }
}

/// Waits until the page has nothing more to do: the swarm follows the last move.
fn rest(page: &mut Page) {
    thread::sleep(Duration::from_millis(500));
    page.wait_until("the swarm", DONE, START).unwrap();
}

const ON_WEBGPU: &str = "page, WebGPU on the software adapter";

/// Tokens per second, all chains together, as the page reports them, and how long the reader waits for all of them.
fn decode(site: &Site, report: &mut Report, device: &str, chains: u32, length: u32) {
    let link = format!("prompt=Once%20upon%20a%20time&device={device}&n={chains}&len={length}");
    let mut page = open(&site.address(&link), WIDE, Gpu::Software).unwrap();
    page.wait_until("a distribution", LIVE, START).unwrap();
    let start = Instant::now();
    page.click("generate").unwrap();
    page.wait_until("the swarm", DONE, START).unwrap();
    let waited = start.elapsed().as_secs_f64();
    let place = match device {
        "webgpu" => ON_WEBGPU,
        _ => "page, CPU",
    };
    let what = format!("from the button to the end, {chains} chains of {length} tokens");
    report.add(&what, place, waited, "s");
    let speed = page.number("tokens-per-second").unwrap();
    report.add(
        &format!("decode, {chains} chains"),
        place,
        speed,
        "tokens/s",
    );
}

/// How long an experiment takes at its quick size, the longest pause of the page meanwhile, and how soon a running one stops when
/// it is cancelled.
fn experiment(site: &Site, report: &mut Report, name: &str) {
    const IN_PLACE: &str = "document.querySelector('[data-testid=experiment]')";
    let link = format!("view=experiments&exp={name}&device=cpu");
    let mut page = open(&site.address(&link), WIDE, Gpu::Absent).unwrap();
    page.wait_until("the tab", IN_PLACE, START).unwrap();
    let ended = page
        .evaluate(&format!(
            "(async () => {{
                const state = () => {IN_PLACE}.dataset.state;
                const press = hook => document.querySelector(`[data-testid=${{hook}}]`).click();
                const frame = () => new Promise(done => requestAnimationFrame(done));
                const until = async condition => {{
                    const start = performance.now();
                    let longest = 0;
                    for (let before = start, now; !condition(); before = now) {{
                        await frame();
                        now = performance.now();
                        longest = Math.max(longest, now - before);
                    }}
                    return [performance.now() - start, longest];
                }};
                press('run');
                await until(() => state() === 'running');
                const [whole, longest] = await until(() => state() !== 'running');
                press('run');
                await until(() => state() === 'running');
                const start = performance.now();
                await until(() => performance.now() - start > Math.min(4000, whole / 2));
                press('cancel');
                const [stop] = await until(() => state() !== 'running');
                return [whole, longest, stop];
            }})()"
        ))
        .unwrap();
    let [whole, longest, stop]: [f64; 3] = serde_json::from_value(ended).unwrap();
    let what = format!("experiment {name}");
    report.add(&what, "page, CPU", whole / 1000.0, "s");
    report.add(
        &format!("{what}, longest frame"),
        "page, CPU",
        longest,
        "ms",
    );
    report.add(
        &format!("{what}, from cancel to the end"),
        "page, CPU",
        stop,
        "ms",
    );
}
