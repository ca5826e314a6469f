//! Tokenizers of the kinds that Llama-type models have open and encode; others are refused in words, before they can panic or
//! make a short text endless.

#![allow(clippy::unwrap_used)] // a test that fails to unwrap has failed

mod common;

use common::checkpoint::small;
use proptest::prelude::*;
use serde_json::{Value, json};
use transformer::{LlamaConfig, LoadError, Tokenizer};

fn config() -> LlamaConfig {
    LlamaConfig {
        vocab_size: 1000,
        ..small()
    }
}

/// A BPE over single letters and a few merges: ids 0 to 2 are marks, then come the bytes in SentencePiece's names.
fn tokenizer(letters: &str, merges: &[(&str, &str)]) -> Value {
    let marks = ["<unk>", "<s>", "</s>"].map(str::to_owned);
    let bytes = (0..=255).map(|byte| format!("<0x{byte:02X}>"));
    let merged = merges.iter().map(|(one, next)| format!("{one}{next}"));
    let letters = letters.chars().map(String::from);
    let tokens = marks
        .clone()
        .into_iter()
        .chain(bytes)
        .chain(letters)
        .chain(merged);
    let vocabulary: serde_json::Map<String, Value> = tokens
        .zip(0..)
        .map(|(token, id)| (token, json!(id)))
        .collect();
    let added: Vec<Value> = marks
        .iter()
        .zip(0..)
        .map(|(mark, id)| added(id, mark))
        .collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": null,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "ignore_merges": false,
            "vocab": vocabulary, "merges": merges,
        },
    })
}

fn added(id: u32, content: &str) -> Value {
    json!({
        "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": true,
    })
}

/// Small letters, SentencePiece's space and GPT-2's.
fn plain() -> Value {
    tokenizer(
        "abcdefghijklmnopqrstuvwxyz▁Ġ0123456789",
        &[("h", "e"), ("▁", "t")],
    )
}

fn with(part: &str, value: Value) -> Value {
    let mut tokenizer = plain();
    tokenizer[part] = value;
    tokenizer
}

fn open(tokenizer: &Value) -> Result<Tokenizer, LoadError> {
    Tokenizer::parse(tokenizer.to_string().as_bytes(), &config())
}

/// The tokens of a text, as text.
fn tokens(tokenizer: &Value, text: &str) -> Vec<String> {
    let vocabulary = open(tokenizer).unwrap();
    let ids = vocabulary.encode(text).unwrap();
    ids.iter().map(|&id| vocabulary.decode(&[id])).collect()
}

/// Opens and, where that goes well, encodes: the error of either must name all this and say what to do.
#[track_caller]
fn refused(tokenizer: &Value, needed: &[&str]) {
    refused_text(&tokenizer.to_string(), needed);
}

#[track_caller]
fn refused_text(json: &str, needed: &[&str]) {
    let result = Tokenizer::parse(json.as_bytes(), &config())
        .and_then(|vocabulary| vocabulary.encode("the hen saw a   bee  at  ten\n"));
    let Err(error) = result else {
        panic!("accepted; should name {needed:?}")
    };
    let said = error.to_string();
    for word in ["tokenizer.json", "save the tokenizer again"]
        .iter()
        .chain(needed)
    {
        assert!(said.contains(word), "`{said}` does not say `{word}`");
    }
}

fn replace(pattern: &Value, content: &str) -> Value {
    json!({"type": "Replace", "pattern": pattern, "content": content})
}

fn split(pattern: &str) -> Value {
    json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false})
}

fn byte_level(use_regex: bool) -> Value {
    json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex})
}

fn normalizers(steps: &[Value]) -> Value {
    json!({"type": "Sequence", "normalizers": steps})
}

fn pre_tokenizers(steps: &[Value]) -> Value {
    json!({"type": "Sequence", "pretokenizers": steps})
}

// --- what opens ------------------------------------------------------------------------------------------------------------

#[test]
fn tokenizers_converted_from_sentence_piece_open() {
    let prepend = json!({"type": "Prepend", "prepend": "▁"});
    let spaces = replace(&json!({"String": " "}), "▁");
    let llama2 = with("normalizer", normalizers(&[prepend, spaces.clone()]));
    assert_eq!(
        tokens(&llama2, "the é"),
        [" t", "he", " ", "\u{FFFD}", "\u{FFFD}"]
    );
    let gemma = with("normalizer", spaces);
    assert_eq!(tokens(&gemma, "he the"), ["he", " t", "he"]);
    for metaspace in [
        json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false}),
        json!({"type": "Metaspace", "replacement": "▁", "add_prefix_space": true}),
    ] {
        assert_eq!(
            tokens(&with("pre_tokenizer", metaspace), "the he"),
            [" t", "he", " ", "he"]
        );
    }
}

