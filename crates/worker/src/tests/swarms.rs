//! Decoding, changing parameters while decoding, stopping, starting another.

use std::rc::Rc;

use protocol::{
    Command, DeviceKind, Event, ForceRequest, ForcedToken, LogitsRequest, PrefillRequest,
    RunOutcome,
};

use super::host::World;
use super::*;

fn cpu(world: &Rc<World>, script: impl IntoIterator<Item = (When, Vec<Act>)>) -> Vec<Event> {
    world.serve(DeviceKind::Cpu, script)
}

/// What a run shows that nobody disturbs.
fn undisturbed(spec: RunSpec, params: SamplingParams) -> Vec<Vec<u32>> {
    let events = cpu(&World::new(), [on_ready(vec![generate(RUN, spec, params)])]);
    tokens(&events, RUN)
}

fn dones(events: &[Event]) -> Vec<(RunId, u32, RunOutcome)> {
    let dones = events.iter().filter_map(|event| match event {
        Event::Done(done) => Some((done.run, done.turn, done.outcome)),
        _ => None,
    });
    dones.collect()
}

#[test]
fn a_model_is_loaded_and_a_swarm_decoded_to_its_end() {
    let world = World::new();
    let script = [on_ready(vec![generate(RUN, spec("A", None), params(1))])];
    let events = cpu(&world, script);
    let Some(Event::Ready(ready)) = events.iter().find(|event| matches!(event, Event::Ready(_)))
    else {
        panic!("{events:?}");
    };
    assert_eq!((ready.vocabulary.len(), ready.context), (320, 64));
    let timed: Vec<u32> = ready
        .device
        .speeds
        .iter()
        .map(|speed| speed.chains)
        .collect();
    assert_eq!(timed, [1, 16]);
    assert_eq!(dones(&events), [(RUN, 0, RunOutcome::Finished)]);
    let chains = tokens(&events, RUN);
    assert_eq!(chains.len(), 20);
    assert!(chains.iter().all(|chain| (1..=12).contains(&chain.len())));
    assert!(chains.iter().any(|chain| *chain != chains[0]));
}

#[test]
fn of_parameters_that_come_together_only_the_last_are_applied() {
    let script = [
        on_ready(vec![generate(RUN, spec("A", None), params(1))]),
        on_step(vec![
            resample(1, params(2)),
            resample(2, params(3)),
            resample(3, params(4)),
        ]),
    ];
    let events = cpu(&World::new(), script);
    assert_eq!(turns(&events), [3]);
    assert_eq!(dones(&events), [(RUN, 3, RunOutcome::Finished)]);
    assert_eq!(
        tokens(&events, RUN),
        undisturbed(spec("A", None), params(4))
    );
}

#[test]
fn newer_parameters_restart_the_resampling_of_older_ones() {
    let script = [
        on_ready(vec![generate(RUN, spec("A", None), params(1))]),
        on_done(vec![resample(1, params(2))]),
        // The first yield is that of decoding, the second lies between chains 8 and 9.
        (When::Yields(2), vec![resample(2, params(3))]),
    ];
    let events = cpu(&World::new(), script);
    assert_eq!(turns(&events), [2], "turn 1 is never answered");
    assert_eq!(
        tokens(&events, RUN),
        undisturbed(spec("A", None), params(3))
    );
}

#[test]
fn parameters_that_come_back_give_the_same_tokens_again() {
    let script = [
        on_ready(vec![generate(RUN, spec("A", None), params(1))]),
        on_done(vec![resample(1, params(2))]),
        on_done(vec![resample(2, params(1))]),
    ];
    let events = cpu(&World::new(), script);
    assert_eq!(turns(&events), [1, 2]);
    assert_eq!(
        tokens(&events, RUN),
        undisturbed(spec("A", None), params(1))
    );
}

#[test]
fn a_stopped_run_stays_as_it_is_and_takes_no_other_parameters() {
    let script = [
        on_ready(vec![generate(RUN, spec("A", None), params(1))]),
        on_step(vec![Act::Send(Command::Stop(RUN))]),
        on_done(vec![
            resample(1, params(2)),
            Act::Send(Command::Stop(RUN)),
            Act::Send(Command::GetLogits(LogitsRequest {
                run: RUN,
                chain: 0,
                position: 0,
            })),
        ]),
    ];
    let events = cpu(&World::new(), script);
    assert_eq!(dones(&events), [(RUN, 0, RunOutcome::Stopped)]);
    assert!(turns(&events).is_empty());
    let shown = tokens(&events, RUN);
    assert!(shown.iter().all(|chain| chain.len() < 12));
    assert!(
        matches!(events.last(), Some(Event::Logits(answer)) if answer.logits.is_some()),
        "its tokens can still be opened"
    );
}

