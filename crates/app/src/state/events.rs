//! What an event does to the state. Events of another run than the present one, or of another source, are dropped.

use std::rc::Rc;

use protocol::{
    DeviceKind, Event, Failed, FailureCause, Prefilled, Ready, Rewound, RunId, RunSpec, Stage,
    TokenLogits, VERSION,
};

use super::{
    Detokenizer, EngineStatus, EventSource, Focus, Phase, PromptRequest, Request, Row, Run, State,
    device_name, with_full_stop,
};

/// Why an engine of another version is refused.
const OTHER_VERSION: &str =
    "the page and its engine come from different versions; reload the page (Ctrl+Shift+R)";

impl State {
    /// What an event of a source does.
    pub(super) fn handle_event(&mut self, source: EventSource, event: Event) {
        match source {
            EventSource::Device(kind) => self.handle_engine_event(kind, event),
            EventSource::Recording => self.handle_recorded_event(event),
        }
    }

    fn handle_engine_event(&mut self, kind: DeviceKind, event: Event) {
        let source = EventSource::Device(kind);
        match event {
            Event::Hello(hello) if hello.version != VERSION => {
                self.mark_unavailable(kind, OTHER_VERSION);
            }
            Event::Progress(progress) => {
                if matches!(progress.stage, Stage::Adapter | Stage::ExperimentInputs) {
                    self.fetching = Some((kind, progress));
                } else if let EngineStatus::Starting(now) = self.engines.of_mut(kind) {
                    *now = Some(progress);
                }
            }
            Event::Ready(ready) => self.take_engine(kind, ready),
            Event::Unavailable(why) => self.mark_unavailable(kind, &why.message),
            Event::Failed(failed) => self.take_failure(failed),
            Event::ExperimentProgress(progress) => {
                let parts = (progress.done, progress.total);
                self.take_findings(progress.run, parts, &progress.findings);
            }
            Event::ExperimentDone(done) => self.conclude(&done),
            Event::Prefilled(prefilled) if self.live => self.take_prompt(prefilled, source),
            Event::Hello(_) | Event::Prefilled(_) => {}
            event => self.handle_run_event(source, event),
        }
    }

    /// A recording plays until an engine is ready.
    fn handle_recorded_event(&mut self, event: Event) {
        match event {
            Event::Ready(ready) if !self.live => {
                self.detokenizer = Some(Rc::new(Detokenizer::of(ready).1));
            }
            Event::Prefilled(prefilled) if !self.live => {
                self.take_prompt(prefilled, EventSource::Recording);
            }
            event => self.handle_run_event(EventSource::Recording, event),
        }
    }

    /// What is said of the present run.
    fn handle_run_event(&mut self, source: EventSource, event: Event) {
        match event {
            Event::Step(step) => {
                if let Some(run) = present(self.run.as_mut(), source, step.run) {
                    run.tokens_per_second = step.tokens_per_second;
                    if let Some(detokenizer) = &self.detokenizer {
                        Rc::make_mut(&mut self.swarm).step(&step.picks, detokenizer);
                    }
                    self.request_outdated_row();
                }
            }
            Event::Rewound(rewound)
                if present(self.run.as_mut(), source, rewound.run).is_some() =>
            {
                if let Some(detokenizer) = &self.detokenizer {
                    let Rewound { kept, measures, .. } = &rewound;
                    Rc::make_mut(&mut self.swarm).rewind(kept, measures, detokenizer);
                }
                self.outdate_row(&rewound.kept);
                self.request_outdated_row();
            }
            Event::Done(done) if done.turn == self.outbox.turn => {
                if let Some(run) = present(self.run.as_mut(), source, done.run) {
                    run.end(done.outcome);
                    let outdated = Request::Outdated;
                    if matches!(self.focus, Focus::Token { request, .. } if request == outdated) {
                        self.focus = Focus::Prompt;
                    }
                }
            }
            Event::Logits(answer) if present(self.run.as_mut(), source, answer.run).is_some() => {
                self.take_row(answer);
            }
            _ => {}
        }
    }

