//! Measures the built site in headless Chromium and prints what it found as JSON: `{"measurements": [{"what", "place",
//! "value", "unit"}, ...], "fetched": [files until the first distribution], "browser": name}`. `cargo xtask bench` prints the table.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on has failed"
)]

use std::time::Duration;

use serde_json::{Value, json};
use tests::browser::{Gpu, WIDE, open};
use tests::page::Page;
use tests::site::Site;

const START: Duration = Duration::from_mins(5);
/// Slider moves of a round, each between two frames.
const MOVES: u32 = 200;
/// Rounds: what else runs on the machine delays some moves of one round and hardly any of another.
const ROUNDS: u32 = 5;
/// Where move number `move` ends, as a share of the slider: far from where the last one did, as after clicks on the track.
const JUMPS: &str = "(0.15 + 0.3 * ((move * 37) % 100) / 100)";
/// The same stretch there and back in fifty small steps each, as a hand pulls it.
const DRAG: &str = "(0.15 + 0.3 * Math.abs(move % 100 - 50) / 50)";
/// How much slower than this machine the reader's is taken to be, for the slider.
const SLOWER: f64 = 4.0;

/// A live distribution is shown: the model has answered, and no recording plays.
const LIVE: &str =
    "['ready', 'done'].includes(document.querySelector('[data-testid=status]')?.dataset.state)
    && document.querySelector('[data-testid=entropy-bits]')";
const DONE: &str = "document.querySelector('[data-testid=status]').dataset.state === 'done'";

fn main() {
    let site = Site::built().unwrap();
    let mut report = Report::default();
    let fetched = start_up(&site, &mut report);
    let browser = slider(&site, &mut report);
    for (chains, length) in [(1, 64), (16, 64), (64, 64)] {
        decode(&site, &mut report, "cpu", chains, length);
    }
    // The software adapter computes a few tokens a second.
    for (chains, length) in [(1, 8), (16, 4)] {
        decode(&site, &mut report, "webgpu", chains, length);
    }
    for entry in experiments::CATALOGUE {
        experiment(&site, &mut report, entry.name);
    }
    println!(
        "{}",
        json!({ "measurements": report.0, "fetched": fetched, "browser": browser })
    );
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

    /// Median and 95th percentile of what a frame of the page took, milliseconds.
    fn add_spread(&mut self, what: &str, mut times: Vec<f64>) {
        let high = percentile_95(&mut times);
        for (name, time) in [
            ("median", times[times.len() / 2]),
            ("95th percentile", high),
        ] {
            self.add(&format!("{what}, {name}"), "page", time, "ms");
        }
    }
}

/// Sorts, too.
fn percentile_95(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() * 95 / 100]
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

/// From an empty cache to the first distribution; gives the files that were fetched until then.
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

