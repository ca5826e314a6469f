//! `collapse report`: where the chains of a model and of its adapters end, measured over many openings, with tables and figures.
//!
//! `chains` draws and measures chains, `measures`, `answers` and `requests` say what is counted of them, `checks` whether the
//! recogniser can be trusted, `targets` what was aimed at; `findings` is all of that as `report.json` has it, and `markdown` and `figures`
//! write it for readers. What was measured with the same weights and settings is taken from the last `report.json`.

mod answers;
mod chains;
mod checks;
mod figures;
mod findings;
mod markdown;
mod measures;
mod openings;
mod requests;
mod tally;
mod targets;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use anyhow::{Context, Result, bail};
use attractors::Catalogue;
use clap::Args;
use sentiment::Predictor;
use training::calibration::{Calibration, family_distributions};
use training::evaluate::{Evaluation, Selection};
use training::facts::TruthTable;
use training::rl::rollout::seed_of;
use training::worker_pool::WorkerPool;
use transformer::{ModelFiles, Pipeline, device, fingerprint};

use crate::model::{encode, name};
use crate::output;
use crate::subjects::{self, Subject};
use answers::FamilyAnswers;
use bundle::Openings;
use chains::{Chain, Session};
use checks::HandLabelled;
use findings::{Findings, HeldOut, Measured, Named, OpeningSet, Settings};
use requests::Requests;
use tally::Tally;
use targets::WEDDING;

/// Held-out stories have so many characters, as in `collapse evaluate`.
const STORY_CHARACTERS: (usize, usize) = (200, 2500);

/// Arguments of `collapse report`.
#[derive(Args)]
pub struct Report {
    /// Folder of the model; its adapters lie in its folder adapters
    #[arg(long, value_name = "DIR", default_value = "models/storyteller")]
    model: PathBuf,
    /// Adapters to measure beside the base: all, none, or names parted by commas
    #[arg(long, value_name = "NAMES", default_value = "all")]
    adapters: String,
    /// Openings in groups [default: openings.json of the model]
    #[arg(long, value_name = "FILE")]
    openings: Option<PathBuf>,
    /// Words that mark attractors [default: attractors.json of the model]
    #[arg(long, value_name = "FILE")]
    attractors: Option<PathBuf>,
    /// Chains per opening
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(2..=1024))]
    chains: u16,
    /// At most so many tokens per chain
    #[arg(long, value_name = "L", default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..))]
    length: u16,
    /// Seed of the random draws
    #[arg(long, value_name = "K", default_value_t = 1)]
    seed: u64,
    /// Stories that the model was not trained on, separated by <|endoftext|>, for bits per byte
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// Score the first so many of them
    #[arg(long, value_name = "N", default_value_t = 200)]
    stories: usize,
    /// Folder for REPORT.md, and its folder report for figures and report.json [default: the model's]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Measure everything anew, also what report.json has for the same weights and settings
    #[arg(long)]
    anew: bool,
    /// Measure nothing, but draw N texts for a reader to label, into report/hand-check.json; the next report compares the
    /// labels with its own
    #[arg(long, value_name = "N")]
    draw_hand_check: Option<usize>,
    /// Cores to share the work among; changes no result [default: all]
    #[arg(long, value_name = "N")]
    cores: Option<usize>,
    /// Print report.json
    #[arg(long)]
    json: bool,
}

/// All inputs, loaded before anything is measured.
struct Inputs {
    model: Pipeline,
    openings: Openings,
    catalogue: Catalogue,
    predictor: Option<Predictor>,
    truth: Option<TruthTable>,
    requests: Option<Requests>,
    stories: Vec<String>,
    settings: Settings,
    pool: WorkerPool,
}

