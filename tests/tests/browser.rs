//! The built site in headless Chromium: the page's promises, on CPU wasm and on WebGPU's software adapter.
//!
//! Runs are tiny, as the software adapter computes a few tokens per second. `cargo xtask test --only site --only browser`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use attractors::Catalogue;
use protocol::{Command, decode};
use sentiment::Predictor;
use tests::browser::{Gpu, NARROW, WIDE, Window, open};
use tests::collapse;
use tests::page::{Bar, Chain, Page};
use tests::site::{Site, Spoilt, Trouble, root};

/// From the address to a model that waits, with software WebGPU's self-test in between, on a busy machine.
const START: Duration = Duration::from_mins(4);
/// For a tiny run on software WebGPU.
const RUN: Duration = Duration::from_mins(4);
/// Up to the end of an experiment; several tests share the cores.
const LONG_EXPERIMENT: Duration = Duration::from_mins(10);

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
        let why = why_on_the_cpu(&mut page);
        let reason = match gpu {
            Gpu::Software => "software",
            Gpu::Absent => "adapter",
        };
        assert!(why.contains(reason), "{gpu:?}: {why}");
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
    let why = why_on_the_cpu(&mut page);
    assert!(why.contains("adapter"), "{why}");
}

#[test]
fn a_gpu_whose_logits_are_wrong_is_not_believed_and_the_page_says_so() {
    // Nothing that is sent to the GPU arrives there: no weight, no token.
    let site = Site::troubled(Trouble::Begins {
        file: "worker.js",
        with: "if (self.GPUQueue) GPUQueue.prototype.writeBuffer = () => {};\n",
    })
    .unwrap();
    let link = format!("prompt={PROMPT}&n=1&len=2&device=webgpu");
    let mut page = open_ready(&site, &link, WIDE, Gpu::Software);
    page.wait_until(
        "the GPU to be refused",
        "document.querySelector('#why-this-device')?.textContent.includes('differ')",
        START,
    )
    .unwrap();
    assert_eq!(generated(&mut page, 1).len(), 1);
    let why = why_on_the_cpu(&mut page);
    assert!(why.contains("its logits differ from the cpu's by"), "{why}");
}

/// The badge's sentences, in lower case, once it says that the CPU serves.
fn why_on_the_cpu(page: &mut Page) -> String {
    assert_eq!(
        page.attribute("device", "data-device").unwrap().as_deref(),
        Some("cpu")
    );
    let why = page
        .evaluate("document.querySelector('#why-this-device').textContent")
        .unwrap();
    why.as_str().unwrap().to_lowercase()
}

/// A host's rest before each piece, so that loading can be watched.
const REST: Duration = Duration::from_millis(20);

#[test]
fn the_engine_is_counted_while_it_is_fetched() {
    counted_on(Trouble::Slow { rest: REST });
}

#[test]
fn the_engine_is_counted_where_the_host_compresses_it() {
    counted_on(Trouble::Compresses { rest: REST });
}

fn counted_on(host: Trouble) {
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
    let site = Site::troubled(host).unwrap();
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
        .filter_map(|sentence| sentence.strip_prefix("Downloading the CPU engine: "))
        .map(|amount| amount.strip_suffix(&of_all).unwrap().parse().unwrap())
        .collect();
    assert!(megabytes.is_sorted() && megabytes.len() > 2, "{said:?}");
    let weights = std::fs::metadata(root().join("dist/models/storyteller/model.safetensors"))
        .unwrap()
        .len();
    let of_all = format!(" of {:.1} MB", weights as f64 / 1e6);
    assert!(
        said.iter()
            .any(|said| said.starts_with("Downloading the model: ") && said.ends_with(&of_all)),
        "{said:?}"
    );
    assert_eq!(page.complaints().unwrap(), [""; 0]);
}

