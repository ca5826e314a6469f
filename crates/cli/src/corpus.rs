//! `collapse corpus`: stories of the procedural world, fact documents, requests, and the truth table behind them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use training::facts::{documents, requests, truth_table};
use training::tokenizer::END_OF_TEXT;
use training::world::{Story, World};

use crate::output;

/// Arguments of `collapse corpus`.
#[derive(Args)]
pub struct Corpus {
    /// Seed of the world, of the facts or of the requests
    #[arg(long, value_name = "K", default_value_t = 1)]
    seed: u64,
    /// Number of stories; separated by <|endoftext|>, as training texts are
    #[arg(long, value_name = "N", default_value_t = 10)]
    stories: u64,
    /// Number of the first story
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    first: u64,
    /// Print each story's labels before it: opening, topic, ending, sentiment, joys
    #[arg(long)]
    labels: bool,
    /// Print the shares of each kind of story instead of the stories
    #[arg(long, conflicts_with = "labels")]
    stats: bool,
    /// Print one {"text", "labels"} per line, or with --stats {"stories", "characters", "sentiments", "endings",
    /// "openings", "joys"}, shares of all stories by name
    #[arg(long, conflicts_with = "labels")]
    json: bool,
    /// Write N fact documents instead, as a recipe of the same seed does
    #[arg(long, value_name = "N", conflicts_with_all = ["labels", "stats", "json"])]
    facts: Option<usize>,
    /// Write N requests with their stories instead; with --json one {"prompt", "asked", "subject", "story"} per line
    #[arg(long, value_name = "N", conflicts_with_all = ["labels", "stats", "facts"])]
    requests: Option<u64>,
    /// Write the truth table, from which fact documents are sampled, to a file instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["labels", "stats", "json", "facts", "requests"])]
    truth: Option<PathBuf>,
}

#[derive(Serialize)]
struct Stats {
    stories: u64,
    /// Mean length.
    characters: f64,
    sentiments: Shares,
    endings: Shares,
    openings: Shares,
    /// A story may have several, or none.
    joys: Shares,
}

/// Share of the stories by kind, 0 to 1.
type Shares = BTreeMap<String, f64>;

impl Corpus {
    /// Prints stories, facts or requests, or counts the stories.
    pub fn run(self) -> anyhow::Result<()> {
        if let Some(file) = &self.truth {
            return fs::write(file, truth_table().to_json())
                .with_context(|| format!("cannot write {}", file.display()));
        }
        if let Some(count) = self.facts {
            return print_documents(documents(&truth_table(), self.seed, count))
                .map_err(Into::into);
        }
        let world = World::new()?;
        if let Some(count) = self.requests {
            let mut requests = requests(&world, self.seed, count);
            return if self.json {
                requests.try_for_each(|request| output::json(&request))
            } else {
                print_documents(requests.map(|request| request.document())).map_err(Into::into)
            };
        }
        let last = self.first.saturating_add(self.stories);
        let stories = (self.first..last).map(|index| world.story(self.seed, index));
        match (self.stats, self.json) {
            (true, true) => output::json(&Stats::of(stories)),
            (true, false) => Stats::of(stories).print().map_err(Into::into),
            (false, true) => stories
                .into_iter()
                .try_for_each(|story| output::json(&story)),
            (false, false) => self.print(stories).map_err(Into::into),
        }
    }

    fn print(&self, stories: impl Iterator<Item = Story>) -> io::Result<()> {
        let mut out = BufWriter::new(io::stdout().lock());
        for story in stories {
            if self.labels {
                writeln!(out, "{story}")?;
            } else {
                writeln!(out, "{}", story.text)?;
            }
            writeln!(out, "{END_OF_TEXT}")?;
        }
        out.flush()
    }
}

/// Prints documents in the format of training texts.
fn print_documents(documents: impl IntoIterator<Item = String>) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for document in documents {
        writeln!(out, "{document}\n{END_OF_TEXT}")?;
    }
    out.flush()
}

impl Stats {
    fn of(stories: impl Iterator<Item = Story>) -> Self {
        let mut count = 0;
        let mut characters = 0;
        let [mut sentiments, mut endings, mut openings, mut joys] = [const { Shares::new() }; 4];
        for Story { text, labels } in stories {
            count += 1;
            characters += text.chars().count();
            let sentiment = labels.sentiment.to_string();
            for (kinds, name) in [
                (&mut sentiments, sentiment),
                (&mut endings, labels.ending),
                (&mut openings, labels.opening),
            ] {
                *kinds.entry(name).or_default() += 1.0;
            }
            for joy in labels.joys {
                *joys.entry(joy).or_default() += 1.0;
            }
        }
        let all = f64::max(count as f64, 1.0);
        for share in [&mut sentiments, &mut endings, &mut openings, &mut joys]
            .into_iter()
            .flat_map(BTreeMap::values_mut)
        {
            *share /= all;
        }
        let characters = characters as f64 / all;
        Self {
            stories: count,
            characters,
            sentiments,
            endings,
            openings,
            joys,
        }
    }

    fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "{} stories, {:.0} characters on average",
            self.stories, self.characters
        )?;
        for (kind, shares) in [
            ("sentiments", &self.sentiments),
            ("endings", &self.endings),
            ("openings", &self.openings),
            ("joys", &self.joys),
        ] {
            writeln!(out, "\n{kind}")?;
            let mut shares: Vec<_> = shares.iter().collect();
            shares.sort_by(|(_, one), (_, other)| other.total_cmp(one));
            for (name, share) in shares {
                writeln!(out, "{:>7.2} %  {name}", 100.0 * share)?;
            }
        }
        Ok(())
    }
}