impl Report {
    /// Measures what `report.json` does not have yet, and writes everything.
    pub fn run(self) -> Result<()> {
        let inputs = self.load_inputs()?;
        let subjects = subjects::find(&inputs.model, &self.model, &self.adapters)?;
        let out = self.out.as_deref().unwrap_or(&self.model);
        let folder = out.join("report");
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let hand_check = folder.join("hand-check.json");
        if let Some(texts) = self.draw_hand_check {
            return self.draw(&inputs, &subjects, texts, &hand_check);
        }

        let path = folder.join("report.json");
        // A report of another form is one that knows nothing.
        let last = fs::read_to_string(&path).ok().filter(|_| !self.anew);
        let last: Option<Findings> = last.and_then(|json| serde_json::from_str(&json).ok());
        let mut known = last.map(|found| found.models).unwrap_or_default();
        let mut findings = inputs.findings(&name(&self.model), &hand_check)?;
        for subject in &subjects {
            let key = subject.key(&inputs.settings)?;
            let before = known.iter().position(|measured| measured.key == key);
            let mut measured = match before {
                Some(place) => known.swap_remove(place),
                None => inputs.measure(subject, key, self.seed)?,
            };
            // Neither is measured, and both may be written anew.
            measured.name.clone_from(&subject.name);
            measured.target_nats = subject.target_nats;
            findings.models.push(measured);
            // What is done survives an interruption, and so does what was known of the others.
            let models = findings.models.clone();
            findings.models.extend(known.iter().cloned());
            write_json(&path, &findings)?;
            findings.models = models;
        }
        findings.targets = targets::targets(&findings);
        write_json(&path, &findings)?;
        let figures = figures::draw(&findings, &folder)?;
        write(
            &out.join("REPORT.md"),
            &markdown::report(&findings, &figures),
        )?;
        if self.json {
            return output::json(&findings);
        }
        eprintln!("written to {}", out.join("REPORT.md").display());
        Ok(())
    }

    /// Loads all files first, so that a mistake in one shows before anything is measured.
    fn load_inputs(&self) -> Result<Inputs> {
        let mut fingerprints = BTreeMap::new();
        let mut read = |path: &Path, what: &str| -> Result<String> {
            let text = read_file(path, what)?;
            fingerprints.insert(what.to_owned(), fingerprint(text.as_bytes()));
            Ok(text)
        };
        let beside = |path: &Option<PathBuf>, name: &str| {
            path.clone().unwrap_or_else(|| self.model.join(name))
        };
        let path = beside(&self.openings, "openings.json");
        read(&path, "openings")?;
        let openings = openings::read(&path)?;
        let path = beside(&self.attractors, "attractors.json");
        let json = read(&path, "attractors")?;
        let catalogue = Catalogue::from_json(&json).with_context(|| path.display().to_string())?;
        let path = self.model.join("reward/weights.json");
        let predictor = if path.exists() {
            let json = read(&path, "predictor")?;
            Some(Predictor::from_json(&json).with_context(|| path.display().to_string())?)
        } else {
            None
        };
        let path = self.model.join("truth.json");
        let truth: Option<TruthTable> = if path.exists() {
            let json = read(&path, "truth table")?;
            Some(serde_json::from_str(&json).with_context(|| path.display().to_string())?)
        } else {
            None
        };
        let mut stories = Vec::new();
        if let Some(path) = &self.text {
            let (least, most) = STORY_CHARACTERS;
            let selection = Selection {
                stories: self.stories,
                least,
                most,
            };
            stories = selection.of(&read(path, "held-out stories")?);
            if stories.is_empty() {
                bail!(
                    "{} has no story of {least} to {most} characters: stories are separated by <|endoftext|>",
                    path.display()
                );
            }
        }
        let pipeline = Pipeline::load(&ModelFiles::load_from_dir(&self.model)?, &device::cpu())
            .with_context(|| format!("the model {} cannot be used", self.model.display()))?;
        let requests = truth
            .as_ref()
            .and_then(|truth| truth.requests.as_ref())
            .map(|truth| Requests::new(truth, &pipeline, &catalogue, self.length.into()))
            .transpose()?;
        let settings = Settings {
            openings: openings.all().len(),
            chains: self.chains.into(),
            length: self.length.into(),
            seed: self.seed,
            held_out_stories: stories.len(),
            fingerprints,
        };
        let cores = self
            .cores
            .unwrap_or(available_parallelism().map_or(1, Into::into));
        Ok(Inputs {
            model: pipeline,
            openings,
            catalogue,
            predictor,
            truth,
            requests,
            stories,
            settings,
            pool: WorkerPool::new(cores)?,
        })
    }