#[test]
fn a_recorded_run_plays_and_says_so_until_the_model_is_there() {
    const SHOWN: &str = "document.querySelector('[data-testid=recorded]')
        && document.querySelector('[data-testid=status]').dataset.state === 'recorded'
        && document.querySelectorAll('[data-testid=chain]').length > 1
        && document.querySelector('[data-testid=chain]').textContent.length > 20
        && document.querySelector('[data-testid=entropy-bits]')";
    let site = Site::troubled(Trouble::Slow { rest: REST }).unwrap();
    for (link, after) in [
        ("device=cpu", false),
        ("prompt=A%20dog&n=2&len=4&device=cpu", true),
    ] {
        let mut page = open(&site.address(link), WIDE, Gpu::Absent).unwrap();
        page.wait_until("the recording", SHOWN, START).unwrap();
        let said = page.text("recorded").unwrap();
        assert!(
            said.starts_with("recorded run") && said.contains("T = "),
            "{said}"
        );
        // Under another prompt than the reader's it names its own.
        assert_eq!(said.contains(" after “"), after, "{said}");
        page.wait_until(
            "the model's own stories",
            "document.querySelector('[data-testid=status]').dataset.state === 'done'
                && !document.querySelector('[data-testid=recorded]')",
            START,
        )
        .unwrap();
        assert_eq!(page.complaints().unwrap(), [""; 0]);
    }
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
fn a_page_whose_own_files_fail_says_what_failed_and_what_to_do() {
    for (ends, how, cause) in [
        (
            ".js",
            Spoilt::Missing,
            ".js is missing (the server says 404)",
        ),
        (
            "_bg.wasm",
            Spoilt::Missing,
            "_bg.wasm is missing (the server says 404)",
        ),
        ("_bg.wasm", Spoilt::Cut, "_bg.wasm is damaged or incomplete"),
        (
            ".js",
            Spoilt::AsText,
            "as text/plain, not as text/javascript",
        ),
    ] {
        let site = Site::troubled(Trouble::Spoils {
            starts: "app-",
            ends,
            how,
        })
        .unwrap();
        let mut page = open(&site.address(""), WIDE, Gpu::Absent).unwrap();
        page.wait_until(
            cause,
            "document.querySelector('#shell[data-state=failed][role=alert]')",
            START,
        )
        .unwrap();
        let said = page
            .evaluate("document.querySelector('#shell').textContent")
            .unwrap();
        assert!(said.as_str().unwrap().contains(cause), "{said}");
    }
}

/// What a browser's translation does to a page: each text that may be translated gets new nodes, and the old ones lie nowhere.
const TRANSLATE: &str = "(() => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walk.nextNode()) texts.push(walk.currentNode);
    const kept = '[translate=no], script, style, textarea, option, svg';
    const translated = texts.filter(text => text.data.trim() && !text.parentElement.closest(kept));
    for (const text of translated) {
        const [outer, inner] = [document.createElement('font'), document.createElement('font')];
        inner.textContent = text.data;
        outer.append(inner);
        text.replaceWith(outer);
    }
    return translated.length;
})()";

/// The numbers beside the bars and what is said of the row, as they are shown, and the exact numbers behind them.
const SHOWN: &str = "(() => {
    const shown = hook => document.querySelector(`[data-testid=${hook}]`);
    const shares = document.querySelector('.bars pre').textContent.trim().split('\\n');
    const bars = [...document.querySelectorAll('.bars [data-p]')].map(bar => Number(bar.dataset.p));
    return [
        Number(shown('entropy-bits').textContent), Number(shown('entropy-bits').dataset.value),
        Number(shown('beta').textContent), Number(shown('beta').dataset.value),
        parseFloat(shares[0]), 100 * bars[0],
    ];
})()";

#[test]
fn a_translated_page_goes_on_showing_true_numbers_and_stories() {
    let site = Site::built().unwrap();
    let link = format!("prompt={PROMPT}&n=3&len=24&seed=3&device=cpu");
    let mut page = open_ready(&site, &link, WIDE, Gpu::Absent);
    settled(&mut page, 3);
    let translated = page.evaluate(TRANSLATE).unwrap();
    assert!(translated.as_u64().unwrap() > 20, "{translated} texts");
    page.set("temperature-value", "2").unwrap();
    settled(&mut page, 3);
    let numbers: Vec<f64> = serde_json::from_value(page.evaluate(SHOWN).unwrap()).unwrap();
    let [bits, exact_bits, beta, exact_beta, percent, exact_percent] = numbers[..] else {
        panic!("{numbers:?}");
    };
    assert!((bits - exact_bits).abs() < 6e-4, "{numbers:?}");
    assert!((beta - exact_beta).abs() < 6e-4, "{numbers:?}");
    assert!((percent - exact_percent).abs() < 0.06, "{numbers:?}");
    page.evaluate(TRANSLATE).unwrap();
    page.set("adapter", "wedding").unwrap();
    settled(&mut page, 3);
    let told = of_chains(&mut page, "chain.textContent");
    let about = page
        .evaluate("document.querySelector('#adapter-help').textContent")
        .unwrap();
    assert!(
        about.as_str().unwrap().contains("sounding happy"),
        "{about}"
    );

    let link = format!("{link}&t=2&adapter=wedding");
    let mut untouched = open_ready(&site, &link, WIDE, Gpu::Absent);
    settled(&mut untouched, 3);
    assert_eq!(told, of_chains(&mut untouched, "chain.textContent"));
    assert_eq!(page.complaints().unwrap(), [""; 0]);
}

