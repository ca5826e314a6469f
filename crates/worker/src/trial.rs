//! One run of an experiment: fetching what it asks, telling how far it is, and looking whether the reader had enough.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use decoding::Shaping;
use experiments::{Findings, Setting, Size, Stop, Subject, Watch};
use protocol::{Asked, Command, Ending, Event, Lambda, RunId, encode};
use transformer::Model;

use crate::house::House;
use crate::pause::Pause;
use crate::port::{Inbox, now_ms, say};
use crate::room::listen;

/// The page hears of findings at most so often: it draws figures of them.
const TELLING_RESTS_MS: f64 = 250.0;

/// The inbox is looked into at most so often; a look costs a round through the browser's event loop.
const LOOKING_RESTS_MS: f64 = 20.0;

/// What the page asked for.
pub struct Wish {
    /// The experiment's name.
    pub name: String,
    /// What is asked beside the base.
    pub adapters: Vec<Asked>,
    /// The reader's knobs.
    pub shaping: Shaping,
    /// The reader's realignment.
    pub lambda: Lambda,
    /// Names the coins.
    pub seed: u64,
}

/// Watches an experiment for the page.
pub struct Onlooker<'a> {
    run: RunId,
    inbox: &'a mut Inbox,
    waiting: &'a mut VecDeque<Command>,
    pause: &'a Pause,
    looked_ms: f64,
    told_ms: f64,
    /// Heard from the experiment and not yet told the page.
    untold: Option<(usize, usize, Findings)>,
}

impl<'a> Onlooker<'a> {
    /// Watches for the page's run of this name.
    pub fn new(
        run: RunId,
        inbox: &'a mut Inbox,
        waiting: &'a mut VecDeque<Command>,
        pause: &'a Pause,
    ) -> Self {
        Self {
            run,
            inbox,
            waiting,
            pause,
            looked_ms: 0.0,
            told_ms: 0.0,
            untold: None,
        }
    }

    /// Lets the browser deliver, and looks whether the reader had enough. Whatever else was said waits.
    async fn look(&mut self) -> ControlFlow<()> {
        self.pause.rest().await;
        self.looked_ms = now_ms();
        listen(self.inbox, self.waiting);
        let run = self.run;
        let stop = |command: &Command| *command == Command::Stop { run };
        if self.waiting.iter().any(stop) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn say_untold(&mut self) {
        if let Some((done, of, findings)) = self.untold.take() {
            self.told_ms = now_ms();
            say(&Event::Experiment {
                run: self.run,
                done: done as u32,
                of: of as u32,
                findings: bytes(&findings),
            });
        }
    }
}

impl Watch for Onlooker<'_> {
    async fn checkpoint(&mut self) -> ControlFlow<()> {
        let now_ms = now_ms();
        if now_ms - self.told_ms >= TELLING_RESTS_MS {
            self.say_untold();
        }
        if now_ms - self.looked_ms < LOOKING_RESTS_MS {
            return ControlFlow::Continue(());
        }
        self.look().await
    }

    fn report(&mut self, done: usize, of: usize, so_far: &Findings) {
        self.untold = Some((done, of, so_far.clone()));
    }
}

/// Fetches what is needed, runs, and says how it ended.
///
/// # Errors
/// In words for the reader, when something is missing or a model cannot be asked.
pub async fn run(house: &mut House, wish: &Wish, mut watch: Onlooker<'_>) -> Result<(), String> {
    house.stock().await?;
    for adapter in &wish.adapters {
        if watch.look().await.is_break() {
            conclude(&mut watch, None, 0.0);
            return Ok(());
        }
        house.bring(&adapter.name).await?;
    }
    let (base, material) = house
        .stocked()
        .ok_or("what the experiments ask is not there")?;
    let tuned: Vec<(&Asked, Model)> = wish
        .adapters
        .iter()
        .filter_map(|adapter| Some((adapter, house.adapted(&adapter.name)?)))
        .collect();
    let subjects: Vec<Subject<'_, Model>> = [Subject {
        name: "base",
        budget_nats: None,
        model: base,
    }]
    .into_iter()
    .chain(tuned.iter().map(|(adapter, model)| Subject {
        name: &adapter.name,
        budget_nats: adapter.budget_nats,
        model,
    }))
    .collect();
    let setting = Setting {
        size: Size::Quick,
        seed: wish.seed,
        shaping: wish.shaping,
        lambda: wish.lambda.get(),
    };
    let started_ms = now_ms();
    let outcome = experiments::run(&wish.name, &subjects, material, &setting, &mut watch).await;
    let seconds = ((now_ms() - started_ms) / 1e3) as f32;
    match outcome {
        Ok(findings) => conclude(&mut watch, Some(&findings), seconds),
        Err(Stop::Cancelled) => conclude(&mut watch, None, seconds),
        Err(stop) => return Err(stop.to_string()),
    }
    Ok(())
}

/// The last word on a run; without findings it was stopped, and what it told last stands.
fn conclude(watch: &mut Onlooker<'_>, findings: Option<&Findings>, seconds: f32) {
    if findings.is_none() {
        watch.say_untold();
    }
    say(&Event::Concluded {
        run: watch.run,
        ending: if findings.is_some() {
            Ending::Finished
        } else {
            Ending::Stopped
        },
        findings: findings.map(bytes),
        seconds,
    });
}

fn bytes(findings: &Findings) -> Vec<u8> {
    encode(findings).expect("all findings can be written")
}
