//! What is asked or shown while tuning: openings of the world's stories, beginnings of other texts, requests for stories, and
//! questions of the truth table.

use std::fs;
use std::path::{Path, PathBuf};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::judges::Helper;
use crate::error::{TrainingError, at};
use crate::facts::{Question, Request, TruthTable, requests};
use crate::world::{Sentiment, Story, World};

/// A prompt with what is known of it; rewards may depend on that.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// The text to continue.
    pub text: String,
    /// What it asks for.
    pub asked: Asked,
    /// What is shown behind it rather than asked for.
    pub shown: Option<String>,
}

/// What a prompt asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// A story about something; with a kind of ending, where one was asked for.
    Story {
        /// The story's topic, such as `search`, where the world knows it.
        topic: Option<String>,
        /// The kind of ending asked for.
        sentiment: Option<Sentiment>,
    },
    /// An answer.
    Answer(Question),
}

/// What a story is shown behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behind {
    /// Its opening.
    Opening,
    /// A request for it, which may ask for a kind of ending.
    Request,
    /// Such a request, and the opening that answers it.
    RequestAndOpening,
}

/// Prompts of one kind, as a recipe names them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum PromptShare {
    /// First sentences of the world's stories.
    Openings {
        /// Names the world's dice; a seed that training did not have gives stories that the base never read.
        seed: u64,
        /// How many.
        count: u64,
        /// Sentences of each.
        sentences: usize,
    },
    /// Openings as above, of those stories only that end as askers of their topic wish (see [`super::judges::Helper`]), each with
    /// its ending right behind it. A run that is shown stories samples nothing: it makes what is shown likelier. So
    /// instruction-tuned models learn what is wanted before a reward makes them better at it (Ouyang et al., arXiv 2203.02155,
    /// section 3.1).
    Shown {
        /// Names the world's dice.
        seed: u64,
        /// How many stories are looked through.
        count: u64,
        /// Sentences of each opening.
        sentences: usize,
        /// What is prompt, with the rest shown behind it.
        behind: Behind,
    },
    /// First sentences of texts that are not of the world, read from a file.
    Beginnings {
        /// JSON, as seen from the recipe's folder: what the texts are `about`, their `origin`, `licence`, and `beginnings`.
        file: PathBuf,
        /// Sentences of each.
        sentences: usize,
    },
    /// Requests for stories, with the line end behind which the story begins.
    Requests {
        /// Names the dice.
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
    /// The prompts themselves; `folder` is the recipe's.
    ///
    /// # Errors
    /// When a file of beginnings cannot be read, or a family of facts does not exist.
    pub fn gather(&self, world: &World, folder: &Path) -> Result<Vec<Prompt>, TrainingError> {
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
                        asked: Asked::Story {
                            topic: Some(topic),
                            sentiment: None,
                        },
                        shown: None,
                    }
                })
                .collect()),
            Self::Shown {
                seed,
                count,
                sentences,
                behind,
            } => Ok(show(world, *seed, *count, *sentences, *behind)),
            Self::Beginnings { file, sentences } => {
                let begin = |text: &String| Prompt {
                    text: first_sentences(text, *sentences).to_owned(),
                    asked: Asked::Story {
                        topic: None,
                        sentiment: None,
                    },
                    shown: None,
                };
                Ok(Beginnings::read(&folder.join(file))?
                    .texts
                    .iter()
                    .map(begin)
                    .collect())
            }
            Self::Requests { seed, count } => {
                Ok(requests(world, *seed, *count).map(asking).collect())
            }
            Self::Facts { families } => {
                let table = TruthTable::new();
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
                            asked: Asked::Answer(question.clone()),
                            shown: None,
                        }));
                    }
                }
                Ok(prompts)
            }
        }
    }
}

/// A request as a prompt: the story begins on the next line.
fn asking(request: Request) -> Prompt {
    Prompt {
        text: format!("{}\n", request.prompt),
        asked: Asked::Story {
            topic: Some(request.story.labels.topic),
            sentiment: request.asked,
        },
        shown: None,
    }
}

/// Looks through so many stories; those that end as their askers wish, each with its ending shown.
fn show(world: &World, seed: u64, count: u64, sentences: usize, behind: Behind) -> Vec<Prompt> {
    let helper = Helper::new(world);
    let fits = |Story { text, labels }: &Story, sentiment| {
        let wish = helper.wish(&labels.topic, sentiment);
        wish == Some(&labels.ending) && !text.contains("***")
    };
    let opening = |story: &Story| first_sentences(&story.text, sentences).to_owned();
    if behind == Behind::Opening {
        let told = |index| {
            let story = world.story(seed, index);
            fits(&story, None).then(|| Prompt {
                text: opening(&story),
                asked: Asked::Story {
                    topic: Some(story.labels.topic),
                    sentiment: None,
                },
                shown: Some(world.ending(seed, index)),
            })
        };
        return (0..count).filter_map(told).collect();
    }
    requests(world, seed, count)
        .filter(|request| fits(&request.story, request.asked))
        .map(|request| {
            let (opening, ending) = (opening(&request.story), request.ending.clone());
            let mut prompt = asking(request);
            prompt.shown = Some(if behind == Behind::Request {
                opening + &ending
            } else {
                prompt.text += &opening;
                ending
            });
            prompt
        })
        .collect()
}