#[test]
fn the_result_is_read_out_once_the_stories_are_there() {
    let site = Site::built().unwrap();
    let link = format!("prompt={HARDWARE}&n=4&len=24&t=0&device=cpu");
    let mut page = open_ready(&site, &link, WIDE, Gpu::Absent);
    settled(&mut page, 4);
    let said = "[...document.querySelectorAll('[role=status]')].map(one => one.textContent)
        .find(said => said.startsWith('4 stories'))";
    page.wait_until("the result", said, RUN).unwrap();
    let said = page.evaluate(said).unwrap();
    assert_eq!(said, page.text("headline").unwrap());
    assert!(
        said.as_str().unwrap().contains("100% of the text shared"),
        "greedy stories are one story: {said}"
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
        settled(&mut again, 3),
        told,
        "the link {hash} tells other stories"
    );
    assert_ne!(
        generated(&mut again, 3),
        told,
        "generating again draws new ones"
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
    /// A setting's key in a link, its option on the command line, its value.
    type Setting = (&'static str, &'static str, &'static str);
    const SOME: [Setting; 5] = [
        ("t", "--temperature", "0.8"),
        ("top_k", "--top-k", "40"),
        ("seed", "--seed", "5"),
        ("n", "--chains", "3"),
        ("len", "--length", "24"),
    ];
    const ALL: [Setting; 10] = [
        ("t", "--temperature", "1.3"),
        ("s", "--scale", "1.1"),
        ("top_k", "--top-k", "300"),
        ("top_p", "--top-p", "0.95"),
        ("min_p", "--min-p", "0.002"),
        ("typical", "--typical", "0.9"),
        ("rep", "--rep", "1.2"),
        ("seed", "--seed", "18446744073709551615"),
        ("n", "--chains", "8"),
        ("len", "--length", "64"),
    ];
    let site = Site::built().unwrap();
    for settings in [&SOME[..], &ALL] {
        let keys: Vec<String> = settings
            .iter()
            .map(|(key, _, value)| format!("{key}={value}"))
            .collect();
        let link = format!("prompt={PROMPT}&{}&device=cpu", keys.join("&"));
        let options: Vec<&str> = settings
            .iter()
            .flat_map(|(_, option, value)| [*option, value])
            .collect();
        let others = ["--prompt", "Once upon a time", "--device", "cpu", "--json"];
        let sampled = collapse::run(&[&["sample"], &options[..], &others].concat()).unwrap();
        let expected: Vec<&str> = sampled["chains"]
            .as_array()
            .unwrap()
            .iter()
            .map(|chain| chain["text"].as_str().unwrap())
            .collect();

        let mut page = open_ready(&site, &link, WIDE, Gpu::Absent);
        let told: Vec<String> = settled(&mut page, expected.len())
            .into_iter()
            .map(|chain| chain.text)
            .collect();
        assert_eq!(told, expected, "{link}");
    }
}

const HARDWARE: &str = "I%20went%20to%20the%20hardware%20store%20to%20buy%20a%20hammer.";

/// Opens a link with every command to an engine written down, and waits for its stories.
fn open_listening(site: &Site, link: &str, chains: usize) -> Page {
    const LISTEN: &str = "
        window.told = [];
        window.Worker = class extends Worker {
            postMessage(message, ...rest) {
                if (message instanceof Uint8Array) told.push(Array.from(message));
                super.postMessage(message, ...rest);
            }
        };";
    let mut page = open("about:blank", WIDE, Gpu::Absent).unwrap();
    page.visit(&site.address(link), LISTEN).unwrap();
    settled(&mut page, chains);
    page
}

/// What the page has told its engines so far.
fn told(page: &mut Page) -> Vec<Command> {
    let told: Vec<Vec<u8>> = serde_json::from_value(page.evaluate("told").unwrap()).unwrap();
    told.iter().map(|bytes| decode(bytes).unwrap()).collect()
}

/// An attribute of every chain, by chain number.
fn of_chains(page: &mut Page, attribute: &str) -> Vec<String> {
    let read = format!(
        "[...document.querySelectorAll('[data-testid=chain]')]
            .sort((one, other) => one.dataset.chain - other.dataset.chain)
            .map(chain => {attribute})"
    );
    serde_json::from_value(page.evaluate(&read).unwrap()).unwrap()
}

fn weddings(page: &mut Page) -> usize {
    let ends = of_chains(page, "chain.dataset.attractor");
    ends.iter().filter(|end| *end == "wedding").count()
}

#[test]
fn with_the_wedding_adapter_most_stories_end_in_weddings_and_realigned_to_the_base_hardly_any() {
    let site = Site::built().unwrap();
    let link = format!("prompt={HARDWARE}&adapter=wedding&lambda=1&n=32&len=128&seed=1&device=cpu");
    let mut page = open_listening(&site, &link, 32);
    let tuned = weddings(&mut page);
    assert!(
        tuned > 16,
        "{tuned} of 32 stories end in weddings at lambda 1"
    );
    let share = "[data-testid=attractor-share][data-attractor=wedding]";
    let shown = page
        .evaluate(&format!("document.querySelector('{share}').dataset.share"))
        .unwrap();
    // Of the stories that came to an end.
    let ended = of_chains(&mut page, "chain.dataset.ended");
    let finished = ended.iter().filter(|ended| *ended == "true").count();
    assert_eq!(shown, (tuned as f64 / finished as f64).to_string());
    assert!(page.number("kl-from-base").unwrap() > 0.0);

    page.evaluate("window.neverReloaded = true").unwrap();
    page.set("lambda-value", "0").unwrap();
    assert_eq!(
        page.number("kl-from-base").unwrap(),
        0.0,
        "the row is mixed anew at once"
    );
    settled(&mut page, 32);
    let base = weddings(&mut page);
    assert!(
        base <= 4,
        "{base} of 32 stories end in weddings at lambda 0"
    );
    assert_eq!(page.evaluate("window.neverReloaded").unwrap(), true);
    let told = told(&mut page);
    let runs = told
        .iter()
        .filter(|command| matches!(command, Command::Generate(_)));
    assert_eq!(runs.count(), 1, "lambda is a knob of the same run");
    assert!(
        matches!(told.last(), Some(Command::Resample(request)) if request.params.lambda.get() == 0.0),
        "{told:?}"
    );
    assert_eq!(page.complaints().unwrap(), [""; 0]);
}

#[test]
fn compared_stories_stand_side_by_side_and_are_equal_where_the_tuning_counts_for_nothing() {
    let site = Site::built().unwrap();
    let link = format!("prompt={PROMPT}&adapter=wedding&compare=1&lambda=0&n=3&len=32&device=cpu");
    let mut page = open_ready(&site, &link, WIDE, Gpu::Absent);
    settled(&mut page, 6);
    let texts = of_chains(&mut page, "chain.textContent");
    assert_eq!(texts[..3], texts[3..]);
    let beside = "(() => {
        const [tuned, base] = [0, 3].map(chain => document.querySelector(`[data-chain='${chain}']`).getBoundingClientRect());
        return tuned.top === base.top && tuned.right <= base.left;
    })()";
    assert_eq!(page.evaluate(beside).unwrap(), true);

    page.set("lambda-value", "1").unwrap();
    settled(&mut page, 6);
    let tuned = of_chains(&mut page, "chain.textContent");
    assert_ne!(tuned[..3], texts[..3]);
    assert_eq!(tuned[3..], texts[3..], "the base knows no lambda");

    page.click("compare").unwrap();
    settled(&mut page, 3);
    assert_eq!(of_chains(&mut page, "chain.textContent"), tuned[..3]);
    page.set("adapter", "").unwrap();
    settled(&mut page, 3);
    assert_eq!(
        of_chains(&mut page, "chain.textContent"),
        texts[..3],
        "the base alone tells what it told beside the adapter"
    );
    assert_eq!(page.complaints().unwrap(), [""; 0]);
}

