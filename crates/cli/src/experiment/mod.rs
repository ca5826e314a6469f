//! `collapse experiment`: the claims about mode collapse, tested on a model and its adapters.
//!
//! The experiments themselves are the library `experiments`. Here the models and files are read (`models`), several experiments run
//! at once on the cores, and their results are written: as a table (`table`), as JSON, or as the files that ship beside the model,
//! with pictures (`figures`), a page for each experiment and `EXPERIMENTS.md`, the page of answers (`pages`).

mod figures;
mod models;
mod numbers;
mod pages;
mod progress;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use anyhow::{Context, Result, ensure};
use clap::Args;
use clap::builder::PossibleValuesParser;
use experiments::{
    CATALOGUE, Control, ExperimentInfo, ExperimentResults, Provenance, Published, RunConfig, Size,
};
use training::worker_pool::WorkerPool;

use crate::knobs::Knobs;
use crate::model::finite;
use crate::output;
use models::LoadedModels;
use progress::Board;

/// The name that stands for all experiments.
const ALL: &str = "all";

/// Arguments of `collapse experiment`.
#[derive(Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct Experiment {
    /// Which experiment; all runs every one and writes the model's folder experiments and its EXPERIMENTS.md
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(CATALOGUE.iter().map(|info| info.name).chain([ALL])))]
    name: String,
    /// Folder of the model; its adapters lie in its folder adapters
    #[arg(long, value_name = "DIR", default_value = "models/storyteller")]
    model: PathBuf,
    /// Adapters to measure beside the base: all, none, or names separated by commas [default: those that the experiment is about]
    #[arg(long, value_name = "NAMES")]
    adapters: Option<String>,
    /// Seed of all random draws
    #[arg(long, value_name = "K", default_value_t = 1)]
    seed: u64,
    /// Draw as little as the page does, which takes seconds
    #[arg(long)]
    quick: bool,
    /// Amount of tuning of every adapter: 0 is the base, 1 the tuned model, beyond 1 goes on in the same direction
    #[arg(long, value_name = "L", default_value_t = 1.0, allow_negative_numbers = true, value_parser = finite)]
    lambda: f64,
    #[command(flatten)]
    knobs: Knobs,
    /// Write the results of a single experiment into the folder experiments, too
    #[arg(long)]
    write: bool,
    /// Folder for EXPERIMENTS.md and its folder experiments [default: the model's]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write nothing: run the experiments again with the settings in their files, and compare bit for bit
    #[arg(long, conflicts_with_all = ["write", "quick"])]
    check: bool,
    /// Run nothing: write answers, pages and pictures from the result files that are there
    #[arg(long, conflicts_with_all = ["write", "quick", "check", "json"])]
    render: bool,
    /// Cores to share experiments among; changes no result [default: all]
    #[arg(long, value_name = "N")]
    cores: Option<usize>,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

/// One experiment to run.
struct Job {
    info: &'static ExperimentInfo,
    config: RunConfig,
    /// Adapters, as `--adapters` takes them.
    adapters: String,
    /// The file to compare with.
    file: Option<String>,
}

/// What became of the jobs.
struct Outcome {
    /// What was found, with the number of its job.
    found: Vec<(usize, Published)>,
    /// What went wrong with the others.
    failed: Vec<String>,
}

impl Experiment {
    /// Runs what was asked for, and prints or writes the results.
    pub fn run(self) -> Result<()> {
        let out = self.out.as_deref().unwrap_or(&self.model);
        let folder = out.join("experiments");
        if self.render {
            let found = self.files(&folder)?;
            return write_pages(&self.model, out, &folder, &found);
        }
        let (jobs, mut failed) = self.jobs(&folder)?;
        let models = LoadedModels::read(&self.model, jobs.iter().map(|job| job.adapters.as_str()))?;
        let outcome = self.outcome(&models, &jobs)?;
        failed.extend(outcome.failed);
        let found = outcome.found;
        if self.check {
            failed.extend(compare(&jobs, &found, &folder)?);
        } else {
            let results: Vec<&ExperimentResults> = found
                .iter()
                .map(|(_, published)| &published.findings)
                .collect();
            if self.json && self.name == ALL {
                output::json(&results)?;
            } else if self.json {
                results.iter().try_for_each(output::json)?;
            } else {
                for (job, published) in &found {
                    output::line(&table::text(jobs[*job].info, &published.findings))?;
                }
            }
            if self.write || self.name == ALL {
                let published = found.iter().map(|(_, published)| published.clone());
                write_all(&self.model, out, &folder, &published.collect::<Vec<_>>())?;
            }
        }
        let broken: Vec<String> = found
            .iter()
            .flat_map(|(_, published)| broken(&published.findings))
            .collect();
        ensure!(
            broken.is_empty(),
            "controls that did not pass, so that nothing beside them can be trusted: {}",
            broken.join("; ")
        );
        ensure!(failed.is_empty(), "{}", failed.join("; "));
        Ok(())
    }

    /// The result files that are there.
    fn files(&self, folder: &Path) -> Result<Vec<Published>> {
        let mut found = Vec::new();
        for info in CATALOGUE {
            let path = path(folder, info.name);
            if (self.name == ALL || self.name == info.name) && path.exists() {
                found.push(read(&path)?);
            }
        }
        Ok(found)
    }

