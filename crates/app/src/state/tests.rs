//! The page's behaviour as a state machine: events in, wishes out.

use decoding::coin;
use protocol::{
    Command, DeviceChoice, DeviceKind, DeviceReport, Ending, Event, Pick, Prompted, RECORDED_RUN,
    RunId, Settings, Stage, VERSION, read_link,
};
use yew::Reducible;

use super::*;

const CPU: Voice = Voice::Device(DeviceKind::Cpu);
const WEBGPU: Voice = Voice::Device(DeviceKind::WebGpu);

fn ready(kind: DeviceKind) -> Event {
    let device = DeviceReport {
        kind,
        adapter: "test".to_owned(),
        self_test: None,
        speeds: Vec::new(),
    };
    let vocabulary = (0..=255).map(|byte| vec![byte]).collect();
    Event::Ready {
        device,
        vocabulary,
        beginning_of_text: 256,
        end_of_text: 257,
        context: 192,
    }
}

fn prompted(text: &str) -> Event {
    let tokens = text.bytes().map(u32::from).collect();
    Event::Prompted(Prompted {
        text: text.to_owned(),
        tokens,
        logits: vec![0.5; 258],
    })
}

fn step(run: RunId, position: u32, tokens: &[u8]) -> Event {
    let picks = tokens.iter().enumerate().map(|(chain, token)| Pick {
        chain: chain as u32,
        position,
        token: u32::from(*token),
        surprisal_bits: 1.0,
        entropy_bits: 2.0,
        last: false,
    });
    Event::Step {
        run,
        picks: picks.collect(),
        tokens_per_second: 100.0,
    }
}

fn done(run: RunId, ending: Ending) -> Event {
    Event::Done {
        run,
        ending,
        tokens: 2,
        seconds: 0.1,
    }
}

fn fresh() -> State {
    State::new(
        Settings {
            chains: Chains::new(2).unwrap(),
            ..Settings::default()
        },
        Vec::new(),
    )
}

fn starting() -> State {
    fresh()
        .after(Action::Started(DeviceKind::Cpu))
        .heard(CPU, Event::Hello { version: VERSION })
}

impl State {
    fn heard(self, voice: Voice, event: Event) -> Self {
        self.after(Action::Heard(vec![(voice, event)]))
    }

    /// Says what there is to be said.
    fn told(self) -> (Vec<Command>, Self) {
        let errands = errands(&self);
        let commands = errands
            .iter()
            .map(|errand| errand.command.clone())
            .collect();
        (commands, self.after(Action::Told(errands)))
    }

    fn run_id(&self) -> RunId {
        self.run.as_ref().unwrap().id
    }

    fn status_word(&self) -> &'static str {
        status(self).0.word()
    }
}

/// A finished run of two chains, three tokens each.
fn finished() -> State {
    let (_, state) = starting().heard(CPU, ready(DeviceKind::Cpu)).told();
    let (run, prompt) = (state.run_id(), state.settings.prompt.clone());
    let mut state = state.heard(CPU, prompted(&prompt));
    for (position, tokens) in [b"ab", b"ac", b"ad"].into_iter().enumerate() {
        state = state.heard(CPU, step(run, position as u32, tokens));
    }
    state.heard(CPU, done(run, Ending::Finished))
}

fn hotter(state: &State) -> Shaping {
    state
        .settings
        .shaping
        .with_temperature(state.settings.shaping.temperature() + 0.25)
        .unwrap()
}

#[test]
fn the_first_engine_runs_the_links_experiment_by_itself() {
    let state = starting();
    assert_eq!(state.status_word(), "loading");
    let (commands, state) = state.heard(CPU, ready(DeviceKind::Cpu)).told();
    let Settings {
        prompt,
        shaping,
        seed,
        chains,
        length,
        ..
    } = state.settings.clone();
    assert_eq!(
        commands,
        [Command::Generate {
            run: state.run_id(),
            prompt,
            chains,
            length,
            seed,
            shaping
        }]
    );
    assert_eq!(state.status_word(), "running");
    assert!(errands(&state).is_empty());
}

#[test]
fn a_finished_run_is_done_and_its_prompt_fills_the_panel() {
    let state = finished();
    assert_eq!(state.status_word(), "done");
    assert_eq!(state.row().unwrap().after, state.settings.prompt);
    let texts: Vec<String> = state
        .swarm
        .chains()
        .iter()
        .map(|chain| chain.text())
        .collect();
    assert_eq!(texts, ["aaa", "bcd"]);
}

