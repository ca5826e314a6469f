//! The Experiments tab: which experiment is open, what ships of it, and what the reader's own runs have found.

use std::{collections::BTreeMap, rc::Rc};

use experiments::{CATALOGUE, ExperimentInfo, ExperimentResults, Published, find};
use protocol::{
    DeviceKind, ExperimentAdapter, ExperimentDone, RunId, RunOutcome, RunSpec, SamplingParams,
    Settings, View, decode,
};

use super::{AdapterIndex, State};

/// What the tab holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExperimentsTab {
    /// The experiments whose results are published with the model, or why the list could not be had; once that is known.
    pub published_list: Option<Result<Rc<[String]>, String>>,
    /// Those results, or why they cannot be used, by experiment.
    pub published: BTreeMap<String, Result<Rc<Published>, String>>,
    /// What the reader's last run found, by experiment.
    pub own: BTreeMap<String, Rc<ExperimentResults>>,
    /// The last run.
    pub run: Option<ExperimentRun>,
}

impl ExperimentsTab {
    /// Whether results of an experiment are published with the model, as far as is known.
    pub fn is_published(&self, name: &str) -> bool {
        let list = self
            .published_list
            .as_ref()
            .and_then(|list| list.as_ref().ok());
        list.is_some_and(|list| list.iter().any(|one| one == name))
    }
}

/// The reader's run of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentRun {
    /// The page's name for it; no swarm has the same.
    pub id: RunId,
    /// The experiment's name.
    pub name: String,
    /// What is asked beside the base.
    pub adapters: Vec<ExperimentAdapter>,
    /// The knobs that it was begun with.
    pub params: SamplingParams,
    /// Whom it was given to, once one was ready.
    pub device: Option<DeviceKind>,
    /// How far it is.
    pub phase: ExperimentPhase,
    /// Parts done, of how many; nothing before the first is.
    pub parts: Option<(u32, u32)>,
    /// Seconds that it took, once it is over.
    pub seconds: Option<f32>,
}

/// How far an experiment is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExperimentPhase {
    /// On its way.
    Running,
    /// All is found.
    Done,
    /// The reader had enough.
    Cancelled,
    /// It could not be run; why, in words.
    Failed(String),
}

impl ExperimentRun {
    /// Are there findings to come?
    pub fn is_running(&self) -> bool {
        self.phase == ExperimentPhase::Running
    }
}

/// What an experiment asks beside the base: what it needs, and the reader's chosen adapter. An experiment that needs one adapter is
/// run with the chosen one in its place.
pub fn asked(
    info: &ExperimentInfo,
    chosen: Option<&str>,
    adapters: &AdapterIndex,
) -> Vec<ExperimentAdapter> {
    let mut names: Vec<&str> = info.needs.quick.to_vec();
    if let Some(chosen) = chosen
        && !names.contains(&chosen)
    {
        if names.len() == 1 {
            names.clear();
        }
        names.push(chosen);
    }
    names
        .into_iter()
        .map(|name| ExperimentAdapter {
            name: name.to_owned(),
            budget_nats: adapters.named(name).and_then(|info| info.budget_nats),
        })
        .collect()
}

/// Takes a name that no experiment has out of the settings, with a note.
pub fn known(settings: &mut Settings) -> Option<String> {
    let name = settings.experiment.take_if(|name| find(name).is_none())?;
    Some(format!(
        "The link's “exp” was not used: there is no experiment {name} here."
    ))
}