#[test]
fn byte_level_tokenizers_open() {
    let mut gpt2 = with("pre_tokenizer", byte_level(true));
    gpt2["model"]["continuing_subword_prefix"] = json!("");
    gpt2["model"]["end_of_word_suffix"] = json!("");
    gpt2["model"].as_object_mut().unwrap().remove("type");
    gpt2["model"]["merges"] = json!(["#version: 0.2", "h e"]);
    assert_eq!(tokens(&gpt2, "he he"), ["he", " ", "he"]);

    let llama3 = split(r"(?i:'s|'t|'re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|\s+(?!\S)|\s+");
    let digits = json!({"type": "Digits", "individual_digits": true});
    let punctuation = json!({"type": "Punctuation", "behavior": "Contiguous"});
    let steps = [
        split("[\r\n]"),
        llama3,
        punctuation,
        digits,
        byte_level(false),
    ];
    let mut tokenizer = with("pre_tokenizer", pre_tokenizers(&steps));
    tokenizer["normalizer"] = json!({"type": "NFC"});
    tokenizer["model"]["ignore_merges"] = json!(true);
    assert_eq!(tokens(&tokenizer, "the 12"), ["t", "he", " ", "1", "2"]);
}

#[test]
fn the_template_says_what_stands_before_a_text() {
    let mut framed = plain();
    framed["post_processor"] = json!({
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}},
    });
    framed["decoder"] =
        json!({"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]});
    let ids = |tokenizer: &Value| open(tokenizer).unwrap().encode("the").unwrap();
    assert_eq!(ids(&framed), [&[1][..], &ids(&plain())].concat());
    let vocabulary = open(&framed).unwrap();
    assert_eq!(
        vocabulary.encode_continuation("the").unwrap(),
        ids(&plain())
    );
    // A special token that is written out is read as such.
    assert_eq!(vocabulary.encode("</s>").unwrap(), [1, 2]);
    assert_eq!(vocabulary.decode(&[2, 999, 5000]), "</s>⟨999⟩");
}

#[test]
fn tokenizer_config_counts_before_the_template() {
    let configured = |json: Value| {
        let mut vocabulary = open(&plain()).unwrap();
        vocabulary.configure(json.to_string().as_bytes())?;
        vocabulary.encode("the")
    };
    let own = open(&plain()).unwrap().encode("the").unwrap();
    let with_bos = [&[1][..], &own].concat();
    for (json, ids) in [
        (json!({"bos_token": "<s>"}), &own),
        (
            json!({"bos_token": "<s>", "add_bos_token": true}),
            &with_bos,
        ),
        (
            json!({"bos_token": {"content": "<s>"}, "add_bos_token": true, "add_eos_token": false}),
            &with_bos,
        ),
        (json!({"bos_token": null, "add_bos_token": true}), &own),
    ] {
        assert_eq!(configured(json).unwrap(), *ids);
    }
    for (field, json) in [
        ("add_eos_token", json!({"add_eos_token": true})),
        (
            "split_special_tokens",
            json!({"split_special_tokens": true}),
        ),
        (
            "bos_token",
            json!({"add_bos_token": true, "bos_token": "<nobody>"}),
        ),
    ] {
        let said = configured(json).unwrap_err().to_string();
        assert!(
            said.contains(&format!("tokenizer_config.json: `{field}`")),
            "{said}"
        );
    }
}

#[test]
fn a_template_that_asks_for_a_second_text_is_refused() {
    let mut framed = plain();
    framed["post_processor"] = json!({
        "type": "TemplateProcessing", "single": [{"Sequence": {"id": "B", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {},
    });
    refused(&framed, &["post_processor"]);
}

#[test]
fn merges_are_never_left_out_by_chance() {
    let mut chancy = plain();
    chancy["model"]["dropout"] = json!(0.5);
    let text = "he".repeat(50);
    assert_eq!(tokens(&chancy, &text), vec!["he"; 50]);
}

// --- what is refused -------------------------------------------------------------------------------------------------------

#[test]
fn steps_of_other_kinds_are_refused_with_those_that_are_known() {
    for kind in [
        "FixedLength",
        "UnicodeScripts",
        "BertPreTokenizer",
        "CharDelimiterSplit",
    ] {
        for step in [
            json!({"type": kind, "length": 0}),
            pre_tokenizers(&[json!({"type": kind, "length": 0}), byte_level(true)]),
        ] {
            refused(
                &with("pre_tokenizer", step),
                &["pre_tokenizer", kind, "ByteLevel, Metaspace"],
            );
        }
    }
    for kind in [
        "Precompiled",
        "BertNormalizer",
        "Nmt",
        "StripAccents",
        "ByteLevel",
    ] {
        let step = json!({"type": kind, "precompiled_charsmap": "AAAA"});
        let nested = normalizers(&[normalizers(&[step])]);
        refused(
            &with("normalizer", nested),
            &["normalizer", kind, "NFC, NFD"],
        );
    }
    for step in [
        json!({"prepend": "▁"}),
        json!(7),
        json!([[]]),
        json!({"type": ["NFC"]}),
    ] {
        refused(
            &with("normalizer", step.clone()),
            &["normalizer", "a step without a type"],
        );
        refused(
            &with("pre_tokenizer", step),
            &["pre_tokenizer", "a step without a type"],
        );
    }
    refused(
        &with("normalizer", json!({"type": "Sequence"})),
        &["normalizer", "normalizers"],
    );
    refused(
        &with("pre_tokenizer", json!({"type": "Sequence"})),
        &["pretokenizers"],
    );
}

#[test]
fn replacements_that_lengthen_a_text_or_replace_nothing_are_refused() {
    let letter = json!({"String": "e"});
    for step in [
        replace(&letter, &"e".repeat(100)),
        replace(&letter, "ee"),
        replace(&json!({"String": ""}), "e"),
        replace(&json!({"Regex": "e*"}), "e"),
        replace(&json!({"Regex": "(?=e)"}), ""),
        json!({"type": "Prepend", "prepend": ""}),
        json!({"type": "Prepend", "prepend": "▁".repeat(1000)}),
        json!({"type": "Prepend"}),
    ] {
        let nested = normalizers(&[
            json!({"type": "NFC"}),
            normalizers(std::slice::from_ref(&step)),
        ]);
        for normalizer in [step, nested] {
            refused(
                &with("normalizer", normalizer),
                &["normalizer", "Prepend of one letter"],
            );
        }
    }
}

#[test]
fn steps_that_lengthen_a_text_come_once() {
    let prepend = json!({"type": "Prepend", "prepend": "▁"});
    refused(
        &with("normalizer", normalizers(&[prepend.clone(), prepend])),
        &["Prepend twice"],
    );
    let steps = [byte_level(false), split("."), byte_level(false)];
    refused(
        &with("pre_tokenizer", pre_tokenizers(&steps)),
        &["ByteLevel twice"],
    );
    let many = vec![split("."); 33];
    refused(
        &with("pre_tokenizer", pre_tokenizers(&many)),
        &["33 steps", "at most 32"],
    );
}

#[test]
fn of_a_part_that_is_said_twice_the_last_one_must_be_sound_and_is_used() {
    let json = plain().to_string();
    let damaged = r#""normalizer":{"type":"Precompiled","precompiled_charsmap":"AAAA"}"#;
    let nothing = r#""normalizer":null"#;
    let harmless = json.replace(nothing, &format!("{damaged},{nothing}"));
    let vocabulary = Tokenizer::parse(harmless.as_bytes(), &config()).unwrap();
    assert_eq!(
        vocabulary.encode("the").unwrap(),
        open(&plain()).unwrap().encode("the").unwrap()
    );
    let last = json.replace(nothing, &format!("{nothing},{damaged}"));
    refused_text(&last, &["normalizer", "Precompiled"]);
}

#[test]
fn models_of_other_kinds_are_refused() {
    for (field, value, needed) in [
        ("type", json!("Unigram"), "Unigram"),
        ("type", json!("WordPiece"), "WordPiece"),
        ("type", json!(3), "BPE"),
        (
            "continuing_subword_prefix",
            json!("#".repeat(50)),
            "continuing_subword_prefix",
        ),
        ("continuing_subword_prefix", json!("##"), "without one"),
        ("end_of_word_suffix", json!("</w>"), "end_of_word_suffix"),
    ] {
        let mut tokenizer = plain();
        tokenizer["model"][field] = value;
        refused(&tokenizer, &["model", needed]);
    }
}

#[test]
fn merges_into_tokens_that_are_not_there_are_refused_by_name() {
    let longest = ["<unk>", "<0x00>"];
    for merges in [
        json!([longest]),
        json!([["h", "e"], ["a", "b"]]),
        json!(["h e", "#ver sion"]),
        json!([["#version", "<0x00>"]]),
        json!(["<0x00> <0x01>"]),
        json!(["he"]),
        json!([["h"]]),
        json!([7]),
    ] {
        let mut tokenizer = plain();
        tokenizer["model"]["merges"] = merges;
        refused(&tokenizer, &[]);
    }
    let mut tokenizer = plain();
    tokenizer["model"]["merges"] = json!([longest]);
    refused(&tokenizer, &[r#"["<unk>","<0x00>"]"#, "vocabulary"]);
}

#[test]
fn added_white_space_that_takes_the_white_space_beside_it_is_refused() {
    let mut greedy = added(3, "a");
    greedy["rstrip"] = json!(true);
    let mut space = added(4, " ");
    space["lstrip"] = json!(true);
    let mut tokenizer = plain();
    let list = tokenizer["added_tokens"].as_array_mut().unwrap();
    list.extend([greedy, space]);
    refused(&tokenizer, &["added_tokens", "white space"]);
}

// --- anything of these -----------------------------------------------------------------------------------------------------

/// Normalizers that are accepted, alone or in any order.
fn any_normalizer() -> impl Strategy<Value = Value> {
    let once = [
        json!({"type": "NFC"}),
        json!({"type": "NFD"}),
        json!({"type": "NFKC"}),
        json!({"type": "NFKD"}),
        json!({"type": "Lowercase"}),
        json!({"type": "Prepend", "prepend": "▁"}),
        replace(&json!({"String": " "}), "▁"),
        replace(&json!({"String": "\u{301}"}), ""),
        replace(&json!({"String": "e"}), " "),
        replace(&json!({"String": "a"}), "\u{FDFA}"),
    ];
    prop::sample::subsequence(once.to_vec(), 0..=once.len())
        .prop_shuffle()
        .prop_map(|steps| normalizers(&steps))
}

fn any_pre_tokenizer() -> impl Strategy<Value = Value> {
    const BEHAVIORS: &[&str] = &[
        "Removed",
        "Isolated",
        "MergedWithPrevious",
        "MergedWithNext",
        "Contiguous",
    ];
    const PATTERNS: &[&str] = &[
        "",
        "e*",
        "(?=e)",
        r"\s+(?!\S)|\s+",
        ".",
        r"\b",
        r"(a|aa)+$",
        r"\p{L}+",
    ];
    let splits = (prop::sample::select(PATTERNS), prop::sample::select(BEHAVIORS), any::<bool>()).prop_map(
        |(pattern, behavior, invert)| {
            json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert})
        },
    );
    let once = (any::<bool>(), any::<bool>(), prop::sample::select(&["always", "first", "never"][..])).prop_map(
        |(prefix, flag, scheme)| {
            vec![
                json!({"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": flag, "use_regex": flag}),
                json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": flag}),
                json!({"type": "Digits", "individual_digits": flag}),
                json!({"type": "Punctuation"}),
                json!({"type": "Whitespace"}),
                json!({"type": "WhitespaceSplit"}),
            ]
        },
    );
    (once, prop::collection::vec(splits, 0..4))
        .prop_flat_map(|(once, splits)| {
            let steps = [once, splits].concat();
            let count = steps.len();
            prop::sample::subsequence(steps, 0..=count).prop_shuffle()
        })
        .prop_map(|steps| pre_tokenizers(&steps))
}

fn any_added() -> impl Strategy<Value = Value> {
    const CONTENTS: &[&str] = &[
        "he", " he", "  ", " ", "é", "E", "▁", "\u{A8}", "\n", "<x> ",
    ];
    let flags = any::<[bool; 5]>();
    (prop::sample::select(CONTENTS), flags).prop_map(
        |(content, [word, left, right, normalized, special])| {
            json!({
                "id": 900, "content": content, "single_word": word, "lstrip": left, "rstrip": right,
                "normalized": normalized, "special": special,
            })
        },
    )
}

fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(&["he", " ", "  ", "\n", "é", "e\u{301}", "▁", "E", "a", "\u{FDFA}", "İ", "<x>", "1", ".", "\u{301}"][..])
            .prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_opens_encodes_any_text_without_panic_in_a_bounded_number_of_tokens(
        normalizer in any_normalizer(),
        pre_tokenizer in any_pre_tokenizer(),
        added in prop::collection::vec(any_added(), 0..4),
        text in any_text(),
    ) {
        let mut tokenizer = plain();
        tokenizer["normalizer"] = normalizer;
        tokenizer["pre_tokenizer"] = pre_tokenizer;
        tokenizer["added_tokens"].as_array_mut().unwrap().extend(added);
        if let Ok(vocabulary) = open(&tokenizer) {
            let tokens = vocabulary.encode(&text).unwrap();
            // One letter becomes 18 by compatibility, of up to four bytes, each two in GPT-2's alphabet, behind one sign each.
            let most = 300 * text.chars().count() + 1;
            prop_assert!(tokens.len() <= most, "{} tokens of {text:?}", tokens.len());
        }
    }
}
