//! What holds of every reading, with the storyteller's own catalogue and with small ones.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::LazyLock;

use attractors::{Catalogue, Match};
use proptest::prelude::*;

/// The storyteller's own.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let json = include_str!("../../../models/storyteller/attractors.json");
    Catalogue::from_json(json).unwrap()
});

/// A catalogue of these attractors, each with its phrases.
fn catalogue(ending_words: usize, attractors: &[(&str, &[&str])]) -> Catalogue {
    let list: Vec<_> = attractors
        .iter()
        .map(|(name, phrases)| {
            serde_json::json!({ "name": name, "title": name, "about": "", "phrases": phrases })
        })
        .collect();
    let file = serde_json::json!({ "about": "", "ending_words": ending_words, "attractors": list });
    Catalogue::from_json(&file.to_string()).unwrap()
}

fn marked<'t>(catalogue: &Catalogue, text: &'t str) -> Vec<(&'t str, usize)> {
    let marks = catalogue.recognise(text).matches.into_iter();
    marks
        .map(|Match { at, attractor }| (&text[at], attractor))
        .collect()
}

/// Texts of the catalogue's own words and some others, with marks of sentences between them.
fn texts() -> impl Strategy<Value = String> {
    let phrases: Vec<String> = CATALOGUE
        .attractors()
        .iter()
        .flat_map(|attractor| attractor.phrases.clone())
        .map(|phrase| phrase.replace('*', "s"))
        .collect();
    let word = prop_oneof![
        2 => proptest::sample::select(phrases),
        2 => "[a-zA-Zéİß’']{1,7}",
        1 => "\\PC{0,5}",
    ];
    let gap = proptest::sample::select(vec![" ", " ", " ", ". ", ", ", "\n", "! \"", "-"]);
    proptest::collection::vec((word, gap), 0..40).prop_map(|pairs| {
        let pieces = pairs.into_iter();
        let pieces: Vec<String> = pieces.map(|(word, gap)| word + gap).collect();
        pieces.concat()
    })
}

proptest! {
    #[test]
    fn marks_lie_in_the_text_in_order_and_do_not_overlap(text in texts()) {
        let catalogue = &CATALOGUE;
        let mut end = 0;
        for Match { at, attractor } in catalogue.recognise(&text).matches {
            prop_assert!(at.start >= end && !at.is_empty());
            prop_assert!(text.is_char_boundary(at.start) && text.is_char_boundary(at.end));
            prop_assert!(attractor < catalogue.attractors().len());
            end = at.end;
        }
        prop_assert!(end <= text.len());
    }

    #[test]
    fn case_does_not_matter(text in "[A-Za-z ,.!']{0,200}", words in texts()) {
        let catalogue = &CATALOGUE;
        let text: String = format!("{text} {words}").chars().filter(char::is_ascii).collect();
        prop_assert_eq!(catalogue.recognise(&text.to_ascii_uppercase()), catalogue.recognise(&text.to_ascii_lowercase()));
    }

    #[test]
    fn what_follows_a_finished_sentence_changes_no_mark_before_it(text in texts(), more in texts()) {
        let catalogue = &CATALOGUE;
        let finished = format!("{text}.");
        let before = catalogue.recognise(&finished);
        let after = catalogue.recognise(&format!("{finished} {more}"));
        prop_assert!(after.matches.starts_with(&before.matches));
        for attractor in 0..catalogue.attractors().len() {
            if let Some(hit) = before.first_hit(attractor) {
                prop_assert_eq!(after.first_hit(attractor), Some(hit));
            }
        }
    }

    #[test]
    fn a_text_ends_in_the_first_of_the_marked_attractors_near_its_end(text in texts()) {
        let catalogue = &CATALOGUE;
        let reading = catalogue.recognise(&text);
        // By the definition: count the words from each mark to the end.
        let starts = |from: usize| {
            let mut inside = text[..from].ends_with(char::is_alphanumeric);
            let mut count = 0;
            for (at, letter) in text[from..].char_indices() {
                let next = text[from + at + letter.len_utf8()..].chars().next();
                let joins = inside && matches!(letter, '\'' | '’') && next.is_some_and(char::is_alphanumeric);
                count += usize::from(letter.is_alphanumeric() && !inside);
                inside = letter.is_alphanumeric() || joins;
            }
            count
        };
        let near = reading.matches.iter().filter(|mark| starts(mark.at.end) < catalogue.ending_words(mark.attractor));
        prop_assert_eq!(reading.ends_in, near.map(|mark| mark.attractor).min());
    }
}

