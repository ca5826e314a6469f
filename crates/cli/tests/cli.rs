//! `collapse` as its users call it: what it prints, how it ends, and what it says when it cannot.
//!
//! The model is a tiny one that `collapse pretrain` makes here, so nothing is asked of what it has learned.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use protocol::{Done, Event, RECORDED_RUN, Recording, Step, read_link};
use serde_json::Value;

const RECIPE: &str = r"
seed = 1

[model]
vocabulary = 300
width = 32
inner = 48
layers = 2
heads = 4
key_value_heads = 2
context = 128
dropout = 0.1

[world]
seed = 1
stories = 12

[batches]
tokens = 256
pool = 8
shards = 2

[optimizer]
learning_rate = 3e-3
last_learning_rate = 1e-4
warm_up_steps = 5
beta_1 = 0.9
beta_2 = 0.99
epsilon = 1e-8
weight_decay = 0.05
clip_norm = 1.0
";

/// A folder of this name among cargo's temporary ones, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The tiny model's folder.
fn model() -> &'static str {
    static MODEL: OnceLock<String> = OnceLock::new();
    MODEL.get_or_init(|| {
        let folder = folder("tiny");
        let recipe = folder.join("training.toml");
        fs::write(&recipe, RECIPE).unwrap();
        let run = folder.join("run");
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        succeeds(&[
            "pretrain",
            &text(&recipe),
            "--without-texts",
            "--run",
            &text(&run),
        ]);
        text(&folder)
    })
}

fn collapse(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_collapse"))
        .args(arguments)
        .output()
        .unwrap()
}