#[test]
fn a_stop_that_comes_with_parameters_is_acted_on_after_them() {
    let script = [
        on_ready(vec![generate(RUN, spec("A", None), params(1))]),
        on_step(vec![resample(1, params(2)), Act::Send(Command::Stop(RUN))]),
    ];
    let events = cpu(&World::new(), script);
    assert_eq!(turns(&events), [1]);
    assert_eq!(dones(&events), [(RUN, 1, RunOutcome::Stopped)]);
}

#[test]
fn another_run_stops_the_one_before_and_even_its_resampling() {
    let second = RunId(2);
    let script = [
        on_ready(vec![generate(RUN, spec("A", None), params(1))]),
        on_step(vec![resample(1, params(2))]),
        (
            When::Yields(2),
            vec![generate(second, spec("B", None), params(1))],
        ),
    ];
    let events = cpu(&World::new(), script);
    assert_eq!(
        dones(&events),
        [
            (RUN, 0, RunOutcome::Stopped),
            (second, 0, RunOutcome::Finished)
        ]
    );
    assert!(
        turns(&events).is_empty(),
        "the first run's change has no answer"
    );
    assert_eq!(
        tokens(&events, second),
        undisturbed(spec("B", None), params(1))
    );
}

#[test]
fn a_forced_token_stays_and_one_that_cannot_be_is_answered_with_its_turn() {
    let force = |turn, chain, position| {
        Act::Send(Command::Force(ForceRequest {
            run: RUN,
            turn,
            forced: ForcedToken {
                chain,
                position,
                token: 70,
            },
        }))
    };
    let script = [
        on_ready(vec![generate(RUN, spec("A", None), params(1))]),
        on_done(vec![force(1, 3, 0)]),
        on_done(vec![force(2, 99, 0)]),
    ];
    let events = cpu(&World::new(), script);
    assert_eq!(turns(&events), [1, 2]);
    let expected = undisturbed(spec("A", None), params(1));
    let shown = tokens(&events, RUN);
    assert_eq!(shown[3][0], 70);
    assert_eq!(shown[..3], expected[..3]);
    let failed = events.iter().find_map(|event| match event {
        Event::Failed(failed) => Some(failed),
        _ => None,
    });
    assert_eq!(
        failed.unwrap().message,
        "story 100 has no token 1 to replace"
    );
}

#[test]
fn an_adapter_is_fetched_once_and_lambda_zero_gives_the_base() {
    let base_only = SamplingParams {
        lambda: Lambda::new(0.0).unwrap(),
        ..params(1)
    };
    let fitting = spec("A", Some("fitting"));
    let script = [
        on_ready(vec![generate(RUN, fitting.clone(), params(1))]),
        on_done(vec![resample(1, base_only)]),
        on_done(vec![generate(RunId(2), fitting, params(1))]),
    ];
    let world = World::new();
    let events = cpu(&world, script);
    assert_eq!(
        tokens(&events, RUN),
        undisturbed(spec("A", None), params(1))
    );
    assert_ne!(tokens(&events, RunId(2)), tokens(&events, RUN));
    let requests = world.requests.borrow();
    let weights = |(address, _): &&(String, u64)| address.ends_with("adapter_model.safetensors");
    assert_eq!(requests.iter().filter(weights).count(), 1);
}

#[test]
fn the_logits_after_a_prompt_are_those_that_its_swarm_begins_with() {
    let prefill = Act::Send(Command::Prefill(PrefillRequest {
        prompt: "A".to_owned(),
        adapter: Some("fitting".to_owned()),
    }));
    let fitting = spec("A", Some("fitting"));
    let script = [on_ready(vec![prefill, generate(RUN, fitting, params(1))])];
    let events = cpu(&World::new(), script);
    let prefilled: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Prefilled(prefilled) => Some(prefilled),
            _ => None,
        })
        .collect();
    assert_eq!(prefilled.len(), 2);
    assert_eq!(prefilled[0], prefilled[1]);
    let logits = &prefilled[0].logits;
    assert_ne!(logits.tuned.as_ref(), Some(&logits.base));
}
