//! Majority votes on questions with a right answer (self-consistency, Wang et al., arXiv 2203.11171): the distribution of one
//! answer is exact, committees are drawn from it.

use decoding::{LanguageModel, Shaping, coin};

use super::at_temperature;
use crate::RunConfig;
use crate::answers::{AnswerDist, AnswerLogits, score_answers};
use crate::bootstrap::{interval_of_mean, mean};
use crate::inputs::{Family, Question};
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::results::{Axis, Estimate, Figure, Point, Series, Shape};

/// Committees by size; all odd, the first a single voter.
pub(super) const VOTERS: [usize; 5] = [1, 3, 5, 15, 31];
/// The place of 15 among them: what temperatures are compared by.
const COMPARED: usize = 3;
/// Temperatures of the curve.
const TEMPERATURES: [f64; 7] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5];
/// The places among them of 0, 1/4 and 1.
const GREEDY: usize = 0;
const COOL: usize = 1;
const PLAIN: usize = 4;

/// How the answers to one question fall.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ballot {
    /// The chance of each known answer. What is missing to 1 falls elsewhere: every such vote is wrong and alone.
    pub shares: Vec<f64>,
    /// The place of the right one.
    pub right: usize,
}

/// How often most of an odd number of independent voters are right who are each right at `p`:
/// `Σ_{k > N/2} C(N, k) p^k (1 - p)^(N - k)` (Condorcet 1785). Built up voter by voter, so no factorial is needed: `at[k]` is the
/// chance that `k` are right so far.
pub(super) fn majority(p: f64, voters: usize) -> f64 {
    let mut at = vec![1.0];
    for _ in 0..voters {
        let mut next = vec![0.0; at.len() + 1];
        for (right, chance) in at.iter().enumerate() {
            next[right] += chance * (1.0 - p);
            next[right + 1] += chance * p;
        }
        at = next;
    }
    at.iter().skip(voters / 2 + 1).sum()
}

/// The share of committees whose most voted answer is right, by their sizes as in [`VOTERS`]; a coin decides among equals, and is
/// counted as its chance. Committees are nested: the larger one holds the smaller.
pub(super) fn elect(ballot: &Ballot, committees: u32, seed: u64) -> Vec<f64> {
    let mut right = vec![0.0; VOTERS.len()];
    let mut counts = vec![0_u32; ballot.shares.len()];
    for committee in 0..committees {
        counts.fill(0);
        let mut strays = 0;
        let mut size = 0;
        for voter in 0..VOTERS[VOTERS.len() - 1] {
            let coin = coin(seed, committee, voter as u32).value();
            let mut passed = 0.0;
            let vote = ballot.shares.iter().position(|share| {
                passed += share;
                passed > coin
            });
            match vote {
                Some(answer) => counts[answer] += 1,
                None => strays += 1,
            }
            if voter + 1 == VOTERS[size] {
                right[size] += won(&counts, strays, ballot.right) / f64::from(committees);
                size += 1;
            }
        }
    }
    right
}

/// The chance that an answer is chosen, by the votes for each and the number of votes that are alone.
fn won(counts: &[u32], strays: usize, right: usize) -> f64 {
    let most = counts.iter().copied().max().unwrap_or(0);
    if most == 0 || counts[right] < most {
        return 0.0;
    }
    let equals = counts.iter().filter(|&&count| count == most).count();
    let alone = if most == 1 { strays } else { 0 };
    1.0 / (equals + alone) as f64
}

/// A model's answers to the questions, and how their votes go.
pub(super) struct Voted {
    name: String,
    /// The share of right elections, by temperature, question and size.
    elected: Vec<Vec<Vec<f64>>>,
    /// The same under the reader's knobs, where they are not plain.
    yours: Vec<Vec<f64>>,
}

/// The questions that are asked: so many of those with wordings of training, evenly spaced, or all.
pub(super) fn questions(family: &Family, count: Option<usize>) -> Vec<&Question> {
    let Some(count) = count else {
        return family.questions.iter().collect();
    };
    let taught: Vec<&Question> = family
        .questions
        .iter()
        .filter(|question| !question.prompts.is_empty())
        .collect();
    let spacing = taught.len().div_ceil(count).max(1);
    taught.into_iter().step_by(spacing).collect()
}

