//! Beam search against brute force on models small enough to enumerate.

#![allow(clippy::unwrap_used)] // a test that fails to unwrap has failed

use std::num::NonZeroUsize;

use decoding::{Beam, Hypothesis, beam_search, coin, surprisal_nats};
use proptest::prelude::*;

const VOCABULARY: u32 = 4;
const LENGTH: usize = 4;

/// A model without structure: a row of random logits for each continuation.
fn logits(seed: u64, tokens: &[u32]) -> Vec<f32> {
    let path = tokens
        .iter()
        .fold(1_u32, |path, token| path * (VOCABULARY + 1) + token);
    (0..VOCABULARY)
        .map(|id| coin(seed, path, id).value() as f32 * 6.0)
        .collect()
}

fn search(seed: u64, width: usize, end: Option<u32>) -> Vec<Hypothesis> {
    let model = |continuations: &[Vec<u32>]| {
        continuations
            .iter()
            .map(|tokens| logits(seed, tokens))
            .collect()
    };
    beam_search(NonZeroUsize::new(width).unwrap(), LENGTH, end, model)
}

/// Every continuation that ends, or is `LENGTH` long, best first.
fn enumerate(seed: u64, end: Option<u32>) -> Vec<Hypothesis> {
    let mut open = vec![Hypothesis {
        tokens: Vec::new(),
        log_probability: 0.0,
    }];
    let mut closed = Vec::new();
    while let Some(parent) = open.pop() {
        let row = logits(seed, &parent.tokens);
        for token in 0..VOCABULARY {
            let tokens = [parent.tokens.as_slice(), &[token]].concat();
            let log_probability = parent.log_probability - surprisal_nats(&row, token);
            let done = Some(token) == end || tokens.len() == LENGTH;
            let list = if done { &mut closed } else { &mut open };
            list.push(Hypothesis {
                tokens,
                log_probability,
            });
        }
    }
    closed.sort_by(|a, b| b.log_probability.total_cmp(&a.log_probability));
    closed
}

proptest! {
    #[test]
    fn a_beam_as_wide_as_the_tree_finds_the_best_of_all(seed: u64, end in prop::option::of(0..VOCABULARY)) {
        let all = enumerate(seed, end);
        let width = (VOCABULARY as usize).pow(LENGTH as u32);
        let found = search(seed, width, end);
        prop_assert_eq!(found.len(), all.len());
        for (found, expected) in found.iter().zip(&all) {
            prop_assert_eq!(&found.tokens, &expected.tokens);
            prop_assert!((found.log_probability - expected.log_probability).abs() < 1e-12);
        }
        let total: f64 = found.iter().map(|it| it.log_probability.exp()).sum();
        prop_assert!((total - 1.0).abs() < 1e-12, "together they are every way to go on");
    }

    #[test]
    fn every_hypothesis_scores_its_own_log_probability(seed: u64, width in 1_usize..8, end in prop::option::of(0..VOCABULARY)) {
        let found = search(seed, width, end);
        prop_assert_eq!(found.len(), width);
        prop_assert!(found.windows(2).all(|pair| pair[0].log_probability >= pair[1].log_probability));
        for it in found {
            let cost: f64 = (0..it.tokens.len()).map(|n| surprisal_nats(&logits(seed, &it.tokens[..n]), it.tokens[n])).sum();
            prop_assert!((it.log_probability + cost).abs() < 1e-12);
            prop_assert!(it.tokens.iter().rev().skip(1).all(|token| Some(*token) != end), "nothing follows the end");
        }
    }

    #[test]
    fn a_beam_of_one_without_an_end_is_greedy(seed: u64) {
        let mut tokens = Vec::new();
        for _ in 0..LENGTH {
            let row = logits(seed, &tokens);
            tokens.push((0..VOCABULARY).max_by(|a, b| row[*a as usize].total_cmp(&row[*b as usize])).unwrap());
        }
        prop_assert_eq!(&search(seed, 1, None)[0].tokens, &tokens);
    }
}

#[test]
fn a_beam_of_any_width_holds_what_there_is() {
    let mut beam = Beam::new(NonZeroUsize::MAX);
    assert_eq!(beam.advance(&[[0.0_f32; 4]]).len(), 4);
    assert_eq!(beam.hypotheses().len(), 4);
}

#[test]
fn equal_scores_are_told_in_the_order_of_their_tokens() {
    let mut beam = Beam::new(NonZeroUsize::new(8).unwrap()).with_end(Some(2));
    for _ in 0..2 {
        let rows = vec![[0.0_f32; 3]; beam.running().len()];
        beam.advance(&rows);
    }
    let told: Vec<Vec<u32>> = beam.hypotheses().into_iter().map(|it| it.tokens).collect();
    // One that ended after a token, then six of two tokens at the square of its probability.
    let expected: [&[u32]; 7] = [&[2], &[0, 0], &[0, 1], &[0, 2], &[1, 0], &[1, 1], &[1, 2]];
    assert_eq!(told, expected);
}

#[test]
fn ties_go_by_parent_then_by_token() {
    let mut beam = Beam::new(NonZeroUsize::new(3).unwrap());
    let step = |beam: &mut Beam| {
        let rows = vec![[0.0_f32; 4]; beam.running().len()];
        beam.advance(&rows)
            .iter()
            .map(|it| (it.parent, it.token))
            .collect::<Vec<_>>()
    };
    assert_eq!(step(&mut beam), [(0, 0), (0, 1), (0, 2)]);
    assert_eq!(step(&mut beam), [(0, 0), (0, 1), (0, 2)]);
    assert_eq!(beam.running()[2].tokens, [0, 2]);
}

#[test]
fn forbidden_tokens_are_never_taken_and_a_beam_that_cannot_go_on_is_done() {
    let forbid = f32::NEG_INFINITY;
    let mut beam = Beam::new(NonZeroUsize::new(2).unwrap()).with_end(Some(1));
    let next = beam.advance(&[[forbid, 0.0, forbid]]);
    assert!(next.is_empty() && beam.is_done());
    assert_eq!(
        beam.hypotheses(),
        [Hypothesis {
            tokens: vec![1],
            log_probability: 0.0
        }]
    );
}

#[test]
fn it_stops_once_nothing_that_runs_can_win() {
    let mut beam = Beam::new(NonZeroUsize::new(1).unwrap()).with_end(Some(0));
    beam.advance(&[[2.0_f32, 0.0, 0.0]]);
    assert!(
        beam.is_done(),
        "the finished one scores better than the one that runs"
    );
    let unlikely_end = beam_search(NonZeroUsize::new(1).unwrap(), 0, None, |_| {
        unreachable!("no step to run")
    });
    assert_eq!(
        unlikely_end,
        [Hypothesis {
            tokens: vec![],
            log_probability: 0.0
        }]
    );
}
