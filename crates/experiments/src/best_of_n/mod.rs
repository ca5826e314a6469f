//! Best of n, and the vote: what several samples of one model are worth together, and how that goes with their temperature.
//!
//! Three games: stories, where the sentiment classifier keeps the best and the labels of the story world say how happy it is
//! (`stories`); numbers, where the best of n and its divergence are exact (`numbers`); sums, where votes are counted (`votes`). A
//! model without entropy gives the same sample again, so nothing is gained by asking it twice.

mod controls;
mod numbers;
mod stories;
mod votes;

use decoding::{LanguageModel, Shaping};

use crate::config::{Size, Stream, at_temperature};
use crate::info::{ExperimentInfo, Requires};
use crate::inputs::Inputs;
use crate::progress::{ExperimentError, RunProgress};
use crate::results::{Condition, Control};
use crate::study::{Conclusion, Experiment, Study};
use crate::table::{Metric, Row, Table, metrics};
use crate::tristate;
use numbers::Numbers;
use stories::{Extent, Stories, Worth};
use votes::Votes;

/// The experiment.
#[derive(Debug)]
pub struct BestOfN;

/// The temperature that 1 is compared with.
const COOL: f64 = 0.25;

metrics! {
    OVER_TWICE_COOL = bootstrap "over-twice-cool", "", "gain at T = 1 less twice the gain at T = 0.25";
}

/// A model's stories, under parameters that the key names.
fn story_row(name: &str, key: &str, how: &str) -> Row {
    let label = format!("{name}, stories{how}");
    Row::named(&format!("{name}.{key}"), &label)
}

/// The base's stories at temperature 1, and cool.
fn base_stories(base: &str) -> [Row; 2] {
    [
        story_row(base, "stories", ""),
        story_row(base, "stories-cool", " at T = 0.25"),
    ]
}

impl Experiment for BestOfN {
    const INFO: ExperimentInfo = ExperimentInfo {
        name: "best-of-n",
        title: "Best of N and the vote",
        claim: "Samples of a model with entropy are worth more together: the best of N and majority votes gain, and lose their gain as \
                the temperature falls.",
        source: "Best of n: Beirami et al., arXiv 2401.01879. Votes: self-consistency, Wang et al., arXiv 2203.11171. Both need samples \
                 that differ, which \"Mysteries of mode collapse\" finds gone",
        method: "We sample stories behind openings, keep the one with the highest sentiment score, and judge its ending by the labels \
                 of the story world. For numbers from 1 to 100 the best of n and its KL are exact, within one wording of the question and \
                 averaged over wordings. For sums with a known answer the distribution of one answer is exact, and votes of up to 31 are \
                 drawn from it, ties broken at random.",
        to_try: "Lower the temperature and compare one answer with a vote of 15: at T = 0 they are the same, and about as good as the \
                 vote at T = 1.",
        shows: "What the best of N and votes gain on these models at each temperature, and that KL stays under its bound.",
        does_not_show: "That entropy makes a single answer better: a greedy answer may be as good as a vote, and costs one sample.",
        needs: Requires {
            quick: &["wedding"],
            full: &["wedding", "helper", "raters", "spread"],
        },
    };

    async fn controls(
        inputs: &Inputs,
        progress: &mut impl RunProgress,
    ) -> Result<Vec<Control>, ExperimentError> {
        controls::controls(inputs, &controls::ESTIMATORS, progress).await
    }