/// Walks the answers to a question's first wording.
///
/// # Errors
/// When the reader had enough, the model cannot be asked, or the question has no wording.
pub(super) async fn ask<M: LanguageModel>(
    model: &M,
    question: &Question,
    progress: &mut impl RunProgress,
) -> Result<AnswerLogits, ExperimentError> {
    let mut wordings = question.prompts.iter().chain(&question.unseen);
    let prompt = wordings.next().ok_or_else(|| {
        ExperimentError::Missing("truth.json has a question without wordings".to_owned())
    })?;
    score_answers(model, prompt, &question.answers, progress).await
}

/// The ballot of a question's outcomes.
///
/// # Errors
/// When none of its answers is the right one.
pub(super) fn ballot(
    question: &Question,
    outcomes: &AnswerDist,
) -> Result<Ballot, ExperimentError> {
    let right = outcomes
        .said
        .iter()
        .position(|(says, _)| Some(says) == question.right.as_ref());
    Ok(Ballot {
        right: right.ok_or_else(|| {
            ExperimentError::Missing("truth.json has a sum without its right answer".to_owned())
        })?,
        shares: outcomes.said.iter().map(|(_, p)| *p).collect(),
    })
}

impl Voted {
    pub(super) fn none(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            elected: vec![Vec::new(); TEMPERATURES.len()],
            yours: Vec::new(),
        }
    }

    /// Holds the elections of one more question. The coins of a question are the same at every temperature and for every model.
    ///
    /// # Errors
    /// When the reader had enough, or none of the question's answers is right.
    pub(super) async fn hear(
        &mut self,
        question: &Question,
        walk: &AnswerLogits,
        config: &RunConfig,
        progress: &mut impl RunProgress,
    ) -> Result<(), ExperimentError> {
        let seed = config.part_seed(self.elected[0].len());
        let committees = config.size.of(300, 2000);
        let hold = |shaping: &Shaping| -> Result<Vec<f64>, ExperimentError> {
            let ballot = ballot(question, &walk.shaped(shaping))?;
            let mut right = elect(&ballot, committees, seed);
            // A single voter's chance is known.
            right[0] = ballot.shares[ballot.right];
            Ok(right)
        };
        for (elected, temperature) in self.elected.iter_mut().zip(TEMPERATURES) {
            checkpoint(progress).await?;
            elected.push(hold(&at_temperature(temperature))?);
        }
        if config.shaping != Shaping::default() {
            checkpoint(progress).await?;
            self.yours.push(hold(&config.shaping)?);
        }
        Ok(())
    }

    /// What more voters gain, in points of %, by question.
    fn gains(&self, temperature: usize) -> Vec<f64> {
        let gain = |right: &Vec<f64>| 100.0 * (right[COMPARED] - right[0]);
        self.elected[temperature].iter().map(gain).collect()
    }

    /// Whether a vote gains at temperature 1, and by over twice as much as at 1/4: intervals of the gain, and of the gain less twice
    /// the cool one.
    pub(super) fn intervals(&self, seed: u64) -> [Option<(f64, f64)>; 2] {
        let (plain, cool) = (self.gains(PLAIN), self.gains(COOL));
        let over: Vec<f64> = plain
            .iter()
            .zip(&cool)
            .map(|(plain, cool)| plain - 2.0 * cool)
            .collect();
        [
            interval_of_mean(&plain, seed),
            interval_of_mean(&over, seed),
        ]
    }

    /// Its numbers, with intervals over questions.
    pub(super) fn estimates(&self, seed: u64) -> Vec<Estimate> {
        let name = &self.name;
        let one = |key: &str, label: &str, values: &[f64]| {
            Estimate::exact(
                format!("{name}.vote.{key}"),
                format!("{name}, sums: {label}"),
                "%",
                mean(values),
            )
            .within(interval_of_mean(values, seed), values.len())
        };
        let sized = |elected: &[Vec<f64>], size: usize| -> Vec<f64> {
            elected.iter().map(|right| 100.0 * right[size]).collect()
        };
        let mut estimates = Vec::new();
        for (size, voters) in VOTERS.iter().enumerate() {
            let label = format!("right answers by a vote of {voters}, T = 1");
            estimates.push(one(
                &format!("n{voters}"),
                &label,
                &sized(&self.elected[PLAIN], size),
            ));
        }
        let last = VOTERS.len() - 1;
        let greedy = sized(&self.elected[GREEDY], 0);
        let over: Vec<f64> = sized(&self.elected[PLAIN], last)
            .iter()
            .zip(&greedy)
            .map(|(vote, greedy)| vote - greedy)
            .collect();
        estimates.extend([
            one(
                "gain",
                "what a vote of 15 gains over one answer, T = 1",
                &self.gains(PLAIN),
            ),
            one(
                "gain-cool",
                "what a vote of 15 gains over one answer, T = 0.25",
                &self.gains(COOL),
            ),
            one(
                "greedy",
                "right answers at T = 0, where all votes are alike",
                &greedy,
            ),
            one(
                "over-greedy",
                "what a vote of 31 at T = 1 gains over T = 0",
                &over,
            ),
        ]);
        if !self.yours.is_empty() {
            for size in [0, COMPARED] {
                let label = format!("right answers by a vote of {}, your knobs", VOTERS[size]);
                let key = format!("your-n{}", VOTERS[size]);
                estimates.push(one(&key, &label, &sized(&self.yours, size)));
            }
        }
        estimates
    }
}

