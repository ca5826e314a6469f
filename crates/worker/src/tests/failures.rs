//! What fails, who is blamed, and whether the worker goes on.

use protocol::{
    Command, DeviceKind, Event, ExperimentAdapter, ExperimentRequest, Failed, FailureCause,
    ForceRequest, ForcedToken, RunOutcome,
};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use transformer::DeviceError;

use super::host::World;
use super::*;
use crate::failure::Failure;

fn failures(events: &[Event]) -> Vec<&Failed> {
    let failed = events.iter().filter_map(|event| match event {
        Event::Failed(failed) => Some(failed),
        _ => None,
    });
    failed.collect()
}

/// After a failure, a run of the base still goes to its end.
fn goes_on(world: &std::rc::Rc<World>, failing: Act) -> Vec<Event> {
    let on_failed = When::Event(|event| matches!(event, Event::Failed(_)));
    let base = generate(RunId(9), spec("A", None), params(1));
    let script = [on_ready(vec![failing]), (on_failed, vec![base])];
    let events = world.serve(DeviceKind::Cpu, script);
    assert!(
        matches!(events.last(), Some(Event::Done(done)) if done.run == RunId(9) && done.outcome == RunOutcome::Finished),
        "{:?}",
        events.last()
    );
    events
}

#[test]
fn a_model_without_a_file_names_the_file() {
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        let world = World::new();
        world.remove(file);
        let events = world.serve(DeviceKind::Cpu, []);
        let why = last_words(&events);
        assert_eq!(why.cause, FailureCause::File);
        assert!(
            why.message
                .contains(&format!("models/tiny/{file} is not there")),
            "{}",
            why.message
        );
    }
}

#[test]
fn a_damaged_file_is_to_blame_and_not_the_device() {
    let world = World::new();
    let weights = world.file("model.safetensors");
    world.put("model.safetensors", weights[..weights.len() / 2].to_vec());
    let events = world.serve(DeviceKind::WebGpu, []);
    assert_eq!(last_words(&events).cause, FailureCause::File);
}

#[test]
fn a_prompt_that_is_too_long_is_to_blame_itself() {
    let long = spec(&"word ".repeat(80), None);
    let events = goes_on(&World::new(), generate(RUN, long, params(1)));
    let failed = failures(&events);
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (failed[0].run, failed[0].cause),
        (Some(RUN), FailureCause::Prompt)
    );
    assert!(
        failed[0].message.contains("shorten"),
        "{}",
        failed[0].message
    );
}

#[test]
fn an_adapter_that_is_not_there_or_does_not_fit_is_to_blame_itself() {
    let world = World::new();
    world.put_folder("adapters/other/", "grouped_tied_f16_adapter");
    let config = String::from_utf8(world.file("adapters/other/adapter_config.json")).unwrap();
    let config = config.replace("\"r\": 3", "\"r\": 4");
    world.put("adapters/other/adapter_config.json", config.into_bytes());
    for (name, said) in [
        (
            "nowhere",
            "there is no adapter nowhere realignment this model",
        ),
        ("other", "the adapter other cannot be used"),
    ] {
        let tuned = spec("A", Some(name));
        let events = goes_on(&world, generate(RUN, tuned, params(1)));
        let failed = failures(&events);
        assert_eq!(
            (failed[0].run, failed[0].cause),
            (Some(RUN), FailureCause::Adapter)
        );
        assert!(failed[0].message.contains(said), "{}", failed[0].message);
    }
}

#[test]
fn nothing_is_decoded_before_a_model_is_there() {
    let world = World::new();
    world.remove("config.json");
    let on_out = When::Event(|event| matches!(event, Event::Unavailable(_)));
    let script = [(on_out, vec![generate(RUN, spec("A", None), params(1))])];
    let events = world.serve(DeviceKind::Cpu, script);
    let failed = failures(&events);
    assert_eq!(
        (failed[0].run, failed[0].cause),
        (Some(RUN), FailureCause::Request)
    );
}