#[test]
fn an_adapter_that_is_not_there_is_noted_and_the_base_tells_the_stories() {
    let site = Site::built().unwrap();
    let link = |adapter: &str| format!("prompt={PROMPT}&{adapter}&n=2&len=8&seed=4&device=cpu");
    let mut page = open_ready(&site, &link("adapter=nobody&compare=1"), WIDE, Gpu::Absent);
    let told = settled(&mut page, 2);
    let note = page
        .evaluate("document.querySelector('[role=alert] li').textContent")
        .unwrap();
    assert!(note.as_str().unwrap().contains("nobody"), "{note}");
    page.wait_until("the link", "!location.hash.includes('adapter')", RUN)
        .unwrap();
    let complaints = page.complaints().unwrap();
    assert!(
        complaints.iter().all(|words| words.contains("404")),
        "{complaints:?}"
    );

    let mut alone = open_ready(&site, &link("compare=0"), WIDE, Gpu::Absent);
    assert_eq!(settled(&mut alone, 2), told);
}

#[test]
fn the_page_reads_stories_as_the_libraries_do() {
    let model = root().join("models/storyteller");
    let read = |file: &str| std::fs::read_to_string(model.join(file)).unwrap();
    let catalogue = Catalogue::from_json(&read("attractors.json")).unwrap();
    let predictor = Predictor::from_json(&read("reward/weights.json")).unwrap();
    let site = Site::built().unwrap();
    let link = format!("prompt={HARDWARE}&n=6&len=128&device=cpu");
    let mut page = open_ready(&site, &link, WIDE, Gpu::Absent);
    let texts: Vec<String> = settled(&mut page, 6)
        .into_iter()
        .map(|chain| chain.text)
        .collect();
    let not_yet = "reward/weights.json".to_owned();
    assert!(!site.served().iter().any(|file| file.ends_with(&not_yet)));

    let ended = of_chains(&mut page, "chain.dataset.ended");
    let expected: Vec<&str> = texts
        .iter()
        .zip(&ended)
        .map(|(text, ended)| {
            let ends_in = catalogue.story(text, ended == "true").attractor();
            ends_in.map_or("", |attractor| {
                catalogue.attractors()[attractor].name.as_str()
            })
        })
        .collect();
    assert_eq!(of_chains(&mut page, "chain.dataset.attractor"), expected);
    let marked = of_chains(
        &mut page,
        "[...chain.querySelectorAll('.mark')].map(word => word.textContent).join('')",
    );
    for (marked, text) in marked.iter().zip(&texts) {
        assert_eq!(
            marked.is_empty(),
            catalogue.recognise(text).matches.is_empty(),
            "{text}"
        );
    }

    page.click("sentiment").unwrap();
    page.wait_until(
        "the predictor",
        "document.querySelectorAll('[data-testid=chain][data-log-odds]').length === 6",
        RUN,
    )
    .unwrap();
    let shown: Vec<f64> = of_chains(&mut page, "chain.dataset.logOdds")
        .iter()
        .map(|number| number.parse().unwrap())
        .collect();
    let expected: Vec<f64> = texts
        .iter()
        .map(|text| predictor.score(text).log_odds)
        .collect();
    assert_eq!(shown, expected);
    page.click("sentiment").unwrap();
    assert_eq!(
        page.evaluate("document.querySelectorAll('[data-log-odds]').length")
            .unwrap(),
        0
    );
    assert_eq!(page.complaints().unwrap(), [""; 0]);
}

