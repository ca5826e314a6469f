//! What an event does to the state. Events of another run than the present one, or of another source, are dropped.

use std::rc::Rc;

use protocol::{
    DeviceKind, Event, ExperimentProgress, Failed, Prefilled, Ready, RunId, RunOutcome, Stage,
    TokenLogits, VERSION,
};

use super::{
    Detokenizer, EngineStatus, EventSource, Focus, Phase, PromptRequest, Row, RowRequest, Run,
    State, Stop, Suspect, device_name, with_full_stop,
};

impl State {
    pub(super) fn handle_event(&mut self, source: EventSource, event: Event) {
        match (source, event) {
            (EventSource::Device(kind), Event::Hello(hello)) if hello.version != VERSION => self.mark_unavailable(
                kind,
                "the page and its engine come from different versions; reload the page (Ctrl+Shift+R)",
            ),
            (EventSource::Device(kind), Event::Progress(progress)) => {
                if matches!(progress.stage, Stage::Adapter | Stage::ExperimentInputs) {
                    self.fetching = Some((kind, progress));
                } else if let EngineStatus::Starting(now) = self.engines.of_mut(kind) {
                    *now = Some(progress);
                }
            }
            (source, Event::Ready(ready)) => {
                let Ready { device, vocabulary, bos_token, eos_token, context } = ready;
                let detokenizer = || Rc::new(Detokenizer::new(vocabulary, bos_token, eos_token, context));
                match source {
                    EventSource::Device(kind) if matches!(self.engines.of(kind), EngineStatus::Starting(_)) => {
                        *self.engines.of_mut(kind) = EngineStatus::Ready(Rc::new(device));
                        if self.live {
                            // The panel is to show the numbers of the device that serves now.
                            self.prompt_request.wanted |= self.active_device() == Some(kind);
                        } else {
                            self.live = true;
                            self.detokenizer = Some(detokenizer());
                            self.go_live();
                        }
                    }
                    EventSource::Recording if !self.live => self.detokenizer = Some(detokenizer()),
                    _ => {}
                }
            }
            (EventSource::Device(kind), Event::Unavailable(why)) => self.mark_unavailable(kind, &why.message),
            (source, Event::Prefilled(prefilled)) => {
                if self.live == (source != EventSource::Recording) {
                    self.take_prompt(prefilled, source);
                }
            }
            (source, Event::Step(step)) => {
                if let Some(present) = present(self.run.as_mut(), source, step.run) {
                    present.tokens_per_second = step.tokens_per_second;
                    if let Some(detokenizer) = &self.detokenizer {
                        Rc::make_mut(&mut self.swarm).step(&step.picks, detokenizer);
                    }
                    self.look_again();
                }
            }
            (source, Event::Rewound(rewound)) => {
                if present(self.run.as_mut(), source, rewound.run).is_some() {
                    if let Some(detokenizer) = &self.detokenizer {
                        Rc::make_mut(&mut self.swarm).rewind(&rewound.kept, &rewound.measures, detokenizer);
                    }
                    self.lose_row(&rewound.kept);
                    self.look_again();
                }
            }
            (source, Event::Done(done)) => {
                if let Some(present) = present(self.run.as_mut(), source, done.run)
                    && present.turn == done.turn
                {
                    present.phase = Phase::Ended(done.outcome);
                    present.stop = Stop::No;
                    if matches!(self.focus, Focus::Token { request: RowRequest::Lost, .. }) {
                        self.focus = Focus::Prompt;
                    }
                }
            }
            (source, Event::Logits(answer)) => {
                if present(self.run.as_mut(), source, answer.run).is_some() {
                    self.take_row(answer);
                }
            }
            (EventSource::Device(_), Event::ExperimentProgress(progress)) => {
                let ExperimentProgress { run, done, total, findings } = progress;
                self.take_findings(run, (done, total), &findings);
            }
            (EventSource::Device(_), Event::ExperimentDone(done)) => self.conclude(&done),
            (EventSource::Device(_), Event::Failed(Failed { run, message, .. })) => self.take_failure(run, message),
            (EventSource::Device(_), Event::Hello(_))
            | (
                EventSource::Recording,
                Event::Hello(_) | Event::Progress(_) | Event::Unavailable(_) | Event::Failed(_)
                | Event::ExperimentProgress(_) | Event::ExperimentDone(_),
            ) => {}
        }
    }