#[test]
fn a_program_that_the_gpu_refuses_ends_the_worker_before_its_numbers_are_sent() {
    let script = [
        on_ready(vec![generate(RUN, spec("A", None), params(1))]),
        on_step(vec![Act::LogError]),
    ];
    let events = World::new().serve(DeviceKind::WebGpu, script);
    let why = last_words(&events);
    assert_eq!(why.cause, FailureCause::Device);
    assert!(
        why.message.contains("shader 7 is invalid"),
        "{}",
        why.message
    );
    let steps = events
        .iter()
        .filter(|event| matches!(event, Event::Step(_)));
    assert_eq!(steps.count(), 1);
    assert!(!events.iter().any(|event| matches!(event, Event::Done(_))));
}

#[test]
fn a_program_that_the_gpu_refuses_at_start_is_never_served_with() {
    let upload = When::Event(
        |event| matches!(event, Event::Progress(progress) if progress.stage == protocol::Stage::SelfTest),
    );
    let events = World::new().serve(DeviceKind::WebGpu, [(upload, vec![Act::LogError])]);
    assert_eq!(last_words(&events).cause, FailureCause::Device);
    assert!(!events.iter().any(|event| matches!(event, Event::Ready(_))));
}

#[test]
fn a_gpu_that_computes_as_the_cpu_does_passes_its_test() {
    let events = World::new().serve(DeviceKind::WebGpu, []);
    let Some(Event::Ready(ready)) = events.last() else {
        panic!("{:?}", events.last());
    };
    let tested = ready.device.self_test.unwrap();
    assert_eq!(tested.max_relative_delta, 0.0);
}

/// The token that no number comes of. The startup's tests do not use it.
const OVERFLOWS: usize = 71;

/// The fixture's weights, but one axis of the embedding belongs to one token, and a value projection overflows along it.
fn overflowing(world: &World) {
    const AXIS: usize = 5;
    let file = world.file("model.safetensors");
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let mut views: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    for (name, view) in tensors.tensors() {
        assert_eq!(view.dtype(), Dtype::F16);
        let halves = view.data().chunks_exact(2);
        let mut values: Vec<f32> = halves.map(|half| f16_to_f32([half[0], half[1]])).collect();
        let width = *view.shape().last().unwrap();
        match name.as_str() {
            "model.embed_tokens.weight" => {
                for (token, row) in values.chunks_exact_mut(width).enumerate() {
                    row[AXIS] = 0.0;
                    if token == OVERFLOWS {
                        row.fill(0.0);
                        row[AXIS] = 1.0;
                    }
                }
            }
            "model.layers.0.self_attn.v_proj.weight" => values[AXIS] = 3e38,
            _ => {}
        }
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        views.push((name, view.shape().to_vec(), bytes.collect()));
    }
    let views = views.iter().map(|(name, shape, values)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), values).unwrap();
        (name.as_str(), view)
    });
    let bytes = safetensors::serialize(views, None).unwrap();
    world.put("model.safetensors", bytes);
}

fn f16_to_f32(bytes: [u8; 2]) -> f32 {
    let bits = u32::from(u16::from_le_bytes(bytes));
    let (sign, exponent, fraction) = (bits >> 15, bits >> 10 & 0x1f, bits & 0x3ff);
    // Numbers below 2^-14 are multiples of 2^-24.
    let size = match exponent {
        0 => fraction as f32 * 2.0_f32.powi(-24),
        _ => (1024 + fraction) as f32 * 2.0_f32.powi(exponent as i32 - 25),
    };
    if sign == 1 { -size } else { size }
}

/// A swarm into which a token is put that overflows, on a device of this kind.
fn overflow_in_the_middle(kind: DeviceKind) -> Vec<Event> {
    let world = World::new();
    overflowing(&world);
    let forced = ForcedToken {
        chain: 0,
        position: 1,
        token: OVERFLOWS as u32,
    };
    let force = Act::Send(Command::Force(ForceRequest {
        run: RUN,
        turn: 1,
        forced,
    }));
    let likeliest = SamplingParams {
        shaping: Shaping::default().with_top_k(1),
        ..params(1)
    };
    let script = [
        on_ready(vec![generate(RUN, spec("A", None), likeliest)]),
        on_done(vec![force]),
    ];
    world.serve(kind, script)
}

