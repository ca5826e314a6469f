//! The model against plain loops in f64, and its ways of decoding against each other: cached, in ragged batches, with
//! chains that rest, forget tokens or are dropped. The promise of every test: max |Δ logit| <= 1e-4 of the row's spread.

#![allow(clippy::unwrap_used)] // a test that fails to unwrap has failed

mod common;

use common::checkpoint::{Checkpoint, Numbers, small};
use common::{relative_difference, rows};
use transformer::{Batch, LlamaConfig, LlamaModel, Prefix};

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
            "odd groups, heads wider than the hidden states",
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
            &rows(checkpoint.model().forward_logits(&tokens)),
            &checkpoint.logits(&tokens),
        );
    }
}

#[test]
fn every_prefix_read_gives_the_row_of_the_score() {
    for (name, checkpoint, tokens) in checkpoints() {
        let model = checkpoint.model();
        let plain = checkpoint.logits(&tokens);
        for length in [1, 2, 7, tokens.len()] {
            assert_agree(
                name,
                &rows(model.prefill(&tokens[..length]).logits),
                &plain[length - 1..length],
            );
        }
    }
}

#[test]
fn cached_steps_agree_with_plain_loops() {
    for (name, checkpoint, tokens) in checkpoints() {
        let model = checkpoint.model();
        let (prompt, rest) = tokens.split_at(5);
        let prefix = model.prefill(prompt);
        let mut batch = model.start_batch(&prefix, 1, rest.len());
        let stepped: Vec<Vec<f32>> = rest
            .iter()
            .flat_map(|&token| rows(model.step(&mut batch, &[token])))
            .collect();
        assert_agree(name, &stepped, &checkpoint.logits(&tokens)[prompt.len()..]);
    }
}

/// Chains of different lengths over one prompt, each as long as its own sequence.
struct Ragged {
    checkpoint: Checkpoint,
    prompt: Vec<u32>,
    /// What each chain has read when the steps begin.
    own: Vec<Vec<u32>>,
    /// What each chain is fed then.
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

    /// The batch of some chains, after each has read its own tokens and rests where they end.
    fn opened(&self, model: &LlamaModel, prefix: &Prefix, chains: &[usize]) -> Batch {
        let longest = chains.iter().map(|&chain| self.own[chain].len()).max();
        let capacity = longest.unwrap() + self.steps[0].len();
        let mut batch = model.start_batch(prefix, chains.len(), capacity);
        for position in 0..longest.unwrap() {
            let (seats, fed): (Vec<usize>, Vec<u32>) = chains
                .iter()
                .enumerate()
                .filter_map(|(seat, &chain)| Some((seat, *self.own[chain].get(position)?)))
                .unzip();
            model.step_chains(&mut batch, &seats, &fed);
        }
        batch
    }