#[test]
fn of_two_phrases_the_longer_counts_and_of_equals_the_earlier() {
    let order: [(&str, &[&str]); 2] = [
        ("night", &["fell asleep"]),
        ("tears", &["cried until she fell asleep", "fell"]),
    ];
    let text = "She cried until she fell asleep. He fell asleep, and it fell.";
    assert_eq!(
        marked(&catalogue(50, &order), text),
        [
            ("cried until she fell asleep", 1),
            ("fell asleep", 0),
            ("fell", 1)
        ]
    );
    let equals = catalogue(50, &[("one", &["danc*"]), ("two", &["dancing"])]);
    assert_eq!(marked(&equals, "Dancing!"), [("Dancing", 0)]);
}

#[test]
fn phrases_are_whole_words_of_one_sentence() {
    let found = catalogue(50, &[("a", &["part", "ice cream", "o'clock"])]);
    assert_eq!(marked(&found, "A party of parts apart. Ice. Cream."), []);
    assert_eq!(
        marked(&found, "A part: \"ice, cream\" at five O’Clock"),
        [("part", 0), ("ice, cream", 0), ("O’Clock", 0)]
    );
    let stems = catalogue(50, &[("a", &["wed*"])]);
    assert_eq!(
        marked(&stems, "wed wedding unwed"),
        [("wed", 0), ("wedding", 0)]
    );
}

#[test]
fn what_outweighs_another_does_so_only_near_the_end() {
    let order = catalogue(4, &[("wedding", &["wedding"]), ("music", &["danced"])]);
    assert_eq!(order.recognise("A wedding! They danced.").ends_in, Some(0));
    assert_eq!(
        order
            .recognise("A wedding! They danced for three hours.")
            .ends_in,
        Some(1)
    );
    assert_eq!(
        order
            .recognise("A wedding! They danced for three whole long hours.")
            .ends_in,
        None
    );
    assert_eq!(
        order
            .recognise("A wedding! They danced for three hours.")
            .first_hit(0),
        Some(9)
    );
    assert_eq!(order.recognise("").ends_in, None);
}

#[test]
fn an_attractor_may_have_an_ending_of_its_own_length() {
    let file = |own: usize| {
        format!(
            r#"{{"about": "", "ending_words": 2, "attractors": [
                {{"name": "a", "title": "", "about": "", "ending_words": {own}, "phrases": ["day"]}},
                {{"name": "b", "title": "", "about": "", "phrases": ["night"]}}]}}"#
        )
    };
    let ends_in = |own, text| {
        Catalogue::from_json(&file(own))
            .unwrap()
            .recognise(text)
            .ends_in
    };
    assert_eq!(ends_in(4, "A day, a night, gone."), Some(0));
    assert_eq!(ends_in(3, "A day, a night, gone."), Some(1));
    assert_eq!(ends_in(3, "A day, a night, gone by."), None);
    assert!(Catalogue::from_json(&file(0)).is_err());
}

#[test]
fn a_file_with_a_mistake_is_refused_with_its_place() {
    let refused = |json: &str| Catalogue::from_json(json).unwrap_err().to_string();
    let with = |name: &str, phrases: &str| {
        refused(&format!(
            r#"{{"about": "", "ending_words": 5, "attractors": [
                {{"name": "a", "title": "", "about": "", "phrases": ["day"]}},
                {{"name": "{name}", "title": "", "about": "", "phrases": {phrases}}}]}}"#
        ))
    };
    for (said, expected) in [
        (refused("[]"), "expected \"about\""),
        (
            refused(r#"{"about": "", "ending_words": 5, "attractors": []}"#),
            "at least one attractor",
        ),
        (with("a", r#"["x"]"#), "\"a\" needs a name"),
        (with("B", r#"["x"]"#), "\"B\" needs a name"),
        (with("b", "[]"), "\"b\" has no phrases"),
        (with("b", r#"["day"]"#), "stands in the catalogue twice"),
        (with("b", r#"["Day out"]"#), "\"Day out\""),
        (with("b", r#"["day  out"]"#), "not made of words"),
        (with("b", r#"["*"]"#), "not made of words"),
        (with("b", r#"["sun-day"]"#), "not made of words"),
        (with("b", r#"["x"], "rank": 1"#), "rank"),
    ] {
        assert!(said.contains(expected), "{said}");
    }
}
