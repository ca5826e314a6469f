//! Properties of the world as a whole, over ten thousand stories of one seed.

use std::collections::{BTreeMap, BTreeSet};

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
    let all = stories(10_000);
    let weddings: Vec<&Story> = all.iter().filter(|s| is_wedding(s)).collect();
    assert!(
        (200..=400).contains(&weddings.len()),
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
        openings.len() >= 20,
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