#[test]
fn a_slider_that_moves_often_within_a_frame_sends_one_command_and_reads_as_running_at_once() {
    let mut state = finished();
    for _ in 0..10 {
        let shaping = hotter(&state);
        state = state.after(Action::Shape(shaping));
    }
    assert_eq!(state.status_word(), "running");
    let (commands, state) = state.told();
    let Terms { shaping, seed } = state.terms();
    assert_eq!(
        commands,
        [Command::Shape {
            run: state.run_id(),
            shaping,
            seed
        }]
    );
    assert!(errands(&state).is_empty());
}

#[test]
fn a_slider_that_comes_back_within_a_frame_sends_nothing() {
    let state = finished();
    let (there, back) = (hotter(&state), state.settings.shaping);
    let state = state.after(Action::Shape(there)).after(Action::Shape(back));
    assert!(errands(&state).is_empty());
    assert_eq!(state.status_word(), "done");
}

#[test]
fn a_slider_leaves_the_swarm_and_the_row_the_very_same() {
    let before = finished();
    let shaping = hotter(&before);
    let after = before.clone().after(Action::Shape(shaping));
    assert!(Rc::ptr_eq(&before.swarm, &after.swarm));
    assert!(Rc::ptr_eq(before.row().unwrap(), after.row().unwrap()));
}

#[test]
fn a_done_about_old_terms_does_not_end_the_new_ones() {
    let state = finished();
    let shaping = hotter(&state);
    let (_, state) = state.after(Action::Shape(shaping)).told();
    let run = state.run_id();
    let state = state.heard(CPU, done(run, Ending::Finished));
    assert_eq!(state.status_word(), "running");
    let measures = vec![vec![(0.5, 0.5); 2], vec![(0.5, 0.5); 1]];
    let state = state.heard(
        CPU,
        Event::Rewound {
            run,
            kept: vec![2, 1],
            measures,
        },
    );
    assert_eq!(state.swarm.tokens(), 3);
    let state = state.heard(CPU, done(run, Ending::Finished));
    assert_eq!(state.status_word(), "done");
}

#[test]
fn events_of_another_run_or_voice_are_dropped() {
    let state = finished();
    let (run, tokens) = (state.run_id(), state.swarm.tokens());
    let state = state
        .heard(CPU, step(RunId(run.0 + 1), 3, b"xy"))
        .heard(WEBGPU, step(run, 3, b"xy"));
    assert_eq!(state.swarm.tokens(), tokens);
    let state = state.after(Action::Generate);
    assert_eq!(state.heard(CPU, step(run, 0, b"xy")).swarm.tokens(), 0);
}

#[test]
fn stopping_is_said_once_and_a_stopped_run_takes_no_new_knobs() {
    let (_, state) = starting().heard(CPU, ready(DeviceKind::Cpu)).told();
    let run = state.run_id();
    let (commands, state) = state.after(Action::Stop).told();
    assert_eq!(commands, [Command::Stop { run }]);
    let state = state.heard(CPU, done(run, Ending::Stopped));
    assert_eq!(state.status_word(), "done");
    let shaping = hotter(&state);
    assert!(errands(&state.after(Action::Shape(shaping))).is_empty());
}

#[test]
fn a_prompt_is_read_when_typing_rests_and_only_once() {
    let state = finished().after(Action::Prompt("A dog".to_owned()));
    assert!(errands(&state).is_empty());
    let (commands, state) = state.after(Action::Read).told();
    assert_eq!(
        commands,
        [Command::Prompt {
            text: "A dog".to_owned()
        }]
    );
    assert!(errands(&state.clone().after(Action::Read)).is_empty());
    let state = state.heard(CPU, prompted("A do"));
    assert_ne!(
        state.row().unwrap().after,
        "A do",
        "an older prompt's row is dropped"
    );
    assert_eq!(
        state.heard(CPU, prompted("A dog")).row().unwrap().after,
        "A dog"
    );
}

