//! A tiny seeded model generates exactly these tokens. However a swarm came to its chains (cached, batched, decoded again, forced,
//! with other chains ended), they are those of the model run one chain at a time without a cache, with the same coins.
//!
//! `BLESS=1` rewrites `tests/golden/tiny.json`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{env, fs};

use decoding::Shaping;
use serde_json::{Value, json};
use tests::site::root;
use tests::tiny;
use transformer::device::read_logits;
use transformer::{Pipeline, Plan, Swarm};

const PROMPT: &str = "Once upon a time";
/// The largest difference between logits computed in two ways, as a share of their row's spread.
const TOLERANCE: f32 = 1e-4;

fn warm() -> Plan {
    let shaping = Shaping::default()
        .with_temperature(1.2)
        .unwrap()
        .with_top_p(0.95)
        .unwrap();
    Plan {
        shaping,
        seed: 7,
        length: 24,
    }
}

fn started(pipeline: &Pipeline, chains: usize, plan: Plan) -> Swarm {
    let prompt = pipeline.tokenizer.encode(PROMPT).unwrap();
    pollster::block_on(Swarm::start(&pipeline.model, prompt, chains, plan)).unwrap()
}

fn finish(swarm: &mut Swarm) {
    while !swarm.is_done() {
        pollster::block_on(swarm.step()).unwrap();
    }
}

fn finished(pipeline: &Pipeline, chains: usize, plan: Plan) -> Swarm {
    let mut swarm = started(pipeline, chains, plan);
    finish(&mut swarm);
    swarm
}

fn tokens(swarm: &Swarm, chain: usize) -> Vec<u32> {
    swarm
        .picked(chain)
        .iter()
        .map(|picked| picked.token)
        .collect()
}

fn all_tokens(swarm: &Swarm) -> Vec<Vec<u32>> {
    (0..swarm.chains())
        .map(|chain| tokens(swarm, chain))
        .collect()
}

/// Compares all logits of every chain with one uncached forward pass over its whole text.
fn assert_rows_are_the_models(pipeline: &Pipeline, swarm: &Swarm) {
    let prompt = pipeline.tokenizer.encode(PROMPT).unwrap();
    for chain in 0..swarm.chains() {
        let text = [prompt.clone(), tokens(swarm, chain)].concat();
        let scored = pollster::block_on(read_logits(pipeline.model.forward_logits(&text))).unwrap();
        for position in 0..swarm.picked(chain).len() {
            let expected = &scored[prompt.len() - 1 + position];
            let found = &swarm.logits(chain, position).unwrap().base;
            let spread = expected.iter().fold(f32::MIN, |a, b| a.max(*b))
                - expected.iter().fold(f32::MAX, |a, b| a.min(*b));
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - expected).abs() <= TOLERANCE * spread,
                    "chain {chain}, position {position}: {found} is not {expected} (spread {spread})"
                );
            }
        }
    }
}

#[test]
fn greedy_and_drawn_tokens_are_the_golden_ones() {
    let pipeline = tiny::model().unwrap();
    let cold = Plan {
        shaping: Shaping::default().with_temperature(0.0).unwrap(),
        ..warm()
    };
    let found = json!({
        "prompt": pipeline.tokenizer.encode(PROMPT).unwrap(),
        "greedy": tokens(&finished(&pipeline, 1, cold), 0),
        "drawn": all_tokens(&finished(&pipeline, 4, warm())),
    });
    let file = root().join("tests/golden/tiny.json");
    if env::var_os("BLESS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("{found}\n")).unwrap();
    }
    let golden: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(found, golden, "if this change is meant: cargo xtask bless");
}

#[test]
fn greedy_chains_are_alike_whatever_their_coins() {
    let pipeline = tiny::model().unwrap();
    let cold = Plan {
        shaping: Shaping::default().with_temperature(0.0).unwrap(),
        ..warm()
    };
    let chains = all_tokens(&finished(&pipeline, 5, cold));
    assert!(chains.iter().all(|chain| *chain == chains[0]));
    let other = finished(&pipeline, 1, Plan { seed: 8, ..cold });
    assert_eq!(chains[0], tokens(&other, 0));
}

#[test]
fn cached_rows_are_those_of_one_pass_over_the_text() {
    let pipeline = tiny::model().unwrap();
    assert_rows_are_the_models(&pipeline, &finished(&pipeline, 6, warm()));
}

#[test]
fn a_chain_is_the_same_in_a_small_and_in_a_large_swarm() {
    let pipeline = tiny::model().unwrap();
    let large = all_tokens(&finished(&pipeline, 9, warm()));
    for chains in [1, 4] {
        assert_eq!(
            all_tokens(&finished(&pipeline, chains, warm())),
            large[..chains]
        );
    }
}

