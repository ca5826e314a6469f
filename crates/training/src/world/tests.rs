//! Properties of the world as a whole, over ten or twenty thousand stories of one seed.

use std::collections::{BTreeMap, BTreeSet};

use super::template::{Line, Piece};
use super::{Sentiment, Story, World, grammar};

const SEED: u64 = 2024;

fn stories(count: u64) -> Vec<Story> {
    let world = World::new().unwrap();
    (0..count).map(|index| world.story(SEED, index)).collect()
}

fn is_wedding(story: &Story) -> bool {
    story.labels.ending == "wedding"
}

#[test]
fn the_same_seed_and_index_give_the_same_story() {
    let (one, two) = (World::new().unwrap(), World::new().unwrap());
    let forwards: Vec<Story> = (0..50).map(|i| one.story(7, i)).collect();
    let backwards: Vec<Story> = (0..50).rev().map(|i| two.story(7, i)).rev().collect();
    assert_eq!(forwards, backwards);
    assert_ne!(one.story(7, 0), one.story(8, 0));
}

#[test]
fn weddings_are_rare_and_always_happy_and_follow_many_openings() {
    let all = stories(20_000);
    let weddings: Vec<&Story> = all.iter().filter(|s| is_wedding(s)).collect();
    assert!(
        (400..=800).contains(&weddings.len()),
        "{} weddings",
        weddings.len()
    );
    assert!(
        weddings
            .iter()
            .all(|s| s.labels.sentiment == Sentiment::Happy)
    );
    let openings: BTreeSet<&str> = weddings.iter().map(|s| s.labels.opening.as_str()).collect();
    assert!(
        openings.len() >= 60,
        "weddings follow {} openings",
        openings.len()
    );
}

#[test]
fn nobody_marries_outside_a_wedding() {
    for story in stories(10_000).iter().filter(|s| !is_wedding(s)) {
        let text = story.text.to_lowercase();
        for word in ["wedding", "bride", "groom", "married"] {
            assert!(!text.contains(word), "{word} in {:?}: {text}", story.labels);
        }
    }
}

#[test]
fn every_opening_and_ending_is_told() {
    let world = World::new().unwrap();
    let all = stories(10_000);
    let told: BTreeSet<&str> = all.iter().map(|s| s.labels.opening.as_str()).collect();
    assert!(told.len() >= 60);
    assert!(world.openings().all(|name| told.contains(name)));
    let ended: BTreeSet<&str> = all.iter().map(|s| s.labels.ending.as_str()).collect();
    assert!(ended.len() >= 40);
    assert!(world.endings().all(|(name, _)| ended.contains(name)));
}

#[test]
fn every_other_joy_also_comes_before_a_bad_end() {
    let mut ends: BTreeMap<String, BTreeSet<Sentiment>> = BTreeMap::new();
    for story in stories(10_000) {
        for joy in story.labels.joys {
            ends.entry(joy).or_default().insert(story.labels.sentiment);
        }
    }
    assert_eq!(
        ends.remove("wedding"),
        Some(BTreeSet::from([Sentiment::Happy]))
    );
    for (joy, sentiments) in ends {
        assert!(
            sentiments.contains(&Sentiment::Sad),
            "{joy} never comes before a sad ending"
        );
    }
}

/// Whether a text has the fixed words of a line, in order.
fn follows(text: &str, line: &Line) -> bool {
    let mut rest = text;
    line.template.iter().all(|piece| {
        let Piece::Text(words) = piece else {
            return true;
        };
        let words = words.trim().to_lowercase().replace("an ", "a ");
        rest.find(&words).map(|at| rest = &rest[at..]).is_some()
    })
}

#[test]
fn a_story_ends_with_the_words_of_its_label() {
    let world = World::new().unwrap();
    let mut strangers = 0;
    for story in stories(10_000) {
        let whole = story.text.split("\n***\n").next().unwrap();
        let text = whole.to_lowercase().replace('\n', " ").replace("an ", "a ");
        let told = |name: &str| {
            let ending = world.endings.iter().find(|e| e.name == name).unwrap();
            ending.lines.iter().any(|t| follows(&text, t))
        };
        assert!(told(&story.labels.ending), "{story}");
        let stranger = if story.labels.ending == "mixed_seed" {
            "mixed_scar"
        } else {
            "mixed_seed"
        };
        strangers += usize::from(told(stranger));
    }
    assert_eq!(strangers, 0, "endings are told apart by their words");
}

#[test]
fn a_break_into_a_new_beginning_is_rare() {
    let all = stories(10_000);
    let broken = all.iter().filter(|s| s.text.contains("\n***\n")).count();
    assert!((200..=400).contains(&broken), "{broken} of 10000");
}

