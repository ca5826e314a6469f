//! An experiment as a link: settings to and from a URL's hash.
//!
//! The hash is a query string: `prompt=Roll%20a%20die%3A&t=0.5&seed=7`. Keys: `view` (`playground`, `experiments`, `about`), `exp`
//! (an experiment's name), `model`, `adapter`, `lambda` (realignment),
//! `compare` (1: the base beside it), `prompt`, `t` (temperature, also `inf`), `s` (logit scale), `top_k`, `top_p`, `min_p`,
//! `typical`, `rep` (repetition penalty), `seed`, `n` (chains), `len` (tokens per chain), `device` (`auto`, `cpu`, `webgpu`). Reading never fails: a value that cannot be used falls
//! back to its default, with a note for the reader. Links that were damaged on the web are repaired where only one meaning is
//! possible ([`crate::link_repair`]).

use std::{collections::BTreeSet, fmt::Display, fmt::Write as _, str::FromStr};

use decoding::Shaping;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{
    Chains, DeviceChoice, Lambda, Length, Settings, View,
    link_repair::{is_tracker, line_ends, parts, respelled, unwrapped},
};

/// Left as they are in a link: no meaning in a hash, and easy to read.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'!')
    .remove(b'\'')
    .remove(b',');

/// A part of a link that was not used, and what stands in its place; a sentence for the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkNote(pub String);

/// Settings from a link's hash (with or without its `#`), with a note for every part that was not used or had to be repaired.
pub fn read_link(hash: &str) -> (Settings, Vec<LinkNote>) {
    read(hash, false)
}

/// Settings from an address: from its hash, or from its query where the hash is empty. Other sites add words of their own to a
/// query, so what is unknown there is passed over.
pub fn read_address(query: &str, hash: &str) -> (Settings, Vec<LinkNote>) {
    if parts(&unwrapped(hash)).next().is_some() {
        read(hash, false)
    } else {
        read(query, true)
    }
}

fn read(link: &str, pass_over_unknown: bool) -> (Settings, Vec<LinkNote>) {
    let mut settings = Settings::default();
    let mut notes = Vec::new();
    let mut note = |key: &str, what: &str| {
        let key: String = key.chars().take(40).collect();
        notes.push(LinkNote(format!("The link's “{key}” {what}.")));
    };
    let mut seen = BTreeSet::new();
    for part in parts(&unwrapped(link)) {
        let (written, value) = part.split_once('=').unwrap_or((part, ""));
        let key = written.trim().to_lowercase();
        if is_tracker(&key) || (pass_over_unknown && !KEYS.contains(&&*key)) {
            continue;
        }
        let read = unescape(value).and_then(|value| {
            set(&mut settings, &key, &value).or_else(|reason| {
                let other = respelled(&key, &value).ok_or_else(|| reason.clone())?;
                set(&mut settings, &key, &other).map_err(|_| reason)?;
                note(written, &format!("was read as {other}"));
                Ok(())
            })
        });
        match read {
            Err(reason) => note(written, &format!("was not used: {reason}")),
            Ok(()) if !seen.insert(key) => note(written, "is there twice; the last one counts"),
            Ok(()) => {}
        }
    }
    (settings, notes)
}

/// All keys.
const KEYS: [&str; 18] = [
    "view", "exp", "model", "adapter", "lambda", "compare", "prompt", "t", "s", "top_k", "top_p",
    "min_p", "typical", "rep", "seed", "n", "len", "device",
];

