//! Where the prompts of a tuning run come from: openings of the world's stories, beginnings of other texts, requests for stories,
//! and questions of the truth table. Also which of them a step samples.

use std::fs;
use std::path::{Path, PathBuf};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::prompt::{Prompt, Task};
use super::requested_endings::RequestedEndings;
use crate::error::{TrainingError, at};
use bundle::Beginnings;

use crate::facts::{Request, requests, truth_table};
use crate::world::{Story, World};

/// What an SFT target follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SftContext {
    /// The story's opening.
    Opening,
    /// A request for the story, which may ask for a sentiment.
    Request,
    /// Such a request and the story's opening.
    RequestAndOpening,
}

/// Prompts of one kind, as a recipe names them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum PromptShare {
    /// First sentences of the world's stories.
    Openings {
        /// The world's seed; one that pretraining did not use gives stories that the base never saw.
        seed: u64,
        /// How many.
        count: u64,
        /// Sentences of each.
        sentences: usize,
    },
    /// Supervised fine-tuning (SFT): openings as above, of stories with the requested ending (see [`RequestedEndings`]), each
    /// with its ending as the target. An SFT run samples nothing; it raises the likelihood of the targets, as the first stage of
    /// instruction tuning does before any reward (Ouyang et al., arXiv 2203.02155, section 3.1).
    #[serde(alias = "shown")]
    Sft {
        /// The world's seed.
        seed: u64,
        /// How many stories to search.
        count: u64,
        /// Sentences of each opening.
        sentences: usize,
        /// What the target follows; the prompt.
        #[serde(alias = "behind")]
        after: SftContext,
    },
    /// First sentences of texts from elsewhere, read from a file.
    Beginnings {
        /// JSON, relative to the recipe's folder: what the texts are `about`, their `origin`, `licence`, and `beginnings`.
        file: PathBuf,
        /// Sentences of each.
        sentences: usize,
    },
    /// Requests for stories, with the line end after which the story begins.
    Requests {
        /// Their seed.
        seed: u64,
        /// How many.
        count: u64,
    },
    /// Questions of the truth table in the wordings of training.
    Facts {
        /// Names of the families.
        families: Vec<String>,
    },
}

impl PromptShare {
    /// Makes the prompts; `folder` is the recipe's.
    ///
    /// # Errors
    /// When a file of beginnings cannot be read, or a family of facts does not exist.
    pub fn load(&self, world: &World, folder: &Path) -> Result<Vec<Prompt>, TrainingError> {
        match self {
            Self::Openings {
                seed,
                count,
                sentences,
            } => Ok((0..*count)
                .map(|index| {
                    let story = world.story(*seed, index);
                    let topic = story.labels.topic;
                    Prompt {
                        text: first_sentences(&story.text, *sentences).to_owned(),
                        task: Task::Story {
                            topic: Some(topic),
                            sentiment: None,
                        },
                        target: None,
                    }
                })
                .collect()),
            Self::Sft {
                seed,
                count,
                sentences,
                after,
            } => Ok(sft_prompts(world, *seed, *count, *sentences, *after)),
            Self::Beginnings { file, sentences } => {
                let begin = |text: &String| Prompt {
                    text: first_sentences(text, *sentences).to_owned(),
                    task: Task::Story {
                        topic: None,
                        sentiment: None,
                    },
                    target: None,
                };
                Ok(read_beginnings(&folder.join(file))?
                    .beginnings
                    .iter()
                    .map(begin)
                    .collect())
            }
            Self::Requests { seed, count } => {
                Ok(requests(world, *seed, *count).map(request_prompt).collect())
            }
            Self::Facts { families } => {
                let table = truth_table();
                let mut prompts = Vec::new();
                for name in families {
                    let family = table.families.iter().find(|family| family.name == *name);
                    let Some(family) = family else {
                        let known: Vec<&str> = table
                            .families
                            .iter()
                            .map(|family| family.name.as_str())
                            .collect();
                        return Err(TrainingError::Value {
                            field: "prompts.families",
                            problem: format!("names `{name}`; there are {}", known.join(", ")),
                        });
                    };
                    for question in &family.questions {
                        prompts.extend(question.prompts.iter().map(|text| Prompt {
                            text: text.clone(),
                            task: Task::Answer(question.clone()),
                            target: None,
                        }));
                    }
                }
                Ok(prompts)
            }
        }
    }
}

