//! The worker without a browser: a real tiny model on the CPU, and everything around it under the tests' control.

mod downloads;
mod failures;
mod host;
mod swarms;

use decoding::Shaping;
use protocol::{
    Chains, Command, Event, GenerateRequest, Lambda, Length, Pick, ResampleRequest, RunId, RunSpec,
    SamplingParams, Unavailable,
};

use host::{Act, When};

const RUN: RunId = RunId(1);

fn spec(prompt: &str, adapter: Option<&str>) -> RunSpec {
    RunSpec {
        prompt: prompt.to_owned(),
        adapter: adapter.map(str::to_owned),
        compare: false,
        chains: Chains::new(20).unwrap(),
        length: Length::new(12).unwrap(),
    }
}

fn params(seed: u64) -> SamplingParams {
    SamplingParams {
        shaping: Shaping::default(),
        lambda: Lambda::default(),
        seed,
    }
}

fn generate(run: RunId, spec: RunSpec, params: SamplingParams) -> Act {
    Act::Send(Command::Generate(GenerateRequest { run, spec, params }))
}

fn resample(turn: u32, params: SamplingParams) -> Act {
    Act::Send(Command::Resample(ResampleRequest {
        run: RUN,
        turn,
        params,
    }))
}

fn on_ready(acts: Vec<Act>) -> (When, Vec<Act>) {
    (When::Event(|event| matches!(event, Event::Ready(_))), acts)
}

fn on_step(acts: Vec<Act>) -> (When, Vec<Act>) {
    (When::Event(|event| matches!(event, Event::Step(_))), acts)
}

fn on_done(acts: Vec<Act>) -> (When, Vec<Act>) {
    (When::Event(|event| matches!(event, Event::Done(_))), acts)
}

/// The tokens that the page shows of a run in the end, by chain.
fn tokens(events: &[Event], run: RunId) -> Vec<Vec<u32>> {
    let mut chains: Vec<Vec<u32>> = Vec::new();
    for event in events {
        match event {
            Event::Step(step) if step.run == run => {
                for &Pick {
                    chain,
                    position,
                    token,
                    ..
                } in &step.picks
                {
                    let chain = chain as usize;
                    chains.resize(chains.len().max(chain + 1), Vec::new());
                    assert_eq!(
                        chains[chain].len(),
                        position as usize,
                        "no token is missing"
                    );
                    chains[chain].push(token);
                }
            }
            Event::Rewound(rewound) if rewound.run == run => {
                for (chain, &kept) in chains.iter_mut().zip(&rewound.kept) {
                    chain.truncate(kept as usize);
                }
            }
            _ => {}
        }
    }
    chains
}

/// The turns that were answered.
fn turns(events: &[Event]) -> Vec<u32> {
    let turns = events.iter().filter_map(|event| match event {
        Event::Rewound(rewound) => Some(rewound.turn),
        _ => None,
    });
    turns.collect()
}

/// The worker's last words, which are why it serves no longer.
fn last_words(events: &[Event]) -> &Unavailable {
    let Some(Event::Unavailable(why)) = events.last() else {
        panic!("it still serves: {:?}", events.last());
    };
    why
}
