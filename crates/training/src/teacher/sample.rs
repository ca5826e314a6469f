//! Samples a teacher's stories, many side by side: as soon as one ends, the next begins in its place.

use std::fs;
use std::path::{Path, PathBuf};

use decoding::{Shaping, coin, shape};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use transformer::Pipeline;
use transformer::device::read_logits;

use super::{Openings, Recipe, Source};
use crate::error::{TrainingError, at};
use crate::files;

/// One story as the teacher wrote it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RawStory {
    /// Its number in the run.
    pub number: u64,
    /// Where its beginning comes from.
    pub opening: Source,
    /// Beginning and continuation.
    pub text: String,
    /// Whether the teacher ended it; the others were cut at the end of the context.
    pub ended: bool,
}

/// Writes the shards that are missing in `folder`, and returns the paths of all. After each it reports the shards done, the
/// shards in all and the bytes of this one.
///
/// # Errors
/// When the device fails or a file cannot be written.
///
/// # Panics
/// Never: stories are plain data.
pub fn write_shards(
    recipe: &Recipe,
    teacher: &Pipeline,
    openings: &Openings,
    folder: &Path,
    mut report: impl FnMut(u64, u64, usize),
) -> Result<Vec<PathBuf>, TrainingError> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let shards = recipe.stories.div_ceil(recipe.shard);
    let mut paths = Vec::new();
    for shard in 0..shards {
        let path = folder.join(format!("shard-{shard:05}.jsonl"));
        if !path.is_file() {
            let first = shard * recipe.shard;
            let numbers: Vec<u64> = (first..recipe.stories.min(first + recipe.shard)).collect();
            let mut stories = sample(recipe, teacher, openings, &numbers)?;
            stories.sort_by_key(|story| story.number);
            let lines: String = stories
                .iter()
                .map(|story| serde_json::to_string(story).expect("plain data") + "\n")
                .collect();
            files::write_atomically(&path, lines.as_bytes())?;
            report(shard + 1, shards, lines.len());
        }
        paths.push(path);
    }
    Ok(paths)
}

/// A story under way in one row of the batch.
struct Writing {
    number: u64,
    opening: Source,
    /// Tokens after the beginning of text: those of the opening, then those that were drawn.
    tokens: Vec<u32>,
    given: usize,
    /// How many of them the model has been fed.
    fed: usize,
}

fn sample(
    recipe: &Recipe,
    teacher: &Pipeline,
    openings: &Openings,
    numbers: &[u64],
) -> Result<Vec<RawStory>, TrainingError> {
    let model = &teacher.model;
    let config = model.config();
    let begin = config.bos_token_id.ok_or_else(|| TrainingError::Value {
        field: "teacher",
        problem: "has no beginning-of-text token, after which stories begin".to_owned(),
    })?;
    let ends = [&[begin][..], &config.eos_token_id].concat();
    let shaping = Shaping::default()
        .with_temperature(recipe.temperature)
        .map_err(|error| TrainingError::Value {
            field: "temperature",
            problem: error.to_string(),
        })?;
    let context = config.max_position_embeddings;
    let prefix = model.prefill(&[begin]);
    let first_row = read(&prefix.logits)?.remove(0);
    let width = recipe.batch.min(numbers.len());
    let mut batch = model.start_batch(&prefix, width, context - 1);
    let draw = |writing: &mut Writing, logits: &[f32]| {
        let position = writing.tokens.len() as u32;
        let u = coin(recipe.seed, writing.number as u32, position);
        writing.tokens.push(shape(logits, &[], &shaping).pick(u));
    };
    let mut waiting = numbers.iter().copied();
    let mut begin_next = || {
        waiting.next().map(|number| {
            let (opening, text) = openings.opening(number as u32);
            let mut tokens = if text.is_empty() {
                Vec::new()
            } else {
                // Without the beginning of text, which the prefix has read; room for a continuation stays.
                teacher.tokenizer.encode(&text)?[1..].to_vec()
            };
            tokens.truncate(context / 2);
            let mut writing = Writing {
                number,
                opening,
                given: tokens.len(),
                tokens,
                fed: 0,
            };
            if writing.tokens.is_empty() {
                draw(&mut writing, &first_row);
            }
            Ok::<_, TrainingError>(writing)
        })
    };
    let mut writing_rows: Vec<Option<Writing>> = (0..width)
        .map(|_| begin_next().transpose())
        .collect::<Result<_, _>>()?;
    let mut stories = Vec::with_capacity(numbers.len());
    loop {
        // Stories that have ended make room for the next ones.
        for (row, place) in writing_rows.iter_mut().enumerate() {
            while let Some(writing) = place {
                let drawn = &writing.tokens[writing.given..];
                let ended = drawn.last().is_some_and(|token| ends.contains(token));
                if !ended && writing.fed < context - 1 {
                    break;
                }
                let text = &writing.tokens[..writing.tokens.len() - usize::from(ended)];
                stories.push(RawStory {
                    number: writing.number,
                    opening: writing.opening,
                    text: teacher.tokenizer.decode(text).trim().to_owned(),
                    ended,
                });
                batch.rewind(row, 0);
                *place = begin_next().transpose()?;
            }
        }
        let (chains, fed): (Vec<usize>, Vec<u32>) = writing_rows
            .iter_mut()
            .enumerate()
            .filter_map(|(row, place)| {
                let writing = place.as_mut()?;
                writing.fed += 1;
                Some((row, writing.tokens[writing.fed - 1]))
            })
            .unzip();
        if chains.is_empty() {
            return Ok(stories);
        }
        let logits = read(&model.step_chains(&mut batch, &chains, &fed))?;
        let mut drawing: Vec<&mut Writing> = writing_rows.iter_mut().flatten().collect();
        drawing
            .par_iter_mut()
            .zip(&logits)
            .filter(|(writing, _)| writing.fed == writing.tokens.len())
            .for_each(|(writing, logits)| draw(writing, logits));
    }
}

fn read(logits: &burn::tensor::Tensor<2>) -> Result<Vec<Vec<f32>>, TrainingError> {
    Ok(pollster::block_on(read_logits(logits.clone()))?)
}