/// The hash (without its `#`) that stands for some settings.
///
/// Everything that every experiment has is written out, so that a link keeps its meaning when a default changes; filters
/// that are off are left out.
pub fn write_link(settings: &Settings) -> String {
    let shaping = &settings.shaping;
    let neutral = Shaping::default();
    let mut link = String::new();
    let mut put = |key: &str, value: &dyn Display| {
        let separator = if link.is_empty() { "" } else { "&" };
        write!(link, "{separator}{key}={value}").expect("a String takes every text");
    };
    match settings.view {
        View::Playground => {}
        View::Experiments => put("view", &"experiments"),
        View::About => put("view", &"about"),
    }
    if let Some(experiment) = &settings.experiment {
        put("exp", experiment);
    }
    put("model", &settings.model);
    if let Some(adapter) = &settings.adapter {
        put("adapter", adapter);
    }
    if settings.adapter.is_some() || settings.lambda != Lambda::default() {
        put("lambda", &settings.lambda.get());
    }
    if settings.compare {
        put("compare", &1);
    }
    put("prompt", &utf8_percent_encode(&settings.prompt, ESCAPED));
    put("t", &shaping.temperature());
    put("s", &shaping.logit_scale());
    if shaping.top_k() != neutral.top_k() {
        put("top_k", &shaping.top_k());
    }
    for (key, value, off) in [
        ("top_p", shaping.top_p(), neutral.top_p()),
        ("min_p", shaping.min_p(), neutral.min_p()),
        ("typical", shaping.typical_p(), neutral.typical_p()),
        (
            "rep",
            shaping.repetition_penalty(),
            neutral.repetition_penalty(),
        ),
    ] {
        if value != off {
            put(key, &value);
        }
    }
    put("seed", &settings.seed);
    put("n", &settings.chains.get());
    put("len", &settings.length.get());
    match settings.device {
        DeviceChoice::Auto => {}
        DeviceChoice::Cpu => put("device", &"cpu"),
        DeviceChoice::WebGpu => put("device", &"webgpu"),
    }
    link
}

/// The text behind `%20` and, as forms write it, `+`.
fn unescape(value: &str) -> Result<String, String> {
    let value = value.replace('+', " ");
    let text = percent_decode_str(&value)
        .decode_utf8()
        .map_err(|_| "it is not valid text (UTF-8)".to_owned())?;
    Ok(text.into_owned())
}

/// Puts one value where it belongs; the error says why not, and what holds instead.
fn set(settings: &mut Settings, key: &str, value: &str) -> Result<(), String> {
    let kept = &settings.shaping;
    match key {
        "view" => {
            settings.view = match value {
                "playground" => View::Playground,
                "experiments" => View::Experiments,
                "about" => View::About,
                _ => return Err("the views are playground, experiments and about".to_owned()),
            }
        }
        "exp" => settings.experiment = Some(folder_name(value)?),
        "model" => settings.model = folder_name(value)?,
        "adapter" => settings.adapter = Some(folder_name(value)?),
        "lambda" => {
            settings.lambda = Lambda::new(number(value)?).map_err(|error| error.to_string())?;
        }
        "compare" => {
            settings.compare = match value {
                "1" => true,
                "0" => false,
                _ => return Err("it is 1 or 0".to_owned()),
            }
        }
        "prompt" => settings.prompt = line_ends(value),
        "t" => settings.shaping = knob(kept.with_temperature(number(value)?))?,
        "s" => settings.shaping = knob(kept.with_logit_scale(number(value)?))?,
        "top_k" => settings.shaping = kept.with_top_k(number(value)?),
        "top_p" => settings.shaping = knob(kept.with_top_p(number(value)?))?,
        "min_p" => settings.shaping = knob(kept.with_min_p(number(value)?))?,
        "typical" => settings.shaping = knob(kept.with_typical_p(number(value)?))?,
        "rep" => settings.shaping = knob(kept.with_repetition_penalty(number(value)?))?,
        "seed" => settings.seed = number(value)?,
        "n" => settings.chains = Chains::new(number(value)?).map_err(|error| error.to_string())?,
        "len" => {
            settings.length = Length::new(number(value)?).map_err(|error| error.to_string())?;
        }
        "device" => {
            settings.device = match value {
                "auto" => DeviceChoice::Auto,
                "cpu" => DeviceChoice::Cpu,
                "webgpu" => DeviceChoice::WebGpu,
                _ => return Err("the device is auto, cpu or webgpu".to_owned()),
            }
        }
        _ => return Err("there is no such setting".to_owned()),
    }
    Ok(())
}

fn number<N: FromStr>(value: &str) -> Result<N, String> {
    let value = value.trim();
    value.parse().map_err(|_| {
        let shown: String = value.chars().take(40).collect();
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            format!("{shown} is too large")
        } else {
            format!("“{shown}” is not a valid number")
        }
    })
}

fn knob(shaping: Result<Shaping, decoding::KnobError>) -> Result<Shaping, String> {
    shaping.map_err(|error| error.to_string())
}

