//! The engine against plain loops in f64, and its ways of decoding against each other: cached, in ragged batches, with
//! chains dropped. The promise of every test: max |Δ logit| <= 1e-4 of the row's spread.

#![allow(clippy::unwrap_used)] // a test that fails to unwrap has failed

mod common;

use common::checkpoint::{Checkpoint, Numbers, small};
use common::{relative_difference, rows};
use transformer::LlamaConfig;

const PROMISE: f64 = 1e-4;

/// Shapes that differ in what could go wrong.
fn configs() -> Vec<(&'static str, LlamaConfig)> {
    vec![
        ("grouped queries, tied head", small()),
        (
            "one key head for each query head",
            LlamaConfig {
                num_key_value_heads: 4,
                ..small()
            },
        ),
        (
            "one key head for all",
            LlamaConfig {
                num_key_value_heads: 1,
                tie_word_embeddings: false,
                ..small()
            },
        ),
        (
            "odd heads",
            LlamaConfig {
                num_attention_heads: 3,
                num_key_value_heads: 3,
                head_dim: 8,
                ..small()
            },
        ),
        (
            "odd groups, heads wider than the stream",
            LlamaConfig {
                hidden_size: 19,
                intermediate_size: 23,
                num_hidden_layers: 3,
                num_attention_heads: 9,
                num_key_value_heads: 3,
                head_dim: 10,
                rope_theta: 500_000.0,
                rms_norm_eps: 1e-6,
                tie_word_embeddings: false,
                ..small()
            },
        ),
        (
            "one head, one pair",
            LlamaConfig {
                num_attention_heads: 1,
                num_key_value_heads: 1,
                head_dim: 2,
                ..small()
            },
        ),
    ]
}

/// A checkpoint of every shape, with some random tokens.
fn checkpoints() -> impl Iterator<Item = (&'static str, Checkpoint, Vec<u32>)> {
    configs()
        .into_iter()
        .zip(1..)
        .map(|((name, config), seed)| {
            let vocabulary = config.vocab_size;
            (
                name,
                Checkpoint::random(config, seed),
                Numbers(100 + seed).tokens(17, vocabulary),
            )
        })
}

fn assert_agree(what: &str, ours: &[Vec<f32>], plain: &[Vec<f64>]) {
    assert_eq!(ours.len(), plain.len(), "{what}");
    for (index, (ours, plain)) in ours.iter().zip(plain).enumerate() {
        let difference = relative_difference(ours, plain);
        assert!(
            difference <= PROMISE,
            "{what}, row {index}: {difference:e} of the spread"
        );
    }
}

#[test]
fn scores_agree_with_plain_loops() {
    for (name, checkpoint, tokens) in checkpoints() {
        assert_agree(
            name,
            &rows(checkpoint.engine().score(&tokens)),
            &checkpoint.logits(&tokens),
        );
    }
}

#[test]
fn every_prefix_read_gives_the_row_of_the_score() {
    for (name, checkpoint, tokens) in checkpoints() {
        let engine = checkpoint.engine();
        let plain = checkpoint.logits(&tokens);
        for length in [1, 2, 7, tokens.len()] {
            assert_agree(
                name,
                &rows(engine.read(&tokens[..length]).logits),
                &plain[length - 1..length],
            );
        }
    }
}

#[test]
fn cached_steps_agree_with_plain_loops() {
    for (name, checkpoint, tokens) in checkpoints() {
        let engine = checkpoint.engine();
        let (prompt, rest) = tokens.split_at(5);
        let prefix = engine.read(prompt);
        let mut batch = engine.open(&prefix, &[&[]], rest.len());
        let stepped: Vec<Vec<f32>> = rest
            .iter()
            .flat_map(|&token| rows(engine.step(&mut batch, &[token])))
            .collect();
        assert_agree(name, &stepped, &checkpoint.logits(&tokens)[prompt.len()..]);
    }
}

/// Chains of different lengths over one prompt, each as long as its own sequence.
struct Ragged {
    checkpoint: Checkpoint,
    prompt: Vec<u32>,
    own: Vec<Vec<u32>>,
    /// What each chain is fed after it was opened.
    steps: Vec<Vec<u32>>,
}