/// How long the main thread works on one slider move: event, state, drawing, layout and paint of that frame.
fn slider(site: &Site, report: &mut Report) -> String {
    let mut page = open(&site.address("device=cpu&n=16&len=64"), WIDE, Gpu::Absent).unwrap();
    page.wait_until("a distribution", LIVE, START).unwrap();
    page.click("generate").unwrap();
    page.wait_until("the swarm", DONE, START).unwrap();
    page.slow_down(SLOWER).unwrap();
    floor(&mut page, report);
    for (what, share) in [
        ("slider to paint", JUMPS),
        ("slider dragged, to paint", DRAG),
    ] {
        moves(
            &mut page,
            report,
            &format!("{what} at {SLOWER}x CPU throttle"),
            share,
        );
    }
    page.evaluate("navigator.userAgent")
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

/// How long the moves of the slider take; `share` is the JavaScript of where on the slider the move number `move` ends, 0 to 1.
fn moves(page: &mut Page, report: &mut Report, what: &str, share: &str) {
    let parts = [
        ("script", "ScriptDuration"),
        ("style", "RecalcStyleDuration"),
        ("layout", "LayoutDuration"),
    ];
    let before = parts.map(|(_, on)| page.spent(on).unwrap());
    // Browsers hand out input events right before a frame's callbacks; a message posted there arrives when that frame is painted.
    let script = format!(
        "(async () => {{
            const slider = document.querySelector('[data-testid=temperature]');
            const shown = () => document.querySelector('[data-testid=entropy-bits]').dataset.value;
            const from = Number(slider.min), to = Number(slider.max), moves = [];
            for (let move = 0; move < {MOVES}; move++) {{
                moves.push(await new Promise(done => requestAnimationFrame(() => {{
                    const before = shown(), painted = new MessageChannel(), start = performance.now();
                    painted.port1.onmessage = () => done([performance.now() - start, shown() !== before]);
                    slider.value = from + (to - from) * {share};
                    slider.dispatchEvent(new Event('input', {{ bubbles: true }}));
                    painted.port2.postMessage(0);
                }})));
            }}
            return moves;
        }})()"
    );
    let rounds: Vec<Vec<(f64, bool)>> = (0..ROUNDS)
        .map(|_| serde_json::from_value(page.evaluate(&script).unwrap()).unwrap())
        .collect();
    let moves = rounds.concat();
    let times = |moves: &[(f64, bool)]| moves.iter().map(|(time, _)| *time).collect::<Vec<f64>>();
    report.add_spread(what, times(&moves));
    let quietest = rounds
        .iter()
        .map(|moves| percentile_95(&mut times(moves)))
        .fold(f64::INFINITY, f64::min);
    report.add(
        &format!("{what}, 95th percentile of the quietest of {ROUNDS} rounds"),
        "page",
        quietest,
        "ms",
    );
    for ((part, on), before) in parts.into_iter().zip(before) {
        let mean_ms = 1000.0 * (page.spent(on).unwrap() - before) / moves.len() as f64;
        report.add(
            &format!("{what}, {part} in the mean"),
            "page",
            mean_ms,
            "ms",
        );
    }
    let at_once = moves.iter().filter(|(_, repainted)| *repainted).count();
    let share = 100.0 * at_once as f64 / moves.len() as f64;
    report.add(
        &format!("{what}, repainted in the same frame"),
        "page",
        share,
        "%",
    );
}

/// What a frame costs on this machine and under this throttle when a single number on the page changes: the least that a
/// slider move could take.
fn floor(page: &mut Page, report: &mut Report) {
    let times = page
        .evaluate(&format!(
            "(async () => {{
                const number = document.querySelector('[data-testid=beta]').firstChild, said = number.nodeValue, times = [];
                for (let change = 0; change < {MOVES}; change++) {{
                    times.push(await new Promise(done => requestAnimationFrame(() => {{
                        const painted = new MessageChannel(), start = performance.now();
                        painted.port1.onmessage = () => done(performance.now() - start);
                        number.nodeValue = (1 + change / 1000).toFixed(3);
                        painted.port2.postMessage(0);
                    }})));
                }}
                number.nodeValue = said;
                return times;
            }})()"
        ))
        .unwrap();
    let times: Vec<f64> = serde_json::from_value(times).unwrap();
    let what = format!("one number changed at {SLOWER}x CPU throttle");
    report.add_spread(&what, times);
}

/// Tokens a second, all chains together, as the page itself says.
fn decode(site: &Site, report: &mut Report, device: &str, chains: u32, length: u32) {
    let link = format!("prompt=Once%20upon%20a%20time&device={device}&n={chains}&len={length}");
    let mut page = open(&site.address(&link), WIDE, Gpu::Software).unwrap();
    page.wait_until("a distribution", LIVE, START).unwrap();
    page.click("generate").unwrap();
    page.wait_until("the swarm", DONE, START).unwrap();
    let place = match device {
        "webgpu" => "page, WebGPU on the software adapter",
        _ => "page, CPU",
    };
    let speed = page.number("tokens-per-second").unwrap();
    report.add(
        &format!("decode, {chains} chains"),
        place,
        speed,
        "tokens/s",
    );
}

/// How long an experiment takes with its quick setting, how long the page stood still meanwhile, and how soon one that has run
/// for a while stops when it is told to.
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
