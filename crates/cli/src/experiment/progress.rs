//! How far experiments have come that run at once.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use experiments::{ExperimentResults, RunProgress};

use crate::progress::Progress;

/// Between two times that progress is shown.
const PAUSE: Duration = Duration::from_secs(1);

/// All experiments of a call.
pub struct Board {
    progress: Progress,
    clock: Instant,
    state: Mutex<State>,
}

struct State {
    /// Parts done and parts in all of each experiment; one part in all as long as nothing was reported.
    parts: Vec<(usize, usize)>,
    shown: Option<Instant>,
}

impl Board {
    /// For so many experiments.
    pub fn new(experiments: usize) -> Self {
        Self {
            progress: Progress::new(1),
            clock: Instant::now(),
            state: Mutex::new(State {
                parts: vec![(0, 1); experiments],
                shown: None,
            }),
        }
    }

    /// The progress of the experiment of that number.
    pub fn progress_of<'a>(&'a self, number: usize, name: &'a str) -> OnBoard<'a> {
        OnBoard {
            board: self,
            number,
            name,
        }
    }

    /// The experiment has ended, one way or another.
    pub fn done(&self, number: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.parts[number].0 = state.parts[number].1;
    }

    /// Leaves the bar as it stands.
    pub fn leave(&self) {
        self.progress.leave();
    }

    fn show(&self, number: usize, name: &str, done: usize, of: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.parts[number] = (done, of.max(1));
        let sum = |part: fn(&(usize, usize)) -> usize| state.parts.iter().map(part).sum::<usize>();
        let (done, of) = (sum(|parts| parts.0), sum(|parts| parts.1));
        if done > 0 && (done == of || state.shown.is_none_or(|before| before.elapsed() > PAUSE)) {
            state.shown = Some(Instant::now());
            let seconds = self.clock.elapsed().as_secs_f64();
            self.progress.show(done, of, seconds, name.to_owned());
        }
    }
}

/// The progress of one experiment, which is never cancelled here: whoever called the command can.
pub struct OnBoard<'a> {
    board: &'a Board,
    number: usize,
    name: &'a str,
}

impl RunProgress for OnBoard<'_> {
    async fn checkpoint(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn report(&mut self, done: usize, of: usize, _so_far: &ExperimentResults) {
        self.board.show(self.number, self.name, done, of);
    }
}