#[test]
fn an_opened_token_shows_its_row_with_the_tokens_before_it() {
    let (commands, state) = finished()
        .after(Action::Open {
            chain: 1,
            position: 2,
        })
        .told();
    let run = state.run_id();
    assert_eq!(
        commands,
        [Command::Look {
            run,
            chain: 1,
            position: 2
        }]
    );
    let state = state.heard(
        CPU,
        Event::Row {
            run,
            chain: 1,
            position: 2,
            logits: vec![0.0; 258],
        },
    );
    let row = state.row().unwrap();
    assert_eq!(row.after, format!("{}bc", state.settings.prompt));
    assert_eq!(row.history.len(), state.settings.prompt.len() + 2);
    assert_eq!((row.chain, row.position), (1, 2));
    assert_eq!(state.after(Action::Close).row().unwrap().position, 0);
}

#[test]
fn an_opened_token_is_asked_for_again_when_the_tokens_before_it_changed() {
    let (_, state) = finished()
        .after(Action::Open {
            chain: 1,
            position: 2,
        })
        .told();
    let run = state.run_id();
    let measures = vec![vec![(0.5, 0.5); 3], vec![(0.5, 0.5); 1]];
    let state = state.heard(
        CPU,
        Event::Rewound {
            run,
            kept: vec![3, 1],
            measures,
        },
    );
    assert!(errands(&state).is_empty());
    let pick = |position| Pick {
        chain: 1,
        position,
        token: 120,
        surprisal_bits: 1.0,
        entropy_bits: 1.0,
        last: position == 2,
    };
    let step = |position| Event::Step {
        run,
        picks: vec![pick(position)],
        tokens_per_second: 1.0,
    };
    let state = state.heard(CPU, step(1));
    assert!(errands(&state).is_empty());
    let (commands, _) = state.heard(CPU, step(2)).told();
    assert_eq!(
        commands,
        [Command::Look {
            run,
            chain: 1,
            position: 2
        }]
    );
}

#[test]
fn forcing_needs_the_row_that_it_is_about() {
    let (_, state) = finished()
        .after(Action::Open {
            chain: 1,
            position: 2,
        })
        .told();
    assert!(
        errands(&state.clone().after(Action::Force(65))).is_empty(),
        "the row is not here yet"
    );
    let run = state.run_id();
    let state = state.heard(
        CPU,
        Event::Row {
            run,
            chain: 1,
            position: 2,
            logits: vec![0.0; 258],
        },
    );
    let (commands, state) = state.after(Action::Force(65)).told();
    assert_eq!(
        commands,
        [Command::Force {
            run,
            forced: Forced {
                chain: 1,
                position: 2,
                token: 65
            }
        }]
    );
    assert_eq!(state.status_word(), "running");
    assert!(errands(&state).is_empty());
}

#[test]
fn a_prompt_that_has_not_been_run_cannot_be_branched() {
    let state = finished();
    assert!(state.can_force());
    let (_, state) = state
        .after(Action::Prompt("A dog".to_owned()))
        .after(Action::Read)
        .told();
    let state = state.heard(CPU, prompted("A dog"));
    assert!(!state.can_force());
    assert!(errands(&state.after(Action::Force(65))).is_empty());
}

#[test]
fn a_run_that_cannot_begin_has_failed_and_says_why() {
    let (_, state) = starting().heard(CPU, ready(DeviceKind::Cpu)).told();
    let state = state.heard(
        CPU,
        Event::Failed {
            message: "the prompt is too long".to_owned(),
        },
    );
    assert_eq!(state.status_word(), "failed");
    assert_eq!(state.notes, ["the prompt is too long"]);
    let shaping = hotter(&state);
    assert!(errands(&state.after(Action::Shape(shaping))).is_empty());
}

#[test]
fn a_forced_webgpu_is_waited_for_while_the_cpu_answers_and_then_reads_the_prompt_itself() {
    let mut state = finished();
    state.settings.device = DeviceChoice::WebGpu;
    assert_eq!(state.status_word(), "loading");
    let state = state.after(Action::Started(DeviceKind::WebGpu));
    assert_eq!(state.status_word(), "loading");
    let (commands, state) = state.heard(WEBGPU, ready(DeviceKind::WebGpu)).told();
    assert_eq!(state.status_word(), "done");
    assert_eq!(
        commands,
        [Command::Prompt {
            text: state.settings.prompt.clone()
        }]
    );
}

