//! Progress of a long run: a bar on a terminal, lines elsewhere.

use std::io::{IsTerminal as _, stderr};
use std::path::{Component, Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use training::Control;

/// Progress on stderr.
pub struct Progress {
    bar: ProgressBar,
    drawn: bool,
    line_every: usize,
}

impl Progress {
    /// A bar, or a line every `line_every` steps.
    pub fn new(line_every: usize) -> Self {
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} steps, {msg}, {eta} left")
            .expect("the template is fixed");
        Self {
            bar: ProgressBar::new(0).with_style(style),
            drawn: stderr().is_terminal(),
            line_every,
        }
    }

    /// Shows that `step` of `steps` are done after `seconds` of computing, with a message.
    pub fn show(&self, step: usize, steps: usize, seconds: f64, words: String) {
        if self.drawn {
            if self.bar.length() == Some(0) {
                // A resumed run has not done its earlier steps now: the time left follows from this session alone.
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

    /// Leaves the bar on the screen.
    pub fn leave(&self) {
        self.bar.abandon();
    }
}

/// The default folder of a recipe's checkpoints and log: `runs/` + the recipe's folder.
pub fn run_folder(recipe: &Path) -> PathBuf {
    let folder = recipe.parent().into_iter().flat_map(Path::components);
    let names = folder.filter(|part| matches!(part, Component::Normal(_)));
    Path::new("runs").join(names.collect::<PathBuf>())
}

/// One session of a training run that can pause and resume.
pub struct Session {
    progress: Progress,
    pause_after: Option<usize>,
    steps: usize,
}

impl Session {
    /// A session of at most `pause_after` steps, with a bar, or a line every `line_every` steps.
    pub fn new(line_every: usize, pause_after: Option<usize>) -> Self {
        Self {
            progress: Progress::new(line_every),
            pause_after,
            steps: 0,
        }
    }

    /// Shows a step as [`Progress::show`] does, and returns whether to go on.
    pub fn step(&mut self, step: usize, steps: usize, seconds: f64, words: String) -> Control {
        self.progress.show(step, steps, seconds, words);
        self.steps += 1;
        if self.pause_after.is_some_and(|most| self.steps >= most) {
            Control::Pause
        } else {
            Control::Continue
        }
    }

    /// Prints how the session ended and where the result is.
    pub fn end(self, done: bool, made: &Path) {
        self.progress.leave();
        if done {
            eprintln!("written to {}", made.display());
        } else {
            eprintln!("paused; run the same command to resume");
        }
    }
}