/// Accuracy over the number of voters, and over temperature.
pub(super) fn figures(voted: &[Voted], seed: u64) -> [Figure; 2] {
    let mut sizes = Figure::new(
        "votes",
        "Sums answered right by a majority vote, T = 1",
        Axis::log("voters"),
        Axis::linear("right, %"),
    );
    let mut heat = Figure::new(
        "votes-temperature",
        "Sums answered right by one answer and by a vote of 15, by temperature",
        Axis::linear("temperature"),
        Axis::linear("right, %"),
    );
    let (mut sizes_text, mut heat_text) = (Vec::new(), Vec::new());
    for one in voted {
        let point = |x: f64, temperature: usize, size: usize| {
            let values: Vec<f64> = one.elected[temperature]
                .iter()
                .map(|right| 100.0 * right[size])
                .collect();
            Point::at(x, mean(&values)).within(interval_of_mean(&values, seed))
        };
        let points: Vec<Point> = VOTERS
            .iter()
            .enumerate()
            .map(|(size, &voters)| point(voters as f64, PLAIN, size))
            .collect();
        sizes_text.push(format!(
            "{}: {:.0} % by one answer, {:.0} % by a vote of 31.",
            one.name,
            points[0].y,
            points[points.len() - 1].y
        ));
        sizes.series.push(Series {
            name: one.name.clone(),
            shape: Shape::Line,
            points,
        });
        for (size, how) in [(0, "one answer"), (COMPARED, "15 votes")] {
            let name = format!("{}, {how}", one.name);
            let points: Vec<Point> = TEMPERATURES
                .iter()
                .enumerate()
                .map(|(place, &temperature)| point(temperature, place, size))
                .collect();
            heat_text.push(format!(
                "{name}: {:.0} % at T = 0, {:.0} % at T = 1.",
                points[GREEDY].y, points[PLAIN].y
            ));
            heat.series.push(Series {
                name,
                shape: Shape::Line,
                points,
            });
        }
    }
    sizes.series.push(Series {
        name: "independent voters at 60 %".to_owned(),
        shape: Shape::Reference,
        points: VOTERS
            .map(|voters| Point::at(voters as f64, 100.0 * majority(0.6, voters)))
            .into(),
    });
    (sizes.text, heat.text) = (sizes_text.join(" "), heat_text.join(" "));
    [sizes, heat]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::inputs;

    #[test]
    fn votes_are_counted_by_hand() {
        assert!((won(&[2, 1], 0, 0) - 1.0).abs() < 1e-12);
        assert!(won(&[1, 2], 0, 0).abs() < 1e-12);
        assert!((won(&[2, 2], 1, 1) - 0.5).abs() < 1e-12);
        // Votes that are alone are equals of one that got a single vote, and of no other.
        assert!((won(&[1, 0], 2, 0) - 1.0 / 3.0).abs() < 1e-12);
        assert!(won(&[0, 0], 3, 0).abs() < 1e-12);
    }

    #[test]
    fn quick_questions_are_taught_and_spread_out() {
        let inputs = inputs();
        let family = inputs.family("arithmetic").unwrap();
        let asked = questions(family, Some(20));
        assert_eq!(asked.len(), 20);
        assert!(asked.iter().all(|question| !question.prompts.is_empty()));
        assert_eq!(questions(family, None).len(), 140);
    }
}