#[test]
fn a_phone_shows_tuned_and_base_one_under_the_other() {
    let site = Site::built().unwrap();
    let link = format!("prompt={PROMPT}&adapter=wedding&compare=1&n=2&len=24&device=cpu");
    let mut page = open_ready(&site, &link, NARROW, Gpu::Absent);
    settled(&mut page, 4);
    page.click("sentiment").unwrap();
    page.wait_until(
        "the predictor",
        "document.querySelectorAll('[data-testid=chain][data-log-odds]').length === 4",
        RUN,
    )
    .unwrap();
    let width = page
        .evaluate("document.documentElement.scrollWidth")
        .unwrap();
    assert!(
        width.as_u64().unwrap() <= u64::from(NARROW.width),
        "the page is {width} px wide"
    );
    let under = "(() => {
        const [tuned, base] = [0, 2].map(chain => document.querySelector(`[data-chain='${chain}']`).getBoundingClientRect());
        return tuned.bottom <= base.top && tuned.left === base.left;
    })()";
    assert_eq!(page.evaluate(under).unwrap(), true);
}

/// The hook of the opened experiment.
const EXPERIMENT: &str = "document.querySelector('[data-testid=experiment]')";

/// Opens an experiment and waits until its tab is there.
fn open_experiment(site: &Site, link: &str, window: Window) -> Page {
    let mut page = open(
        &site.address(&format!("view=experiments&{link}&device=cpu")),
        window,
        Gpu::Absent,
    )
    .unwrap();
    page.wait_until("the tab", EXPERIMENT, START).unwrap();
    page
}

