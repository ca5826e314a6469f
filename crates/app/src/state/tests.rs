//! The page's behaviour as a state machine: events in, wishes out.

use decoding::coin;
use protocol::{
    Command, DeviceChoice, DeviceKind, DeviceReport, Done, Event, Failed, FailureCause,
    ForceRequest, GenerateRequest, Hello, Lambda, Logits, LogitsRequest, Pick, PrefillRequest,
    Prefilled, Progress, RECORDED_RUN, Ready, ResampleRequest, Rewound, RunId, RunOutcome,
    Settings, Speed, Stage, Step, TokenLogits, Unavailable, VERSION, read_link,
};
use yew::Reducible;

use super::*;

mod experiments_tab;

const CPU: EventSource = EventSource::Device(DeviceKind::Cpu);
const WEBGPU: EventSource = EventSource::Device(DeviceKind::WebGpu);

fn ready(kind: DeviceKind) -> Event {
    let device = DeviceReport {
        kind,
        adapter: "test".to_owned(),
        self_test: None,
        speeds: Vec::new(),
    };
    let vocabulary = (0..=255).map(|byte| vec![byte]).collect();
    Event::Ready(Ready {
        device,
        vocabulary,
        bos_token: 256,
        eos_token: 257,
        context: 192,
    })
}