    /// An engine is ready.
    fn take_engine(&mut self, kind: DeviceKind, ready: Ready) {
        let status = self.engines.of_mut(kind);
        if !matches!(status, EngineStatus::Starting(_)) {
            return;
        }
        let (device, detokenizer) = Detokenizer::of(ready);
        *status = EngineStatus::Ready(Rc::new(device));
        if !self.live {
            self.live = true;
            self.detokenizer = Some(Rc::new(detokenizer));
            self.go_live();
        } else if self.active_device() == Some(kind) {
            // The panel is to show the numbers of the device that serves now.
            self.prompt_request.status = Request::Pending;
        }
    }

    /// An engine is out. Of several reasons the first counts: what a broken engine says later follows from it.
    pub(super) fn mark_unavailable(&mut self, kind: DeviceKind, reason: &str) {
        if matches!(self.engines.of(kind), EngineStatus::Unavailable(_)) {
            return;
        }
        let served = self.active_device();
        self.fetching = None;
        self.outbox.lose(kind);
        self.lose_experiment(kind, reason);
        *self.engines.of_mut(kind) = EngineStatus::Unavailable(reason.to_owned());
        // What the panel shows is to come from the device that serves now.
        if self.live && self.active_device() != served {
            self.prompt_request.status = Request::Pending;
        }
        if self.run.as_ref().and_then(Run::device) == Some(kind) {
            self.lose_run(kind, reason);
        }
    }

    /// The present run's engine is out. If tokens were still to come, the other engine begins the run again.
    fn lose_run(&mut self, kind: DeviceKind, reason: &str) {
        let active_device = self.active_device();
        let Some(run) = &mut self.run else { return };
        let was_stopping = run.phase == Phase::Stopping;
        let was_active = run.lose_engine();
        if !matches!(
            self.focus,
            Focus::Token {
                request: Request::Received,
                ..
            }
        ) {
            self.focus = Focus::Prompt;
        }
        if !was_active {
            return;
        }
        let note = format!(
            "The {} engine stopped: {}",
            device_name(kind),
            with_full_stop(reason)
        );
        let Some(other) = active_device.filter(|_| !was_stopping) else {
            self.notes.push(note);
            return;
        };
        let spec = run.spec.clone();
        self.notes.push(format!(
            "{note} The {} engine generates the stories again.",
            device_name(other)
        ));
        // The run brings the row of its own prompt.
        if *self.prompt_request.text == *spec.prompt {
            self.prompt_request.status = Request::Idle;
        }
        self.focus = Focus::Prompt;
        self.begin_on(other, spec);
    }

    /// A request failed; a run that could not begin is over. Where its adapter is to blame, the base does the same without it.
    fn take_failure(&mut self, failed: Failed) {
        let Failed {
            run: id,
            cause,
            message,
        } = failed;
        self.fetching = None;
        if self.fails(id, &message) {
            return;
        }
        let by_adapter = cause == FailureCause::Adapter;
        if let Some(run) = self.run.as_mut().filter(|run| Some(run.id) == id) {
            let was_stopping = run.phase == Phase::Stopping;
            run.phase = Phase::Failed;
            if let (true, false, Some(device)) = (by_adapter, was_stopping, run.device()) {
                let spec = RunSpec {
                    adapter: None,
                    compare: false,
                    ..run.spec.clone()
                };
                self.drop_adapter(&message);
                self.begin_on(device, spec);
                return;
            }
        } else if id.is_none() && self.prompt_request.status != Request::Received {
            if by_adapter {
                self.drop_adapter(&message);
                self.prompt_request.status = Request::Pending;
            } else {
                self.refusal = Some(message);
            }
            return;
        }
        if !self.notes.contains(&message) {
            self.notes.push(message);
        }
    }