    /// Draws texts for a reader: openings and models in turn, with other random draws than the report's.
    fn draw(&self, inputs: &Inputs, subjects: &[Subject], texts: usize, path: &Path) -> Result<()> {
        let prompts = inputs.prompts()?;
        let openings = inputs.openings.all();
        let numbers: Vec<usize> = (0..texts).collect();
        let drawn = inputs
            .pool
            .map(&numbers, |_, &number| -> Result<HandLabelled> {
                let subject = &subjects[number % subjects.len()];
                // A stride that shares no divisor with a count of openings below it takes each once before any twice.
                let opening = number * 31 % openings.len();
                let session = Session {
                    chains: 1,
                    ..inputs.session(subject)
                };
                let chains = session.continued(&prompts[opening], seed_of(self.seed, 1, number))?;
                Ok(HandLabelled {
                    model: subject.name.clone(),
                    opening: openings[opening].1.to_owned(),
                    text: chains
                        .into_iter()
                        .next()
                        .map_or_else(String::new, |chain| chain.text),
                    hand: String::new(),
                })
            });
        let names: Vec<&str> = inputs
            .catalogue
            .attractors()
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        let about = format!(
            "Completions of at most {} tokens, seed {}, drawn by collapse report --draw-hand-check {texts}. Label each in \"hand\", \
             without asking the recogniser, by the attractor that it ends in: {}, or {}.",
            self.length,
            self.seed,
            names.join(", "),
            checks::NONE
        );
        checks::write_unlabelled(path, drawn.into_iter().collect::<Result<_>>()?, about)?;
        eprintln!("written to {}", path.display());
        Ok(())
    }
}

impl Inputs {
    /// Everything but the models.
    fn findings(&self, name: &str, hand_check: &Path) -> Result<Findings> {
        let attractors = self.catalogue.attractors().iter();
        let groups = self.openings.groups.iter();
        let mut checks = vec![checks::with_world(&self.catalogue)?];
        checks.extend(checks::with_reader(&self.catalogue, hand_check)?);
        Ok(Findings {
            model: name.to_owned(),
            settings: self.settings.clone(),
            attractors: attractors
                .map(|one| Named {
                    name: one.name.clone(),
                    title: one.title.clone(),
                })
                .collect(),
            groups: groups
                .map(|group| OpeningSet {
                    name: group.name.clone(),
                    title: group.title.clone(),
                    openings: group.openings.len(),
                    origin: group.origin.clone(),
                    licence: group.licence.clone(),
                })
                .collect(),
            models: Vec::new(),
            checks,
            targets: Vec::new(),
        })
    }

    fn session<'a>(&'a self, subject: &'a Subject) -> Session<'a> {
        Session {
            base: &self.model,
            policy: &subject.model.model,
            catalogue: &self.catalogue,
            predictor: self.predictor.as_ref(),
            chains: self.settings.chains,
            length: self.settings.length,
            seed: self.settings.seed,
        }
    }

    fn prompts(&self) -> Result<Vec<Vec<u32>>> {
        let openings = self.openings.all();
        let prompts = openings
            .into_iter()
            .map(|(_, text)| encode(&self.model, text, self.settings.length));
        prompts.collect()
    }

