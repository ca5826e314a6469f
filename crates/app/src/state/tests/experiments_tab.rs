//! The Experiments tab as a state machine: runs, cancels, what stays, and what the stories do meanwhile.

use experiments::{Estimate, ExperimentResults, RunConfig, Size, find};
use protocol::{ExperimentDone, ExperimentProgress, ExperimentRequest, encode};

use super::*;
use crate::state::experiments_tab::asked;

/// A page opened with a link to an experiment, its CPU engine ready.
fn opened(link: &str) -> State {
    let (settings, notes) = read_link(link);
    State::new(settings, notes)
        .after(Action::Started(DeviceKind::Cpu))
        .heard(CPU, ready(DeviceKind::Cpu))
}

fn on_the_tab() -> State {
    opened("view=experiments&exp=random-number")
}

/// ExperimentResults with one number.
fn found(value: f64) -> Vec<u8> {
    encode(&ExperimentResults {
        experiment: "random-number".to_owned(),
        setting: RunConfig::plain(Size::Quick),
        subjects: vec!["base".to_owned()],
        results: vec![Estimate::exact("base.d6.entropy", "entropy", "bits", value)].into(),
        controls: Vec::new(),
        figures: Vec::new(),
        verdict: None,
    })
    .unwrap()
}

fn so_far(run: RunId, value: f64) -> Event {
    Event::ExperimentProgress(ExperimentProgress {
        run,
        done: 1,
        total: 8,
        findings: found(value),
    })
}

fn concluded(run: RunId, findings: Option<f64>) -> Event {
    Event::ExperimentDone(ExperimentDone {
        run,
        outcome: if findings.is_some() {
            RunOutcome::Finished
        } else {
            RunOutcome::Stopped
        },
        findings: findings.map(found),
        seconds: 2.5,
    })
}

impl State {
    fn own(&self) -> Option<f64> {
        let own = self.experiments_tab.own.get("random-number")?;
        own.value("base.d6.entropy")
    }

    fn experiment_run_id(&self) -> RunId {
        self.experiments_tab.run.as_ref().unwrap().id
    }

    fn experiment_phase(&self) -> &ExperimentPhase {
        &self.experiments_tab.run.as_ref().unwrap().phase
    }
}

#[test]
fn a_run_is_told_once_with_the_playgrounds_knobs_and_ends_with_all_that_was_found() {
    let state = opened("view=experiments&exp=random-number&t=0.5&seed=7&lambda=0.75");
    assert!(pending_effects(&state).is_empty(), "nothing runs by itself");
    let (commands, state) = state.after(Action::RunExperiment).told();
    let run = state.experiment_run_id();
    assert_eq!(
        commands,
        [Command::Experiment(ExperimentRequest {
            run,
            name: "random-number".to_owned(),
            adapters: asked(
                find("random-number").unwrap(),
                None,
                &AdapterIndex::default()
            ),
            params: SamplingParams {
                shaping: state.settings.shaping,
                lambda: Lambda::new(0.75).unwrap(),
                seed: 7
            }
        })]
    );
    assert!(pending_effects(&state).is_empty());
    assert_eq!(state.experiment_phase(), &ExperimentPhase::Running);
    let state = state.heard(CPU, so_far(run, 2.0));
    assert_eq!(state.own(), Some(2.0));
    let state = state.heard(CPU, concluded(run, Some(2.5)));
    assert_eq!(state.experiment_phase(), &ExperimentPhase::Done);
    assert_eq!(state.own(), Some(2.5));
}

#[test]
fn a_cancelled_run_ends_at_once_and_keeps_what_was_found() {
    let (_, state) = on_the_tab().after(Action::RunExperiment).told();
    let run = state.experiment_run_id();
    let state = state
        .heard(CPU, so_far(run, 2.0))
        .after(Action::CancelExperiment);
    assert_eq!(state.experiment_phase(), &ExperimentPhase::Cancelled);
    let (commands, state) = state.told();
    assert_eq!(commands, [Command::Stop(run)]);
    assert!(pending_effects(&state).is_empty());
    // The last that the worker found before it heard.
    let state = state
        .heard(CPU, so_far(run, 3.0))
        .heard(CPU, concluded(run, None));
    assert_eq!(state.experiment_phase(), &ExperimentPhase::Cancelled);
    assert_eq!(state.own(), Some(3.0));
}

#[test]
fn a_run_begun_before_an_engine_is_ready_begins_with_it_and_can_be_cancelled_before() {
    let (settings, _) = read_link("view=experiments&exp=random-number");
    let waiting = State::new(settings, Vec::new())
        .after(Action::Started(DeviceKind::Cpu))
        .after(Action::RunExperiment);
    assert!(pending_effects(&waiting).is_empty());
    let (commands, _) = waiting.clone().heard(CPU, ready(DeviceKind::Cpu)).told();
    assert!(matches!(&commands[..], [Command::Experiment(_)]));
    let (commands, _) = waiting
        .after(Action::CancelExperiment)
        .heard(CPU, ready(DeviceKind::Cpu))
        .told();
    assert!(commands.is_empty(), "{commands:?}");
}

