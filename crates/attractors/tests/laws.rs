//! What holds of every reading, with the storyteller's own catalogue and with small ones.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::LazyLock;

use attractors::{Catalogue, Ending, Endings, Match, Recognition, SharedText};
use proptest::prelude::*;

/// The storyteller's own.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let json = include_str!("../../../models/storyteller/attractors.json");
    Catalogue::from_json(json).unwrap()
});

/// A catalogue of these attractors, each with its phrases.
fn catalogue(ending_sentences: usize, attractors: &[(&str, &[&str])]) -> Catalogue {
    let list: Vec<_> = attractors
        .iter()
        .map(|(name, phrases)| {
            serde_json::json!({ "name": name, "title": name, "about": "", "phrases": phrases })
        })
        .collect();
    let file = serde_json::json!({ "about": "", "ending_sentences": ending_sentences, "attractors": list });
    Catalogue::from_json(&file.to_string()).unwrap()
}

fn marked<'t>(catalogue: &Catalogue, text: &'t str) -> Vec<(&'t str, usize)> {
    let marks = catalogue.recognise(text).matches.into_iter();
    marks.map(|it| (&text[it.at], it.attractor)).collect()
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
        for Match { at, attractor, .. } in catalogue.recognise(&text).matches {
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
        let places = |found: &Recognition| -> Vec<_> { found.matches.iter().map(|it| (it.at.clone(), it.attractor)).collect() };
        prop_assert!(places(&after).starts_with(&places(&before)));
        for attractor in 0..catalogue.attractors().len() {
            if let Some(hit) = before.first_hit(attractor) {
                prop_assert_eq!(after.first_hit(attractor), Some(hit));
            }
        }
    }

    #[test]
    fn a_text_ends_in_the_last_match_of_its_last_sentences_that_tells_what_happens(text in texts()) {
        let catalogue = &CATALOGUE;
        let found = catalogue.recognise(&text);
        // By the definition: count the sentences that begin after the match.
        let begun_after = |from: usize| {
            let parts = text[from..].split(['.', '!', '?', '…', '\n']).skip(1);
            parts.filter(|part| part.contains(char::is_alphanumeric)).count()
        };
        for it in &found.matches {
            prop_assert_eq!(it.in_ending, begun_after(it.at.end) < catalogue.ending_sentences());
        }
        let mood = |it: &&Match| catalogue.attractors()[it.attractor].mood;
        let near = || found.matches.iter().filter(|it| it.in_ending);
        let last = near().rfind(|it| !mood(it)).or(near().next_back());
        prop_assert_eq!(found.ends_in().last().copied(), last.map(|it| it.attractor));
        let story = catalogue.story(&text, true);
        match (found.ends_in(), &story.ending) {
            ([], Ending::Other(_)) => {}
            ([one], Ending::Attractor(attractor)) => prop_assert_eq!(one, attractor),
            (several, Ending::Tie(tied)) => prop_assert_eq!(several, tied.as_slice()),
            (found, ending) => prop_assert!(false, "{:?} {:?}", found, ending),
        }
        prop_assert_eq!(catalogue.story(&text, false).ending, Ending::Unfinished);
    }

    #[test]
    fn the_order_of_a_catalogue_decides_nothing(text in texts()) {
        let file: serde_json::Value = serde_json::from_str(include_str!("../../../models/storyteller/attractors.json")).unwrap();
        let mut turned = file.clone();
        turned["attractors"].as_array_mut().unwrap().reverse();
        let turned = Catalogue::from_json(&turned.to_string()).unwrap();
        let named = |catalogue: &Catalogue| -> Vec<String> {
            let found = catalogue.recognise(&text);
            let ends = found.ends_in().iter();
            let mut names: Vec<_> = ends.map(|at| catalogue.attractors()[*at].name.clone()).collect();
            names.sort();
            names
        };
        prop_assert_eq!(named(&CATALOGUE), named(&turned));
    }
}