/// What a command prints that ends well.
fn succeeds(arguments: &[&str]) -> String {
    let output = collapse(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a command says that ends with this code.
fn fails(arguments: &[&str], code: i32) -> String {
    let output = collapse(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(
        output.stdout.is_empty(),
        "{arguments:?} prints although it fails"
    );
    said
}

/// The JSON of a command on the tiny model.
fn json(arguments: &[&str]) -> Value {
    let printed = succeeds(&[arguments, &["--model", model(), "--json"]].concat());
    serde_json::from_str(&printed).unwrap()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn ids(chain: &Value) -> Vec<u64> {
    chain["ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_u64().unwrap())
        .collect()
}

fn chains(report: &Value) -> Vec<Vec<u64>> {
    report["chains"]
        .as_array()
        .unwrap()
        .iter()
        .map(ids)
        .collect()
}

#[test]
fn next_prints_the_whole_distribution_and_its_measures() {
    let report = json(&[
        "next",
        "--prompt",
        "Once upon",
        "--temperature",
        "0.5",
        "--all",
    ]);
    let tokens = report["tokens"].as_array().unwrap();
    assert_eq!(tokens.len(), 300);
    let p: Vec<f64> = tokens.iter().map(|token| number(&token["p"])).collect();
    assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(p.is_sorted_by(|one, next| one >= next));
    let entropy: f64 = p.iter().filter(|p| **p > 0.0).map(|p| -p * p.log2()).sum();
    assert!((number(&report["entropy_bits"]) - entropy).abs() < 1e-9);
    assert!((number(&report["effective_choices"]) - entropy.exp2()).abs() < 1e-6);
    assert_eq!(number(&report["beta"]), 2.0);
    let (first, last) = (&tokens[0], &tokens[299]);
    let odds = (2.0 * (number(&first["logit"]) - number(&last["logit"]))).exp();
    assert!(
        (p[0] / p[299] / odds - 1.0).abs() < 1e-6,
        "p is softmax of twice the logit"
    );
    assert!(first["id"].is_u64() && first["text"].is_string());
}

#[test]
fn next_shows_twenty_tokens_unless_all_are_asked_for() {
    let report = json(&["next", "--prompt", "Once upon"]);
    assert_eq!(report["tokens"].as_array().unwrap().len(), 20);
    let table = succeeds(&["next", "--prompt", "Once upon", "--model", model()]);
    assert!(table.starts_with("entropy "), "{table}");
    assert_eq!(table.lines().count(), 3 + 20, "{table}");
}

#[test]
fn temperature_zero_is_certain_and_its_beta_is_the_word_inf() {
    let report = json(&["next", "--prompt", "Once upon", "--temperature", "0"]);
    assert_eq!(report["beta"], "inf");
    assert_eq!(number(&report["entropy_bits"]), 0.0);
    assert_eq!(number(&report["tokens"][0]["p"]), 1.0);
}

#[test]
fn a_scale_of_two_is_a_temperature_of_a_half() {
    let cool = json(&["next", "--prompt", "The dog", "--temperature", "0.5"]);
    assert_eq!(cool, json(&["next", "--prompt", "The dog", "--scale", "2"]));
}

#[test]
fn an_infinite_temperature_makes_all_tokens_equally_likely() {
    let report = json(&["next", "--prompt", "The dog", "--temperature", "inf"]);
    assert!((number(&report["effective_choices"]) - 300.0).abs() < 1e-6);
    assert_eq!(number(&report["beta"]), 0.0);
}

#[test]
fn sample_prints_chains_that_depend_on_the_seed_alone() {
    let sample = |seed| {
        json(&[
            "sample", "--prompt", "Once", "--chains", "3", "--length", "12", "--seed", seed,
        ])
    };
    let report = sample("5");
    assert_eq!(report["device"], "cpu");
    assert!(number(&report["tokens_per_second"]) > 0.0);
    assert_eq!(chains(&report).len(), 3);
    assert!(
        chains(&report)
            .iter()
            .all(|ids| (1..=12).contains(&ids.len()))
    );
    assert_eq!(chains(&report), chains(&sample("5")));
    assert_ne!(chains(&report), chains(&sample("6")));
}

#[test]
fn a_chain_does_not_depend_on_how_many_there_are() {
    let sample = |count| {
        json(&[
            "sample", "--prompt", "Once", "--chains", count, "--length", "12",
        ])
    };
    assert_eq!(chains(&sample("5"))[..2], chains(&sample("2")));
}

#[test]
fn at_temperature_zero_all_chains_are_alike() {
    let report = json(&[
        "sample",
        "--prompt",
        "Once",
        "--chains",
        "4",
        "--length",
        "9",
        "--temperature",
        "0",
    ]);
    let chains = chains(&report);
    assert!(chains.iter().all(|ids| *ids == chains[0]));
}

#[test]
fn ids_hold_the_end_of_text_that_texts_leave_out() {
    // At infinite temperature one token in three hundred ends a chain.
    let report = json(&[
        "sample",
        "--prompt",
        "Once",
        "--chains",
        "64",
        "--length",
        "64",
        "--temperature",
        "inf",
    ]);
    let ended: Vec<&Value> = report["chains"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|chain| ids(chain).last() == Some(&0))
        .collect();
    assert!(!ended.is_empty());
    for chain in ended {
        assert!(
            !chain["text"].as_str().unwrap().contains("<|endoftext|>"),
            "{chain}"
        );
    }
}

#[test]
fn beam_search_prints_hypotheses_likeliest_first() {
    let search = |width| {
        json(&[
            "sample", "--prompt", "Once", "--beam", width, "--length", "8",
        ])
    };
    let report = search("4");
    let found = report["hypotheses"].as_array().unwrap();
    assert_eq!(found.len(), 4);
    let scores: Vec<f64> = found
        .iter()
        .map(|found| number(&found["log_probability"]))
        .collect();
    assert!(
        scores.is_sorted_by(|one, next| one >= next) && scores[0] < 0.0,
        "{scores:?}"
    );
    let greedy = number(&search("1")["hypotheses"][0]["log_probability"]);
    assert!(
        scores[0] >= greedy - 1e-3,
        "a wider beam found {}, greedy {greedy}",
        scores[0]
    );
}

#[test]
fn evaluate_counts_the_bytes_of_what_it_scores() {
    let text = folder("evaluate").join("held_out.txt");
    let path = text.to_str().unwrap();
    fs::write(
        &text,
        "The dog was happy.\n<|endoftext|>\nA café.<|endoftext|>long",
    )
    .unwrap();
    let report = json(&["evaluate", "--text", path, "--least", "5", "--most", "20"]);
    assert_eq!(report["stories"], 2);
    let names: Vec<&str> = report
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        names,
        [
            "bits_per_byte",
            "bytes",
            "nats_per_token",
            "stories",
            "tokens"
        ]
    );
    assert_eq!(report["bytes"], "The dog was happy.A café.".len());
    let nats = number(&report["nats_per_token"]) * number(&report["tokens"]);
    let bits = nats / std::f64::consts::LN_2 / number(&report["bytes"]);
    assert!((number(&report["bits_per_byte"]) - bits).abs() < 1e-9);

    fs::write(&text, succeeds(&["corpus", "--stories", "3"])).unwrap();
    let report = json(&[
        "evaluate",
        "--text",
        path,
        "--stories",
        "2",
        "--most",
        "100000",
    ]);
    assert_eq!(report["stories"], 2);
    assert_eq!(
        report["tokens"],
        2 * 128,
        "the context's tokens of both stories"
    );

    let said = fails(
        &[
            "evaluate",
            "--text",
            path,
            "--most",
            "9",
            "--model",
            model(),
        ],
        1,
    );
    assert!(
        said.contains("no story of 200 to 9 characters") && said.contains("--least"),
        "{said}"
    );
}

#[test]
fn evaluate_compares_a_model_with_a_truth_table() {
    let path = folder("truth").join("truth.json");
    let file = path.to_str().unwrap();
    succeeds(&["corpus", "--truth", file]);
    let mut table: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let families = table["families"].as_array_mut().unwrap();
    families.retain(|family| family["name"] == "coin" || family["name"] == "d6");
    fs::write(&path, table.to_string()).unwrap();
    let report = json(&["evaluate", "--truth", file]);
    assert!(report.get("bits_per_byte").is_none());
    let families = report["truth"]["families"].as_array().unwrap();
    assert_eq!(families.len(), 2);
    let coin = &families[0]["seen"];
    assert_eq!(
        (&coin["prompts"], &families[0]["unseen"]["prompts"]),
        (&4.into(), &1.into())
    );
    // A model that was never taught the coin says something else.
    assert!(number(&coin["elsewhere"]) > 0.9);
    assert!((0.0..=1.0).contains(&number(&coin["total_variation"])));
    assert!((number(&report["truth"]["ece"]) - 0.33).abs() < 0.1);

    fs::write(&path, "{}").unwrap();
    let said = fails(&["evaluate", "--truth", file, "--model", model()], 1);
    assert!(
        said.contains("no truth table") && said.contains("--truth"),
        "{said}"
    );
    fails(&["evaluate", "--model", model()], 2);
}

#[test]
fn corpus_tells_the_same_stories_for_the_same_seed() {
    let stories = succeeds(&["corpus", "--seed", "3", "--stories", "4"]);
    assert_eq!(stories.matches("<|endoftext|>").count(), 4);
    assert_eq!(
        stories,
        succeeds(&["corpus", "--seed", "3", "--stories", "4"])
    );
    let last = succeeds(&["corpus", "--seed", "3", "--stories", "1", "--first", "3"]);
    assert!(stories.ends_with(&last));
    let labelled = succeeds(&["corpus", "--seed", "3", "--stories", "1", "--labels"]);
    assert!(
        labelled.starts_with('[') && labelled.contains("joys:"),
        "{labelled}"
    );
    for line in succeeds(&["corpus", "--stories", "2", "--json"]).lines() {
        let story: Value = serde_json::from_str(line).unwrap();
        assert!(story["text"].is_string() && story["labels"]["ending"].is_string());
    }
}

#[test]
fn corpus_counts_every_story_once_among_its_endings() {
    let stats: Value = serde_json::from_str(&succeeds(&[
        "corpus",
        "--stories",
        "400",
        "--stats",
        "--json",
    ]))
    .unwrap();
    for kind in ["sentiments", "endings", "openings"] {
        let sum: f64 = stats[kind].as_object().unwrap().values().map(number).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{kind}: {sum}");
    }
    assert!(succeeds(&["corpus", "--stories", "50", "--stats"]).contains("\nendings\n"));
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_collapse"))
        .args(["corpus", "--stories", "5000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn pretrain_pauses_goes_on_and_leaves_a_model() {
    let folder = folder("pause");
    let recipe = folder.join("training.toml");
    fs::write(&recipe, RECIPE).unwrap();
    let run = folder.join("run");
    let arguments = [
        "pretrain",
        recipe.to_str().unwrap(),
        "--without-texts",
        "--run",
        run.to_str().unwrap(),
    ];
    succeeds(&[&arguments[..], &["--pause-after", "3"]].concat());
    assert!(!folder.join("model.safetensors").exists());
    succeeds(&arguments);
    for file in [
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        "training-log.jsonl",
    ] {
        assert!(folder.join(file).is_file(), "{file}");
    }
}

#[test]
fn stages_of_pretraining_have_runs_of_their_own_and_name_the_stage_that_is_missing() {
    let folder = folder("stages");
    let recipes = ["one/training.toml", "training.toml"];
    fs::create_dir_all(folder.join("one")).unwrap();
    fs::write(folder.join(recipes[0]), RECIPE).unwrap();
    let second = format!("start = \"one\"\n{RECIPE}");
    fs::write(folder.join(recipes[1]), second).unwrap();
    // Recipes are named as a reader does who stands in the folder, and runs lie there, too.
    let pretrain = |recipe: &str| {
        Command::new(env!("CARGO_BIN_EXE_collapse"))
            .args(["pretrain", recipe, "--without-texts"])
            .current_dir(&folder)
            .output()
            .unwrap()
    };
    let early = pretrain(recipes[1]);
    let said = String::from_utf8(early.stderr).unwrap();
    assert_eq!(early.status.code(), Some(1));
    assert!(
        said.contains("collapse pretrain one/training.toml"),
        "{said}"
    );
    for recipe in recipes {
        let output = pretrain(recipe);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{recipe}: {said}");
    }
    assert!(folder.join("runs/one/log.jsonl").is_file());
    assert!(folder.join("model.safetensors").is_file());
}

#[test]
fn pretrain_asks_for_the_texts_of_its_recipe() {
    let recipe = folder("texts").join("training.toml");
    let text = "\n[[texts]]\nfile = \"a.txt\"\norigin = \"nowhere\"\nlicence = \"none\"\nsha256 = \"0\"\npasses = 1\n";
    fs::write(&recipe, format!("{RECIPE}{text}")).unwrap();
    let said = fails(&["pretrain", recipe.to_str().unwrap()], 1);
    assert!(
        said.contains("--texts") && said.contains("--without-texts"),
        "{said}"
    );
}

#[test]
fn curve_draws_the_log_with_named_axes() {
    let log = Path::new(model()).join("training-log.jsonl");
    let picture = folder("curve").join("loss.svg");
    succeeds(&[
        "curve",
        "--log",
        log.to_str().unwrap(),
        "--out",
        picture.to_str().unwrap(),
    ]);
    let svg = fs::read_to_string(picture).unwrap();
    assert!(
        svg.starts_with("<svg") && svg.contains("nats per token") && svg.contains("millions"),
        "{svg}"
    );
}

#[test]
fn record_writes_what_sample_decodes() {
    let file = folder("record").join("recorded.bin");
    let link = "model=tiny&prompt=Once%20upon&t=0.8&seed=5&n=3&len=10";
    let out = file.to_str().unwrap();
    succeeds(&[
        "record",
        "--model",
        model(),
        "--link",
        link,
        "--out",
        out,
        "--pace-ms",
        "50",
    ]);

    let recording = Recording::from_bytes(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(read_link(&recording.link), read_link(link));
    let frames = &recording.frames;
    assert!(frames.is_sorted_by_key(|frame| frame.at_ms));
    assert!(matches!(&frames[0].event, Event::Ready(ready) if ready.vocabulary.len() == 300));
    assert!(
        matches!(&frames[1].event, Event::Prefilled(prefilled) if prefilled.logits.base.len() == 300)
    );
    let mut replayed = vec![Vec::new(); 3];
    let mut last = [false; 3];
    for frame in &frames[2..frames.len() - 1] {
        let Event::Step(Step {
            run: RECORDED_RUN,
            picks,
            ..
        }) = &frame.event
        else {
            panic!("{:?} is no step of the recorded run", frame.event);
        };
        for pick in picks {
            assert_eq!(pick.position as usize, replayed[pick.chain as usize].len());
            replayed[pick.chain as usize].push(u64::from(pick.token));
            last[pick.chain as usize] = pick.last;
        }
    }
    assert_eq!(last, [true; 3]);
    assert!(matches!(
        frames[frames.len() - 1].event,
        Event::Done(Done {
            run: RECORDED_RUN,
            ..
        })
    ));

    let knobs = [
        "--temperature",
        "0.8",
        "--seed",
        "5",
        "--chains",
        "3",
        "--length",
        "10",
    ];
    let sampled = json(&[&["sample", "--prompt", "Once upon"], &knobs[..]].concat());
    assert_eq!(replayed, chains(&sampled));
}

#[test]
fn record_refuses_what_the_page_would_not_play() {
    let said = fails(
        &[
            "record",
            "--model",
            model(),
            "--link",
            "model=other",
            "--out",
            "x",
        ],
        1,
    );
    assert!(said.contains("the link's model is other"), "{said}");
    let said = fails(
        &[
            "record",
            "--model",
            model(),
            "--link",
            "model=tiny&t=warm",
            "--out",
            "x",
        ],
        1,
    );
    assert!(said.contains("“t” was not used"), "{said}");
}

#[test]
fn bench_measures_load_prefill_three_sizes_of_swarm_and_new_knobs() {
    let report = json(&["bench", "--runs", "2"]);
    let rows = report.as_array().unwrap();
    let what: Vec<&str> = rows
        .iter()
        .map(|row| row["what"].as_str().unwrap())
        .take(6)
        .collect();
    let sizes = ["decode, 1 chains", "decode, 16 chains", "decode, 64 chains"];
    assert_eq!(what[..2], ["load and first row", "prefill, 16 tokens"]);
    assert_eq!(what[2..5], sizes);
    assert_eq!(what[5..], ["new knobs, 64 chains"]);
    for row in rows {
        assert!(
            number(&row["value"]) > 0.0 && number(&row["best"]) > 0.0,
            "{row}"
        );
        assert!(row["place"].is_string() && row["unit"].is_string(), "{row}");
    }
}

#[test]
fn a_knob_out_of_range_is_a_mistake_of_usage_and_says_the_range() {
    for (flag, value, range) in [
        ("--temperature", "-1", "0"),
        ("--temperature", "NaN", "number"),
        ("--scale", "inf", "finite"),
        ("--top-p", "0", "above 0 and at most 1"),
        ("--min-p", "2", "to 1"),
        ("--typical", "0", "above 0 and at most 1"),
        ("--rep", "0", "above 0"),
        ("--top-k", "2.5", "invalid"),
    ] {
        for command in ["next", "sample"] {
            let said = fails(&[command, "--prompt", "Once", flag, value], 2);
            assert!(
                said.contains(flag) && said.contains(range),
                "{command} {flag} {value}: {said}"
            );
        }
    }
    fails(
        &["sample", "--prompt", "Once", "--beam", "2", "--seed", "3"],
        2,
    );
    fails(&["next"], 2);
    fails(&["dream"], 2);
}

#[test]
fn a_prompt_that_does_not_fit_says_by_how_much() {
    let said = fails(
        &[
            "sample",
            "--prompt",
            "a b c",
            "--length",
            "128",
            "--model",
            model(),
        ],
        1,
    );
    assert!(
        said.contains("context of 128")
            && said.contains("not for 128")
            && said.contains("--length"),
        "{said}"
    );
    let long = "dog ".repeat(200);
    let said = fails(&["next", "--prompt", &long, "--model", model()], 1);
    assert!(
        said.contains("the model's context is 128; shorten it by"),
        "{said}"
    );
}

#[test]
fn a_folder_without_a_model_is_named_with_the_file_that_is_missing() {
    let empty = folder("empty");
    let said = fails(
        &[
            "next",
            "--prompt",
            "Once",
            "--model",
            empty.to_str().unwrap(),
        ],
        1,
    );
    assert!(
        said.starts_with("collapse: the model ") && said.contains("config.json"),
        "{said}"
    );
    assert_eq!(said.matches("No such file").count(), 1, "{said}");
}

#[test]
fn weights_that_overflow_end_in_words_and_print_no_tokens() {
    let loud = folder("loud");
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(Path::new(model()).join(file), loud.join(file)).unwrap();
    }
    // The same tensors in bf16, which reaches as far as f32: 1 everywhere, and 3e38 in the last norm.
    let weights = loud.join("model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let data = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..data]).unwrap();
    for (name, tensor) in header.as_object_mut().unwrap() {
        if name != "__metadata__" {
            tensor["dtype"] = "BF16".into();
        }
    }
    let mut data = bytes.split_off(data);
    let offsets = &header["model.norm.weight"]["data_offsets"];
    let [begin, end] = [0, 1].map(|side| offsets[side].as_u64().unwrap() as usize / 2);
    for (place, value) in data.as_chunks_mut().0.iter_mut().enumerate() {
        let loud = (begin..end).contains(&place);
        *value = if loud { 0x7F61u16 } else { 0x3F80 }.to_le_bytes();
    }
    let header = header.to_string();
    let length = (header.len() as u64).to_le_bytes();
    fs::write(&weights, [&length, header.as_bytes(), &data].concat()).unwrap();
    let model = loud.to_str().unwrap();
    let asked = ["--prompt", "Once", "--model", model];
    for command in [&["next"][..], &["sample", "--length", "64"]] {
        let said = fails(&[command, &asked].concat(), 1);
        assert!(
            said.starts_with("collapse: ") && said.contains("rows of logits are NaN or infinite"),
            "{said}"
        );
    }
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_device_that_was_not_built_in_says_how_to_build_it() {
    let said = fails(
        &[
            "next",
            "--prompt",
            "Once",
            "--model",
            model(),
            "--device",
            "cuda",
        ],
        1,
    );
    assert!(
        said.contains("--features cuda") && said.contains("--device cpu"),
        "{said}"
    );
}

/// The tiny model with all that a report reads, and an adapter of one step.
fn model_to_report(name: &str) -> PathBuf {
    let folder = folder(name);
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(Path::new(model()).join(file), folder.join(file)).unwrap();
    }
    let group = |name: &str, openings: [&str; 2]| {
        let about = "for a test";
        serde_json::json!({ "name": name, "title": name, "origin": about, "licence": about, "openings": openings })
    };
    let groups = [
        group("near", ["Once upon a time.", "The dog ran."]),
        group("far", ["fn main()", "Rain: 7 mm"]),
    ];
    let openings = serde_json::json!({ "about": "for a test", "groups": groups });
    fs::write(folder.join("openings.json"), openings.to_string()).unwrap();
    let attractor = |name: &str, phrases: &[&str]| serde_json::json!({ "name": name, "title": name, "about": "", "phrases": phrases });
    // Words of one letter: a model that was hardly trained says them now and then.
    let letters: Vec<String> = ('a'..='m').map(|letter| format!("{letter}*")).collect();
    let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
    let attractors = [
        attractor("wedding", &["wedding*"]),
        attractor("letters", &letters),
    ];
    let catalogue =
        serde_json::json!({ "about": "", "ending_sentences": 2, "attractors": attractors });
    fs::write(folder.join("attractors.json"), catalogue.to_string()).unwrap();
    let truth = folder.join("truth.json");
    succeeds(&["corpus", "--truth", truth.to_str().unwrap()]);
    let mut table: Value = serde_json::from_str(&fs::read_to_string(&truth).unwrap()).unwrap();
    let families = table["families"].as_array_mut().unwrap();
    families.retain(|family| family["name"] == "coin");
    fs::write(&truth, table.to_string()).unwrap();

    let adapter = folder.join("adapters/wedding-kl-8");
    fs::create_dir_all(&adapter).unwrap();
    let recipe = adapter.join("training.toml");
    fs::write(&recipe, TUNING).unwrap();
    let run = folder.join("run");
    succeeds(&[
        "tune",
        recipe.to_str().unwrap(),
        "--run",
        run.to_str().unwrap(),
    ]);
    folder
}

const TUNING: &str = r#"
seed = 1
base = "../.."
prompts = [{ kind = "facts", families = ["coin"] }]
reward = { name = "spread", preference = 1.0, novelty = 2.0 }
kl = { coefficient = 0.1, target_nats = 8.0 }
steps = { count = 2, prompts = 2, group = 3, length = 6 }

[adapter]
rank = 2
alpha = 8.0
targets = ["q_proj", "down_proj"]

[optimizer]
learning_rate = 3e-2
last_learning_rate = 3e-2
warm_up_steps = 1
beta_1 = 0.9
beta_2 = 0.99
epsilon = 1e-8
weight_decay = 0.0
clip_norm = 1.0
"#;

#[test]
fn a_report_measures_every_model_once_and_says_what_it_found() {
    let folder = model_to_report("report");
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let stories = file("stories.txt");
    fs::write(&stories, succeeds(&["corpus", "--stories", "4"])).unwrap();
    let report = |more: &[&str]| {
        let settings = [
            "--chains", "3", "--length", "12", "--text", &stories, "--json",
        ];
        let model = file("");
        let arguments = [&["report", "--model", &model][..], &settings, more].concat();
        let output = collapse(&arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        (found, said)
    };
    let (found, said) = report(&[]);
    assert!(said.contains("base: chains of openings"), "{said}");
    assert!(said.contains("wedding-kl-8: held-out stories"), "{said}");

    let models = found["models"].as_array().unwrap();
    let names: Vec<&str> = models
        .iter()
        .map(|model| model["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["base", "wedding-kl-8"]);
    assert_eq!(number(&models[1]["target_nats"]), 8.0);
    for model in models {
        assert_eq!(model["overall"]["chains"], 12);
        for measures in model["groups"]
            .as_array()
            .unwrap()
            .iter()
            .chain([&model["overall"]])
        {
            let shares = measures["shares"].as_array().unwrap();
            let sum: f64 = shares.iter().map(|share| number(&share["share"])).sum();
            assert!((sum - 1.0).abs() < 1e-9 && shares.len() == 3);
        }
        let entropy = model["entropy_bits"].as_array().unwrap();
        assert!(entropy.len() <= 12 && number(&entropy[0]) > 0.0);
        assert!(number(&model["held_out"]["bits_per_byte"]) > 0.0);
        assert_eq!(model["answers"][0]["name"], "coin");
        assert!(
            model["overall"]["reward"].is_null(),
            "there is no predictor"
        );
    }
    assert_eq!(number(&models[0]["overall"]["kl_nats"]["mean"]), 0.0);
    assert!(number(&models[1]["overall"]["kl_nats"]["mean"]) > 0.0);
    // A story that was cut ends in no attractor, whatever its last words are.
    let overall = &models[0]["overall"];
    let none = number(&overall["shares"][2]["share"]);
    assert!(none >= 1.0 - number(&overall["ended"]) - 1e-9, "{overall}");
    assert_eq!(models[0]["hitting"][0]["attractor"], "wedding");

    let text = fs::read_to_string(folder.join("REPORT.md")).unwrap();
    for words in [
        "wedding-kl-8",
        "**not met**",
        "not measured",
        "I corrected",
        "budget, nats",
    ] {
        assert!(text.contains(words), "{words}");
    }
    for figure in ["shares.svg", "hitting.svg", "entropy.svg", "budget.svg"] {
        let svg = fs::read_to_string(folder.join("report").join(figure)).unwrap();
        assert!(
            svg.starts_with("<svg") && svg.contains("wedding-kl-8"),
            "{figure}"
        );
        assert!(text.contains(figure), "{figure}");
    }

    let (again, said) = report(&[]);
    assert_eq!(again, found);
    assert!(
        !said.contains("chains of openings"),
        "nothing is measured twice: {said}"
    );
    let (anew, said) = report(&["--anew", "--cores", "1"]);
    assert_eq!(anew, found, "the number of cores changes nothing");
    assert!(said.contains("chains of openings"), "{said}");
    let (base, said) = report(&["--adapters", "none", "--seed", "2"]);
    assert_eq!(base["models"].as_array().unwrap().len(), 1);
    assert!(said.contains("chains of openings"), "{said}");

    let model = file("");
    let ask = ["report", "--model", &model, "--length", "12"];
    let said = fails(&[&ask[..], &["--adapters", "nobody"]].concat(), 1);
    assert!(
        said.contains("nobody") && said.contains("wedding-kl-8"),
        "{said}"
    );
    let said = fails(
        &["report", "--model", &model, "--openings", "nowhere.json"],
        1,
    );
    assert!(said.contains("nowhere.json"), "{said}");
}

#[test]
fn a_reader_labels_texts_that_the_report_drew() {
    let folder = model_to_report("hand-check");
    let model = folder.to_str().unwrap();
    let settings = ["--chains", "2", "--length", "12", "--adapters", "none"];
    let report =
        |more: &[&'static str]| [&["report", "--model", model][..], &settings, more].concat();
    succeeds(&report(&["--draw-hand-check", "5"]));
    let path = folder.join("report/hand-check.json");
    let mut check: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(check["texts"].as_array().unwrap().len(), 5);
    let said = fails(&report(&["--draw-hand-check", "5"]), 1);
    assert!(said.contains("already"), "{said}");
    let said = fails(&report(&[]), 1);
    assert!(said.contains("text 1"), "{said}");

    for text in check["texts"].as_array_mut().unwrap() {
        text["hand"] = "none".into();
    }
    fs::write(&path, check.to_string()).unwrap();
    let found: Value = serde_json::from_str(&succeeds(&report(&["--json"]))).unwrap();
    assert_eq!(found["checks"][1]["texts"], 5);
    assert!(
        fs::read_to_string(folder.join("REPORT.md"))
            .unwrap()
            .contains("reader's labels")
    );
}

/// The tiny model with the files that experiments ask.
fn model_to_experiment(name: &str) -> PathBuf {
    let folder = folder(name);
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(Path::new(model()).join(file), folder.join(file)).unwrap();
    }
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/storyteller");
    fs::create_dir_all(folder.join("reward")).unwrap();
    for file in [
        "truth.json",
        "openings.json",
        "attractors.json",
        "held-out.json",
        "reward/weights.json",
    ] {
        fs::copy(shipped.join(file), folder.join(file)).unwrap();
    }
    folder
}

#[test]
fn an_experiment_prints_findings_whose_controls_passed() {
    let folder = model_to_experiment("experiment");
    let model = folder.to_str().unwrap();
    let arguments = [
        "experiment",
        "random-number",
        "--quick",
        "--adapters",
        "none",
    ];
    let arguments = [&arguments[..], &["--model", model]].concat();
    let printed = succeeds(&[&arguments[..], &["--json"]].concat());
    let found: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(found["experiment"], "random-number");
    assert_eq!(found["subjects"], serde_json::json!(["base"]));
    let controls = found["controls"].as_array().unwrap();
    assert_eq!(controls.len(), 8);
    for control in controls {
        let off = (number(&control["found"]) - number(&control["expected"])).abs();
        assert!(off <= number(&control["tolerance"]), "{control}");
    }
    assert!(!found["results"].as_array().unwrap().is_empty());
    assert!(found.get("date").is_none(), "findings are reproducible");

    let table = succeeds(&arguments);
    assert!(table.contains("base.d6.entropy"), "{table}");
    assert!(table.contains("d6: a fair thrower"), "{table}");
    assert!(!table.contains("FAILED"), "{table}");
    assert!(
        !folder.join("experiments").exists(),
        "nothing is written unless asked"
    );
}

#[test]
fn findings_that_were_written_are_checked_bit_for_bit() {
    let folder = model_to_experiment("experiment-check");
    let model = folder.to_str().unwrap();
    let name = ["experiment", "random-number", "--model", model];
    let said = fails(&[&name[..], &["--check"]].concat(), 1);
    assert!(
        said.contains("collapse experiment random-number --write"),
        "{said}"
    );
    succeeds(
        &[
            &name[..],
            &["--quick", "--adapters", "none", "--seed", "7", "--write"],
        ]
        .concat(),
    );
    let file = folder.join("experiments/random-number.json");
    let written = fs::read_to_string(&file).unwrap();
    let shipped: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(shipped["findings"]["setting"]["seed"], 7);
    assert_eq!(shipped["made"]["date"].as_str().unwrap().len(), 10);
    assert!(shipped["made"]["models"]["base"].is_string());
    let text = fs::read_to_string(folder.join("EXPERIMENTS.md")).unwrap();
    let link = "## [Pick a random number](experiments/random-number.md)";
    assert!(text.contains(link), "{text}");
    let page = folder.join("experiments/random-number.md");
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.starts_with("# Pick a random number\n"), "{text}");
    assert!(text.contains("(random-number-d6-shares.svg)"), "{text}");
    let picture = folder.join("experiments/random-number-d6-shares.svg");
    assert!(fs::read_to_string(picture).unwrap().contains("<svg"));

    // Pages and pictures are written again from the file alone.
    fs::remove_file(&page).unwrap();
    fs::remove_file(folder.join("EXPERIMENTS.md")).unwrap();
    succeeds(&[&name[..], &["--render"]].concat());
    assert_eq!(fs::read_to_string(&page).unwrap(), text);
    assert_eq!(fs::read_to_string(&file).unwrap(), written);
    assert!(folder.join("EXPERIMENTS.md").exists());

    // Settings are those of the file, and the date does not count.
    let said = succeeds(&[&name[..], &["--check"]].concat());
    assert!(said.contains("reproduced bit for bit"), "{said}");
    let date = shipped["made"]["date"].as_str().unwrap();
    fs::write(&file, written.replace(date, "1999-12-31")).unwrap();
    succeeds(&[&name[..], &["--check"]].concat());

    let entropy = "\"value\": ";
    fs::write(&file, written.replacen(entropy, "\"value\": 1", 1)).unwrap();
    let said = fails(&[&name[..], &["--check"]].concat(), 1);
    assert!(said.contains("findings.results[0].value"), "{said}");
}

#[test]
fn an_experiment_says_what_is_wrong_and_what_to_do() {
    let said = fails(&["experiment", "random-numbers"], 2);
    for name in ["scaled-logits", "random-number", "pathologies", "all"] {
        assert!(said.contains(name), "{said}");
    }
    let folder = model_to_experiment("experiment-wrong");
    let model = folder.to_str().unwrap();
    let arguments = ["experiment", "random-number", "--quick", "--model", model];
    let said = fails(&[&arguments[..], &["--adapters", "marriage"]].concat(), 1);
    assert!(said.contains("no adapter marriage"), "{said}");
    fs::remove_file(folder.join("truth.json")).unwrap();
    let said = fails(&arguments, 1);
    assert!(
        said.contains("truth.json") && said.contains("held-out.json"),
        "{said}"
    );
}