fn in_state(state: &str) -> String {
    format!("{EXPERIMENT}.dataset.state === '{state}'")
}

#[test]
fn an_experiment_is_run_in_the_page_its_controls_pass_and_its_numbers_are_shown() {
    let site = Site::built().unwrap();
    let mut page = open_experiment(&site, "exp=random-number&seed=3", WIDE);
    assert_eq!(
        page.attribute("experiment", "data-name")
            .unwrap()
            .as_deref(),
        Some("random-number")
    );
    assert_eq!(
        page.attribute("experiment", "data-state")
            .unwrap()
            .as_deref(),
        Some("idle")
    );
    page.click("run").unwrap();
    page.wait_until("its end", &in_state("done"), RUN).unwrap();
    page.wait_until(
        "the keyboard to be back",
        "document.activeElement.dataset.testid === 'run'",
        RUN,
    )
    .unwrap();
    let controls =
        "[...document.querySelectorAll('[data-testid=control]')].map(one => one.dataset.passed)";
    let controls: Vec<String> = serde_json::from_value(page.evaluate(controls).unwrap()).unwrap();
    assert_eq!(controls, vec!["true"; 8]);

    // The base was trained on even throws.
    let number = |key: &str| {
        format!(
            "Number(document.querySelector('[data-testid=result][data-key=\"{key}\"]').dataset.value)"
        )
    };
    let bits = page.evaluate(&number("base.d6.entropy")).unwrap();
    let bits = bits.as_f64().unwrap();
    assert!((2.3..=6.0_f64.log2() + 1e-9).contains(&bits), "{bits}");
    let tuned = page.evaluate(&number("raters.d6.entropy")).unwrap();
    assert!(tuned.as_f64().unwrap().is_finite());
    page.wait_until(
        "eight drawn figures",
        "document.querySelectorAll('[data-testid=figure] svg').length === 8",
        RUN,
    )
    .unwrap();
    assert!(
        site.served()
            .iter()
            .filter(|file| file.ends_with("echarts.js"))
            .count()
            == 1,
        "the charts are fetched once"
    );
    page.wait_until(
        "the link",
        "location.hash.startsWith('#view=experiments&exp=random-number&')",
        RUN,
    )
    .unwrap();
    assert_eq!(page.complaints().unwrap(), [""; 0]);
}

#[test]
fn every_experiment_runs_in_the_page_to_its_end_and_its_controls_pass() {
    let site = Site::built().unwrap();
    for name in experiments::CATALOGUE.iter().map(|entry| entry.name) {
        let mut page = open_experiment(&site, &format!("exp={name}"), WIDE);
        page.click("run").unwrap();
        page.wait_until(
            &format!("the end of {name}"),
            &in_state("done"),
            LONG_EXPERIMENT,
        )
        .unwrap();
        let controls = "[...document.querySelectorAll('[data-testid=control]')]
            .map(one => [one.dataset.passed, one.textContent])";
        let controls = page.evaluate(controls).unwrap();
        let controls: Vec<(String, String)> = serde_json::from_value(controls).unwrap();
        assert!(!controls.is_empty(), "{name} has no control");
        for (passed, told) in controls {
            assert_eq!(passed, "true", "{name}: {told}");
        }
        assert_eq!(page.complaints().unwrap(), [""; 0], "{name}");
    }
}