impl State {
    /// The opened experiment; the first where none was chosen.
    pub fn experiment(&self) -> &'static ExperimentInfo {
        let chosen = self.settings.experiment.as_deref();
        chosen.and_then(find).unwrap_or(&CATALOGUE[0])
    }

    /// What the opened experiment would ask now, beside the base.
    pub fn would_ask(&self) -> Vec<ExperimentAdapter> {
        let chosen = self.settings.adapter.as_deref();
        asked(self.experiment(), chosen, &self.adapters)
    }

    /// The device that an experiment is given to: the CPU, whose numbers are the same everywhere, where it is there.
    pub fn experimenter(&self) -> Option<DeviceKind> {
        let cpu = self.engines.report(DeviceKind::Cpu);
        cpu.map(|_| DeviceKind::Cpu)
            .or_else(|| self.active_device())
    }

    /// Whether stories wait until the reader comes back to them: experiments have the engine for themselves.
    pub(super) fn stories_wait(&self) -> bool {
        self.settings.view == View::Experiments
    }

    pub(super) fn view(&mut self, view: View) {
        self.settings.view = view;
        self.resume();
    }

    /// Tells the stories that waited, if any did.
    pub(super) fn resume(&mut self) {
        if self.live && self.run_when_ready && !self.stories_wait() {
            self.begin();
        }
    }

    /// Begins a run of the opened experiment. Another that goes on is stopped.
    pub(super) fn run_experiment(&mut self) {
        self.cancel_experiment();
        let run = ExperimentRun {
            id: self.next_run(),
            name: self.experiment().name.to_owned(),
            adapters: self.would_ask(),
            params: self.params(),
            device: None,
            phase: ExperimentPhase::Running,
            parts: None,
            seconds: None,
        };
        self.experiments_tab.own.remove(&run.name);
        self.experiments_tab.run = Some(run);
    }

    /// The reader has had enough. What was found stays, and what the worker found meanwhile is still taken.
    pub(super) fn cancel_experiment(&mut self) {
        let Some(run) = self
            .experiments_tab
            .run
            .as_mut()
            .filter(|one| one.is_running())
        else {
            return;
        };
        run.phase = ExperimentPhase::Cancelled;
        self.fetching = None;
        if let Some(device) = run.device {
            self.outbox.stop(device, run.id);
        }
    }

    /// An experiment has come so far.
    pub(super) fn take_findings(&mut self, id: RunId, parts: (u32, u32), findings: &[u8]) {
        let Some(run) = self.experiments_tab.run.as_mut().filter(|one| one.id == id) else {
            return;
        };
        self.fetching = None;
        run.parts = Some(parts);
        match decode(findings) {
            Ok(findings) => {
                let findings: ExperimentResults = findings;
                self.experiments_tab
                    .own
                    .insert(run.name.clone(), Rc::new(findings));
            }
            Err(error) => run.phase = ExperimentPhase::Failed(error.to_string()),
        }
    }

    /// An experiment is over.
    pub(super) fn conclude(&mut self, done: &ExperimentDone) {
        let id = done.run;
        let Some(run) = self.experiments_tab.run.as_mut().filter(|one| one.id == id) else {
            return;
        };
        self.fetching = None;
        run.seconds = Some(done.seconds);
        run.phase = match done.outcome {
            RunOutcome::Finished => ExperimentPhase::Done,
            RunOutcome::Stopped => ExperimentPhase::Cancelled,
        };
        let of = run.parts.map_or(1, |(_, of)| of);
        if let Some(findings) = &done.findings {
            self.take_findings(id, (of, of), findings);
        }
    }

    /// Whether a failure was that of an experiment, which then is over.
    pub(super) fn fails(&mut self, id: Option<RunId>, message: &str) -> bool {
        let run = self.experiments_tab.run.as_mut();
        let Some(run) = run.filter(|one| Some(one.id) == id) else {
            return false;
        };
        self.fetching = None;
        if run.is_running() {
            run.phase = ExperimentPhase::Failed(message.to_owned());
        }
        true
    }

    /// An engine is out, and an experiment on it with it.
    pub(super) fn lose_experiment(&mut self, kind: DeviceKind, reason: &str) {
        if let Some(run) = &self.experiments_tab.run
            && run.device == Some(kind)
        {
            let id = Some(run.id);
            self.fails(id, &format!("the engine stopped: {reason}"));
        }
    }

    /// Takes other settings; what cannot be changed in a run that goes on begins another.
    pub(super) fn set_out(&mut self, settings: Settings) {
        let before = RunSpec::of(&std::mem::replace(&mut self.settings, settings));
        if RunSpec::of(&self.settings) == before {
            self.resume();
        } else {
            self.begin();
        }
    }
}