#[test]
fn a_recording_plays_until_an_engine_is_ready_and_cannot_be_branched() {
    let state = starting();
    let (settings, _) = read_link("n=2");
    let state = state
        .after(Action::Play(settings))
        .heard(Voice::Recording, ready(DeviceKind::Cpu));
    let prompt = state.settings.prompt.clone();
    let state = state
        .heard(Voice::Recording, prompted(&prompt))
        .heard(Voice::Recording, step(RECORDED_RUN, 0, b"ab"));
    assert_eq!(state.status_word(), "recorded");
    assert_eq!(state.swarm.tokens(), 2);
    assert!(state.row().is_some() && !state.can_open() && !state.live);
    assert!(errands(&state.clone().after(Action::Force(65))).is_empty());
    let state = state.heard(CPU, ready(DeviceKind::Cpu));
    assert_eq!(
        (state.status_word(), state.swarm.tokens(), state.recorded),
        ("running", 0, None)
    );
    let state = state.heard(Voice::Recording, step(RECORDED_RUN, 1, b"ab"));
    assert_eq!(state.swarm.tokens(), 0);
}

#[test]
fn a_reader_who_types_while_the_model_loads_is_not_run_over() {
    let state = starting()
        .after(Action::Prompt("A cat".to_owned()))
        .after(Action::Read);
    let (commands, state) = state.heard(CPU, ready(DeviceKind::Cpu)).told();
    assert_eq!(
        commands,
        [Command::Prompt {
            text: "A cat".to_owned()
        }]
    );
    assert_eq!(state.status_word(), "ready");
}

#[test]
fn a_run_asked_for_while_the_model_loads_begins_with_it() {
    let state = starting()
        .after(Action::Prompt("A cat".to_owned()))
        .after(Action::Generate);
    let (commands, _) = state.heard(CPU, ready(DeviceKind::Cpu)).told();
    assert!(matches!(&commands[..], [Command::Generate { prompt, .. }] if prompt == "A cat"));
}

#[test]
fn the_next_run_goes_to_webgpu_once_it_is_ready_and_the_old_one_is_stopped() {
    let (_, mut state) = starting().heard(CPU, ready(DeviceKind::Cpu)).told();
    state.settings.device = DeviceChoice::WebGpu;
    let run = state.run_id();
    let state = state
        .after(Action::Started(DeviceKind::WebGpu))
        .heard(WEBGPU, ready(DeviceKind::WebGpu));
    assert_eq!(state.serving(), Some(DeviceKind::WebGpu));
    let errands = errands(&state.after(Action::Generate));
    assert_eq!(
        errands[0],
        Errand {
            to: DeviceKind::Cpu,
            command: Command::Stop { run }
        }
    );
    assert!(matches!(
        &errands[1],
        Errand {
            to: DeviceKind::WebGpu,
            command: Command::Generate { .. }
        }
    ));
    assert_eq!(errands.len(), 2);
}

#[test]
fn an_engine_that_breaks_ends_its_run_and_says_why() {
    let (_, state) = starting().heard(CPU, ready(DeviceKind::Cpu)).told();
    let state = state.heard(
        CPU,
        Event::Unavailable {
            reason: "out of memory".to_owned(),
        },
    );
    assert_eq!(state.status_word(), "failed");
    assert!(state.notes[0].contains("out of memory"));
    assert_eq!(state.serving(), None);
}

#[test]
fn an_engine_of_another_version_is_refused_with_advice() {
    let state = fresh().after(Action::Started(DeviceKind::Cpu)).heard(
        CPU,
        Event::Hello {
            version: VERSION + 1,
        },
    );
    assert!(matches!(&state.engines.cpu, Standing::Refused(reason) if reason.contains("reload")));
    assert_eq!(state.heard(CPU, ready(DeviceKind::Cpu)).serving(), None);
}

#[test]
fn progress_is_told_in_bytes_of_bytes() {
    let progress = Event::Progress {
        stage: Stage::Weights,
        done: 3_100_000,
        total: Some(12_600_000),
    };
    let (_, sentence, share) = status(&starting().heard(CPU, progress));
    assert_eq!(sentence, "Fetching the model: 3.1 of 12.6 MB");
    assert!((share.unwrap() - 3.1 / 12.6).abs() < 1e-9);
}

#[test]
fn reducing_is_pure() {
    let before = Rc::new(finished());
    let kept = before.clone();
    let after = before.clone().reduce(Action::Seed(99));
    assert_eq!(after.settings.seed, 99);
    assert_eq!(*kept, *before);
    assert_ne!(
        coin(after.settings.seed, 0, 0),
        coin(before.settings.seed, 0, 0)
    );
}
