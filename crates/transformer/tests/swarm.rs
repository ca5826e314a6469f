//! A swarm decodes as if every chain were decoded alone, and after a change of knobs as if it had begun with them.

#![allow(clippy::unwrap_used)] // a test that fails to unwrap has failed

mod common;

use common::checkpoint::{Checkpoint, small};
use common::rows;
use decoding::{Shaping, coin, shape};
use pollster::block_on;
use proptest::prelude::*;
use transformer::{Engine, Plan, Swarm};

fn engine() -> Engine {
    Checkpoint::random(small(), 21).engine()
}

const PROMPT: [u32; 3] = [1, 17, 40];

/// `None` where the knobs are refused.
fn shaping(temperature: f64, scale: f64) -> Shaping {
    serde_json::from_value(serde_json::json!({"temperature": temperature, "logit_scale": scale}))
        .unwrap()
}

fn start(engine: &Engine, chains: usize, plan: Plan) -> Swarm {
    block_on(Swarm::start(engine, PROMPT.to_vec(), chains, plan)).unwrap()
}

fn finish(swarm: &mut Swarm) -> Vec<Vec<u32>> {
    while !swarm.is_done() {
        block_on(swarm.step()).unwrap();
    }
    tokens(swarm)
}

fn tokens(swarm: &Swarm) -> Vec<Vec<u32>> {
    (0..swarm.chains())
        .map(|chain| {
            swarm
                .picked(chain)
                .iter()
                .map(|picked| picked.token)
                .collect()
        })
        .collect()
}

fn change(swarm: &mut Swarm, plan: &Plan) {
    swarm.set_plan(plan.shaping, plan.seed);
    for chain in 0..swarm.chains() {
        swarm.repick(chain);
    }
}

/// One chain without cache, batch or swarm.
fn alone(engine: &Engine, plan: &Plan, chain: u32) -> Vec<u32> {
    let mut text = PROMPT.to_vec();
    for position in 0..plan.length {
        let row = rows(engine.score(&text)).pop().unwrap();
        let token = shape(&row, &text, &plan.shaping).pick(coin(plan.seed, chain, position as u32));
        text.push(token);
        if token == engine.config().eos_token_id {
            break;
        }
    }
    text.split_off(PROMPT.len())
}

#[test]
fn every_chain_is_what_it_would_be_alone() {
    let engine = engine();
    let plan = Plan {
        shaping: shaping(1.2, 1.0),
        seed: 5,
        length: 20,
    };
    let together = finish(&mut start(&engine, 6, plan));
    for (chain, tokens) in together.iter().enumerate() {
        assert_eq!(
            *tokens,
            alone(&engine, &plan, chain as u32),
            "chain {chain}"
        );
    }
    assert!(
        together.iter().any(|tokens| tokens.len() < 20),
        "some chain should end early, or ends are not tested"
    );
}

#[test]
fn a_forced_token_stands_and_the_chain_goes_on_from_it() {
    let engine = engine();
    let plan = Plan {
        shaping: shaping(1.0, 1.0),
        seed: 8,
        length: 12,
    };
    let mut swarm = start(&engine, 3, plan);
    let free = finish(&mut swarm);
    let position = 2.min(free[1].len() - 1);
    let other = (free[1][position] + 1) % 61;
    assert!(swarm.force(1, position, other));
    let forced = finish(&mut swarm);
    assert_eq!(forced[0], free[0]);
    assert_eq!(forced[2], free[2]);
    assert_eq!(forced[1][..position], free[1][..position]);
    assert_eq!(forced[1][position], other);
    assert!(!swarm.force(1, 500, other), "there is no such position");
}

#[test]
fn rows_are_those_from_which_the_tokens_were_picked() {
    let engine = engine();
    let plan = Plan {
        shaping: shaping(1.0, 1.0),
        seed: 2,
        length: 8,
    };
    let mut swarm = start(&engine, 4, plan);
    let chains = finish(&mut swarm);
    for (chain, tokens) in chains.iter().enumerate() {
        for (position, &token) in tokens.iter().enumerate() {
            let history = [&PROMPT[..], &tokens[..position]].concat();
            let row = swarm.row(chain, position).unwrap();
            let coin = coin(plan.seed, chain as u32, position as u32);
            assert_eq!(shape(row, &history, &plan.shaping).pick(coin), token);
        }
        assert_eq!(
            swarm.row(chain, tokens.len()),
            None,
            "a finished chain has no next row"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The one property on which sliders rest.
    #[test]
    fn a_swarm_whose_plan_changes_ends_as_one_that_began_with_it(
        plans in prop::collection::vec((0.0..3.0f64, 0.25..4.0f64, 0..3u64, 0..12usize), 1..4),
        chains in 1..6usize,
    ) {
        let engine = engine();
        let plan = |&(temperature, scale, seed, _): &(f64, f64, u64, usize)| {
            Plan { shaping: shaping(temperature, scale), seed, length: 10 }
        };
        let mut swarm = start(&engine, chains, plan(&plans[0]));
        for change_to in &plans {
            change(&mut swarm, &plan(change_to));
            for _ in 0..change_to.3 {
                block_on(swarm.step()).unwrap();
            }
        }
        let fresh = finish(&mut start(&engine, chains, plan(plans.last().unwrap())));
        prop_assert_eq!(finish(&mut swarm), fresh);
    }
}