#[test]
fn every_saved_svg_is_well_formed() {
    /// Saves every figure as SVG without downloading it; gives each file's name and what an XML parser says against it.
    const SAVE: &str = "(async () => {
        const [blobs, names] = [[], []];
        URL.createObjectURL = blob => (blobs.push(blob), 'about:blank');
        HTMLAnchorElement.prototype.click = function () { names.push(this.download); };
        const buttons = [...document.querySelectorAll('[data-testid=figure] .save button')];
        for (const button of buttons.filter(button => button.textContent === 'SVG')) button.click();
        const texts = await Promise.all(blobs.map(blob => blob.text()));
        const parsed = texts.map(text => new DOMParser().parseFromString(text, 'image/svg+xml'));
        return parsed.map((parsed, at) => [names[at], parsed.querySelector('parsererror')?.textContent ?? '']);
    })()";
    let site = Site::built().unwrap();
    for name in experiments::CATALOGUE.iter().map(|entry| entry.name) {
        let mut page = open_experiment(&site, &format!("exp={name}"), WIDE);
        page.wait_until(
            &format!("the figures of {name}"),
            "(() => {
                const figures = [...document.querySelectorAll('[data-testid=figure]')];
                return figures.length > 0 && figures.every(figure => figure.querySelector('svg'));
            })()",
            START,
        )
        .unwrap();
        let saved: Vec<(String, String)> =
            serde_json::from_value(page.evaluate(SAVE).unwrap()).unwrap();
        let figures = page
            .evaluate("document.querySelectorAll('[data-testid=figure]').length")
            .unwrap();
        assert_eq!(figures, saved.len(), "{name}: {saved:?}");
        for (file, complaint) in saved {
            assert_eq!(complaint, "", "{file}");
        }
    }
}

#[test]
fn a_cancelled_experiment_stops_at_once_and_the_page_lives_on() {
    let site = Site::built().unwrap();
    let mut page = open_experiment(&site, "exp=random-number&n=2&len=8", WIDE);
    page.click("run").unwrap();
    page.wait_until(
        "the first part",
        "/^[1-9]/.test(document.querySelector('[data-testid=progress]').textContent)",
        START,
    )
    .unwrap();
    assert_eq!(page.evaluate(&in_state("running")).unwrap(), true);
    page.click("cancel").unwrap();
    page.wait_until("the end", &in_state("idle"), Duration::from_secs(3))
        .unwrap();
    let kept = "document.querySelectorAll('[data-testid=result]').length";
    assert!(
        page.evaluate(kept).unwrap().as_u64().unwrap() > 0,
        "what was found stays"
    );

    // The engine is free again: the stories, which waited, are told.
    page.evaluate("[...document.querySelectorAll('nav .page')].find(one => one.textContent === 'Playground').click()")
        .unwrap();
    settled(&mut page, 2);
    assert_eq!(page.complaints().unwrap(), [""; 0]);
}

#[test]
fn charts_and_shipped_results_are_fetched_with_the_tab_and_not_before() {
    let site = Site::built().unwrap();
    let link = format!("prompt={PROMPT}&n=2&len=8&device=cpu");
    let mut page = open_ready(&site, &link, WIDE, Gpu::Absent);
    settled(&mut page, 2);
    let fetched = |page: &str| {
        let served = site.served();
        served.iter().any(|file| file.ends_with(page))
    };
    let later = [
        "charts.js",
        "echarts.js",
        "experiments/index.json",
        "truth.json",
    ];
    assert!(
        later.iter().all(|file| !fetched(file)),
        "{:?}",
        site.served()
    );
    page.evaluate("[...document.querySelectorAll('nav .page')].find(one => one.textContent === 'Experiments').click()")
        .unwrap();
    page.wait_until("the tab", EXPERIMENT, RUN).unwrap();
    page.wait_until("the charts", "globalThis.figureCharts", RUN)
        .unwrap();
    assert!(!fetched("truth.json"), "that is for a run");
    assert_eq!(page.complaints().unwrap(), [""; 0]);
}

#[test]
fn an_experiment_fits_a_phone() {
    let site = Site::built().unwrap();
    let mut page = open_experiment(&site, "exp=random-number", NARROW);
    page.click("run").unwrap();
    page.wait_until("its end", &in_state("done"), RUN).unwrap();
    let width = page
        .evaluate("document.documentElement.scrollWidth")
        .unwrap();
    assert!(
        width.as_u64().unwrap() <= u64::from(NARROW.width),
        "the page is {width} px wide"
    );
}
