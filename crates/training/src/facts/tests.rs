//! Laws of the fact documents: what stands in training text is what the table says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Request, TruthTable, documents, requests, truth_table};
use crate::world::{Sentiment, World};

const SEED: u64 = 1;
const COUNT: usize = 60_000;

/// Every whole document of a table, with its question and answer.
fn places(table: &TruthTable) -> BTreeMap<String, (usize, usize)> {
    let questions = table.families.iter().flat_map(|family| &family.questions);
    let mut places = BTreeMap::new();
    for (number, question) in questions.enumerate() {
        for prompt in &question.prompts {
            for (place, answer) in question.answers.iter().enumerate() {
                places.insert(format!("{prompt}{}", answer.text), (number, place));
            }
        }
    }
    places
}

#[test]
fn the_shipped_table_is_the_one_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/storyteller/truth.json");
    let shipped = std::fs::read_to_string(&path).unwrap();
    assert!(
        shipped == truth_table().to_json(),
        "write it anew: collapse corpus --truth models/storyteller/truth.json"
    );
    let read: TruthTable = serde_json::from_str(&shipped).unwrap();
    assert_eq!(read, truth_table());
}

#[test]
fn probabilities_of_a_question_sum_to_one_and_shares_to_a_thousand() {
    let table = truth_table();
    for family in &table.families {
        for question in &family.questions {
            let sum: f64 = question.answers.iter().map(|a| a.probability).sum();
            assert!((sum - 1.0).abs() < 1e-11, "{question:?}");
            assert!(question.answers.iter().all(|a| a.probability > 0.0));
            assert!(!question.unseen.is_empty());
        }
    }
    assert_eq!(
        table.families.iter().map(|f| f.per_mille).sum::<usize>(),
        1000
    );
}

#[test]
fn documents_are_drawn_as_often_as_the_table_says() {
    let table = truth_table();
    let places = places(&table);
    let mut counts: BTreeMap<usize, BTreeMap<usize, usize>> = BTreeMap::new();
    for document in documents(&table, SEED, COUNT) {
        let (question, answer) = places[&document];
        *counts
            .entry(question)
            .or_default()
            .entry(answer)
            .or_default() += 1;
    }
    let questions = table.families.iter().flat_map(|family| &family.questions);
    for (number, question) in questions.enumerate() {
        let Some(counted) = counts.get(&number) else {
            assert!(question.prompts.is_empty());
            continue;
        };
        let all: usize = counted.values().sum();
        for (place, answer) in question.answers.iter().enumerate() {
            let expected = answer.probability * all as f64;
            let found = *counted.get(&place).unwrap_or(&0) as f64;
            assert!(
                (found - expected).abs() <= 1.0,
                "{found} of {expected}: {answer:?}"
            );
        }
    }
}

#[test]
fn a_family_gets_its_share_of_the_documents() {
    let table = truth_table();
    let all = documents(&table, SEED, COUNT).len();
    assert_eq!(all, COUNT);
    let number = documents(&table, SEED, COUNT)
        .iter()
        .filter(|d| d.contains("1 to 100"))
        .count();
    assert_eq!(number, COUNT * 170 / 1000);
}

#[test]
fn every_wording_meets_the_answers_in_proportion() {
    let table = truth_table();
    let documents = documents(&table, SEED, COUNT);
    let rain = table.families.iter().find(|f| f.name == "rain").unwrap();
    for question in &rain.questions {
        let yes = question.answers[0].probability;
        for prompt in &question.prompts {
            let here: Vec<&String> = documents.iter().filter(|d| d.starts_with(prompt)).collect();
            let said = here.iter().filter(|d| d.ends_with("Yes.")).count() as f64;
            let share = said / here.len() as f64;
            // Two answers and four wordings: off by a few documents of some two hundred at most.
            assert!(
                (share - yes).abs() < 0.02,
                "{prompt}: {share} instead of {yes}"
            );
        }
    }
}

#[test]
fn the_seed_decides_the_draws() {
    let table = truth_table();
    assert_eq!(documents(&table, 7, 2000), documents(&table, 7, 2000));
    assert_ne!(documents(&table, 7, 2000), documents(&table, 8, 2000));
}

#[test]
fn no_prompt_begins_with_another() {
    let table = truth_table();
    let mut prompts: Vec<String> = table
        .families
        .iter()
        .flat_map(|f| &f.questions)
        .flat_map(|q| q.prompts.iter().chain(&q.unseen).cloned())
        .collect();
    prompts.extend(
        requests(&World::new().unwrap(), SEED, 200)
            .map(|r| r.prompt)
            .collect::<BTreeSet<_>>(),
    );
    prompts.sort_unstable();
    for pair in prompts.windows(2) {
        assert!(!pair[1].starts_with(&pair[0]), "{pair:?}");
    }
}

#[test]
fn sums_are_right_more_often_than_not_and_not_always() {
    let table = truth_table();
    let family = table
        .families
        .iter()
        .find(|f| f.name == "arithmetic")
        .unwrap();
    for question in &family.questions {
        let mut said: BTreeMap<&str, f64> = BTreeMap::new();
        for answer in &question.answers {
            *said.entry(&answer.says).or_default() += answer.probability;
            let number: i32 = answer.says.parse().unwrap();
            assert!(number >= 2);
            assert!(answer.text.ends_with(&format!("The answer is {number}.")));
        }
        let right = said.remove(question.right.as_deref().unwrap()).unwrap();
        assert!((0.6..0.8).contains(&right), "{right}");
        assert!(said.values().all(|other| *other < right / 2.0));
    }
}

#[test]
fn a_request_gets_a_story_that_ends_as_asked() {
    let world = World::new().unwrap();
    let wishes: Vec<Request> = requests(&world, SEED, 1000).collect();
    for wish in &wishes {
        if let Some(asked) = wish.asked {
            assert_eq!(wish.story.labels.sentiment, asked);
            let word = if asked == Sentiment::Happy {
                " happy "
            } else {
                " sad "
            };
            assert!(wish.prompt.contains(word), "{}", wish.prompt);
        }
        assert!(wish.prompt.contains(&wish.subject));
        assert!(!wish.prompt.contains("KIND") && !wish.prompt.contains("SUBJECT"));
        assert!(!wish.prompt.contains(['[', '{', '|']), "{}", wish.prompt);
    }
    for asked in [Sentiment::Happy, Sentiment::Sad] {
        let share = wishes.iter().filter(|w| w.asked == Some(asked)).count();
        assert!((350..=450).contains(&share), "{share}");
    }
    let subjects: BTreeSet<&str> = wishes.iter().map(|w| w.subject.as_str()).collect();
    assert!(subjects.len() >= 60, "{}", subjects.len());
}
