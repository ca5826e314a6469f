//! A swarm decodes as if every chain were decoded alone, and after a change of knobs as if it had begun with them.
//! A forced token stays as long as its prefix is unchanged.

#![allow(clippy::unwrap_used)] // a test that fails to unwrap has failed

mod common;

use std::collections::BTreeMap;

use common::checkpoint::{Checkpoint, small};
use common::{relative_difference, rows};
use decoding::{Shaping, coin, interpolate, shape};
use pollster::block_on;
use proptest::prelude::*;
use transformer::{LlamaModel, Plan, Realignment, Swarm};

fn checkpoint() -> Checkpoint {
    Checkpoint::random(small(), 21)
}

fn model() -> LlamaModel {
    checkpoint().model()
}

const PROMPT: [u32; 3] = [1, 17, 40];

/// `None` where the knobs are refused.
fn shaping(temperature: f64, scale: f64) -> Shaping {
    serde_json::from_value(serde_json::json!({"temperature": temperature, "logit_scale": scale}))
        .unwrap()
}

fn start(model: &LlamaModel, chains: usize, plan: Plan) -> Swarm {
    block_on(Swarm::start(model, PROMPT.to_vec(), chains, plan)).unwrap()
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

/// Tokens that are forced into a chain, by position.
type Forced = BTreeMap<usize, u32>;

/// One chain without cache, batch or swarm.
fn alone(model: &LlamaModel, plan: &Plan, chain: u32, forced: &Forced) -> Vec<u32> {
    let mut text = PROMPT.to_vec();
    for position in 0..plan.length {
        let row = rows(model.forward_logits(&text)).pop().unwrap();
        let coin = coin(plan.seed, chain, position as u32);
        let free = || shape(&row, &text, &plan.shaping).pick(coin);
        let token = forced.get(&position).copied().unwrap_or_else(free);
        text.push(token);
        if model.config().ends_text(token) {
            break;
        }
    }
    text.split_off(PROMPT.len())
}

/// Every row of every chain against plain loops over its whole text.
fn assert_rows_are_the_models(checkpoint: &Checkpoint, swarm: &Swarm) {
    for (chain, tokens) in tokens(swarm).iter().enumerate() {
        let plain = checkpoint.logits(&[&PROMPT[..], tokens].concat());
        for position in 0..tokens.len() {
            let row = &swarm.logits(chain, position).unwrap().base;
            let difference = relative_difference(row, &plain[PROMPT.len() - 1 + position]);
            assert!(
                difference <= 1e-4,
                "chain {chain}, position {position}: {difference:e} of the spread"
            );
        }
    }
}

#[test]
fn every_chain_is_what_it_would_be_alone() {
    let model = model();
    let plan = Plan {
        shaping: shaping(1.2, 1.0),
        seed: 5,
        length: 20,
    };
    let together = finish(&mut start(&model, 6, plan));
    for (chain, tokens) in together.iter().enumerate() {
        assert_eq!(
            *tokens,
            alone(&model, &plan, chain as u32, &Forced::new()),
            "chain {chain}"
        );
    }
    assert!(
        together.iter().any(|tokens| tokens.len() < 20),
        "some chain should end early, or ends are not tested"
    );
}

#[test]
fn a_forced_token_stays_and_the_chain_goes_on_from_it() {
    let model = model();
    let plan = Plan {
        shaping: shaping(1.0, 1.0),
        seed: 8,
        length: 12,
    };
    let mut swarm = start(&model, 3, plan);
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
fn a_forced_token_stays_under_other_knobs_until_a_token_before_it_changes() {
    const POSITION: usize = 2;
    let model = model();
    let plan = |temperature| Plan {
        shaping: shaping(temperature, 1.0),
        seed: 3,
        length: 8,
    };
    let mut swarm = start(&model, 16, plan(1.0));
    let free = finish(&mut swarm);
    let mut other = BTreeMap::new();
    for (chain, tokens) in free.iter().enumerate() {
        if let Some(token) = tokens.get(POSITION) {
            other.insert(chain, (token + 1) % 61);
            assert!(swarm.force(chain, POSITION, other[&chain]));
        }
    }
    finish(&mut swarm);
    change(&mut swarm, &plan(1.01));
    let after = finish(&mut swarm);
    let fresh = finish(&mut start(&model, 16, plan(1.01)));
    let keeps_prefix = |chain: usize| fresh[chain].starts_with(&free[chain][..POSITION]);
    assert!(other.keys().any(|&chain| keeps_prefix(chain)));
    assert!(!other.keys().all(|&chain| keeps_prefix(chain)));
    for (&chain, &token) in &other {
        if keeps_prefix(chain) {
            assert_eq!(after[chain][POSITION], token, "chain {chain}");
        } else {
            assert_eq!(after[chain], fresh[chain], "as if never forced");
        }
    }
    change(&mut swarm, &plan(1.0));
    for (chain, tokens) in finish(&mut swarm).iter().enumerate() {
        if !other.contains_key(&chain) || !keeps_prefix(chain) {
            assert_eq!(
                *tokens, free[chain],
                "what was forgotten does not come back"
            );
        }
    }
}

#[test]
fn chains_that_had_ended_live_again_under_other_knobs() {
    let model = model();
    let checkpoint = checkpoint();
    let (mut by_end, mut by_length, mut from_nothing) = (0, 0, 0);
    let plan = |seed| Plan {
        shaping: shaping(1.2, 1.0),
        seed,
        length: 12,
    };
    let mut swarm = start(&model, 8, plan(0));
    for seed in 0..6 {
        let before = finish(&mut swarm);
        change(&mut swarm, &plan(seed));
        for (kept, before) in tokens(&swarm).iter().zip(&before) {
            by_end += usize::from(kept.len() < before.len() && before.len() < 12);
            by_length += usize::from(kept.len() < before.len() && before.len() == 12);
            from_nothing += usize::from(kept.is_empty());
        }
        let fresh = finish(&mut start(&model, 8, plan(seed)));
        assert_eq!(finish(&mut swarm), fresh, "seed {seed}");
        assert_rows_are_the_models(&checkpoint, &swarm);
    }
    assert!(by_end > 0 && by_length > 0 && from_nothing > 0);
}

#[test]
fn rows_are_those_from_which_the_tokens_were_picked() {
    let model = model();
    let plan = Plan {
        shaping: shaping(1.0, 1.0),
        seed: 2,
        length: 8,
    };
    let mut swarm = start(&model, 4, plan);
    let chains = finish(&mut swarm);
    for (chain, tokens) in chains.iter().enumerate() {
        for (position, &token) in tokens.iter().enumerate() {
            let history = [&PROMPT[..], &tokens[..position]].concat();
            let row = &swarm.logits(chain, position).unwrap().base;
            let coin = coin(plan.seed, chain as u32, position as u32);
            assert_eq!(shape(row, &history, &plan.shaping).pick(coin), token);
        }
        assert!(
            swarm.logits(chain, tokens.len()).is_none(),
            "a finished chain has no next row"
        );
    }
}

/// What a reader does to a swarm, and for how long it then steps.
#[derive(Clone, Debug)]
enum Act {
    Turn {
        temperature: f64,
        scale: f64,
        penalty: f64,
        seed: u64,
    },
    Force {
        chain: usize,
        position: usize,
        token: u32,
    },
}

fn acts() -> impl Strategy<Value = Vec<(Act, usize)>> {
    let penalty = prop_oneof![Just(1.0), 1.0..2.0f64];
    let turn = (0.0..3.0f64, 0.25..4.0f64, penalty, 0..3u64).prop_map(
        |(temperature, scale, penalty, seed)| Act::Turn {
            temperature,
            scale,
            penalty,
            seed,
        },
    );
    let force = (0..6usize, 0..10usize, 0..61u32).prop_map(|(chain, position, token)| Act::Force {
        chain,
        position,
        token,
    });
    prop::collection::vec((prop_oneof![turn, force], 0..12usize), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The one property on which sliders rest.
    #[test]
    fn a_swarm_whose_plan_changes_ends_as_one_that_began_with_it(acts in acts(), chains in 1..6usize) {
        let (checkpoint, model) = (checkpoint(), model());
        let mut plan = Plan { shaping: shaping(1.0, 1.0), seed: 0, length: 10 };
        let mut swarm = start(&model, chains, plan);
        // Forced tokens with their prefixes.
        let mut forced = vec![BTreeMap::<usize, (u32, Vec<u32>)>::new(); chains];
        for (act, steps) in acts {
            match act {
                Act::Turn { temperature, scale, penalty, seed } => {
                    plan.shaping = shaping(temperature, scale).with_repetition_penalty(penalty).unwrap();
                    plan.seed = seed;
                    change(&mut swarm, &plan);
                    for (forced, tokens) in forced.iter_mut().zip(tokens(&swarm)) {
                        forced.retain(|_, (_, before)| tokens.starts_with(before));
                    }
                }
                Act::Force { chain, position, token } => {
                    let before = tokens(&swarm);
                    if swarm.force(chain, position, token) {
                        forced[chain].split_off(&position);
                        forced[chain].insert(position, (token, before[chain][..position].to_vec()));
                    } else {
                        prop_assert!(before.get(chain).is_none_or(|tokens| position >= tokens.len()));
                        prop_assert_eq!(tokens(&swarm), before);
                    }
                }
            }
            for _ in 0..steps {
                block_on(swarm.step()).unwrap();
            }
        }
        for (chain, tokens) in finish(&mut swarm).into_iter().enumerate() {
            let forced = forced[chain].iter().map(|(&position, &(token, _))| (position, token)).collect();
            prop_assert_eq!(tokens, alone(&model, &plan, chain as u32, &forced), "chain {}", chain);
        }
        assert_rows_are_the_models(&checkpoint, &swarm);
    }
}

/// One chain of two models without cache, batch or swarm.
fn alone_of_both(
    [base, tuned]: [&LlamaModel; 2],
    lambda: f64,
    plan: &Plan,
    chain: u32,
) -> Vec<u32> {
    let mut text = PROMPT.to_vec();
    for position in 0..plan.length {
        let last = |model: &LlamaModel| rows(model.forward_logits(&text)).pop().unwrap();
        let row = interpolate(&last(base), &last(tuned), lambda).unwrap();
        let token = shape(&row, &text, &plan.shaping).pick(coin(plan.seed, chain, position as u32));
        text.push(token);
        if base.config().ends_text(token) {
            break;
        }
    }
    text.split_off(PROMPT.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn realignment_is_a_knob_and_the_base_beside_it_has_the_same_coins(
        lambdas in prop::collection::vec((0.0..1.5f64, 0..12usize), 1..5),
        ends in prop::collection::vec(prop_oneof![Just(0.0), Just(1.0)], 0..2),
        chains in 1..4usize,
        compare: bool,
    ) {
        let (base, tuned) = (model(), Checkpoint::random(small(), 22).model());
        let plan = Plan { shaping: shaping(1.0, 1.0), seed: 4, length: 10 };
        let realignment = Realignment { tuned: &tuned, lambda: 1.0, compare };
        let mut swarm = block_on(Swarm::start_realigned(&base, realignment, PROMPT.to_vec(), chains, plan)).unwrap();
        let mut last = 1.0;
        for (lambda, steps) in lambdas.into_iter().chain(ends.into_iter().map(|lambda| (lambda, 3))) {
            for _ in 0..steps {
                block_on(swarm.step()).unwrap();
            }
            swarm.set_lambda(lambda);
            for chain in 0..swarm.chains() {
                swarm.repick(chain);
            }
            last = lambda;
        }
        let chains_of_swarm = finish(&mut swarm);
        prop_assert_eq!(chains_of_swarm.len(), if compare { 2 * chains } else { chains });
        for (index, tokens) in chains_of_swarm.into_iter().enumerate() {
            let chain = (index % chains) as u32;
            let expected = if index < chains {
                alone_of_both([&base, &tuned], last, &plan, chain)
            } else {
                alone(&base, &plan, chain, &Forced::new())
            };
            prop_assert_eq!(tokens, expected, "chain {} at lambda {}", index, last);
        }
    }
}