/// Models and adapters are folders beside the page: a plain name, never a path or an address.
fn folder_name(value: &str) -> Result<String, String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if !value.is_empty() && value.len() <= 64 && value.chars().all(plain) {
        Ok(value.to_owned())
    } else {
        Err("a name has only letters, digits, - and _".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn any_shaping()(
            t in prop_oneof![Just(0.0), Just(f64::INFINITY), 0.0..1e6_f64],
            s in 0.0..1e6_f64,
            top_k: u32,
            (top_p, min_p, typical) in (1e-9..=1.0_f64, 0.0..=1.0_f64, 1e-9..=1.0_f64),
            rep in 1e-9..1e6_f64,
        ) -> Shaping {
            Shaping::default().with_temperature(t).unwrap().with_logit_scale(s).unwrap().with_top_k(top_k)
                .with_top_p(top_p).unwrap().with_min_p(min_p).unwrap().with_typical_p(typical).unwrap()
                .with_repetition_penalty(rep).unwrap()
        }
    }

    prop_compose! {
        fn any_settings()(
            view in prop_oneof![Just(View::Playground), Just(View::Experiments), Just(View::About)],
            experiment in prop::option::of("[A-Za-z0-9_-]{1,64}"),
            model in "[A-Za-z0-9_-]{1,64}",
            adapter in prop::option::of("[A-Za-z0-9_-]{1,64}"),
            lambda in Lambda::LEAST..=Lambda::MOST,
            compare: bool,
            prompt in any::<String>().prop_map(|prompt| line_ends(&prompt)),
            shaping in any_shaping(),
            seed: u64,
            chains in Chains::LEAST..=Chains::MOST,
            length in Length::LEAST..=Length::MOST,
            device in prop_oneof![Just(DeviceChoice::Auto), Just(DeviceChoice::Cpu), Just(DeviceChoice::WebGpu)],
        ) -> Settings {
            let (chains, length) = (Chains::new(chains).unwrap(), Length::new(length).unwrap());
            let lambda = Lambda::new(lambda).unwrap();
            Settings { view, experiment, model, adapter, lambda, compare, prompt, shaping, seed, chains, length, device }
        }
    }

    proptest! {
        #[test]
        fn a_link_holds_the_whole_experiment(settings in any_settings()) {
            let link = write_link(&settings);
            prop_assert!(link.is_ascii() && !link.contains([' ', '#', '"', '<']), "{link}");
            prop_assert_eq!(read_link(&format!("#{link}")), (settings, Vec::new()));
        }

        #[test]
        fn reading_never_fails_and_what_was_read_can_be_sent_on(hash in any::<String>()) {
            let (settings, _) = read_link(&hash);
            prop_assert_eq!(read_link(&write_link(&settings)), (settings, Vec::new()));
        }
    }

    proptest! {
        #[test]
        fn a_link_survives_what_the_web_does_to_it(settings in any_settings(), end in "[).,;:!?]{1,3}") {
            let link = write_link(&settings);
            let read = |link: &str| read_link(link);
            let whole = (settings.clone(), Vec::new());
            for escaped in ["&amp;", "&amp;amp;", "&#38;", "&#038;", "&AMP;"] {
                prop_assert_eq!(read(&link.replace('&', escaped)), whole.clone(), "{}", escaped);
            }
            for start in ["#", "?", "#!", "#/", "#?", "#/?"] {
                prop_assert_eq!(read(&format!("{start}{link}")), whole.clone(), "{}", start);
            }
            let encoded = utf8_percent_encode(&link, NON_ALPHANUMERIC).to_string();
            prop_assert_eq!(read(&encoded), whole.clone());
            let capital: Vec<String> = link.split('&').map(|part| {
                let (key, value) = part.split_once('=').unwrap();
                format!("{}={value}", key.to_uppercase())
            }).collect();
            prop_assert_eq!(read(&capital.join("&")), whole.clone());
            prop_assert_eq!(read(&format!("utm_source=post&{link}&fbclid=Ab-1_x")), whole.clone());
            prop_assert_eq!(read_address(&format!("?ref=feed&v=2&{link}"), ""), whole.clone());
            prop_assert_eq!(read_address("?t=0.25", &link), whole);

            let (repaired, notes) = read(&format!("{link}{end}"));
            prop_assert_eq!(repaired, settings);
            prop_assert!(notes.len() <= 1 && notes.iter().all(|note| note.0.contains("was read as")), "{:?}", notes);
        }

        #[test]
        fn a_prompt_has_one_kind_of_line_end(lines in prop::collection::vec("[a-z ]{0,5}", 1..5)) {
            for end in ["%0D%0A", "%0D", "%0A"] {
                let (settings, notes) = read_link(&format!("prompt={}", lines.join(end)));
                prop_assert_eq!(&settings.prompt, &lines.join("\n"));
                prop_assert_eq!(notes.len(), 0);
            }
        }
    }

    #[test]
    fn numbers_in_other_spellings_are_read_where_they_have_one_meaning() {
        for (part, expected) in [
            ("t=0,5", "t=0.5"),
            ("t=∞", "t=inf"),
            ("t=%E2%88%9E", "t=inf"),
            ("s=“2”", "s=2"),
            ("t=0.5).", "t=0.5"),
            ("n=16.0", "n=16"),
            ("len=1e2", "len=100"),
            ("seed=7,", "seed=7"),
            ("adapter=wedding).", "adapter=wedding"),
            ("device=cpu.", "device=cpu"),
        ] {
            let (settings, notes) = read_link(part);
            assert_eq!(settings, read_link(expected).0, "{part}");
            assert_eq!(notes.len(), 1, "{part}: {notes:?}");
            assert!(notes[0].0.contains("was read as"), "{part}: {notes:?}");
        }
        // A thousand, or one? A number that is none, and one that is too large.
        for part in ["s=1,000", "n=16.5", "n=1e9", "seed=18446744073709551616"] {
            let (settings, notes) = read_link(part);
            assert_eq!(settings, Settings::default(), "{part}");
            assert!(notes[0].0.contains("was not used"), "{part}: {notes:?}");
        }
    }

    #[test]
    fn a_setting_that_is_there_twice_is_noted_and_the_last_one_counts() {
        let (settings, notes) = read_link("t=2&T=0.5");
        assert_eq!(settings.shaping.temperature(), 0.5);
        assert_eq!(notes.len(), 1);
        assert!(notes[0].0.contains("twice"));
    }

    #[test]
    fn an_empty_hash_is_the_default_experiment() {
        for hash in ["", "#", "#&&"] {
            assert_eq!(read_link(hash), (Settings::default(), Vec::new()));
        }
    }

    #[test]
    fn a_bad_value_falls_back_alone_and_is_noted_by_name() {
        for (part, key) in [
            ("t=warm", "t"),
            ("t=-1", "t"),
            ("t=NaN", "t"),
            ("s=inf", "s"),
            ("top_k=2.5", "top_k"),
            ("top_p=0", "top_p"),
            ("min_p=2", "min_p"),
            ("typical=0", "typical"),
            ("rep=0", "rep"),
            ("seed=-1", "seed"),
            ("n=65", "n"),
            ("len=0", "len"),
            ("device=tpu", "device"),
            ("model=../secret", "model"),
            ("model=https%3A%2F%2Felsewhere", "model"),
            ("prompt=%FF", "prompt"),
            ("colour=red", "colour"),
            ("adapter=../wedding", "adapter"),
            ("lambda=1.6", "lambda"),
            ("lambda=-0.1", "lambda"),
            ("lambda=NaN", "lambda"),
            ("compare=yes", "compare"),
            ("view=backstage", "view"),
            ("view=", "view"),
            ("exp=../truth", "exp"),
            ("exp=", "exp"),
        ] {
            let (settings, notes) = read_link(&format!("#{part}&seed=7"));
            assert_eq!(
                settings,
                Settings {
                    seed: 7,
                    ..Settings::default()
                },
                "{part}"
            );
            assert_eq!(notes.len(), 1, "{part}");
            assert!(
                notes[0].0.contains(&format!("“{key}”")),
                "{part}: {}",
                notes[0].0
            );
        }
    }

    #[test]
    fn a_link_to_an_experiment_begins_with_it() {
        let (settings, notes) = read_link("#view=experiments&exp=random-number&t=0.5");
        assert_eq!(settings.view, View::Experiments);
        assert_eq!(settings.experiment.as_deref(), Some("random-number"));
        assert!(notes.is_empty());
        let link = write_link(&settings);
        assert!(
            link.starts_with("view=experiments&exp=random-number&model="),
            "{link}"
        );
        assert!(!write_link(&Settings::default()).contains("view="));
    }

    #[test]
    fn links_written_by_hand_and_by_forms_are_read() {
        let (settings, notes) = read_link("#prompt=Roll+a+die%3A&t=inf&device=auto");
        assert_eq!(settings.prompt, "Roll a die:");
        assert_eq!(settings.shaping.temperature(), f64::INFINITY);
        assert!(notes.is_empty());
    }
}