#[test]
fn chains_decoded_again_after_new_knobs_are_those_of_a_fresh_swarm() {
    let pipeline = tiny::model().unwrap();
    let mut swarm = finished(&pipeline, 8, warm());
    let mut stayed = Vec::new();
    for (temperature, seed) in [(1.199, 7), (1.19, 7), (1.1, 7), (1.3, 9)] {
        let shaping = warm().shaping.with_temperature(temperature).unwrap();
        swarm.set_plan(shaping, seed);
        stayed.extend((0..swarm.chains()).map(|chain| swarm.repick(chain)));
        finish(&mut swarm);
        let fresh = finished(
            &pipeline,
            8,
            Plan {
                shaping,
                seed,
                ..warm()
            },
        );
        assert_eq!(
            all_tokens(&swarm),
            all_tokens(&fresh),
            "T = {temperature}, seed {seed}"
        );
        for chain in 0..8 {
            for (again, once) in swarm.picked(chain).iter().zip(fresh.picked(chain)) {
                assert!((again.entropy_bits - once.entropy_bits).abs() < 1e-3);
                assert!((again.surprisal_bits - once.surprisal_bits).abs() < 1e-3);
            }
        }
        assert_rows_are_the_models(&pipeline, &swarm);
    }
    // The chains went on from different places, or this test has seen nothing.
    stayed.sort_unstable();
    stayed.dedup();
    assert!(stayed.len() > 4, "{stayed:?}");
}

#[test]
fn knobs_that_change_in_the_middle_of_a_run_give_what_a_fresh_swarm_gives() {
    let pipeline = tiny::model().unwrap();
    let mut swarm = started(&pipeline, 5, warm());
    for _ in 0..9 {
        pollster::block_on(swarm.step()).unwrap();
    }
    let shaping = warm().shaping.with_temperature(0.9).unwrap();
    swarm.set_plan(shaping, 7);
    for chain in 0..5 {
        swarm.repick(chain);
    }
    finish(&mut swarm);
    assert_eq!(
        all_tokens(&swarm),
        all_tokens(&finished(&pipeline, 5, Plan { shaping, ..warm() }))
    );
}

#[test]
fn a_forced_token_stands_and_its_chain_goes_on_from_it() {
    let pipeline = tiny::model().unwrap();
    let free = finished(&pipeline, 4, warm());
    let mut swarm = finished(&pipeline, 4, warm());
    let other = (free.picked(1)[3].token + 5) % 300 + 1;
    assert!(swarm.force(1, 3, other));
    assert_eq!(tokens(&swarm, 1), tokens(&free, 1)[..3]);
    finish(&mut swarm);
    assert_eq!(tokens(&swarm, 1)[..3], tokens(&free, 1)[..3]);
    assert_eq!(tokens(&swarm, 1)[3], other);
    for chain in [0, 2, 3] {
        assert_eq!(tokens(&swarm, chain), tokens(&free, chain));
    }
    assert_rows_are_the_models(&pipeline, &swarm);

    assert!(swarm.force(2, 0, other));
    swarm.set_plan(warm().shaping, 8);
    for chain in 0..4 {
        swarm.repick(chain);
    }
    assert!(tokens(&swarm, 1).len() < 3, "other coins, other tokens");
    finish(&mut swarm);
    let fresh = finished(&pipeline, 4, Plan { seed: 8, ..warm() });
    assert_eq!(
        tokens(&swarm, 1),
        tokens(&fresh, 1),
        "a forced token goes with the tokens before it"
    );
    assert_eq!(
        tokens(&swarm, 2)[0],
        other,
        "other coins do not move one that has none before it"
    );
    assert_rows_are_the_models(&pipeline, &swarm);

    let before = all_tokens(&swarm);
    assert!(!swarm.force(1, 999, other) && !swarm.force(9, 0, other));
    assert_eq!(all_tokens(&swarm), before);
}

#[test]
fn chains_that_others_leave_keep_their_tokens() {
    let pipeline = tiny::model().unwrap();
    let end = pipeline.model.config().eos_token_id[0];
    let free = finished(&pipeline, 5, warm());
    let mut swarm = started(&pipeline, 5, warm());
    for (chain, position) in [(0, 2), (3, 2), (4, 6)] {
        while swarm.logits(chain, position).is_none() {
            pollster::block_on(swarm.step()).unwrap();
        }
        assert!(swarm.force(chain, position, end));
    }
    finish(&mut swarm);
    for (chain, length) in [(0, 3), (3, 3), (4, 7)] {
        assert_eq!(tokens(&swarm, chain).len(), length);
        assert_eq!(tokens(&swarm, chain).last(), Some(&end));
    }
    for chain in [1, 2] {
        assert_eq!(tokens(&swarm, chain), tokens(&free, chain));
    }
    assert_rows_are_the_models(&pipeline, &swarm);
}