#[test]
fn another_run_stops_the_one_before_and_its_late_words_are_dropped() {
    let (_, state) = on_the_tab().after(Action::RunExperiment).told();
    let first = state.experiment_run_id();
    let state = state.after(Action::Choose("probably".to_owned()));
    let (commands, state) = state.after(Action::RunExperiment).told();
    let second = state.experiment_run_id();
    assert_ne!(first, second);
    assert!(
        matches!(&commands[..], [Command::Stop(run), Command::Experiment(ExperimentRequest { run: id, .. })] if *run == first && *id == second),
        "{commands:?}"
    );
    let state = state
        .heard(CPU, so_far(first, 1.0))
        .heard(CPU, concluded(first, None));
    assert_eq!(state.own(), None);
    assert_eq!(state.experiment_phase(), &ExperimentPhase::Running);
}

#[test]
fn a_run_that_cannot_be_made_says_why_and_blames_nothing_else() {
    let (_, state) = on_the_tab().after(Action::RunExperiment).told();
    let run = Some(state.experiment_run_id());
    let message = "truth.json is not there".to_owned();
    let state = state.heard(
        CPU,
        Event::Failed(Failed {
            run,
            cause: FailureCause::File,
            message: message.clone(),
        }),
    );
    assert_eq!(state.experiment_phase(), &ExperimentPhase::Failed(message));
    assert!(state.notes.is_empty());

    let (_, state) = on_the_tab().after(Action::RunExperiment).told();
    let reason = "out of memory".to_owned();
    let state = state.heard(CPU, Event::Unavailable(Unavailable::device(reason)));
    assert!(
        matches!(state.experiment_phase(), ExperimentPhase::Failed(why) if why.contains("out of memory"))
    );
}

#[test]
fn stories_wait_while_the_tab_is_open_and_knobs_are_told_when_the_reader_comes_back() {
    let state = on_the_tab();
    assert!(state.run.is_none());
    let (commands, _) = state.after(Action::View(View::Playground)).told();
    assert!(matches!(&commands[..], [Command::Generate(_)]));

    let state = finished().after(Action::View(View::Experiments));
    let shaping = hotter(&state);
    let state = state.after(Action::Shape(shaping));
    assert!(pending_effects(&state).is_empty());
    let (commands, _) = state.after(Action::View(View::Playground)).told();
    assert!(matches!(&commands[..], [Command::Resample(_)]));

    let state = finished().after(Action::View(View::Experiments));
    let state = state.after(Action::Tune(Some("wedding".to_owned())));
    assert!(pending_effects(&state).is_empty());
    let (commands, _) = state.after(Action::View(View::Playground)).told();
    assert!(
        matches!(&commands[..], [Command::Generate(request)] if request.spec.adapter.as_deref() == Some("wedding"))
    );
}

#[test]
fn stories_that_wait_for_an_experiment_say_so() {
    let state = finished().after(Action::View(View::Experiments));
    let (_, state) = state.after(Action::RunExperiment).told();
    let run = state.experiment_run_id();
    let (_, state) = state.heard(CPU, so_far(run, 2.0)).told();
    let state = state
        .after(Action::View(View::Playground))
        .after(Action::Generate);
    let (_, state) = state.told();
    let (now, sentence, _) = status(&state);
    assert_eq!(now, Status::Running);
    assert!(
        sentence.contains("waiting for an experiment (12% done)"),
        "{sentence}"
    );
}

#[test]
fn an_unknown_experiment_of_a_link_is_noted_and_the_first_is_open() {
    for state in [
        opened("view=experiments&exp=alchemy"),
        on_the_tab().after({
            let (settings, notes) = read_link("view=experiments&exp=alchemy");
            Action::Follow(settings, notes)
        }),
    ] {
        assert_eq!(state.settings.experiment, None);
        assert_eq!(state.experiment().name, "scaled-logits");
        assert_eq!(state.notes.len(), 1);
        assert!(state.notes[0].contains("alchemy"), "{}", state.notes[0]);
    }
}

#[test]
fn the_chosen_adapter_takes_the_place_of_the_only_one_and_joins_several() {
    let adapters = serde_json::from_str::<AdapterIndex>(
        r#"[{ "name": "tight", "title": "Tight", "about": "", "budget_nats": 2 }]"#,
    )
    .unwrap();
    let names = |quick, chosen| -> Vec<(String, Option<f64>)> {
        let mut info = *find("random-number").unwrap();
        info.needs.quick = quick;
        let asked = asked(&info, chosen, &adapters).into_iter();
        asked.map(|one| (one.name, one.budget_nats)).collect()
    };
    let plain = |name: &str| (name.to_owned(), None);
    assert_eq!(names(&["raters"], None), [plain("raters")]);
    assert_eq!(
        names(&["raters"], Some("tight")),
        [("tight".to_owned(), Some(2.0))]
    );
    assert_eq!(
        names(&["raters", "spread"], Some("helper")),
        [plain("raters"), plain("spread"), plain("helper")]
    );
    assert_eq!(
        names(&["raters", "spread"], Some("spread")),
        [plain("raters"), plain("spread")]
    );
}