    /// An engine is out. Of several reasons the first counts: what a broken engine says later follows from it.
    pub(super) fn mark_unavailable(&mut self, kind: DeviceKind, reason: &str) {
        if matches!(self.engines.of(kind), EngineStatus::Unavailable(_)) {
            return;
        }
        let served = self.active_device();
        self.fetching = None;
        self.lose_experiment(kind, reason);
        *self.engines.of_mut(kind) = EngineStatus::Unavailable(reason.to_owned());
        // What the panel shows is to come from the device that serves now.
        self.prompt_request.wanted |= self.live && self.active_device() != served;
        if self.run.as_ref().and_then(Run::device) == Some(kind) {
            self.lose_run(kind, reason);
        }
    }

    /// The present run's engine is out. If tokens were still to come, the other engine begins the run again.
    fn lose_run(&mut self, kind: DeviceKind, reason: &str) {
        let active_device = self.active_device();
        let Some(run) = &mut self.run else { return };
        run.lost = true;
        if !matches!(
            self.focus,
            Focus::Token {
                request: RowRequest::Had,
                ..
            }
        ) {
            self.focus = Focus::Prompt;
        }
        if run.phase != Phase::Running {
            return;
        }
        run.phase = Phase::Failed;
        let note = format!(
            "The {} engine stopped: {}",
            device_name(kind),
            with_full_stop(reason)
        );
        let Some(other) = active_device.filter(|_| run.stop == Stop::No) else {
            self.notes.push(note);
            return;
        };
        let spec = run.spec.clone();
        self.notes.push(format!(
            "{note} The {} engine generates the stories again.",
            device_name(other)
        ));
        // The run brings the row of its own prompt.
        self.prompt_request.wanted &= *self.prompt_request.text != *spec.prompt;
        self.focus = Focus::Prompt;
        self.begin_on(other, spec);
    }

    /// Something asked for could not be done; a run that could not begin is over. Where an adapter was on, the base tries the
    /// same, which tells whether the adapter is to blame.
    fn take_failure(&mut self, id: Option<RunId>, message: String) {
        self.fetching = None;
        if self.fails(id, &message) {
            return;
        }
        if let Some(run) = self.run.as_mut().filter(|run| Some(run.id) == id) {
            run.phase = Phase::Failed;
            let mut spec = run.spec.clone();
            if let (Some(adapter), Some(device), Stop::No) =
                (spec.adapter.take(), run.device(), run.stop)
            {
                spec.compare = false;
                self.prompt_request.adapter = None;
                self.suspect = Some(Suspect { adapter, message });
                self.begin_on(device, spec);
                return;
            }
            self.suspect = None;
        } else if id.is_none() && !self.prompt_request.had {
            if let Some(adapter) = self.prompt_request.adapter.take() {
                self.prompt_request.wanted = true;
                self.suspect = Some(Suspect { adapter, message });
                return;
            }
            self.suspect = None;
            self.refusal = Some(message);
            return;
        }
        if !self.notes.contains(&message) {
            self.notes.push(message);
        }
    }

    /// The first engine is ready: its own run takes the recording's place, unless the reader was doing something else.
    fn go_live(&mut self) {
        if let Some(recorded) = &mut self.run
            && recorded.phase == Phase::Running
        {
            recorded.phase = Phase::Ended(RunOutcome::Stopped);
        }
        if self.run_when_ready {
            self.begin();
        } else if self.prompt_row.is_none() || *self.prompt_request.text != *self.settings.prompt {
            self.prompt_request = PromptRequest::of(&self.settings, true);
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
            self.prompt_request.had |= asked;
            self.prompt_row = Some(Rc::new(Row {
                rows,
                history: tokens,
                after: text,
                chain: 0,
                story: 0,
                position: 0,
            }));
        }
        if let Some(Suspect { adapter, message }) = self.suspect.take_if(|_| asked) {
            self.notes.push(format!(
                "The adapter “{adapter}” could not be used, so the base model generates the stories: {}",
                with_full_stop(&message)
            ));
            self.settings.adapter = None;
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
        if (*c, *p) != (chain, position) || *request != RowRequest::Asked {
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
        *request = RowRequest::Had;
    }

    /// Tokens before the shown row changed.
    fn lose_row(&mut self, kept: &[u32]) {
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
            *request = RowRequest::Lost;
        }
    }

    /// The chain has come to where the lost row was.
    fn look_again(&mut self) {
        if let Focus::Token {
            chain,
            position,
            request,
            ..
        } = &mut self.focus
            && *request == RowRequest::Lost
            && self
                .swarm
                .chain(*chain)
                .is_some_and(|chain| chain.len() > *position as usize)
        {
            *request = RowRequest::Wanted;
        }
    }
}

/// The present run, if this source speaks of it.
fn present(run: Option<&mut Run>, source: EventSource, id: RunId) -> Option<&mut Run> {
    run.filter(|run| run.id == id && run.source == source)
}
