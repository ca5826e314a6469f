//! The experiment as a whole, on toys.

use decoding::{LanguageModel, Shaping, coin};

use super::*;
use crate::config::RunConfig;
use crate::results::{Control, ExperimentResults, Outcome};
use crate::testing::{self, inputs, reported_before_cancel, subject};
use crate::{Size, Toy};

/// After each letter one of a circle of five comes next, at a half; the other half is shared by sixteen letters. So the likeliest
/// loops, and random draws leave the circle before it has turned three times.
fn forgetful() -> Toy {
    Toy::new(|text| {
        let next = text.last().map_or(0, |byte| (byte + 1) % 5);
        let letter = |place: u8| {
            let likeliest = if place == next { 0.5 } else { 0.0 };
            (Some(b'a' + place), likeliest + 0.5 / 16.0)
        };
        (0..16).map(letter).collect()
    })
}

fn found(config: &RunConfig) -> ExperimentResults {
    let mut inputs = inputs();
    // Stories of the toy itself, by other random draws than those of the experiment.
    let toy = forgetful();
    let story = |number: u32| -> String {
        let mut text = b"once".to_vec();
        for place in 0..200 {
            let row = pollster::block_on(
                toy.logits(&toy.encode(std::str::from_utf8(&text).unwrap()).unwrap()),
            )
            .unwrap();
            let next = decoding::shape(row.last().unwrap(), &[], &Shaping::default());
            text.push(next.pick(coin(99, number, place)) as u8);
        }
        String::from_utf8(text).unwrap()
    };
    inputs.held_out = (0..16).map(story).collect();
    let subjects = [subject("base", &toy), subject("tuned", &toy)];
    testing::found::<Pathologies>(&subjects, &inputs, config)
}

#[test]
fn a_toy_that_forgets_loops_greedily_and_not_by_coins() {
    let plain = found(&RunConfig::plain(Size::Quick));
    assert_eq!(plain.value("base.greedy.loops"), Some(100.0));
    // A letter that stands three times at the end by chance would be a loop, too.
    assert_eq!(plain.value("base.plain.loops"), Some(0.0));
    assert!(plain.value("base.greedy.surprisal") < plain.value("base.people.surprisal"));
    assert!(plain.value("base.greedy.distinct-2") < plain.value("base.plain.distinct-2"));
    // What does not loop has no period.
    assert!(plain.value("base.greedy.period").is_some());
    let keys: Vec<&String> = plain.results.iter().map(|one| &one.key).collect();
    assert!(keys.iter().all(|key| *key != "base.plain.period"));
    let verdict = plain.verdict.as_ref().unwrap();
    // Of the toy's sixteen letters a nucleus leaves out one or two, and is nearly plain sampling.
    assert_eq!(verdict.answer, Outcome::Undecided, "{}", verdict.why);
    for part in ["T = 0.3: yes", "top-p 0.9: undecided", "width 4: yes"] {
        assert!(verdict.sentence.contains(part), "{}", verdict.sentence);
    }
    // Loops and varied pairs, and a curve for each of two.
    assert_eq!(plain.figures.len(), 4);
    assert!(plain.controls.iter().all(Control::passed));
    // The same model under another name and on the same random draws gives the same.
    assert_eq!(
        plain.value("tuned.top-p.surprisal"),
        plain.value("base.top-p.surprisal")
    );
    assert_eq!(plain, found(&RunConfig::plain(Size::Quick)));
}

#[test]
fn the_readers_knobs_are_one_more_decoder() {
    let shaping = Shaping::default().with_repetition_penalty(1.5).unwrap();
    let yours = found(&RunConfig {
        shaping,
        lambda: 0.5,
        ..RunConfig::plain(Size::Quick)
    });
    assert!(yours.value("base.yours.loops").is_some());
    assert!(
        yours
            .figures
            .iter()
            .all(|figure| figure.text.contains("your settings"))
    );
}

/// A verdict without numbers is none, one whose intervals meet is undecided, and all three decoders are needed.
#[test]
fn the_verdict_follows_its_rule() {
    let mut table = Table::default();
    let mut put = |decoder: &str, metric: &Metric, value: f64, low: f64, high: f64| {
        table.put(
            &row("base", decoder, ""),
            metric,
            value,
            Some((low, high)),
            9,
        );
        let found = Pathologies::conclude(&table, &["base".to_owned()]);
        found.map(|found| found.outcome())
    };
    for (decoder, _) in ACCUSED {
        put(decoder, &LOOPS, 50.0, 40.0, 60.0);
        put(decoder, &SURPRISAL, 0.5, 0.4, 0.6);
        put(decoder, &DISTINCT_2, 0.8, 0.7, 0.9);
    }
    put("plain", &SURPRISAL, 2.0, 1.9, 2.1);
    put("plain", &DISTINCT_2, 0.8, 0.7, 0.9);
    assert_eq!(put("people", &SURPRISAL, 2.0, 1.9, 2.1), None);
    assert_eq!(
        put("plain", &LOOPS, 0.0, 0.0, 3.0),
        Some(Outcome::Supported)
    );
    for (decoder, _) in ACCUSED {
        assert_eq!(
            put(decoder, &LOOPS, 4.0, 2.0, 8.0),
            Some(Outcome::Undecided)
        );
        // It does not loop, and whether it is less varied is not known.
        assert_eq!(
            put(decoder, &LOOPS, 1.0, 0.0, 4.0),
            Some(Outcome::Undecided)
        );
        assert_eq!(
            put(decoder, &DISTINCT_2, 0.5, 0.4, 0.6),
            Some(Outcome::Supported)
        );
        assert_eq!(
            put(decoder, &DISTINCT_2, 0.95, 0.92, 0.98),
            Some(Outcome::NotSupported)
        );
        put(decoder, &DISTINCT_2, 0.8, 0.7, 0.9);
        put(decoder, &LOOPS, 50.0, 40.0, 60.0);
    }
    assert_eq!(
        put("people", &SURPRISAL, 0.2, 0.1, 0.3),
        Some(Outcome::NotSupported)
    );
    assert_eq!(
        put("people", &SURPRISAL, 0.7, 0.55, 0.9),
        Some(Outcome::Undecided)
    );
}

#[test]
fn a_reader_who_cancels_keeps_what_was_reported() {
    let toy = forgetful();
    let subjects = [subject("base", &toy)];
    assert!(reported_before_cancel::<Pathologies>(&subjects, &inputs(), 200) > 0);
}
