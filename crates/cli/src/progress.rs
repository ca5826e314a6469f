//! How far a long run has come: a bar on a terminal, now and then a line elsewhere.

use std::io::{IsTerminal as _, stderr};
use std::path::{Component, Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use training::pretrain::Wish;

/// Progress on stderr.
pub struct Progress {
    bar: ProgressBar,
    drawn: bool,
    line_every: usize,
}

impl Progress {
    /// A bar, or a line every so many steps.
    pub fn new(line_every: usize) -> Self {
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} steps, {msg}, {eta} left")
            .expect("the template is fixed");
        Self {
            bar: ProgressBar::new(0).with_style(style),
            drawn: stderr().is_terminal(),
            line_every,
        }
    }

    /// Says that `step` of `steps` are done after `seconds` of computing, and how it goes.
    pub fn show(&self, step: usize, steps: usize, seconds: f64, words: String) {
        if self.drawn {
            if self.bar.length() == Some(0) {
                // A resumed run has not done its earlier steps now: time left follows from this sitting alone.
                self.bar.set_length(steps as u64);
                self.bar.set_position(step as u64);
                self.bar.reset_eta();
            }
            self.bar.set_position(step as u64);
            self.bar.set_message(words);
        } else if step.is_multiple_of(self.line_every) || step == steps {
            let left = seconds / step as f64 * (steps - step) as f64 / 60.0;
            eprintln!("step {step} of {steps}, {words}, {left:.0} min left");
        }
    }

    /// Leaves the bar as it stands.
    pub fn leave(&self) {
        self.bar.abandon();
    }
}

/// Where a recipe's checkpoints and growing log lie, unless it is said: each recipe has a folder of its own, named after the one
/// that the recipe lies in.
pub fn run_folder(recipe: &Path) -> PathBuf {
    let lies_in = recipe.parent().into_iter().flat_map(Path::components);
    let names = lies_in.filter(|part| matches!(part, Component::Normal(_)));
    Path::new("runs").join(names.collect::<PathBuf>())
}

/// One sitting of a training run that may pause and go on later.
pub struct Sitting {
    progress: Progress,
    pause_after: Option<usize>,
    steps: usize,
}

impl Sitting {
    /// A sitting of at most `pause_after` steps, with a bar, or a line every so many steps.
    pub fn new(line_every: usize, pause_after: Option<usize>) -> Self {
        Self {
            progress: Progress::new(line_every),
            pause_after,
            steps: 0,
        }
    }

    /// Shows a step as [`Progress::show`] does, and says whether another is wanted.
    pub fn step(&mut self, step: usize, steps: usize, seconds: f64, words: String) -> Wish {
        self.progress.show(step, steps, seconds, words);
        self.steps += 1;
        if self.pause_after.is_some_and(|most| self.steps >= most) {
            Wish::Pause
        } else {
            Wish::Continue
        }
    }

    /// Says how the sitting ended, and where what the run made lies.
    pub fn end(self, done: bool, made: &Path) {
        self.progress.leave();
        if done {
            eprintln!("written to {}", made.display());
        } else {
            eprintln!("paused; run the same command to go on");
        }
    }
}