    /// Feeds some chains their next tokens and holds the rows against the plain ones. `fed` counts each chain's tokens.
    fn step(
        &self,
        what: &str,
        model: &LlamaModel,
        batch: &mut Batch,
        chains: &[usize],
        fed: &mut [usize],
    ) {
        let tokens: Vec<u32> = chains
            .iter()
            .map(|&chain| self.steps[chain][fed[chain]])
            .collect();
        let plain: Vec<Vec<f64>> = chains
            .iter()
            .map(|&chain| self.plain(chain, fed[chain]))
            .collect();
        assert_agree(
            what,
            &rows(model.step_chains(batch, chains, &tokens)),
            &plain,
        );
        for &chain in chains {
            fed[chain] += 1;
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
        let model = ragged.checkpoint.model();
        let prefix = model.prefill(&ragged.prompt);
        let mut batch = ragged.opened(&model, &prefix, &[0, 1, 2, 3, 4]);
        for step in 0..4 {
            let fed: Vec<u32> = ragged.steps.iter().map(|steps| steps[step]).collect();
            let plain: Vec<Vec<f64>> = (0..5).map(|chain| ragged.plain(chain, step)).collect();
            assert_agree(name, &rows(model.step(&mut batch, &fed)), &plain);
        }
    }
}

#[test]
fn chains_that_rest_while_others_step_go_on_as_before() {
    for (name, checkpoint, _) in checkpoints() {
        let ragged = Ragged::new(checkpoint, &[2, 0, 6, 2, 3], 6);
        let model = ragged.checkpoint.model();
        let prefix = model.prefill(&ragged.prompt);
        let mut batch = ragged.opened(&model, &prefix, &[0, 1, 2, 3, 4]);
        let mut fed = [0; 5];
        for chains in [
            &[0, 1, 2, 3, 4][..],
            &[4, 2],
            &[0, 3],
            &[1],
            &[3, 1, 0],
            &[4, 3, 2, 1, 0],
            &[2],
        ] {
            ragged.step(name, &model, &mut batch, chains, &mut fed);
        }
    }
}

#[test]
fn chains_that_forget_tokens_go_on_as_if_they_had_never_read_them() {
    for (name, checkpoint, _) in checkpoints() {
        let ragged = Ragged::new(checkpoint, &[0, 7, 3, 5, 7], 6);
        let model = ragged.checkpoint.model();
        let prefix = model.prefill(&ragged.prompt);
        let mut batch = ragged.opened(&model, &prefix, &[0, 1, 2, 3, 4]);
        let forget = |batch: &mut Batch| {
            for (chain, own) in ragged.own.iter().enumerate() {
                batch.rewind(chain, own.len());
            }
        };
        // Some read on, all forget it; some read other tokens, and all forget again, two of them nothing.
        for (round, chains) in [&[0, 1, 2, 3, 4][..], &[3, 0], &[2, 4, 0]]
            .into_iter()
            .enumerate()
        {
            for step in 0..6 {
                let wrong: Vec<u32> = (0..chains.len() as u32)
                    .map(|index| (7 * index + 11 * round as u32 + step) % 61)
                    .collect();
                model.step_chains(&mut batch, chains, &wrong);
            }
            forget(&mut batch);
        }
        let mut fed = [0; 5];
        for chains in [&[0, 1, 2, 3, 4][..], &[2, 1], &[0, 4, 2], &[3, 1], &[0]] {
            ragged.step(name, &model, &mut batch, chains, &mut fed);
        }
    }
}

#[test]
#[should_panic(expected = "is to keep")]
fn a_chain_cannot_keep_what_it_has_not_read() {
    let model = Checkpoint::random(small(), 4).model();
    let prefix = model.prefill(&[1, 5]);
    let mut batch = model.start_batch(&prefix, 2, 3);
    model.step_chains(&mut batch, &[1], &[7]);
    batch.rewind(1, 1);
    batch.rewind(0, 1);
}

#[test]
#[should_panic(expected = "named twice")]
fn a_chain_cannot_step_twice_at_once() {
    let model = Checkpoint::random(small(), 4).model();
    let prefix = model.prefill(&[1, 5]);
    let mut batch = model.start_batch(&prefix, 3, 3);
    model.step_chains(&mut batch, &[1, 1], &[7, 8]);
}

#[test]
fn chains_that_stay_or_change_places_go_on_as_before() {
    for (name, checkpoint, _) in checkpoints() {
        let ragged = Ragged::new(checkpoint, &[3, 0, 6, 2], 6);
        let model = ragged.checkpoint.model();
        let prefix = model.prefill(&ragged.prompt);
        let mut batch = ragged.opened(&model, &prefix, &[0, 1, 2, 3]);
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
                model.retain(&mut batch, &kept);
                members = kept.iter().map(|&chain| members[chain]).collect();
            }
            let fed: Vec<u32> = members
                .iter()
                .map(|&chain| ragged.steps[chain][step])
                .collect();
            let plain: Vec<Vec<f64>> = members
                .iter()
                .map(|&chain| ragged.plain(chain, step))
                .collect();
            assert_agree(name, &rows(model.step(&mut batch, &fed)), &plain);
        }
    }
}

#[test]
fn a_prefix_serves_any_number_of_batches() {
    let ragged = Ragged::new(Checkpoint::random(small(), 3), &[2, 4], 3);
    let model = ragged.checkpoint.model();
    let prefix = model.prefill(&ragged.prompt);
    // Two batches of one prefix, stepped in turn: neither may write where the other reads.
    let mut batches = [0, 1].map(|chain| ragged.opened(&model, &prefix, &[chain]));
    for step in 0..3 {
        for (chain, batch) in batches.iter_mut().enumerate() {
            let row = rows(model.step(batch, &[ragged.steps[chain][step]]));
            assert_agree("prefix", &row, &[ragged.plain(chain, step)]);
        }
    }
}

#[test]
fn a_step_of_no_chains_is_no_step() {
    let model = Checkpoint::random(small(), 5).model();
    let prefix = model.prefill(&[1, 2]);
    let mut batch = model.start_batch(&prefix, 2, 3);
    let none = model.step_chains(&mut batch, &[], &[]);
    assert_eq!(none.dims(), [0, small().vocab_size]);
    assert!(rows(none).is_empty());
    assert_eq!(
        [batch.remaining_context(0), batch.remaining_context(1)],
        [3, 3]
    );
}

#[test]
fn a_context_is_used_to_its_last_token() {
    let checkpoint = Checkpoint::random(small(), 5);
    let model = checkpoint.model();
    let context = checkpoint.config.max_position_embeddings;
    let tokens = Numbers(9).tokens(context, checkpoint.config.vocab_size);
    let plain = checkpoint.logits(&tokens);
    assert_agree("score", &rows(model.forward_logits(&tokens)), &plain);
    assert_agree(
        "read",
        &rows(model.prefill(&tokens).logits),
        &plain[context - 1..],
    );
    let prefix = model.prefill(&tokens[..context - 1]);
    assert_eq!(model.remaining_context(&tokens[..context - 1]).unwrap(), 2);
    let mut batch = model.start_batch(&prefix, 1, 1);
    assert_agree(
        "step",
        &rows(model.step(&mut batch, &tokens[context - 1..])),
        &plain[context - 1..],
    );
}
