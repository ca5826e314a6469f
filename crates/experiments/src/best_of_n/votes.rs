//! Majority votes on questions with a right answer (self-consistency, Wang et al., arXiv 2203.11171): the distribution of one
//! answer is exact, committees are drawn from it.

use decoding::{LanguageModel, Shaping, coin};

use crate::answers::{AnswerDist, AnswerLogits, pick, score_answers};
use crate::bootstrap::{interval_of_mean, mean};
use crate::config::{RunConfig, Stream, at_temperature};
use crate::inputs::{Family, Question};
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::results::{Axis, Figure, Point, Series};
use crate::table::{Metric, Row, Table, metrics};

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

metrics! {
    pub(super) GAIN = bootstrap "gain", "%", "gain of a vote of 15 over one answer, T = 1";
    pub(super) GAIN_COOL = bootstrap "gain-cool", "%", "gain of a vote of 15 over one answer, T = 0.25";
    GREEDY_RIGHT = bootstrap "greedy", "%", "right answers at T = 0, where all votes are alike";
    pub(super) OVER_GREEDY = bootstrap "over-greedy", "%", "gain of a vote of 31 at T = 1 over T = 0";
}

/// How often each answer to one question is given.
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

/// The share of committees whose most voted answer is right, by their sizes as in [`VOTERS`]; ties are broken at random, which is
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
            match pick(&ballot.shares, coin) {
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
pub(super) struct Votes {
    pub row: Row,
    name: String,
    /// The share of right elections, by temperature, question and size.
    elected: Vec<Vec<Vec<f64>>>,
    /// The same under the run's sampling parameters, where they are not plain.
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

/// The logits of all answers to a question's first wording.
///
/// # Errors
/// When the run is cancelled, the model fails, or the question has no wording.
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

/// The ballot of a question's answers.
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

impl Votes {
    pub(super) fn none(name: &str) -> Self {
        Self {
            row: row(name),
            name: name.to_owned(),
            elected: vec![Vec::new(); TEMPERATURES.len()],
            yours: Vec::new(),
        }
    }

    /// Holds the elections of one more question. A question has the same random draws at every temperature and for every model.
    ///
    /// # Errors
    /// When the run is cancelled, or none of the question's answers is right.
    pub(super) async fn vote(
        &mut self,
        question: &Question,
        logits: &AnswerLogits,
        config: &RunConfig,
        progress: &mut impl RunProgress,
    ) -> Result<(), ExperimentError> {
        let seed = config.seed_of(Stream::Unit(self.elected[0].len()));
        let committees = config.size.of(300, 2000);
        let hold = |shaping: &Shaping| -> Result<Vec<f64>, ExperimentError> {
            let ballot = ballot(question, &logits.shaped(shaping))?;
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

    /// Right answers in %, by question.
    fn right(&self, temperature: usize, size: usize) -> Vec<f64> {
        percent(&self.elected[temperature], size)
    }

    /// What a vote of 15 gains over one answer, in percentage points, by question: at temperature 1, and at 1/4.
    pub(super) fn gains(&self) -> [Vec<f64>; 2] {
        [PLAIN, COOL].map(|temperature| {
            let gain = |right: &Vec<f64>| 100.0 * (right[COMPARED] - right[0]);
            self.elected[temperature].iter().map(gain).collect()
        })
    }

    /// Puts its numbers into the table, with intervals over questions.
    pub(super) fn add_to_table(&self, table: &mut Table, seed: u64) {
        let row = &self.row;
        for (size, voters) in VOTERS.iter().enumerate() {
            let label = format!("right answers by a vote of {voters}, T = 1");
            let metric = Metric::of(format!("n{voters}"), label, "%");
            table.mean(row, &metric, &self.right(PLAIN, size), seed);
        }
        let [gains, cool] = self.gains();
        table.mean(row, &GAIN, &gains, seed);
        table.mean(row, &GAIN_COOL, &cool, seed);
        let greedy = self.right(GREEDY, 0);
        table.mean(row, &GREEDY_RIGHT, &greedy, seed);
        let votes = self.right(PLAIN, VOTERS.len() - 1);
        let over = votes
            .iter()
            .zip(&greedy)
            .map(|(vote, greedy)| vote - greedy);
        table.mean(row, &OVER_GREEDY, &over.collect::<Vec<_>>(), seed);
        if !self.yours.is_empty() {
            for size in [0, COMPARED] {
                let label = format!("right answers by a vote of {}, your settings", VOTERS[size]);
                let metric = Metric::of(format!("your-n{}", VOTERS[size]), label, "%");
                table.mean(row, &metric, &percent(&self.yours, size), seed);
            }
        }
    }
}

/// The numbers of a model's votes.
pub(super) fn row(name: &str) -> Row {
    Row::of(name).part("vote", "sums")
}

fn percent(elected: &[Vec<f64>], size: usize) -> Vec<f64> {
    elected.iter().map(|right| 100.0 * right[size]).collect()
}

/// Accuracy over the number of voters, and over temperature.
pub(super) fn figures(votes: &[Votes], seed: u64) -> [Figure; 2] {
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
    for one in votes {
        let point = |x: f64, temperature: usize, size: usize| {
            let values = one.right(temperature, size);
            Point::at(x, mean(&values)).within(interval_of_mean(&values, seed))
        };
        let voters = VOTERS.iter().enumerate();
        let points = voters.map(|(size, &voters)| point(voters as f64, PLAIN, size));
        sizes.series.push(Series::line(&one.name, points));
        for (size, how) in [(0, "one answer"), (COMPARED, "15 votes")] {
            let name = format!("{}, {how}", one.name);
            let temperatures = TEMPERATURES.iter().enumerate();
            let points = temperatures.map(|(place, &heat)| point(heat, place, size));
            heat.series.push(Series::line(name, points));
        }
    }
    sizes.series.push(Series::reference(
        "independent voters, each right at 60 %",
        VOTERS.map(|voters| (voters as f64, 100.0 * majority(0.6, voters))),
    ));
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
