//! Progress of a stage of the report, printed from any thread.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::progress::Progress;

/// Pieces between two lines of progress where there is no terminal to draw a bar on.
const LINE_EVERY: usize = 32;

/// A stage of so many pieces.
pub struct Tally {
    progress: Progress,
    stage: String,
    done: AtomicUsize,
    all: usize,
    clock: Instant,
}

impl Tally {
    /// Begins a stage.
    pub fn new(stage: String, all: usize) -> Self {
        Self {
            progress: Progress::new(LINE_EVERY),
            stage,
            done: AtomicUsize::new(0),
            all,
            clock: Instant::now(),
        }
    }

    /// One piece more is done.
    pub fn one(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let seconds = self.clock.elapsed().as_secs_f64();
        self.progress
            .show(done, self.all, seconds, self.stage.clone());
        if done == self.all {
            self.progress.leave();
        }
    }
}
