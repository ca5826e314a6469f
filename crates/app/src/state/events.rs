//! What an event does to the state. Events of another run than the present one, or of another voice, are dropped.

use std::rc::Rc;

use protocol::{DeviceKind, Ending, Event, Prompted, Rows, RunId, Stage, VERSION};

use super::{Focus, Language, Look, Phase, Reading, Row, Run, State, Stop, Suspect, Voice};
use crate::engine::choice::{Progress, Standing, name, sentence};

impl State {
    pub(super) fn hear(&mut self, voice: Voice, event: Event) {
        match (voice, event) {
            (Voice::Device(kind), Event::Hello { version }) if version != VERSION => self.refuse(
                kind,
                "page and engine are of different versions: reload the page, with Ctrl+Shift+R if need be",
            ),
            (Voice::Device(kind), Event::Progress { stage, done, total }) => {
                let now = Some(Progress { stage, done, total });
                if matches!(stage, Stage::Adapter | Stage::Material) {
                    self.fetching = now.map(|now| (kind, now));
                } else if let Standing::Starting(progress) = self.engines.of_mut(kind) {
                    *progress = now;
                }
            }
            (voice, Event::Ready { device, vocabulary, beginning_of_text, end_of_text, context }) => {
                let language = || Rc::new(Language::new(vocabulary, beginning_of_text, end_of_text, context));
                match voice {
                    Voice::Device(kind) if matches!(self.engines.of(kind), Standing::Starting(_)) => {
                        *self.engines.of_mut(kind) = Standing::Ready(Rc::new(device));
                        if self.live {
                            // The panel is to show the numbers of the device that serves now.
                            self.reading.wanted |= self.serving() == Some(kind);
                        } else {
                            self.live = true;
                            self.language = Some(language());
                            self.go_live();
                        }
                    }
                    Voice::Recording if !self.live => self.language = Some(language()),
                    _ => {}
                }
            }
            (Voice::Device(kind), Event::Unavailable { reason }) => self.refuse(kind, &reason),
            (voice, Event::Prompted(prompted)) => {
                if self.live == (voice != Voice::Recording) {
                    self.take_prompt(prompted, voice);
                }
            }
            (voice, Event::Step { run, picks, tokens_per_second }) => {
                if let Some(present) = present(self.run.as_mut(), voice, run) {
                    present.tokens_per_second = tokens_per_second;
                    if let Some(language) = &self.language {
                        Rc::make_mut(&mut self.swarm).step(&picks, language);
                    }
                    self.look_again();
                }
            }
            (voice, Event::Rewound { run, kept, measures, .. }) => {
                if present(self.run.as_mut(), voice, run).is_some() {
                    if let Some(language) = &self.language {
                        Rc::make_mut(&mut self.swarm).rewind(&kept, &measures, language);
                    }
                    self.lose_row(&kept);
                    self.look_again();
                }
            }
            (voice, Event::Done { run, turn, ending, .. }) => {
                if let Some(present) = present(self.run.as_mut(), voice, run)
                    && present.turn == turn
                {
                    present.phase = Phase::Ended(ending);
                    present.stop = Stop::No;
                    if matches!(self.focus, Focus::Token { look: Look::Lost, .. }) {
                        self.focus = Focus::Prompt;
                    }
                }
            }
            (voice, Event::Row { run, chain, position, rows }) => {
                if present(self.run.as_mut(), voice, run).is_some() {
                    self.take_row(chain, position, rows);
                }
            }
            (Voice::Device(_), Event::Experiment { run, done, of, findings }) => {
                self.take_findings(run, (done, of), &findings);
            }
            (Voice::Device(_), Event::Concluded { run, ending, findings, seconds }) => {
                self.conclude(run, ending, findings.as_deref(), seconds);
            }
            (Voice::Device(_), Event::Failed { run, message }) => self.take_failure(run, message),
            (Voice::Device(_), Event::Hello { .. })
            | (
                Voice::Recording,
                Event::Hello { .. } | Event::Progress { .. } | Event::Unavailable { .. } | Event::Failed { .. }
                | Event::Experiment { .. } | Event::Concluded { .. },
            ) => {}
        }
    }