    async fn measure<M: LanguageModel>(
        study: &mut Study<'_, M, impl RunProgress>,
    ) -> Result<(), ExperimentError> {
        let (inputs, config, policies) = (study.inputs, study.config, study.policies());
        let seed = config.seed_of(Stream::Vote);
        let (numbers, sums) = (inputs.family("number")?, inputs.family("arithmetic")?);
        let questions = votes::questions(sums, config.size.of(Some(20), None));
        let games = games(study);
        // On a browser's CPU stories take about two thirds of the time.
        let extent = Extent {
            openings: config.size.of(1, 4),
            chains: config.size.of(16, 64),
            length: config.size.of(96, 160),
        };
        let openings = inputs.openings(extent.openings);
        study.expect(policies.len() * (1 + questions.len()) + games.len() * openings.len());

        let mut of_numbers: Vec<Numbers> = Vec::new();
        for policy in &policies {
            let one = numbers::ask(policy, policy.name, numbers, config, study.progress).await?;
            one.add_to_table(&mut study.results.results);
            of_numbers.push(one);
            study.unit_done();
        }
        let bound = numbers::within_the_bound(&of_numbers, numbers::best_of);
        study.results.controls.push(bound);
        let drawn = numbers::figures(&of_numbers);
        study.results.figures = drawn.into();

        let mut of_votes: Vec<Votes> = Vec::new();
        for policy in &policies {
            let mut one = Votes::none(policy.name);
            for &question in &questions {
                let logits = votes::ask(policy, question, study.progress).await?;
                one.vote(question, &logits, config, study.progress).await?;
                study.unit_done();
            }
            one.add_to_table(&mut study.results.results, seed);
            if of_votes.is_empty() {
                let over = over_twice(one.gains());
                study
                    .results
                    .results
                    .mean(&one.row, &OVER_TWICE_COOL, &over, seed);
            }
            of_votes.push(one);
            study.results.figures.truncate(2);
            study
                .results
                .figures
                .extend(votes::figures(&of_votes, seed));
            study.report();
        }

        let mut of_stories: Vec<Stories> = Vec::new();
        for (model, mut one) in games {
            for (place, (_, opening)) in openings.iter().enumerate() {
                let how = (&extent, config.seed_of(Stream::Story(place)));
                one.sample(&policies[model], opening, how, inputs, study.progress)
                    .await?;
                study.unit_done();
            }
            one.add_to_table(&mut study.results.results, seed);
            of_stories.push(one);
            if let [plain, cool] = &of_stories[..] {
                let over = over_twice([plain, cool].map(|one| one.gains(Worth::Reward)));
                study
                    .results
                    .results
                    .mean(&plain.row, &OVER_TWICE_COOL, &over, seed);
            }
            study.results.figures.truncate(4);
            study
                .results
                .figures
                .extend(stories::figures(&of_stories, seed));
            study.report();
        }
        Ok(())
    }

    /// Of the base: at T = 1 the best of four stories is happier by the labels than one, a vote of 15 is right more often than one
    /// answer, and both the classifier's score and the votes gain over twice as much at T = 1 as at T = 0.25, each with its interval
    /// on one side. Numbers do not decide: an even distribution stays nearly even at T = 0.25.
    fn conclude(table: &Table, subjects: &[String]) -> Option<Conclusion> {
        let base = subjects.first()?;
        let ([stories, cool], votes) = (base_stories(base), votes::row(base));
        let above = |row: &Row, metric: &Metric| tristate::above(table.interval(row, metric), 0.0);
        let (gold, reward) = (Worth::Gold.gain(), Worth::Reward.gain());
        let (vote, vote_cool) = (
            table.value(&votes, &votes::GAIN)?,
            table.value(&votes, &votes::GAIN_COOL)?,
        );
        let (best, best_cool) = (
            table.value(&stories, &reward)?,
            table.value(&cool, &reward)?,
        );
        let conditions = vec![
            Condition::new(
                "the best of four stories is happier",
                above(&stories, &gold),
            ),
            Condition::new(
                "the gain of the best halves when cool",
                table.over_twice((&stories, &reward), (&cool, &reward), &OVER_TWICE_COOL),
            ),
            Condition::new("a vote is right more often", above(&votes, &votes::GAIN)),
            Condition::new(
                "the gain of a vote halves when cool",
                table.over_twice(
                    (&votes, &votes::GAIN),
                    (&votes, &votes::GAIN_COOL),
                    &OVER_TWICE_COOL,
                ),
            ),
        ];
        Some(Conclusion {
            answer: format!(
                "votes gain {vote:.1} percentage points at T = 1 and {vote_cool:.1} at T = 0.25; the best of four stories gains \
                 {best:.2} nats of sentiment score and still {best_cool:.2} when cool."
            ),
            why: format!(
                "On the base the best of four stories is happier by {:.3} (0 to 1) by the labels of its ending; a vote of 31 is {:+.1} \
                 percentage points from greedy answers. All four conditions are needed, by their 95 % intervals; halves means that the \
                 gain at T = 1 is over twice that at T = 0.25.",
                table.value(&stories, &gold)?,
                table.value(&votes, &votes::OVER_GREEDY)?
            ),
            conditions,
        })
    }
}