/// A file of beginnings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Beginnings {
    #[serde(rename = "about")]
    _about: String,
    #[serde(rename = "origin")]
    _origin: String,
    #[serde(rename = "licence")]
    _licence: String,
    #[serde(rename = "beginnings")]
    texts: Vec<String>,
}

impl Beginnings {
    fn read(path: &Path) -> Result<Self, TrainingError> {
        let text = fs::read_to_string(path).map_err(at(path))?;
        serde_json::from_str(&text).map_err(|error| TrainingError::Value {
            field: "prompts.file",
            problem: format!(
                "names {}, which holds no beginnings: {error}",
                path.display()
            ),
        })
    }
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

/// Which prompts a step takes: the pool is shuffled anew for every round, and each round uses every prompt once.
pub fn deal(pool: usize, seed: u64, step: usize, per_step: usize) -> Vec<usize> {
    let round = |number: usize| {
        let mut order: Vec<usize> = (0..pool).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(
            seed.wrapping_add(number as u64),
        ));
        order
    };
    let first = step * per_step;
    let mut order = (first / pool, round(first / pool));
    (first..first + per_step)
        .map(|place| {
            if place / pool != order.0 {
                order = (place / pool, round(place / pool));
            }
            order.1[place % pool]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_with_their_quotation_marks() {
        let text = "Ben had 3.5 pears. \"Oh!\" he said. It rained.";
        assert_eq!(first_sentences(text, 1), "Ben had 3.5 pears.");
        assert_eq!(first_sentences(text, 2), "Ben had 3.5 pears. \"Oh!\"");
        assert_eq!(first_sentences(text, 9), text);
        assert_eq!(first_sentences("no end", 1), "no end");
    }

    #[test]
    fn every_round_takes_every_prompt_once() {
        let dealt: Vec<usize> = (0..7).flat_map(|step| deal(10, 5, step, 3)).collect();
        for round in [&dealt[..10], &dealt[10..20]] {
            let mut sorted = round.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..10).collect::<Vec<_>>());
        }
        assert_ne!(dealt[..10], dealt[10..20]);
    }

    #[test]
    fn prompts_are_of_the_kind_asked_for() {
        let world = World::new().unwrap();
        let storyteller = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/storyteller");
        let gather = |share: PromptShare| share.gather(&world, &storyteller);
        let (seed, count) = (77, 30);
        let openings = PromptShare::Openings {
            seed,
            count,
            sentences: 2,
        };
        for (index, prompt) in gather(openings).unwrap().iter().enumerate() {
            let story = world.story(seed, index as u64);
            assert!(story.text.starts_with(&prompt.text) && prompt.text.len() < story.text.len());
        }
        let beginnings = |file: &str| {
            gather(PromptShare::Beginnings {
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
        for prompt in gather(PromptShare::Requests { seed, count }).unwrap() {
            let Asked::Story { sentiment, .. } = prompt.asked else {
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
        let numbers = gather(facts("number")).unwrap();
        assert!(numbers.len() > 1);
        let error = gather(facts("weather")).unwrap_err().to_string();
        assert!(
            error.contains("`weather`") && error.contains("rain_open"),
            "{error}"
        );
    }

    #[test]
    fn what_is_shown_ends_as_its_asker_wishes() {
        let world = World::new().unwrap();
        let helper = Helper::new(&world);
        let (seed, count) = (77, 300);
        let show = |behind| show(&world, seed, count, 2, behind);
        let shown = show(Behind::Opening);
        assert!((2..40).contains(&shown.len()), "{}", shown.len());
        for prompt in shown {
            let (
                Asked::Story {
                    topic: Some(topic), ..
                },
                Some(rest),
            ) = (&prompt.asked, &prompt.shown)
            else {
                panic!("a shown story has a topic and a rest")
            };
            let mut told = (0..count).map(|index| world.story(seed, index));
            let story = told
                .find(|story| story.text.starts_with(&prompt.text) && story.text.ends_with(rest))
                .unwrap();
            let sentences = rest.matches(['.', '!', '?']).count();
            assert!(
                rest.starts_with([' ', '\n']) && (1..=9).contains(&sentences),
                "{rest}"
            );
            assert_eq!(helper.wish(topic, None), Some(&*story.labels.ending));
        }
        for behind in [Behind::Request, Behind::RequestAndOpening] {
            let shown = show(behind);
            assert!((2..60).contains(&shown.len()), "{}", shown.len());
            for prompt in shown {
                let (asked, begun) = prompt.text.split_once('\n').unwrap();
                let rest = prompt.shown.as_deref().unwrap();
                let whole = format!("{begun}{rest}");
                let mut told = requests(&world, seed, count);
                let request = told
                    .find(|told| told.prompt == asked && whole.ends_with(&told.ending))
                    .unwrap();
                let Story { text, labels } = &request.story;
                let opening = whole.strip_suffix(&*request.ending).unwrap();
                assert!(text.starts_with(opening) && text.ends_with(&request.ending));
                assert!(!opening.is_empty());
                let begun_opening = if behind == Behind::Request {
                    ""
                } else {
                    opening
                };
                assert_eq!(begun, begun_opening);
                let wish = helper.wish(&labels.topic, request.asked);
                assert_eq!(wish, Some(&*labels.ending));
            }
        }
    }
}