fn prompted(text: &str) -> Event {
    let tokens = text.bytes().map(u32::from).collect();
    Event::Prefilled(Prefilled {
        prompt: text.to_owned(),
        tokens,
        adapter: None,
        logits: Logits {
            base: vec![0.5; 258],
            tuned: None,
        },
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
    Event::Step(Step {
        run,
        picks: picks.collect(),
        tokens_per_second: 100.0,
    })
}

fn done(run: RunId, outcome: RunOutcome) -> Event {
    done_at(run, 0, outcome)
}

fn done_at(run: RunId, turn: u32, outcome: RunOutcome) -> Event {
    Event::Done(Done {
        run,
        turn,
        outcome,
        tokens: 2,
        seconds: 0.1,
    })
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
        .heard(CPU, Event::Hello(Hello { version: VERSION }))
}

impl State {
    fn heard(self, source: EventSource, event: Event) -> Self {
        self.after(Action::Events(vec![(source, event)]))
    }

    /// Says what there is to be said.
    fn told(self) -> (Vec<Command>, Self) {
        let effects = pending_effects(&self);
        let commands = effects
            .iter()
            .map(|effect| effect.command.clone())
            .collect();
        (commands, self.after(Action::Sent(effects)))
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
    state.heard(CPU, done(run, RunOutcome::Finished))
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
    assert_eq!(
        commands,
        [Command::Generate(GenerateRequest {
            run: state.run_id(),
            spec: RunSpec::of(&state.settings),
            params: SamplingParams::of(&state.settings)
        })]
    );
    assert_eq!(state.status_word(), "running");
    assert!(pending_effects(&state).is_empty());
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
fn generating_again_draws_new_stories_and_generating_for_the_first_time_keeps_the_seed() {
    let seed = |state: &State| state.settings.seed;
    let state = finished();
    let again = state.clone().after(Action::Generate);
    assert_eq!(seed(&again), seed(&state) + 1);
    let (commands, _) = again.clone().told();
    assert!(
        matches!(&commands[..], [Command::Generate(request)] if request.params.seed == seed(&again)),
        "{commands:?}"
    );
    assert_eq!(
        seed(&again.after(Action::Generate)),
        seed(&state) + 1,
        "it was not begun yet"
    );
    let others = [Action::Prompt("A dog".to_owned()), Action::Seed(7)];
    for action in others {
        let changed = state.clone().after(action);
        assert_eq!(
            seed(&changed.clone().after(Action::Generate)),
            seed(&changed)
        );
    }
    let stopped = stopped();
    assert_eq!(
        seed(&stopped.clone().after(Action::Generate)),
        seed(&stopped)
    );
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
    assert_eq!(
        commands,
        [Command::Resample(ResampleRequest {
            run: state.run_id(),
            turn: 1,
            params: state.params()
        })]
    );
    assert!(pending_effects(&state).is_empty());
}

#[test]
fn a_slider_that_comes_back_within_a_frame_sends_nothing() {
    let state = finished();
    let (there, back) = (hotter(&state), state.settings.shaping);
    let state = state.after(Action::Shape(there)).after(Action::Shape(back));
    assert!(pending_effects(&state).is_empty());
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

fn rewound(run: RunId, turn: u32, kept: [u32; 2]) -> Event {
    let measures = kept.map(|kept| vec![(0.5, 0.5); kept as usize]).to_vec();
    Event::Rewound(Rewound {
        run,
        turn,
        kept: kept.to_vec(),
        measures,
    })
}

#[test]
fn only_the_done_of_the_last_turn_ends_a_run() {
    let state = finished();
    let run = state.run_id();
    let shaping = hotter(&state);
    let (_, state) = state.after(Action::Shape(shaping)).told();
    let state = state.heard(CPU, done(run, RunOutcome::Finished));
    assert_eq!(state.status_word(), "running");
    let shaping = hotter(&state);
    let (commands, state) = state.after(Action::Shape(shaping)).told();
    assert!(matches!(
        commands[..],
        [Command::Resample(ResampleRequest { turn: 2, .. })]
    ));
    let state = state
        .heard(CPU, rewound(run, 1, [2, 1]))
        .heard(CPU, done_at(run, 1, RunOutcome::Finished));
    assert_eq!(state.swarm.tokens(), 3);
    assert_eq!(
        state.status_word(),
        "running",
        "these are the chains of the turn before"
    );
    let state = state
        .heard(CPU, rewound(run, 2, [1, 1]))
        .heard(CPU, done_at(run, 2, RunOutcome::Finished));
    assert_eq!((state.status_word(), state.swarm.tokens()), ("done", 2));
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
    assert_eq!(commands, [Command::Stop(run)]);
    let shaping = hotter(&state);
    let state = state.after(Action::Stop).after(Action::Shape(shaping));
    assert!(pending_effects(&state).is_empty());
    let state = state.heard(CPU, done(run, RunOutcome::Stopped));
    assert_eq!(state.status_word(), "done");
    assert!(pending_effects(&state).is_empty());
}

#[test]
fn a_run_that_finished_before_it_heard_of_the_stop_takes_new_knobs() {
    let (_, state) = starting().heard(CPU, ready(DeviceKind::Cpu)).told();
    let run = state.run_id();
    let (_, state) = state.after(Action::Stop).told();
    let shaping = hotter(&state);
    let state = state
        .after(Action::Shape(shaping))
        .heard(CPU, done(run, RunOutcome::Finished));
    let (commands, _) = state.told();
    assert!(matches!(
        commands[..],
        [Command::Resample(ResampleRequest { turn: 1, .. })]
    ));
}

#[test]
fn a_run_that_is_stopped_before_its_worker_was_told_is_begun_and_stopped() {
    let state = finished().after(Action::Generate).after(Action::Stop);
    let (commands, _) = state.told();
    assert!(matches!(
        commands[..],
        [Command::Generate(_), Command::Stop(_)]
    ));
}

#[test]
fn a_run_that_decodes_again_can_be_stopped() {
    let state = finished();
    let run = state.run_id();
    let shaping = hotter(&state);
    let (commands, state) = state
        .after(Action::Shape(shaping))
        .after(Action::Stop)
        .told();
    assert!(matches!(
        commands[..],
        [Command::Resample(_), Command::Stop(_)]
    ));
    let state = state
        .heard(CPU, rewound(run, 1, [2, 1]))
        .heard(CPU, done_at(run, 1, RunOutcome::Stopped));
    assert_eq!(state.status_word(), "done");
}

#[test]
fn a_prompt_is_read_when_typing_rests_and_only_once() {
    let state = finished().after(Action::Prompt("A dog".to_owned()));
    assert!(pending_effects(&state).is_empty());
    let (commands, state) = state.after(Action::Prefill).told();
    assert_eq!(
        commands,
        [Command::Prefill(PrefillRequest {
            adapter: None,
            prompt: "A dog".to_owned()
        })]
    );
    assert!(pending_effects(&state.clone().after(Action::Prefill)).is_empty());
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
        [Command::GetLogits(LogitsRequest {
            run,
            chain: 1,
            position: 2
        })]
    );
    let state = state.heard(
        CPU,
        Event::Logits(TokenLogits {
            run,
            chain: 1,
            position: 2,
            logits: Some(Logits {
                base: vec![0.0; 258],
                tuned: None,
            }),
        }),
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
    let state = state.heard(CPU, rewound(run, 0, [3, 1]));
    assert!(pending_effects(&state).is_empty());
    let pick = |position| Pick {
        chain: 1,
        position,
        token: 120,
        surprisal_bits: 1.0,
        entropy_bits: 1.0,
        last: position == 2,
    };
    let step = |position| {
        Event::Step(Step {
            run,
            picks: vec![pick(position)],
            tokens_per_second: 1.0,
        })
    };
    let state = state.heard(CPU, step(1));
    assert!(pending_effects(&state).is_empty());
    let (commands, _) = state.heard(CPU, step(2)).told();
    assert_eq!(
        commands,
        [Command::GetLogits(LogitsRequest {
            run,
            chain: 1,
            position: 2
        })]
    );
}

#[test]
fn a_row_that_is_no_more_gives_the_panel_back_to_the_prompt() {
    let open = Action::Open {
        chain: 1,
        position: 2,
    };
    let (_, state) = finished().after(open).told();
    let gone = Event::Logits(TokenLogits {
        run: state.run_id(),
        chain: 1,
        position: 2,
        logits: None,
    });
    assert_eq!(state.heard(CPU, gone).focus, Focus::Prompt);
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
        pending_effects(&state.clone().after(Action::Force(65))).is_empty(),
        "the row is not here yet"
    );
    let run = state.run_id();
    let state = state.heard(
        CPU,
        Event::Logits(TokenLogits {
            run,
            chain: 1,
            position: 2,
            logits: Some(Logits {
                base: vec![0.0; 258],
                tuned: None,
            }),
        }),
    );
    let (commands, state) = state.after(Action::Force(65)).told();
    assert_eq!(
        commands,
        [Command::Force(ForceRequest {
            run,
            turn: 1,
            forced: ForcedToken {
                chain: 1,
                position: 2,
                token: 65
            }
        })]
    );
    assert_eq!(state.status_word(), "running");
    assert!(pending_effects(&state).is_empty());
}

#[test]
fn a_prompt_that_has_not_been_run_cannot_be_branched() {
    let state = finished();
    assert!(state.can_force());
    let (_, state) = state
        .after(Action::Prompt("A dog".to_owned()))
        .after(Action::Prefill)
        .told();
    let state = state.heard(CPU, prompted("A dog"));
    assert!(!state.can_force());
    assert!(pending_effects(&state.after(Action::Force(65))).is_empty());
}

fn failed(run: Option<RunId>) -> Event {
    Event::Failed(Failed {
        run,
        cause: FailureCause::Prompt,
        message: "the prompt is too long".to_owned(),
    })
}

#[test]
fn a_run_that_cannot_begin_has_failed_and_says_why() {
    let (_, state) = starting().heard(CPU, ready(DeviceKind::Cpu)).told();
    let (run, prompt) = (state.run_id(), state.settings.prompt.clone());
    let state = state
        .heard(CPU, prompted(&prompt))
        .heard(CPU, failed(Some(run)));
    assert_eq!(state.status_word(), "failed");
    assert_eq!(state.notes, ["the prompt is too long"]);
    let shaping = hotter(&state);
    assert!(pending_effects(&state.after(Action::Shape(shaping))).is_empty());
}

#[test]
fn what_fails_beside_a_run_or_before_it_does_not_end_it() {
    let (_, state) = starting().heard(CPU, ready(DeviceKind::Cpu)).told();
    let before = RunId(state.run_id().0 - 1);
    let state = state
        .heard(CPU, failed(None))
        .heard(CPU, failed(Some(before)));
    assert_eq!(state.status_word(), "running");
    assert_eq!(state.refusal.as_deref(), Some("the prompt is too long"));
    assert_eq!(state.notes, ["the prompt is too long"]);
}

#[test]
fn a_prompt_that_cannot_be_read_is_said_once_and_only_while_it_stands() {
    let (_, state) = finished()
        .after(Action::Prompt("far too long".to_owned()))
        .after(Action::Prefill)
        .told();
    let state = state.heard(CPU, failed(None));
    assert_eq!(state.refusal.as_deref(), Some("the prompt is too long"));
    assert!(state.notes.is_empty());
    let state = state
        .after(Action::Prompt("A dog".to_owned()))
        .after(Action::Prefill);
    assert_eq!(state.refusal, None);
}

#[test]
fn stories_of_another_prompt_say_so() {
    let state = finished();
    assert_eq!(state.stale(), None);
    let state = state.after(Action::Prompt("A dog".to_owned()));
    assert!(state.stale().unwrap().contains("these continue"));
}

/// The stories of a run that was stopped after a token of each.
fn stopped() -> State {
    let (_, state) = starting().heard(CPU, ready(DeviceKind::Cpu)).told();
    let (run, prompt) = (state.run_id(), state.settings.prompt.clone());
    let (_, state) = state
        .heard(CPU, prompted(&prompt))
        .heard(CPU, step(run, 0, b"ab"))
        .after(Action::Stop)
        .told();
    state.heard(CPU, done(run, RunOutcome::Stopped))
}

#[test]
fn a_moved_knob_runs_at_once_and_says_so_once_the_worker_was_told() {
    let state = finished();
    let (before, sentence, share) = status(&state);
    assert_eq!((before, share), (Status::Done, None));
    let shaping = hotter(&state);
    let state = state.after(Action::Shape(shaping));
    assert_eq!(status(&state), (Status::Running, sentence.clone(), None));
    let (now, said, share) = status(&state.told().1);
    assert_eq!(now, Status::Running);
    assert!(said != sentence && share.is_some());
}

#[test]
fn stopped_stories_say_that_they_do_not_follow_the_knobs() {
    let state = stopped();
    let stale = |state: &State| state.stale().unwrap();
    assert_eq!(stale(&state), "stopped; generate again to branch");
    let shaping = hotter(&state);
    let state = state.after(Action::Shape(shaping));
    assert_eq!(
        stale(&state),
        "stopped; generate again with the new settings"
    );
}

#[test]
fn stories_say_that_their_number_and_length_do_not_follow_the_knobs() {
    let (settings, _) = read_link("n=1&len=3");
    let state = finished();
    let before = state.settings.clone();
    assert_eq!(state.stale(), None);
    let state = state
        .after(Action::Chains(settings.chains))
        .after(Action::Length(settings.length));
    assert_eq!(
        state.stale().unwrap(),
        "generate again for 1 story of at most 3 tokens"
    );
    let state = state
        .after(Action::Chains(before.chains))
        .after(Action::Length(before.length));
    assert_eq!(state.stale(), None);
}

#[test]
fn a_token_of_a_stopped_story_can_be_opened_and_not_replaced() {
    let state = stopped();
    let run = state.run_id();
    assert!(state.can_open() && !state.can_branch() && !state.can_force());
    let (chain, position) = (0, 0);
    let (commands, _) = state.after(Action::Open { chain, position }).told();
    assert_eq!(
        commands,
        [Command::GetLogits(LogitsRequest {
            run,
            chain,
            position
        })]
    );
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
        [Command::Prefill(PrefillRequest {
            adapter: None,
            prompt: state.settings.prompt.clone()
        })]
    );
}

#[test]
fn a_recording_plays_until_an_engine_is_ready_and_cannot_be_branched() {
    let state = starting();
    let (settings, _) = read_link("n=2");
    let state = state
        .after(Action::Play(settings))
        .heard(EventSource::Recording, ready(DeviceKind::Cpu));
    let prompt = state.settings.prompt.clone();
    let state = state
        .heard(EventSource::Recording, prompted(&prompt))
        .heard(EventSource::Recording, step(RECORDED_RUN, 0, b"ab"));
    assert_eq!(state.status_word(), "recorded");
    assert_eq!(state.swarm.tokens(), 2);
    assert!(state.row().is_some() && !state.can_open() && !state.live);
    assert!(pending_effects(&state.clone().after(Action::Force(65))).is_empty());
    let state = state.heard(CPU, ready(DeviceKind::Cpu));
    assert_eq!(
        (state.status_word(), state.swarm.tokens(), state.recorded),
        ("running", 0, None)
    );
    let state = state.heard(EventSource::Recording, step(RECORDED_RUN, 1, b"ab"));
    assert_eq!(state.swarm.tokens(), 0);
}

#[test]
fn a_replay_cut_short_runs_no_more() {
    let (settings, _) = read_link("n=2");
    let state = starting()
        .after(Action::Play(settings))
        .heard(EventSource::Recording, ready(DeviceKind::Cpu))
        .heard(EventSource::Recording, step(RECORDED_RUN, 0, b"ab"))
        .after(Action::Prompt("A cat".to_owned()))
        .heard(CPU, ready(DeviceKind::Cpu));
    let run = state.run.as_ref().unwrap();
    assert!(!run.is_active() && state.more() == More::No);
    assert_eq!(state.swarm.tokens(), 2);
}

#[test]
fn a_reader_who_types_while_the_model_loads_is_not_run_over() {
    let state = starting()
        .after(Action::Prompt("A cat".to_owned()))
        .after(Action::Prefill);
    let (commands, state) = state.heard(CPU, ready(DeviceKind::Cpu)).told();
    assert_eq!(
        commands,
        [Command::Prefill(PrefillRequest {
            adapter: None,
            prompt: "A cat".to_owned()
        })]
    );
    assert_eq!(state.status_word(), "ready");
}

#[test]
fn a_run_asked_for_while_the_model_loads_begins_with_it() {
    let state = starting()
        .after(Action::Prompt("A cat".to_owned()))
        .after(Action::Generate);
    let (commands, _) = state.heard(CPU, ready(DeviceKind::Cpu)).told();
    assert!(
        matches!(&commands[..], [Command::Generate(request)] if request.spec.prompt == "A cat")
    );
}

#[test]
fn the_next_run_goes_to_webgpu_once_it_is_ready_and_the_old_one_is_stopped() {
    let (_, mut state) = starting().heard(CPU, ready(DeviceKind::Cpu)).told();
    state.settings.device = DeviceChoice::WebGpu;
    let run = state.run_id();
    let state = state
        .after(Action::Started(DeviceKind::WebGpu))
        .heard(WEBGPU, ready(DeviceKind::WebGpu));
    assert_eq!(state.active_device(), Some(DeviceKind::WebGpu));
    let effects = pending_effects(&state.after(Action::Generate));
    assert_eq!(
        effects[0],
        Effect {
            to: DeviceKind::Cpu,
            command: Command::Stop(run)
        }
    );
    assert!(matches!(
        &effects[1],
        Effect {
            to: DeviceKind::WebGpu,
            command: Command::Generate(_)
        }
    ));
    assert_eq!(effects.len(), 2);
}

fn lost() -> Event {
    let reason = "out of memory".to_owned();
    Event::Unavailable(Unavailable::device(reason))
}

#[test]
fn an_engine_that_breaks_ends_its_run_and_says_why() {
    let (_, state) = starting().heard(CPU, ready(DeviceKind::Cpu)).told();
    let state = state.heard(CPU, lost());
    assert_eq!(state.status_word(), "failed");
    assert!(state.notes[0].contains("out of memory"));
    assert_eq!(state.active_device(), None);
}

#[test]
fn an_engine_that_breaks_leaves_a_finished_run_as_it_is() {
    let state = finished().heard(CPU, lost());
    assert_eq!((state.status_word(), state.swarm.tokens()), ("done", 6));
    let shaping = hotter(&state);
    assert!(pending_effects(&state.clone().after(Action::Shape(shaping))).is_empty());
    assert!(!state.can_open());
}

#[test]
fn the_first_reason_of_a_broken_engine_counts() {
    let later = Event::Unavailable(Unavailable::device("unreachable"));
    let state = finished().heard(CPU, lost()).heard(CPU, later);
    assert_eq!(
        state.engines.cpu,
        EngineStatus::Unavailable("out of memory".to_owned())
    );
}

/// A run on WebGPU, with the CPU engine ready beside it.
fn on_webgpu() -> State {
    let mut state = finished();
    state.settings.device = DeviceChoice::WebGpu;
    let (_, state) = state
        .after(Action::Started(DeviceKind::WebGpu))
        .heard(WEBGPU, ready(DeviceKind::WebGpu))
        .after(Action::Generate)
        .told();
    state
}

#[test]
fn a_run_whose_gpu_is_lost_is_begun_again_on_the_cpu_with_a_note() {
    let state = on_webgpu();
    let before = state.run_id();
    let state = state
        .heard(WEBGPU, step(before, 0, b"ab"))
        .heard(WEBGPU, lost());
    assert_eq!(
        state.notes,
        ["The WebGPU engine stopped: out of memory. The CPU engine generates the stories again."]
    );
    assert_eq!((state.status_word(), state.swarm.tokens()), ("running", 0));
    let effects = pending_effects(&state);
    assert!(
        matches!(&effects[..], [Effect { to: DeviceKind::Cpu, command: Command::Generate(request) }] if request.run != before),
        "{effects:?}"
    );
}

#[test]
fn a_run_that_was_to_stop_is_not_begun_again() {
    let (_, state) = on_webgpu().after(Action::Stop).told();
    let state = state.heard(WEBGPU, lost());
    assert_eq!(state.status_word(), "failed");
    assert_eq!(
        state.run.and_then(|run| run.device()),
        Some(DeviceKind::WebGpu)
    );
}

#[test]
fn a_run_that_decodes_again_is_told_to_stop_when_the_next_goes_elsewhere() {
    let state = finished();
    let (run, shaping) = (state.run_id(), hotter(&state));
    let (_, mut state) = state.after(Action::Shape(shaping)).told();
    state.settings.device = DeviceChoice::WebGpu;
    let state = state
        .after(Action::Started(DeviceKind::WebGpu))
        .heard(WEBGPU, ready(DeviceKind::WebGpu))
        .after(Action::Generate);
    assert_eq!(state.outbox.stops, [(DeviceKind::Cpu, run)]);
}

#[test]
fn when_no_engine_is_left_the_status_gives_every_reason() {
    let refused = Action::Unavailable(DeviceKind::WebGpu, "no adapter".to_owned());
    let (status, sentence, _) = status(&finished().after(refused).heard(CPU, lost()));
    assert_eq!(status, Status::Failed);
    assert!(sentence.contains("CPU: out of memory.") && sentence.contains("WebGPU: no adapter."));
}

#[test]
fn a_cpu_that_fails_where_nothing_else_is_asked_for_is_shown() {
    let mut state = starting();
    state.settings.device = DeviceChoice::Cpu;
    let (status, sentence, _) = status(&state.heard(CPU, lost()));
    assert_eq!(status, Status::Failed);
    assert!(sentence.contains("out of memory"), "{sentence}");
}

#[test]
fn a_link_that_asks_for_webgpu_lifts_the_refusal_of_a_software_adapter() {
    use crate::state::NextStep;
    let state = finished().after(Action::GpuAdapter(GpuAdapter::Software(
        "SwiftShader".to_owned(),
    )));
    let NextStep::Refuse(reason) = state.engines.next_step(DeviceChoice::Auto) else {
        panic!("a software adapter is refused by itself");
    };
    let follow = |state: &State| {
        let mut settings = state.settings.clone();
        settings.device = DeviceChoice::WebGpu;
        let state = state.clone().after(Action::Follow(settings, Vec::new()));
        state.engines.next_step(state.settings.device)
    };
    let by_choice = state
        .clone()
        .after(Action::Unavailable(DeviceKind::WebGpu, reason));
    assert_eq!(follow(&by_choice), NextStep::Start);
    let by_itself = state.after(Action::Unavailable(DeviceKind::WebGpu, "lost".to_owned()));
    assert_eq!(follow(&by_itself), NextStep::Wait);
}

#[test]
fn an_engine_of_another_version_is_refused_with_advice() {
    let state = fresh().after(Action::Started(DeviceKind::Cpu)).heard(
        CPU,
        Event::Hello(Hello {
            version: VERSION + 1,
        }),
    );
    assert!(
        matches!(&state.engines.cpu, EngineStatus::Unavailable(reason) if reason.contains("reload"))
    );
    assert_eq!(
        state.heard(CPU, ready(DeviceKind::Cpu)).active_device(),
        None
    );
}

#[test]
fn the_engines_wasm_is_counted_before_the_model() {
    let fetching = |done, total| {
        let progress = Event::Progress(Progress {
            stage: Stage::EngineWasm,
            done,
            total,
        });
        let state = fresh().after(Action::Started(DeviceKind::Cpu));
        status(&state.heard(CPU, progress))
    };
    let (now, sentence, share) = fetching(1_200_000, Some(3_340_000));
    assert_eq!(now, Status::Loading);
    assert_eq!(sentence, "Downloading the CPU engine: 1.2 of 3.3 MB");
    assert!((share.unwrap() - 1.2 / 3.34).abs() < 1e-9);
    let (_, sentence, share) = fetching(1_200_000, None);
    assert_eq!(sentence, "Downloading the CPU engine: 1.2 MB");
    assert_eq!(share, None);
}

#[test]
fn a_forced_engine_is_counted_while_another_serves() {
    let mut state = finished();
    state.settings.device = DeviceChoice::WebGpu;
    let progress = Event::Progress(Progress {
        stage: Stage::EngineWasm,
        done: 6_400_000,
        total: Some(12_860_000),
    });
    let state = state
        .after(Action::Started(DeviceKind::WebGpu))
        .heard(WEBGPU, progress);
    let (now, sentence, _) = status(&state);
    assert_eq!(now, Status::Loading);
    assert_eq!(
        sentence,
        "WebGPU is starting. Downloading the WebGPU engine: 6.4 of 12.9 MB"
    );
}

#[test]
fn progress_is_told_in_bytes_of_bytes() {
    let progress = Event::Progress(Progress {
        stage: Stage::Weights,
        done: 3_100_000,
        total: Some(12_600_000),
    });
    let (_, sentence, share) = status(&starting().heard(CPU, progress));
    assert_eq!(sentence, "Downloading the model: 3.1 of 12.6 MB");
    assert!((share.unwrap() - 3.1 / 12.6).abs() < 1e-9);
}

/// A page whose link names an adapter.
fn tuned(link: &str) -> State {
    let (settings, notes) = read_link(&format!("adapter=wedding&n=2&{link}"));
    assert!(notes.is_empty());
    State::new(settings, Vec::new())
        .after(Action::Started(DeviceKind::Cpu))
        .heard(CPU, Event::Hello(Hello { version: VERSION }))
        .heard(CPU, ready(DeviceKind::Cpu))
}

fn prompted_by(adapter: &str, text: &str) -> Event {
    let Event::Prefilled(prefilled) = prompted(text) else {
        unreachable!("it is made above")
    };
    Event::Prefilled(Prefilled {
        adapter: Some(adapter.to_owned()),
        logits: Logits {
            tuned: Some(vec![1.5; 258]),
            ..prefilled.logits
        },
        ..prefilled
    })
}

/// A finished run of two stories by an adapter, three tokens each.
fn finished_with(link: &str) -> State {
    let (_, state) = tuned(link).told();
    let (run, prompt) = (state.run_id(), state.settings.prompt.clone());
    let chains = state.swarm.chains().len();
    let mut state = state.heard(CPU, prompted_by("wedding", &prompt));
    for position in 0..3 {
        state = state.heard(CPU, step(run, position, &b"abcd"[..chains]));
    }
    state.heard(CPU, done(run, RunOutcome::Finished))
}

fn lambda(value: f64) -> Action {
    Action::Realign(Lambda::new(value).unwrap())
}

#[test]
fn the_adapter_of_a_link_is_asked_for_as_the_link_says() {
    let (commands, _) = tuned("lambda=0.4&compare=1").told();
    assert!(
        matches!(&commands[..], [Command::Generate(GenerateRequest { spec, params, .. })]
            if spec.adapter.as_deref() == Some("wedding") && spec.compare && params.lambda.get() == 0.4),
        "{commands:?}"
    );
}

#[test]
fn realignment_is_a_knob_that_needs_no_new_row() {
    let before = finished_with("");
    let row = before.row().unwrap().clone();
    let after = before.clone().after(lambda(0.25));
    assert!(Rc::ptr_eq(&before.swarm, &after.swarm));
    assert!(Rc::ptr_eq(&row, after.row().unwrap()));
    let first = |state: &State| row.logits(state.params().lambda)[0];
    assert_eq!((first(&before), first(&after)), (1.5, 0.75));
    let (commands, after) = after.told();
    assert!(
        matches!(&commands[..], [Command::Resample(ResampleRequest { run, turn: 1, params })] if *run == before.run_id() && params.lambda.get() == 0.25),
        "{commands:?}"
    );
    assert!(pending_effects(&after).is_empty());
    assert_eq!(after.status_word(), "running");
}

#[test]
fn an_adapter_that_is_chosen_tells_the_stories_at_once() {
    let state = finished().after(Action::Tune(Some("wedding".to_owned())));
    assert!(state.row().is_some(), "the panel is not emptied meanwhile");
    let (commands, state) = state.told();
    assert!(
        matches!(&commands[..], [Command::Generate(request)] if request.spec.adapter.as_deref() == Some("wedding")),
        "{commands:?}"
    );
    let prompt = state.settings.prompt.clone();
    let state = state.heard(CPU, prompted(&prompt));
    assert!(
        !state.row().unwrap().is_tuned(),
        "a row of the base is not what was asked for now"
    );
    let state = state.heard(CPU, prompted_by("wedding", &prompt));
    assert!(state.row().unwrap().is_tuned());
    let same = state
        .clone()
        .after(Action::Tune(Some("wedding".to_owned())));
    assert_eq!(same, state, "what is on already begins nothing");
    let (commands, _) = state.after(Action::Tune(None)).told();
    assert!(matches!(
        &commands[..],
        [Command::Generate(request)] if request.spec.adapter.is_none()
    ));
}

#[test]
fn a_prompt_is_read_with_the_adapter_that_is_on() {
    let (commands, _) = finished_with("")
        .after(Action::Prompt("A dog".to_owned()))
        .after(Action::Prefill)
        .told();
    assert_eq!(
        commands,
        [Command::Prefill(PrefillRequest {
            adapter: Some("wedding".to_owned()),
            prompt: "A dog".to_owned()
        })]
    );
}

#[test]
fn comparing_counts_when_the_device_is_chosen() {
    let mut state = tuned("");
    let measured = |kind, one: f32, many: f32| {
        let speeds = [(1, one), (8, many)];
        EngineStatus::Ready(Rc::new(DeviceReport {
            kind,
            adapter: "test".to_owned(),
            self_test: None,
            speeds: speeds
                .map(|(chains, step_ms)| Speed { chains, step_ms })
                .to_vec(),
        }))
    };
    state.engines = Engines {
        cpu: measured(DeviceKind::Cpu, 1.0, 9.0),
        webgpu: measured(DeviceKind::WebGpu, 5.0, 5.0),
        adapter: Some(GpuAdapter::Hardware("test".to_owned())),
    };
    state.settings.device = DeviceChoice::Auto;
    assert_eq!(state.active_device(), Some(DeviceKind::Cpu));
    assert_eq!(
        state.after(Action::Compare(true)).active_device(),
        Some(DeviceKind::WebGpu),
        "four chains are nearer to eight than to one"
    );
}

#[test]
fn compared_stories_are_told_twice_on_the_same_coins() {
    let state = finished_with("compare=1");
    assert_eq!((state.swarm.chains().len(), state.swarm.stories()), (4, 2));
    assert_eq!(state.status_word(), "done");
    let (commands, state) = state
        .after(Action::Open {
            chain: 3,
            position: 1,
        })
        .told();
    let run = state.run_id();
    assert!(matches!(
        commands[..],
        [Command::GetLogits(LogitsRequest { chain: 3, .. })]
    ));
    let row = Event::Logits(TokenLogits {
        run,
        chain: 3,
        position: 1,
        logits: Some(Logits {
            base: vec![0.0; 258],
            tuned: None,
        }),
    });
    let state = state.heard(CPU, row);
    let opened = state.opened().unwrap();
    assert_eq!((opened.story, opened.side), (1, Side::Base));
    let row = state.row().unwrap();
    assert_eq!((row.chain, row.story, row.is_tuned()), (3, 1, false));
    assert!(state.can_force());
}

#[test]
fn comparing_begins_a_run_only_beside_an_adapter() {
    let compared = finished_with("").after(Action::Compare(true));
    assert_eq!(compared.swarm.chains().len(), 4);
    let (commands, _) = compared.told();
    assert!(matches!(
        &commands[..],
        [Command::Generate(request)] if request.spec.compare
    ));
    let alone = finished().after(Action::Compare(true));
    assert!(pending_effects(&alone).is_empty());
    assert!(
        alone.settings.compare,
        "an adapter chosen later is compared"
    );
}

#[test]
fn an_adapter_that_cannot_be_used_is_noted_and_the_base_tells_the_stories() {
    let (_, state) = tuned("compare=1&lambda=0.5").told();
    let (run, prompt) = (state.run_id(), state.settings.prompt.clone());
    let message = "the adapter wedding cannot be used: its rank is 3".to_owned();
    let (commands, state) = state
        .heard(
            CPU,
            Event::Failed(Failed {
                run: Some(run),
                cause: FailureCause::Adapter,
                message,
            }),
        )
        .told();
    assert!(
        matches!(&commands[..], [Command::Generate(GenerateRequest { run: other, spec, .. })] if *other != run && spec.adapter.is_none() && !spec.compare),
        "{commands:?}"
    );
    assert_eq!(state.status_word(), "running");
    let state = state.heard(CPU, prompted(&prompt));
    assert_eq!(
        state.notes,
        [
            "The adapter “wedding” could not be used, so the base model generates the stories: the adapter wedding cannot be used: its rank is 3."
        ]
    );
    assert_eq!(state.settings.adapter, None);
    assert_eq!(state.swarm.chains().len(), 2);
    assert_eq!(state.row().unwrap().after, prompt);
    let Settings {
        lambda, compare, ..
    } = state.settings;
    assert_eq!((lambda.get(), compare), (0.5, true), "nothing else is lost");
}

#[test]
fn an_adapter_is_not_blamed_for_what_the_base_cannot_do_either() {
    let (_, state) = tuned("").told();
    let run = state.run_id();
    let (commands, state) = state.heard(CPU, failed(Some(run))).told();
    assert_eq!(commands, []);
    assert_eq!(state.notes, ["the prompt is too long"]);
    assert_eq!(state.status_word(), "failed");
    assert_eq!(state.settings.adapter.as_deref(), Some("wedding"));
    let (_, state) = finished_with("")
        .after(Action::Prompt("far too long".to_owned()))
        .after(Action::Prefill)
        .told();
    let state = state.heard(CPU, failed(None));
    assert_eq!(state.refusal.as_deref(), Some("the prompt is too long"));
    assert_eq!(state.settings.adapter.as_deref(), Some("wedding"));
    assert!(pending_effects(&state).is_empty() && state.notes.is_empty());
}

#[test]
fn an_adapter_that_fails_while_the_reader_types_leaves_the_prompt_to_the_base() {
    let (_, state) = finished_with("")
        .after(Action::Prompt("A dog".to_owned()))
        .after(Action::Prefill)
        .told();
    let failed = Event::Failed(Failed {
        run: None,
        cause: FailureCause::Adapter,
        message: "its rank is 3".to_owned(),
    });
    let (commands, state) = state.heard(CPU, failed).told();
    assert!(
        matches!(
            &commands[..],
            [Command::Prefill(PrefillRequest { adapter: None, prompt })] if prompt == "A dog"
        ),
        "{commands:?}"
    );
    assert_eq!(
        (state.notes.len(), state.settings.adapter.as_deref()),
        (1, None)
    );
    assert_eq!(state.refusal, None);
    let state = state.heard(CPU, prompted("A dog"));
    assert_eq!(state.row().unwrap().after, "A dog");
}

#[test]
fn a_phase_says_what_a_run_can_still_do() {
    let queued = starting().heard(CPU, ready(DeviceKind::Cpu));
    let phase = |state: &State| state.run.as_ref().unwrap().phase;
    assert_eq!(
        (phase(&queued), queued.more()),
        (Phase::Queued, More::Coming)
    );
    let (_, decoding) = queued.told();
    assert_eq!(phase(&decoding), Phase::Decoding);
    let run = decoding.run_id();
    let stopping = decoding.clone().after(Action::Stop);
    assert_eq!(
        (phase(&stopping), stopping.more()),
        (Phase::Stopping, More::Coming)
    );
    let (_, stopping) = stopping.told();
    let stopped = stopping.clone().heard(CPU, done(run, RunOutcome::Stopped));
    assert_eq!(
        (phase(&stopped), stopped.more()),
        (Phase::Stopped, More::No)
    );
    let late = stopping.heard(CPU, done(run, RunOutcome::Finished));
    assert_eq!(
        phase(&late),
        Phase::Settled,
        "it was over before it heard of the stop"
    );
    let settled = decoding.heard(CPU, done(run, RunOutcome::Finished));
    assert_eq!(
        (phase(&settled), settled.more()),
        (Phase::Settled, More::No)
    );
    let shaping = hotter(&settled);
    let moved = settled.clone().after(Action::Shape(shaping));
    assert_eq!(
        (phase(&moved), moved.more()),
        (Phase::Settled, More::Wanted)
    );
    assert_eq!(phase(&moved.told().1), Phase::Decoding);
    let orphaned = settled.heard(CPU, lost());
    assert_eq!(
        (phase(&orphaned), orphaned.more()),
        (Phase::Orphaned, More::No)
    );
    assert!(!orphaned.can_open() && !orphaned.can_branch());
}

#[test]
fn a_run_that_was_stopped_while_its_adapter_came_is_not_begun_by_the_base() {
    let (_, state) = tuned("").told();
    let run = state.run_id();
    let (_, state) = state.after(Action::Stop).told();
    let state = state.heard(CPU, failed(Some(run)));
    assert!(pending_effects(&state).is_empty());
    assert_eq!(state.status_word(), "failed");
    assert_eq!(state.settings.adapter.as_deref(), Some("wedding"));
}

#[test]
fn an_adapter_on_its_way_is_counted() {
    let (_, state) = tuned("").told();
    let (run, prompt) = (state.run_id(), state.settings.prompt.clone());
    let progress = Event::Progress(Progress {
        stage: Stage::Adapter,
        done: 400_000,
        total: Some(1_600_000),
    });
    let state = state.heard(CPU, progress);
    let told = (
        Status::Loading,
        "Downloading the adapter: 0.4 of 1.6 MB".to_owned(),
        Some(0.25),
    );
    assert_eq!(status(&state), told);
    let state = state.heard(CPU, prompted_by("wedding", &prompt));
    assert_eq!(state.status_word(), "running");
    let failed = state.heard(CPU, failed(Some(run)));
    assert_eq!(failed.fetching, None);
}

#[test]
fn a_link_that_differs_in_its_adapter_begins_a_run() {
    let state = finished_with("");
    let follow = |link: &str| {
        let (settings, _) = read_link(&format!("n=2&{link}"));
        state.clone().after(Action::Follow(settings, Vec::new()))
    };
    let same = follow("adapter=wedding&lambda=0.5");
    assert_eq!(same.run_id(), state.run_id(), "lambda is a knob");
    assert!(matches!(
        pending_effects(&same)[..],
        [Effect {
            command: Command::Resample(_),
            ..
        }]
    ));
    for link in ["", "adapter=helper", "adapter=wedding&compare=1"] {
        assert_ne!(follow(link).run_id(), state.run_id(), "{link}");
    }
}

#[test]
fn colours_change_no_token_and_a_missing_predictor_is_said() {
    let before = finished();
    let state = before.clone().after(Action::Colour(Colouring::Sentiment));
    assert!(Rc::ptr_eq(&before.swarm, &state.swarm));
    assert!(pending_effects(&state).is_empty());
    let there = state
        .clone()
        .after(Action::Predictor(Ok(Rc::new(Predictor::default()))));
    assert_eq!(there.colouring, Colouring::Sentiment);
    assert!(there.predictor.is_some() && there.notes.is_empty());
    let missing = state.after(Action::Predictor(Err("There is none.".to_owned())));
    assert_eq!(missing.colouring, Colouring::Surprisal);
    assert_eq!(missing.notes, ["There is none."]);
}

#[test]
fn reducing_is_pure() {
    let before = Rc::new(finished());
    // A copy of its own, with the chains that it shares copied, too: another handle to the same state would always be equal.
    let mut kept = State::clone(&before);
    kept.swarm = Rc::new(Swarm::clone(&kept.swarm));
    let (run, shaping) = (before.run_id(), hotter(&before));
    let after = before
        .clone()
        .reduce(Action::Seed(99))
        .reduce(Action::Shape(shaping))
        .reduce(Action::Events(vec![
            (CPU, rewound(run, 0, [1, 0])),
            (CPU, lost()),
        ]));
    assert_eq!(after.settings.seed, 99);
    assert_ne!(after.swarm, before.swarm);
    assert_eq!(kept, *before);
    assert_ne!(
        coin(after.settings.seed, 0, 0),
        coin(before.settings.seed, 0, 0)
    );
}