#[test]
fn of_two_phrases_the_longer_counts_and_equals_tie() {
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
    assert_eq!(
        marked(&equals, "Dancing!"),
        [("Dancing", 0), ("Dancing", 1)]
    );
    assert_eq!(equals.recognise("Dancing!").ends_in(), [0, 1]);
    assert_eq!(equals.recognise("Dancing!").ends_in_one(), None);
    assert_eq!(
        equals.story("Dancing!", true).ending,
        Ending::Tie(vec![0, 1])
    );
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
fn the_last_match_of_the_last_sentences_decides() {
    let found = catalogue(2, &[("wedding", &["wedding"]), ("music", &["danced"])]);
    let ends_in = |text| found.recognise(text).ends_in_one();
    assert_eq!(
        ends_in("They danced. And then there was a wedding."),
        Some(0)
    );
    assert_eq!(ends_in("A wedding! They danced. It was late."), Some(1));
    assert_eq!(
        ends_in("A wedding! They danced. It was late. All slept."),
        None
    );
    assert_eq!(
        ends_in("A wedding! They danced. It was late. The end."),
        Some(1)
    );
    assert_eq!(ends_in(""), None);
    assert_eq!(
        found.recognise("A wedding! They danced.").first_hit(0),
        Some(9)
    );
}

/// What happens outweighs how it feels, wherever in the ending each stands.
#[test]
fn a_mood_decides_only_where_nothing_happens() {
    let file = r#"{"about": "", "attractors": [
        {"name": "a", "title": "", "about": "", "mood": true, "phrases": ["happy"]},
        {"name": "b", "title": "", "about": "", "phrases": ["wedding"]}]}"#;
    let found = Catalogue::from_json(file).unwrap();
    let ends_in = |text| found.recognise(text).ends_in_one();
    assert_eq!(ends_in("A wedding! All were happy."), Some(1));
    assert_eq!(ends_in("All were happy at the wedding."), Some(1));
    assert_eq!(ends_in("All were happy."), Some(0));
}

#[test]
fn a_story_that_was_cut_has_not_ended() {
    let found = catalogue(2, &[("music", &["sang a song"])]);
    let text = "The drum is mine. He sang a song";
    assert_eq!(found.story(text, true).ending, Ending::Attractor(0));
    let cut = found.story(text, false);
    assert_eq!(
        (cut.ending.clone(), cut.attractor()),
        (Ending::Unfinished, None)
    );
    assert_eq!(cut.first_hit(0), Some(text.len()));
    assert!(!cut.is_finished() && cut.matches.len() == 1);
}

#[test]
fn different_endings_are_kinds_and_other_last_sentences() {
    let found = catalogue(1, &[("wedding", &["wedding"]), ("music", &["danced"])]);
    let texts = [
        ("He left.", true),
        ("There was a wedding.", true),
        ("It rained. A wedding!", true),
        ("And he LEFT. \"He left!\"", true),
        ("They danced", false),
        ("She left.", true),
        ("A wedding.", true),
    ];
    let stories = texts.map(|(text, finished)| found.story(text, finished));
    let endings = Endings::of(&stories);
    assert_eq!(
        (endings.finished, endings.unfinished, endings.different()),
        (6, 1, 3)
    );
    let other = |text: &str| Ending::Other(text.to_owned());
    assert_eq!(
        endings.counts,
        [
            (Ending::Attractor(0), 3),
            (other("he left"), 2),
            (other("she left"), 1)
        ]
    );
    assert_eq!(
        endings.classes,
        [Some(1), Some(0), Some(0), Some(1), None, Some(2), Some(0)]
    );
    assert_eq!(Endings::of([]), Endings::default());
}

/// The storyteller's own catalogue, and a thing that somebody has.
#[test]
fn a_drum_is_no_ending() {
    for text in ["The drum is mine.", "He had a flute.", "It was her fiddle."] {
        assert!(CATALOGUE.story(text, true).matches.is_empty(), "{text}");
    }
}

/// A catalogue of an earlier version says how many words are an ending; it is still loaded.
#[test]
fn a_catalogue_with_a_window_of_words_is_still_loaded() {
    let file = r#"{"about": "", "ending_words": 25, "attractors": [
        {"name": "a", "title": "", "about": "", "ending_words": 50, "phrases": ["day"]}]}"#;
    let found = Catalogue::from_json(file).unwrap();
    assert_eq!(found.ending_sentences(), 5);
    let none = file.replace("\"ending_words\": 25", "\"ending_sentences\": 0");
    assert!(Catalogue::from_json(&none).is_err());
}

#[test]
fn shared_text_of_stories_is_what_another_has_too() {
    let texts = [
        "Tom ran home. And then there was a wedding at the bakery.",
        "Ann sang. And then there was a wedding at the mill.",
    ];
    let found = SharedText::of(&texts);
    let shared: Vec<&str> = texts
        .iter()
        .zip(&found.spans)
        .map(|(text, spans)| &text[spans[0].clone()])
        .collect();
    assert_eq!(shared, ["And then there was a wedding at the"; 2]);
    assert_eq!(found.share(), Some(16.0 / 23.0));
}

#[test]
fn a_file_with_a_mistake_is_refused_with_its_place() {
    let refused = |json: &str| Catalogue::from_json(json).unwrap_err().to_string();
    let with = |name: &str, phrases: &str| {
        refused(&format!(
            r#"{{"about": "", "ending_sentences": 5, "attractors": [
                {{"name": "a", "title": "", "about": "", "phrases": ["day"]}},
                {{"name": "{name}", "title": "", "about": "", "phrases": {phrases}}}]}}"#
        ))
    };
    for (said, expected) in [
        (refused("[]"), "expected \"about\""),
        (
            refused(r#"{"about": "", "ending_sentences": 5, "attractors": []}"#),
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