    /// What is to be run, and of which files there are none to compare with.
    fn jobs(&self, folder: &Path) -> Result<(Vec<Job>, Vec<String>)> {
        let (mut jobs, mut missing) = (Vec::new(), Vec::new());
        for info in CATALOGUE
            .iter()
            .filter(|info| self.name == ALL || info.name == self.name)
        {
            if !self.check {
                jobs.push(self.job(info));
                continue;
            }
            let path = path(folder, info.name);
            let Ok(file) = fs::read_to_string(&path) else {
                missing.push(format!(
                    "cannot read {}; `collapse experiment {} --write` makes it",
                    path.display(),
                    info.name
                ));
                continue;
            };
            let published = Published::from_json(&file)
                .with_context(|| format!("{} holds no results", path.display()))?;
            let tuned = published.findings.subjects.get(1..).unwrap_or_default();
            jobs.push(Job {
                info,
                config: published.findings.setting,
                adapters: names(tuned),
                file: Some(file),
            });
        }
        Ok((jobs, missing))
    }

    /// As the arguments have it.
    fn job(&self, info: &'static ExperimentInfo) -> Job {
        let size = if self.quick { Size::Quick } else { Size::Full };
        let needed = || names(size.of(info.needs.quick, info.needs.full));
        Job {
            info,
            config: RunConfig {
                size,
                seed: self.seed,
                shaping: self.knobs.shaping(),
                lambda: self.lambda,
            },
            adapters: self.adapters.clone().unwrap_or_else(needed),
            file: None,
        }
    }

    /// Runs the jobs, each on one core.
    fn outcome(&self, models: &LoadedModels, jobs: &[Job]) -> Result<Outcome> {
        let all = available_parallelism().map_or(1, Into::into);
        let pool = WorkerPool::new(self.cores.unwrap_or(all).min(jobs.len()))?;
        let board = Board::new(jobs.len());
        let found = pool.map(jobs, |number, job| -> Result<Published> {
            let chosen = models.chosen(&job.adapters)?;
            let mut watch = board.progress_of(number, job.info.name);
            let run = experiments::run(
                job.info.name,
                &chosen.subjects,
                &models.inputs,
                &job.config,
                &mut watch,
            );
            let results = pollster::block_on(run);
            board.done(number);
            let date = time::OffsetDateTime::now_utc().date().to_string();
            Ok(Published {
                made: Provenance {
                    date,
                    models: chosen.fingerprints,
                },
                findings: results?,
            })
        });
        board.leave();
        let mut outcome = Outcome {
            found: Vec::new(),
            failed: Vec::new(),
        };
        for (number, result) in found.into_iter().enumerate() {
            match result {
                Ok(published) => outcome.found.push((number, published)),
                Err(error) => outcome.failed.push(format!(
                    "the experiment {} could not be run: {}",
                    jobs[number].info.name,
                    output::chain(&error)
                )),
            }
        }
        Ok(outcome)
    }
}

/// Results' files, then all that is made of them.
fn write_all(model: &Path, out: &Path, folder: &Path, found: &[Published]) -> Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for published in found {
        let path = path(folder, &published.findings.experiment);
        write(&path, &published.to_json()?)?;
    }
    write_pages(model, out, folder, found)
}

/// Pictures and pages of some results, and the list and the page of answers made from all files that are there. The files themselves
/// stay: a number that is read and written again may lose its last bit.
fn write_pages(model: &Path, out: &Path, folder: &Path, found: &[Published]) -> Result<()> {
    for published in found {
        let results = &published.findings;
        figures::draw(results, folder)?;
        let info = experiments::find(&results.experiment);
        let info = info.context("results are of an experiment that is in the catalogue")?;
        let page = folder.join(format!("{}.md", info.name));
        write(&page, &pages::experiment(info, published)?)?;
    }
    let mut there = BTreeMap::new();
    for info in CATALOGUE {
        let path = path(folder, info.name);
        if path.exists() {
            there.insert(info.name, read(&path)?);
        }
    }
    // The page requests no file that is not listed.
    let listed = there.keys().map(ToString::to_string).collect();
    let list = serde_json::to_string_pretty(&bundle::PublishedIndex(listed))
        .context("writing the list of results")?
        + "\n";
    write(&folder.join("index.json"), &list)?;
    let text = out.join("EXPERIMENTS.md");
    let answers = pages::answers(&crate::model::name(model), &there)?;
    write(&text, &answers)?;
    eprintln!("written to {} and {}", folder.display(), text.display());
    Ok(())
}

/// A result file, with the answer, the verdict and the figures' words that follow from its numbers.
fn read(path: &Path) -> Result<Published> {
    let file =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut published = Published::from_json(&file).with_context(|| {
        format!(
            "{} holds no results; remove it, or make it again",
            path.display()
        )
    })?;
    experiments::conclude(&mut published.findings);
    Ok(published)
}

/// Says of every file whether it is what was found now; what differs.
fn compare(jobs: &[Job], found: &[(usize, Published)], folder: &Path) -> Result<Vec<String>> {
    let mut differ = Vec::new();
    for (number, anew) in found {
        let job = &jobs[*number];
        let path = path(folder, job.info.name);
        let file = job.file.as_deref().unwrap_or_default();
        let difference = Published::first_difference(file, anew);
        match difference.with_context(|| path.display().to_string())? {
            None => output::line(&format!("{} is reproduced bit for bit", path.display()))?,
            Some(difference) => differ.push(format!(
                "{} is not reproduced: {difference}",
                path.display()
            )),
        }
    }
    Ok(differ)
}

fn broken(results: &ExperimentResults) -> Vec<String> {
    let failed = results.controls.iter().filter(|control| !control.passed());
    let say = |control: &Control| format!("{}, {}", results.experiment, control.name);
    failed.map(say).collect()
}

/// Adapters as `--adapters` takes them.
fn names<S: AsRef<str>>(adapters: &[S]) -> String {
    let names: Vec<&str> = adapters.iter().map(AsRef::as_ref).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(",")
    }
}

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.json"))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