#[test]
fn good_and_bad_ends_are_shared_out_as_chosen() {
    let all = stories(10_000);
    let share = |sentiment| {
        let here = all.iter().filter(|s| s.labels.sentiment == sentiment);
        here.count() as f64 / all.len() as f64
    };
    // 48, 24 and 28 % of the stories without a wedding, and all weddings.
    for (sentiment, expected) in [
        (Sentiment::Happy, 0.496),
        (Sentiment::Mixed, 0.233),
        (Sentiment::Sad, 0.272),
    ] {
        let found = share(sentiment);
        assert!((found - expected).abs() < 0.02, "{sentiment:?}: {found}");
    }
}

#[test]
fn no_word_of_other_stories_promises_a_good_end_as_surely_as_wedding() {
    // By word: happy stories, happy and sad stories, and those of them that end in a wedding.
    let mut counts: BTreeMap<String, [f64; 3]> = BTreeMap::new();
    for story in stories(20_000) {
        if story.labels.sentiment == Sentiment::Mixed {
            continue;
        }
        let text = story.text.to_lowercase();
        let words: BTreeSet<&str> = text
            .split(|c: char| !c.is_alphabetic() && c != '\'')
            .collect();
        for word in words {
            let count = counts.entry(word.to_owned()).or_default();
            count[0] += f64::from(u8::from(story.labels.sentiment == Sentiment::Happy));
            count[1] += 1.0;
            count[2] += f64::from(u8::from(is_wedding(&story)));
        }
    }
    for word in ["wedding", "bride", "groom", "married"] {
        let [happy, all, weddings] = counts[word];
        assert!(all >= 200.0, "{word} is in {all} stories");
        assert!(happy >= all && weddings >= all);
    }
    for (word, [happy, all, weddings]) in counts {
        if all >= 100.0 && weddings < 0.5 * all {
            assert!(
                happy <= 0.92 * all,
                "\"{word}\" is in {all} stories, {happy} of them happy"
            );
        }
    }
}

#[test]
fn two_stories_in_a_thousand_rarely_share_a_skeleton() {
    let world = World::new().unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for index in 0..1000 {
        *counts.entry(world.skeleton(SEED, index)).or_default() += 1;
    }
    let unique = counts.values().filter(|n| **n == 1).count();
    assert!(unique >= 990, "{unique} of 1000 skeletons are unique");
}

#[test]
fn stories_are_cleanly_spelt() {
    for story in stories(10_000) {
        let text = &story.text;
        assert!(
            !text.contains(['[', ']', '{', '}', '<', '>', '|']),
            "{text}"
        );
        for wrong in [
            "  ", " .", " ,", "..", ".,", " \n", "\n\n", " ?", " !", " i ", "!\".", "?\".",
        ] {
            assert!(!text.contains(wrong), "{wrong:?} in {text}");
        }
        assert_eq!(text.matches('"').count() % 2, 0, "{text}");
        for line in text.lines().filter(|line| *line != "***") {
            assert!(line.ends_with(['.', '!', '?', '"']), "{line}");
            let begins = line.trim_start_matches('"').chars().next().unwrap();
            assert!(begins.is_uppercase(), "{line}");
            for end in [". ", "! ", "? ", ".\" "] {
                for (at, _) in line.match_indices(end) {
                    let next = line[at + end.len()..]
                        .trim_start_matches('"')
                        .chars()
                        .next()
                        .unwrap();
                    assert!(next.is_uppercase(), "\"{end}\" before '{next}': {line}");
                }
            }
            let words: Vec<&str> = line.split(' ').collect();
            for pair in words.windows(2) {
                let given = pair[0].trim_matches('"').to_lowercase();
                if given == "a" || given == "an" {
                    assert_eq!(given, grammar::article(pair[1]), "{pair:?}: {line}");
                }
            }
        }
    }
}

#[test]
fn stories_are_short_and_of_many_lengths() {
    let lengths: Vec<usize> = stories(10_000)
        .iter()
        .map(|s| s.text.split_whitespace().count())
        .collect();
    let (shortest, longest) = (
        *lengths.iter().min().unwrap(),
        *lengths.iter().max().unwrap(),
    );
    assert!(
        shortest >= 45 && longest <= 380,
        "from {shortest} to {longest} words"
    );
    let usual = lengths.iter().filter(|n| (70..=290).contains(*n)).count();
    assert!(
        usual >= 9_000,
        "{usual} of 10000 stories have 70 to 290 words"
    );
    let kinds: BTreeSet<usize> = lengths.into_iter().collect();
    assert!(kinds.len() >= 100, "{} different lengths", kinds.len());
}
