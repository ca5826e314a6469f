//! Agreement with Hugging Face's `transformers`: its logits processors and its beam search, on fixtures made by
//! `tests/python/decoding_fixtures.py`.

#![allow(clippy::unwrap_used)] // a test that fails to unwrap has failed

use std::collections::HashMap;
use std::num::NonZeroUsize;

use decoding::{Shaping, beam_search, shape};
use serde::Deserialize;

#[derive(Deserialize)]
struct ShapingFixture {
    history: Vec<u32>,
    rows: HashMap<String, Vec<f32>>,
    cases: Vec<ShapingCase>,
}

#[derive(Deserialize)]
struct ShapingCase {
    row: String,
    knobs: Shaping,
    probabilities: Vec<f64>,
}

#[test]
fn shaping_agrees_with_the_logits_processors_to_a_millionth() {
    let fixture: ShapingFixture =
        serde_json::from_str(include_str!("fixtures/shaping.json")).unwrap();
    assert!(fixture.cases.len() > 100);
    for ShapingCase {
        row,
        knobs,
        probabilities,
    } in &fixture.cases
    {
        let ours = shape(&fixture.rows[row], &fixture.history, knobs);
        assert_eq!(ours.probabilities().len(), probabilities.len());
        for (id, (ours, theirs)) in ours.probabilities().iter().zip(probabilities).enumerate() {
            assert_eq!(
                *ours > 0.0,
                *theirs > 0.0,
                "row {row}, token {id}, {knobs:?}: {ours} against {theirs}"
            );
            assert!(
                (ours - theirs).abs() < 1e-6,
                "row {row}, token {id}, {knobs:?}: {ours} against {theirs}"
            );
        }
    }
}

#[derive(Deserialize)]
struct BeamFixture {
    length: usize,
    table: Vec<TableRow>,
    cases: Vec<BeamCase>,
}

#[derive(Deserialize)]
struct TableRow {
    after: Vec<u32>,
    logits: Vec<f32>,
}

#[derive(Deserialize)]
struct BeamCase {
    width: NonZeroUsize,
    end: Option<u32>,
    hypotheses: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    tokens: Vec<u32>,
    log_probability: f64,
}

#[test]
fn beam_search_agrees_with_generate() {
    let fixture: BeamFixture = serde_json::from_str(include_str!("fixtures/beam.json")).unwrap();
    let table: HashMap<Vec<u32>, Vec<f32>> = fixture
        .table
        .into_iter()
        .map(|row| (row.after, row.logits))
        .collect();
    for BeamCase {
        width,
        end,
        hypotheses,
    } in fixture.cases
    {
        let found = beam_search(width, fixture.length, end, |continuations| {
            continuations
                .iter()
                .map(|tokens| table[tokens].clone())
                .collect()
        });
        let tokens = |found: &decoding::Hypothesis| found.tokens.clone();
        let expected: Vec<_> = hypotheses.iter().map(|it| it.tokens.clone()).collect();
        assert_eq!(
            found.iter().map(tokens).collect::<Vec<_>>(),
            expected,
            "width {width}, end {end:?}"
        );
        for (found, expected) in found.iter().zip(&hypotheses) {
            assert!(
                (found.log_probability - expected.log_probability).abs() < 1e-5,
                "width {width}, end {end:?}"
            );
        }
    }
}