/// A request as a prompt: the story begins on the next line.
fn request_prompt(request: Request) -> Prompt {
    Prompt {
        text: format!("{}\n", request.prompt),
        task: Task::Story {
            topic: Some(request.story.labels.topic),
            sentiment: request.asked,
        },
        target: None,
    }
}

/// Searches `count` stories for those with the requested ending; each becomes a prompt with its ending as the target.
fn sft_prompts(
    world: &World,
    seed: u64,
    count: u64,
    sentences: usize,
    after: SftContext,
) -> Vec<Prompt> {
    let requested = RequestedEndings::new(world);
    let fits = |Story { text, labels }: &Story, sentiment| {
        let ending = requested.of(&labels.topic, sentiment);
        ending == Some(&labels.ending) && !text.contains("***")
    };
    let opening = |story: &Story| first_sentences(&story.text, sentences).to_owned();
    if after == SftContext::Opening {
        let prompt = |index| {
            let story = world.story(seed, index);
            fits(&story, None).then(|| Prompt {
                text: opening(&story),
                task: Task::Story {
                    topic: Some(story.labels.topic),
                    sentiment: None,
                },
                target: Some(world.ending(seed, index)),
            })
        };
        return (0..count).filter_map(prompt).collect();
    }
    requests(world, seed, count)
        .filter(|request| fits(&request.story, request.asked))
        .map(|request| {
            let (opening, ending) = (opening(&request.story), request.ending.clone());
            let mut prompt = request_prompt(request);
            prompt.target = Some(if after == SftContext::Request {
                opening + &ending
            } else {
                prompt.text += &opening;
                ending
            });
            prompt
        })
        .collect()
}

fn read_beginnings(path: &Path) -> Result<Beginnings, TrainingError> {
    let text = fs::read_to_string(path).map_err(at(path))?;
    serde_json::from_str(&text).map_err(|error| TrainingError::Value {
        field: "prompts.file",
        problem: format!(
            "names {}, which holds no beginnings: {error}",
            path.display()
        ),
    })
}

/// The beginning of a text, up to the end of its sentence number `count`; all of a shorter text.
fn first_sentences(text: &str, count: usize) -> &str {
    let ends = text.match_indices(['.', '!', '?']).map(|(at, end)| {
        let after = at + end.len();
        // A quotation mark belongs to the sentence that it ends.
        after + usize::from(text[after..].starts_with('"'))
    });
    let ends = ends.filter(|&end| text[end..].is_empty() || text[end..].starts_with([' ', '\n']));
    ends.take(count).last().map_or(text, |end| &text[..end])
}