    /// An engine is out. Of several reasons the first counts: what a broken engine says later follows from it.
    pub(super) fn refuse(&mut self, kind: DeviceKind, reason: &str) {
        if matches!(self.engines.of(kind), Standing::Refused(_)) {
            return;
        }
        let served = self.serving();
        self.fetching = None;
        self.lose_trial(kind, reason);
        *self.engines.of_mut(kind) = Standing::Refused(reason.to_owned());
        // What the panel shows is to come from the device that serves now.
        self.reading.wanted |= self.live && self.serving() != served;
        if self.run.as_ref().and_then(Run::device) == Some(kind) {
            self.lose_run(kind, reason);
        }
    }

    /// The present run's engine is out. If tokens were still to come, the other engine begins the run again.
    fn lose_run(&mut self, kind: DeviceKind, reason: &str) {
        let serving = self.serving();
        let Some(run) = &mut self.run else { return };
        run.lost = true;
        if !matches!(
            self.focus,
            Focus::Token {
                look: Look::Had,
                ..
            }
        ) {
            self.focus = Focus::Prompt;
        }
        if run.phase != Phase::Running {
            return;
        }
        run.phase = Phase::Failed;
        let note = format!("The {} engine stopped: {}", name(kind), sentence(reason));
        let Some(other) = serving.filter(|_| run.stop == Stop::No) else {
            self.notes.push(note);
            return;
        };
        let order = run.order.clone();
        self.notes.push(format!(
            "{note} The {} engine tells the stories again.",
            name(other)
        ));
        // The run brings the row of its own prompt.
        self.reading.wanted &= self.reading.text != order.prompt;
        self.focus = Focus::Prompt;
        self.begin_on(other, order);
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
            let mut order = run.order.clone();
            if let (Some(adapter), Some(device), Stop::No) =
                (order.adapter.take(), run.device(), run.stop)
            {
                order.compare = false;
                self.reading.adapter = None;
                self.suspect = Some(Suspect { adapter, message });
                self.begin_on(device, order);
                return;
            }
            self.suspect = None;
        } else if id.is_none() && !self.reading.had {
            if let Some(adapter) = self.reading.adapter.take() {
                self.reading.wanted = true;
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
            recorded.phase = Phase::Ended(Ending::Stopped);
        }
        if self.run_when_ready {
            self.begin();
        } else if self.prompt_row.is_none() || *self.reading.text != *self.settings.prompt {
            self.reading = Reading::of(&self.settings, true);
        }
    }

    fn take_prompt(&mut self, prompted: Prompted, voice: Voice) {
        let Prompted {
            text,
            adapter,
            tokens,
            rows,
        } = prompted;
        self.fetching = None;
        if let Some(run) = &mut self.run
            && *run.order.prompt == *text
        {
            run.prompt_tokens = tokens.as_slice().into();
        }
        let asked = *self.reading.text == *text && self.reading.adapter == adapter;
        if asked || voice == Voice::Recording {
            self.refusal = None;
            self.reading.had |= asked;
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
                "The adapter “{adapter}” is not used, the base tells the stories: {}",
                sentence(&message)
            ));
            self.settings.adapter = None;
        }
    }

    fn take_row(&mut self, chain: u32, position: u32, rows: Option<Rows>) {
        let Focus::Token {
            chain: c,
            position: p,
            row,
            look,
        } = &mut self.focus
        else {
            return;
        };
        if (*c, *p) != (chain, position) || *look != Look::Asked {
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
            .order
            .prompt
            .chars()
            .chain(words_before.flat_map(|word| word.text.chars()))
            .collect();
        let (story, _) = run.order.place(chain);
        *row = Some(Rc::new(Row {
            rows,
            history,
            after,
            chain,
            story,
            position,
        }));
        *look = Look::Had;
    }

    /// Tokens before the shown row changed.
    fn lose_row(&mut self, kept: &[u32]) {
        if let Focus::Token {
            chain,
            position,
            look,
            ..
        } = &mut self.focus
            && kept
                .get(*chain as usize)
                .is_some_and(|kept| kept < position)
        {
            *look = Look::Lost;
        }
    }

    /// The chain has come to where the lost row was.
    fn look_again(&mut self) {
        if let Focus::Token {
            chain,
            position,
            look,
            ..
        } = &mut self.focus
            && *look == Look::Lost
            && self
                .swarm
                .chain(*chain)
                .is_some_and(|chain| chain.len() > *position as usize)
        {
            *look = Look::Wanted;
        }
    }
}

/// The present run, if this voice speaks of it.
fn present(run: Option<&mut Run>, voice: Voice, id: RunId) -> Option<&mut Run> {
    run.filter(|run| run.id == id && run.voice == voice)
}