    /// The chosen adapter cannot be used.
    fn drop_adapter(&mut self, message: &str) {
        let chosen = &mut self.settings.adapter;
        let asked = self.prompt_request.adapter.take();
        let Some(adapter) = asked.or_else(|| chosen.clone()) else {
            return;
        };
        chosen.take_if(|chosen| *chosen == adapter);
        self.notes.push(format!(
            "The adapter “{adapter}” could not be used, so the base model generates the stories: {}",
            with_full_stop(message)
        ));
    }

    /// The first engine is ready: its own run takes the recording's place, unless the reader was doing something else.
    fn go_live(&mut self) {
        if let Some(recorded) = self.run.as_mut().filter(|run| run.is_active()) {
            recorded.phase = Phase::Stopped;
        }
        if self.run_when_ready {
            self.begin();
        } else if self.prompt_row.is_none() || *self.prompt_request.text != *self.settings.prompt {
            self.prompt_request = PromptRequest::of(&self.settings, Request::Pending);
        }
    }

    fn take_prompt(&mut self, prefilled: Prefilled, source: EventSource) {
        let Prefilled {
            prompt: text,
            adapter,
            tokens,
            logits: rows,
        } = prefilled;
        self.fetching = None;
        if let Some(run) = &mut self.run
            && *run.spec.prompt == *text
        {
            run.prompt_tokens = tokens.as_slice().into();
        }
        let asked = *self.prompt_request.text == *text && self.prompt_request.adapter == adapter;
        if asked || source == EventSource::Recording {
            self.refusal = None;
            if asked {
                self.prompt_request.status = Request::Received;
            }
            self.prompt_row = Some(Rc::new(Row {
                rows,
                history: tokens,
                after: text,
                chain: 0,
                story: 0,
                position: 0,
            }));
        }
    }

    fn take_row(&mut self, answer: TokenLogits) {
        let TokenLogits {
            chain,
            position,
            logits: rows,
            ..
        } = answer;
        let Focus::Token {
            chain: c,
            position: p,
            row,
            request,
        } = &mut self.focus
        else {
            return;
        };
        if (*c, *p) != (chain, position) || *request != Request::Sent {
            return;
        }
        let Some(rows) = rows else {
            self.focus = Focus::Prompt;
            return;
        };
        let (Some(run), Some(words)) = (&self.run, self.swarm.chain(chain)) else {
            return;
        };
        let before = words.tokens().take(position as usize);
        let history = run.prompt_tokens.iter().copied().chain(before).collect();
        let words_before = words.words().take(position as usize);
        let after = run
            .spec
            .prompt
            .chars()
            .chain(words_before.flat_map(|word| word.text.chars()))
            .collect();
        let (story, _) = run.spec.place(chain);
        *row = Some(Rc::new(Row {
            rows,
            history,
            after,
            chain,
            story,
            position,
        }));
        *request = Request::Received;
    }

    /// Tokens before the shown row changed.
    fn outdate_row(&mut self, kept: &[u32]) {
        if let Focus::Token {
            chain,
            position,
            request,
            ..
        } = &mut self.focus
            && kept
                .get(*chain as usize)
                .is_some_and(|kept| kept < position)
        {
            *request = Request::Outdated;
        }
    }

    /// The chain has come to where the lost row was.
    fn request_outdated_row(&mut self) {
        if let Focus::Token {
            chain,
            position,
            request,
            ..
        } = &mut self.focus
            && *request == Request::Outdated
            && self
                .swarm
                .chain(*chain)
                .is_some_and(|chain| chain.len() > *position as usize)
        {
            *request = Request::Pending;
        }
    }
}

/// The present run, if the event is about it.
fn present(run: Option<&mut Run>, source: EventSource, id: RunId) -> Option<&mut Run> {
    run.filter(|run| run.id == id && run.source == source)
}