/// Which prompts a step samples, without replacement: the pool is shuffled anew for every epoch.
pub fn sample_prompts(pool: usize, seed: u64, step: usize, per_step: usize) -> Vec<usize> {
    let epoch = |number: usize| {
        let mut order: Vec<usize> = (0..pool).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(
            seed.wrapping_add(number as u64),
        ));
        order
    };
    let first = step * per_step;
    let mut order = (first / pool, epoch(first / pool));
    (first..first + per_step)
        .map(|place| {
            if place / pool != order.0 {
                order = (place / pool, epoch(place / pool));
            }
            order.1[place % pool]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Sentiment;

    #[test]
    fn sentences_end_with_their_quotation_marks() {
        let text = "Ben had 3.5 pears. \"Oh!\" he said. It rained.";
        assert_eq!(first_sentences(text, 1), "Ben had 3.5 pears.");
        assert_eq!(first_sentences(text, 2), "Ben had 3.5 pears. \"Oh!\"");
        assert_eq!(first_sentences(text, 9), text);
        assert_eq!(first_sentences("no end", 1), "no end");
    }

    #[test]
    fn every_epoch_samples_every_prompt_once() {
        let sampled: Vec<usize> = (0..7)
            .flat_map(|step| sample_prompts(10, 5, step, 3))
            .collect();
        for epoch in [&sampled[..10], &sampled[10..20]] {
            let mut sorted = epoch.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..10).collect::<Vec<_>>());
        }
        assert_ne!(sampled[..10], sampled[10..20]);
    }

    #[test]
    fn prompts_are_of_the_kind_asked_for() {
        let world = World::new().unwrap();
        let storyteller = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/storyteller");
        let load = |share: PromptShare| share.load(&world, &storyteller);
        let (seed, count) = (77, 30);
        let openings = PromptShare::Openings {
            seed,
            count,
            sentences: 2,
        };
        for (index, prompt) in load(openings).unwrap().iter().enumerate() {
            let story = world.story(seed, index as u64);
            assert!(story.text.starts_with(&prompt.text) && prompt.text.len() < story.text.len());
        }
        let beginnings = |file: &str| {
            load(PromptShare::Beginnings {
                file: file.into(),
                sentences: 2,
            })
        };
        for prompt in beginnings("beginnings.json").unwrap() {
            assert!((10..400).contains(&prompt.text.len()), "{}", prompt.text);
        }
        for wrong in ["no-such-file.json", "config.json"] {
            let error = beginnings(wrong).unwrap_err().to_string();
            assert!(error.contains(wrong), "{error}");
        }
        for prompt in load(PromptShare::Requests { seed, count }).unwrap() {
            let Task::Story { sentiment, .. } = prompt.task else {
                panic!("a request asks for a story")
            };
            assert_eq!(
                sentiment == Some(Sentiment::Sad),
                prompt.text.contains(" sad story")
            );
        }
        let facts = |name: &str| PromptShare::Facts {
            families: vec![name.to_owned()],
        };
        let numbers = load(facts("number")).unwrap();
        assert!(numbers.len() > 1);
        let error = load(facts("weather")).unwrap_err().to_string();
        assert!(
            error.contains("`weather`") && error.contains("rain_open"),
            "{error}"
        );
    }

    #[test]
    fn sft_targets_have_the_requested_ending() {
        let world = World::new().unwrap();
        let requested = RequestedEndings::new(&world);
        let (seed, count) = (77, 300);
        let load = |after| sft_prompts(&world, seed, count, 2, after);
        let prompts = load(SftContext::Opening);
        assert!((2..40).contains(&prompts.len()), "{}", prompts.len());
        for prompt in prompts {
            let (
                Task::Story {
                    topic: Some(topic), ..
                },
                Some(rest),
            ) = (&prompt.task, &prompt.target)
            else {
                panic!("an SFT prompt has a topic and a target")
            };
            let mut stories = (0..count).map(|index| world.story(seed, index));
            let story = stories
                .find(|story| story.text.starts_with(&prompt.text) && story.text.ends_with(rest))
                .unwrap();
            let sentences = rest.matches(['.', '!', '?']).count();
            assert!(
                rest.starts_with([' ', '\n']) && (1..=9).contains(&sentences),
                "{rest}"
            );
            assert_eq!(requested.of(topic, None), Some(&*story.labels.ending));
        }
        for after in [SftContext::Request, SftContext::RequestAndOpening] {
            let prompts = load(after);
            assert!((2..60).contains(&prompts.len()), "{}", prompts.len());
            for prompt in prompts {
                let (asked, begun) = prompt.text.split_once('\n').unwrap();
                let rest = prompt.target.as_deref().unwrap();
                let whole = format!("{begun}{rest}");
                let mut all = requests(&world, seed, count);
                let request = all
                    .find(|one| one.prompt == asked && whole.ends_with(&one.ending))
                    .unwrap();
                let Story { text, labels } = &request.story;
                let opening = whole.strip_suffix(&*request.ending).unwrap();
                assert!(text.starts_with(opening) && text.ends_with(&request.ending));
                assert!(!opening.is_empty());
                let begun_opening = if after == SftContext::Request {
                    ""
                } else {
                    opening
                };
                assert_eq!(begun, begun_opening);
                let ending = requested.of(&labels.topic, request.asked);
                assert_eq!(ending, Some(&*labels.ending));
            }
        }
    }
}