impl Ragged {
    fn new(checkpoint: Checkpoint, lengths: &[usize], steps: usize) -> Self {
        let vocabulary = checkpoint.config.vocab_size;
        let mut numbers = Numbers(7);
        let prompt = numbers.tokens(4, vocabulary);
        let own = lengths
            .iter()
            .map(|&length| numbers.tokens(length, vocabulary))
            .collect();
        let steps = lengths
            .iter()
            .map(|_| numbers.tokens(steps, vocabulary))
            .collect();
        Self {
            checkpoint,
            prompt,
            own,
            steps,
        }
    }

    /// The plain row after a chain's step.
    fn plain(&self, chain: usize, step: usize) -> Vec<f64> {
        let tokens = [
            &self.prompt[..],
            &self.own[chain],
            &self.steps[chain][..=step],
        ]
        .concat();
        self.checkpoint.logits(&tokens).pop().unwrap()
    }
}

#[test]
fn chains_of_any_length_in_one_batch_agree_with_each_alone() {
    for (name, checkpoint, _) in checkpoints() {
        let ragged = Ragged::new(checkpoint, &[0, 5, 1, 9, 5], 4);
        let engine = ragged.checkpoint.engine();
        let prefix = engine.read(&ragged.prompt);
        let own: Vec<&[u32]> = ragged.own.iter().map(Vec::as_slice).collect();
        let mut batch = engine.open(&prefix, &own, 4);
        for step in 0..4 {
            let fed: Vec<u32> = ragged.steps.iter().map(|steps| steps[step]).collect();
            let plain: Vec<Vec<f64>> = (0..own.len())
                .map(|chain| ragged.plain(chain, step))
                .collect();
            assert_agree(name, &rows(engine.step(&mut batch, &fed)), &plain);
        }
    }
}

#[test]
fn chains_that_stay_or_change_places_go_on_as_before() {
    for (name, checkpoint, _) in checkpoints() {
        let ragged = Ragged::new(checkpoint, &[3, 0, 6, 2], 6);
        let engine = ragged.checkpoint.engine();
        let prefix = engine.read(&ragged.prompt);
        let own: Vec<&[u32]> = ragged.own.iter().map(Vec::as_slice).collect();
        let mut batch = engine.open(&prefix, &own, 6);
        let mut members = vec![0, 1, 2, 3];
        for (step, kept) in [
            vec![0, 1, 2, 3],
            vec![3, 1, 0],
            vec![0, 2],
            vec![1],
            vec![0],
            vec![0],
        ]
        .into_iter()
        .enumerate()
        {
            if step > 0 {
                engine.retain(&mut batch, &kept);
                members = kept.iter().map(|&row| members[row]).collect();
            }
            let fed: Vec<u32> = members
                .iter()
                .map(|&chain| ragged.steps[chain][step])
                .collect();
            let plain: Vec<Vec<f64>> = members
                .iter()
                .map(|&chain| ragged.plain(chain, step))
                .collect();
            assert_agree(name, &rows(engine.step(&mut batch, &fed)), &plain);
        }
    }
}

#[test]
fn a_prefix_serves_any_number_of_batches() {
    let ragged = Ragged::new(Checkpoint::random(small(), 3), &[2, 4], 3);
    let engine = ragged.checkpoint.engine();
    let prefix = engine.read(&ragged.prompt);
    // Two batches of one prefix, stepped in turn: neither may write where the other reads.
    let mut batches: Vec<_> = ragged
        .own
        .iter()
        .map(|own| engine.open(&prefix, &[own], 3))
        .collect();
    for step in 0..3 {
        for (chain, batch) in batches.iter_mut().enumerate() {
            let row = rows(engine.step(batch, &[ragged.steps[chain][step]]));
            assert_agree("prefix", &row, &[ragged.plain(chain, step)]);
        }
    }
}

#[test]
fn a_context_is_used_to_its_last_token() {
    let checkpoint = Checkpoint::random(small(), 5);
    let engine = checkpoint.engine();
    let context = checkpoint.config.max_position_embeddings;
    let tokens = Numbers(9).tokens(context, checkpoint.config.vocab_size);
    let plain = checkpoint.logits(&tokens);
    assert_agree("score", &rows(engine.score(&tokens)), &plain);
    assert_agree(
        "read",
        &rows(engine.read(&tokens).logits),
        &plain[context - 1..],
    );
    let prefix = engine.read(&tokens[..context - 1]);
    assert_eq!(engine.room(&tokens[..context - 1]).unwrap(), 2);
    let mut batch = engine.open(&prefix, &[&[]], 1);
    assert_agree(
        "step",
        &rows(engine.step(&mut batch, &tokens[context - 1..])),
        &plain[context - 1..],
    );
}