/// By how much gains at temperature 1 are over twice those when cool.
fn over_twice([plain, cool]: [Vec<f64>; 2]) -> Vec<f64> {
    let pairs = plain.iter().zip(&cool);
    pairs.map(|(plain, cool)| plain - 2.0 * cool).collect()
}

/// Stories to be sampled, each with the place of its model: the base's at temperature 1 and cooler first; then those under the run's
/// parameters, and, at full size, those of the tuned models.
fn games<M: LanguageModel, P: RunProgress>(study: &Study<'_, M, P>) -> Vec<(usize, Stories)> {
    let (plain, shaping) = (Shaping::default(), study.config.shaping);
    let name = |model: usize| study.subjects[model].name;
    let [row, cool] = base_stories(name(0));
    let mut games = vec![
        (0, Stories::none(row, plain)),
        (0, Stories::none(cool, at_temperature(COOL))),
    ];
    if shaping != plain {
        let row = story_row(name(0), "your-stories", " under your settings");
        games.push((0, Stories::none(row, shaping)));
    }
    if study.config.size == Size::Full {
        for tuned in 1..study.subjects.len() {
            let row = story_row(name(tuned), "stories", "");
            games.push((tuned, Stories::none(row, plain)));
        }
    }
    games
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::Question;
    use crate::results::Control;
    use crate::testing::{found, inputs, reported_before_cancel, subject};
    use crate::{RunConfig, Toy};

    /// A toy that answers numbers and sums as the table does, and writes a story that ends happily half of the time.
    fn teller(happy: f64) -> Toy {
        let inputs = inputs();
        let families = ["number", "arithmetic"].map(|name| inputs.family(name).unwrap().clone());
        let mut questions: Vec<Question> =
            families.into_iter().flat_map(|one| one.questions).collect();
        for group in &inputs.openings {
            questions.push(Question {
                prompts: group.openings.clone(),
                unseen: Vec::new(),
                right: None,
                answers: [
                    (" They had a wedding and were happy.", happy),
                    (" He was sad and cried alone.", 1.0 - happy),
                ]
                .map(|(text, probability)| crate::Answer {
                    text: text.to_owned(),
                    says: text.to_owned(),
                    probability,
                })
                .into(),
            });
        }
        Toy::answering(&questions)
    }

    #[test]
    fn samples_with_entropy_gain_and_known_sums_come_out() {
        let inputs = inputs();
        let (base, tuned) = (teller(0.5), teller(0.999));
        let subjects = [subject("base", &base), subject("tuned", &tuned)];
        let config = RunConfig::plain(Size::Quick);
        let found = found::<BestOfN>(&subjects, &inputs, &config);
        let value = |key: &str| found.value(key).unwrap();
        assert!((value("base.vote.n1") - 66.0).abs() < 1e-3);
        assert!((value("base.vote.greedy") - 100.0).abs() < 1e-3);
        assert!(value("base.vote.n31") > 98.0);
        // Of an even choice from 100 one has 50.5 points, the best of four 100 - Σ_{k<100} (k/100)⁴ = 80.497.
        assert!((value("base.numbers.gain") - 29.997).abs() < 0.001);
        assert!(value("base.stories.reward-n4") > value("base.stories.reward-n1"));
        assert!(value("base.stories.gold-gain") > 0.2);
        assert!(found.controls.iter().all(Control::passed));
        assert_eq!(found.figures.len(), 6);
        assert!(found.verdict.is_some());
        let mut keys: Vec<_> = found.results.iter().map(|one| &one.key).collect();
        let all = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }

    #[test]
    fn a_reader_who_cancels_keeps_what_is_there() {
        let toy = teller(0.5);
        let subjects = [subject("base", &toy)];
        let reported = reported_before_cancel::<BestOfN>(&subjects, &inputs(), 200);
        assert_eq!(reported, 8, "the numbers of the base");
    }
}
