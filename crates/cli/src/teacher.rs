//! `collapse teacher`: training text, sampled from a teacher and filtered.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use training::corpus::{sha256, split};
use training::teacher::filter::{Filter, Reason};
use training::teacher::sample::{RawStory, write_shards};
use training::teacher::{Openings, Recipe, Source};
use training::tokenizer::END_OF_TEXT;
use transformer::{ModelFiles, Pipeline, device};

/// Arguments of `collapse teacher`.
#[derive(Args)]
pub struct Teacher {
    /// The recipe, `teacher.toml`
    recipe: PathBuf,
    /// Folder of the model that writes; it is not part of what ships
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Folder of training texts: their first sentences are beginnings, their words are the words that exist
    #[arg(long, value_name = "DIR")]
    texts: PathBuf,
    /// The held-out stories, with which little may be shared
    #[arg(long, value_name = "FILE")]
    held_out: PathBuf,
    /// Folder for the shards; a run that was stopped goes on there
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    /// The text; beside it a report of the same name that ends in .json
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// What was sampled and what was left of it.
#[derive(Serialize)]
struct Report {
    recipe: Recipe,
    teacher_sha256: String,
    first_sentences: usize,
    everyday_templates: usize,
    stories_sampled: u64,
    stories_kept: u64,
    left_out: BTreeMap<Reason, u64>,
    kept_by_opening: BTreeMap<Source, u64>,
    bytes: usize,
    sha256: String,
}

impl Teacher {
    /// Samples what is missing, then filters all of it.
    pub fn run(self) -> anyhow::Result<()> {
        let recipe = Recipe::read(&self.recipe)?;
        let texts = read_texts(&self.texts)?;
        let held_out = fs::read_to_string(&self.held_out)
            .with_context(|| format!("cannot read {}", self.held_out.display()))?;
        let held_out = split(&held_out);
        let stories: Vec<String> = texts
            .iter()
            .filter(|(name, _)| name.starts_with("tinystories"))
            .flat_map(|(_, text)| split(text))
            .collect();
        let openings = Openings::new(
            recipe.seed,
            &recipe.openings,
            stories.iter().map(String::as_str),
        );
        let files = ModelFiles::load_from_dir(&self.model)?;
        let teacher = Pipeline::load(&files, &device::cpu())
            .with_context(|| format!("the model {} cannot be used", self.model.display()))?;
        let clock = Instant::now();
        let mut written = 0;
        let shards = write_shards(
            &recipe,
            &teacher,
            &openings,
            &self.run,
            |done, all, bytes| {
                written += bytes;
                let speed = written as f64 / clock.elapsed().as_secs_f64() / 1e3;
                eprintln!("shard {done} of {all}, {speed:.1} kB/s");
            },
        )?;

        let mut filter = Filter::new(
            recipe.filter.clone(),
            texts.iter().map(|(_, text)| text.as_str()),
            held_out.iter().map(String::as_str),
        );
        let mut text = String::new();
        let mut kept_by_opening = BTreeMap::new();
        let mut sampled = 0;
        for path in &shards {
            let lines = fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            for line in lines.lines() {
                let story: RawStory = serde_json::from_str(line)
                    .with_context(|| format!("{} is damaged: delete it", path.display()))?;
                sampled += 1;
                if filter.judge(&story).is_ok() {
                    *kept_by_opening.entry(story.opening).or_default() += 1;
                    text += &[&story.text, "\n", END_OF_TEXT, "\n"].concat();
                }
            }
        }
        let (stories_kept, left_out) = filter.counts();
        let (first_sentences, everyday_templates) = openings.counts();
        let report = Report {
            teacher_sha256: sha256(&files.weights),
            first_sentences,
            everyday_templates,
            stories_sampled: sampled,
            stories_kept,
            left_out: left_out.clone(),
            kept_by_opening,
            bytes: text.len(),
            sha256: sha256(text.as_bytes()),
            recipe,
        };
        let write = |path: &Path, bytes: &[u8]| {
            fs::File::create(path)
                .and_then(|mut file| file.write_all(bytes))
                .with_context(|| format!("cannot write {}", path.display()))
        };
        write(&self.out, text.as_bytes())?;
        let json = serde_json::to_string_pretty(&report)? + "\n";
        write(&self.out.with_extension("json"), json.as_bytes())?;
        eprintln!(
            "{stories_kept} of {sampled} stories kept, {:.1} MB",
            text.len() as f64 / 1e6
        );
        Ok(())
    }
}

fn read_texts(folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "txt") {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let name = path.file_name().unwrap_or_default();
            texts.push((name.to_string_lossy().into_owned(), text));
        }
    }
    // A folder lists its files in any order; the openings' numbers depend on theirs.
    texts.sort();
    Ok(texts)
}