    /// Measures one model.
    fn measure(&self, subject: &Subject, key: String, seed: u64) -> Result<Measured> {
        let name = &subject.name;
        let tally = |what: &str, all| Tally::new(format!("{name}: {what}"), all);
        let prompts = self.prompts()?;
        let chains = self.session(subject).draw(
            &self.pool,
            &prompts,
            &tally("chains of openings", prompts.len()),
        )?;
        let of = |group: Option<usize>| {
            let openings = self.openings.all().into_iter().zip(&chains);
            let own =
                openings.filter(|((number, _), _)| group.is_none_or(|group| group == *number));
            let own: Vec<&[Chain]> = own.map(|(_, chains)| chains.as_slice()).collect();
            measures::measure(&self.catalogue, &own, seed)
        };
        let overall = of(None);
        let mut watched = vec![
            self.catalogue.position(WEDDING),
            measures::largest(&overall.shares),
        ];
        watched.dedup();
        let length = self.settings.length;
        let hitting = |attractor| measures::hitting(&self.catalogue, attractor, &chains, length);
        let (calibration, answers) = self.ask(subject, &tally)?.unzip();
        let requests = match &self.requests {
            Some(requests) => requests.measure(&self.session(subject), &self.pool, tally)?,
            None => Vec::new(),
        };
        Ok(Measured {
            name: name.clone(),
            key,
            fingerprint: subject.fingerprint.clone(),
            target_nats: subject.target_nats,
            groups: (0..self.openings.groups.len())
                .map(|group| of(Some(group)))
                .collect(),
            overall,
            entropy_bits: measures::entropy_by_position(&chains, length),
            hitting: watched.into_iter().flatten().map(hitting).collect(),
            held_out: self.score(subject, &tally)?,
            calibration,
            answers: answers.unwrap_or_default(),
            requests,
        })
    }

    /// Bits per byte of the held-out stories.
    fn score(
        &self,
        subject: &Subject,
        tally: &impl Fn(&str, usize) -> Tally,
    ) -> Result<Option<HeldOut>> {
        if self.stories.is_empty() {
            return Ok(None);
        }
        let tally = tally("held-out stories", self.stories.len());
        let scored = self.pool.map(&self.stories, |_, story| {
            let mut sums = Evaluation::default();
            let done = pollster::block_on(sums.add(
                &subject.model,
                subject.model.tokenizer.bytes(),
                story,
            ));
            tally.one();
            done.map(|()| sums)
        });
        let sums = scored.into_iter().sum::<Result<Evaluation, _>>()?;
        Ok(Some(HeldOut {
            bits_per_byte: sums.bits_per_byte(),
            stories: sums.stories,
            tokens: sums.tokens,
            bytes: sums.bytes,
        }))
    }

    /// The truth table's questions.
    fn ask(
        &self,
        subject: &Subject,
        tally: &impl Fn(&str, usize) -> Tally,
    ) -> Result<Option<(Calibration, Vec<FamilyAnswers>)>> {
        let Some(truth) = &self.truth else {
            return Ok(None);
        };
        let tally = tally("families of facts", truth.families.len());
        let beliefs = self.pool.map(&truth.families, |_, family| {
            let beliefs = pollster::block_on(family_distributions(&subject.model, family, || {}));
            tally.one();
            beliefs
        });
        let beliefs = beliefs.into_iter().collect::<Result<Vec<_>, _>>()?;
        let answers = beliefs.iter().filter_map(FamilyAnswers::of).collect();
        Ok(Some((Calibration::of(&beliefs), answers)))
    }
}

fn read_file(path: &Path, what: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read the {what} {}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn write_json(path: &Path, findings: &Findings) -> Result<()> {
    write(path, &(serde_json::to_string_pretty(findings)? + "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The attractors that lie beside the model.
    pub fn catalogue() -> Catalogue {
        let file = include_str!("../../../../models/storyteller/attractors.json");
        Catalogue::from_json(file).unwrap()
    }
}