#[test]
fn numbers_that_are_not_finite_in_the_middle_of_a_run_end_a_gpu_and_only_the_run_of_a_cpu() {
    let events = overflow_in_the_middle(DeviceKind::WebGpu);
    assert_eq!(last_words(&events).cause, FailureCause::Device);
    assert_eq!(
        turns(&events),
        [1],
        "it failed after the force, not at start"
    );

    let events = overflow_in_the_middle(DeviceKind::Cpu);
    let Some(Event::Failed(failed)) = events.last() else {
        panic!("{:?}", events.last());
    };
    assert_eq!((failed.run, failed.cause), (Some(RUN), FailureCause::File));
}

#[test]
fn a_lost_device_ends_the_worker_whatever_it_is_and_an_adapter_is_blamed_only_on_the_cpu() {
    let lost = || DeviceError::Failed("lost".to_owned());
    for kind in [DeviceKind::Cpu, DeviceKind::WebGpu] {
        for tuned in [false, true] {
            let failure = Failure::computing(kind, tuned)(lost());
            assert!(failure.fatal && failure.cause == FailureCause::Device);
        }
    }
    let overflow = || DeviceError::NotFinite { rows: 1, all: 2 };
    let blamed = |kind, tuned| {
        let failure = Failure::computing(kind, tuned)(overflow());
        (failure.cause, failure.fatal)
    };
    assert_eq!(
        blamed(DeviceKind::Cpu, true),
        (FailureCause::Adapter, false)
    );
    assert_eq!(blamed(DeviceKind::Cpu, false), (FailureCause::File, false));
    assert_eq!(
        blamed(DeviceKind::WebGpu, true),
        (FailureCause::Device, true)
    );
}

fn experiment(name: &str, adapters: &[&str]) -> Act {
    let adapters = adapters.iter().map(|name| ExperimentAdapter {
        name: (*name).to_owned(),
        budget_nats: None,
    });
    Act::Send(Command::Experiment(ExperimentRequest {
        run: RUN,
        name: name.to_owned(),
        adapters: adapters.collect(),
        params: params(1),
    }))
}

#[test]
fn an_experiment_without_its_inputs_names_the_file() {
    let events = goes_on(&World::new(), experiment("random-number", &[]));
    let failed = failures(&events);
    assert_eq!(
        (failed[0].run, failed[0].cause),
        (Some(RUN), FailureCause::File)
    );
    assert!(failed[0].message.contains("truth.json is not there"));
}

#[test]
fn an_experiment_that_is_stopped_while_it_fetches_concludes_without_findings() {
    let world = World::new();
    let storyteller =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/storyteller");
    for file in [
        "truth.json",
        "openings.json",
        "attractors.json",
        "reward/weights.json",
        "held-out.json",
    ] {
        world.put(file, std::fs::read(storyteller.join(file)).unwrap());
    }
    let on_inputs = When::Event(
        |event| matches!(event, Event::Progress(progress) if progress.stage == protocol::Stage::ExperimentInputs),
    );
    let script = [
        on_ready(vec![experiment("random-number", &["fitting"])]),
        (on_inputs, vec![Act::Send(Command::Stop(RUN))]),
    ];
    let events = world.serve(DeviceKind::Cpu, script);
    let Some(Event::ExperimentDone(done)) = events.last() else {
        panic!("{:?}", events.last());
    };
    assert_eq!((done.run, done.outcome), (RUN, RunOutcome::Stopped));
    assert_eq!(done.findings, None);
    let requests = world.requests.borrow();
    assert!(
        !requests
            .iter()
            .any(|(address, _)| address.contains("fitting"))
    );
}
