//! The exact distribution of a model's answers: by the logits along every token path of every answer; nothing is sampled.
//!
//! Of the many ways to cut an answer into tokens the one counts that the tokenizer makes (see Cao and Rimell, EMNLP 2021, on
//! marginalising over all); the probability of other cuts or other words is `elsewhere`.

use std::collections::BTreeMap;

use decoding::{LanguageModel, Shaping, shape, total_variation};
pub use statistics::entropy_bits;

use crate::inputs::{Answer, Question};
use crate::progress::{ExperimentError, RunProgress, checkpoint};

/// The logits along all answers to one prompt. Sampling parameters are applied afterwards, so one pass serves every temperature.
#[derive(Clone, Debug)]
pub struct AnswerLogits {
    prompt: Vec<u32>,
    /// What each answer says, and its tokens.
    paths: Vec<(String, Vec<u32>)>,
    /// The logits after the prompt and the first tokens of an answer.
    rows: BTreeMap<Vec<u32>, Vec<f32>>,
}

/// How a model answers.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerDist {
    /// The probability of each thing said, in the order of the answers.
    pub said: Vec<(String, f64)>,
    /// The probability of everything else.
    pub elsewhere: f64,
}

/// The logits along all answers to a prompt.
///
/// # Errors
/// When the run is cancelled, the model fails, or it joins the prompt's end to the answer's first token.
pub async fn score_answers<M: LanguageModel>(
    model: &M,
    prompt: &str,
    answers: &[Answer],
    progress: &mut impl RunProgress,
) -> Result<AnswerLogits, ExperimentError> {
    let asked = model.encode(prompt).map_err(ExperimentError::model)?;
    let mut paths = Vec::new();
    for answer in answers {
        let text = format!("{prompt}{}", answer.text);
        let tokens = model.encode(&text).map_err(ExperimentError::model)?;
        let Some(path) = tokens.strip_prefix(asked.as_slice()) else {
            return Err(ExperimentError::Missing(format!(
                "the model's tokenizer joins the end of \"{prompt}\" to what follows: it cannot be asked this"
            )));
        };
        paths.push((answer.says.clone(), path.to_vec()));
    }
    let longest = paths.iter().map(|(_, path)| path.len()).max().unwrap_or(0);
    checkpoint(progress).await?;
    let opened = model
        .prefill(&asked, paths.len().max(1), longest.max(1))
        .await;
    let (mut batch, first) = opened.map_err(ExperimentError::model)?;
    let mut rows = BTreeMap::from([(Vec::new(), first)]);
    for depth in 1..longest {
        let going: Vec<usize> = (0..paths.len())
            .filter(|&answer| paths[answer].1.len() > depth)
            .collect();
        let tokens: Vec<u32> = going
            .iter()
            .map(|&answer| paths[answer].1[depth - 1])
            .collect();
        checkpoint(progress).await?;
        let step = model.step(&mut batch, &going, &tokens).await;
        for (answer, row) in going.into_iter().zip(step.map_err(ExperimentError::model)?) {
            rows.insert(paths[answer].1[..depth].to_vec(), row);
        }
    }
    Ok(AnswerLogits {
        prompt: asked,
        paths,
        rows,
    })
}

impl AnswerLogits {
    /// The answers' probabilities under some sampling parameters.
    pub fn shaped(&self, shaping: &Shaping) -> AnswerDist {
        let shaped: BTreeMap<&[u32], _> = self
            .rows
            .iter()
            .map(|(said, row)| {
                let history = [self.prompt.as_slice(), said].concat();
                (said.as_slice(), shape(row, &history, shaping))
            })
            .collect();
        let mut said: Vec<(String, f64)> = Vec::new();
        for (says, path) in &self.paths {
            let places =
                (0..path.len()).map(|depth| shaped[&path[..depth]].probability(path[depth]));
            let probability: f64 = places.product();
            match said.iter_mut().find(|(known, _)| known == says) {
                Some((_, sum)) => *sum += probability,
                None => said.push((says.clone(), probability)),
            }
        }
        let answered: f64 = said.iter().map(|(_, probability)| probability).sum();
        AnswerDist {
            said,
            elsewhere: (1.0 - answered).max(0.0),
        }
    }
}

impl AnswerDist {
    /// The probability of one thing said; 0 of what is not among the answers.
    pub fn of(&self, says: &str) -> f64 {
        let mut said = self.said.iter();
        said.find(|(known, _)| known == says)
            .map_or(0.0, |(_, p)| *p)
    }

    /// The answers' probabilities among answers alone, summing to 1. Even where there is nothing to share out.
    pub fn among_answers(&self) -> Vec<f64> {
        let answered: f64 = self.said.iter().map(|(_, p)| p).sum();
        let even = 1.0 / self.said.len() as f64;
        let share = |(_, p): &(String, f64)| if answered > 0.0 { p / answered } else { even };
        self.said.iter().map(share).collect()
    }
}

/// The place that a uniform draw `u` falls on, of shares laid end to end; none where they sum to less.
pub fn pick(shares: &[f64], u: f64) -> Option<usize> {
    let mut passed = 0.0;
    shares.iter().position(|share| {
        passed += share;
        passed > u
    })
}

/// How spread the answers to one prompt are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    /// The probability of each answer, among answers.
    pub shares: Vec<f64>,
    /// Their entropy.
    pub entropy_bits: f64,
    /// The share of the likeliest.
    pub top: f64,
    /// Total variation from the truth table.
    pub from_truth: f64,
    /// The probability of text that is not an answer.
    pub elsewhere: f64,
}

impl Spread {
    /// Of the answers to a question of the truth table.
    pub fn of(dist: &AnswerDist, question: &Question) -> Self {
        let truth: Vec<f64> = dist
            .said
            .iter()
            .map(|(says, _)| question.truth(says))
            .collect();
        let shares = dist.among_answers();
        Self {
            entropy_bits: entropy_bits(&shares),
            top: shares.iter().copied().fold(0.0, f64::max),
            from_truth: total_variation(&shares, &truth),
            elsewhere: dist.elsewhere,
            shares,
        }
    }
}
