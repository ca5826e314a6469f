//! Best of n, and the vote: what several samples of one model are worth together, and how that goes with their temperature.
//!
//! Three games: stories, where a weak predictor keeps the gladdest and the labels of the story world say how glad it is
//! (`stories`); numbers, where the best of n and its divergence are exact (`numbers`); sums, where votes are counted
//! (`votes`). A model without entropy gives the same sample again, so nothing is gained by asking it twice.

mod controls;
mod numbers;
mod stories;
mod votes;

use decoding::{LanguageModel, Shaping};

use crate::bootstrap::interval_of_mean;
use crate::info::{ExperimentInfo, Requires};
use crate::inputs::Inputs;
use crate::progress::{ExperimentError, RunProgress};
use crate::results::{ExperimentResults, Verdict};
use crate::{Policy, RunConfig, Size, Subject, tristate};
use numbers::Thrown;
use stories::{Plan, Worth, Written};
use votes::Voted;

/// How a reader meets it.
pub const INFO: ExperimentInfo = ExperimentInfo {
    name: "best-of-n",
    title: "Best of N and the vote",
    claim: "Samples of a model with entropy are worth more together: the best of N and majority votes gain, and lose their gain as \
            the temperature falls.",
    source: "Best of n: Beirami et al., arXiv 2401.01879. Votes: self-consistency, Wang et al., arXiv 2203.11171. Both need samples \
             that differ, which \"Mysteries of mode collapse\" finds gone",
    method: "Stories are drawn behind openings and the gladdest by a weak predictor is kept, its ending judged by the labels of the \
             story world. On the numbers from 1 to 100 the best of n and its KL are exact. On sums with a known answer the \
             distribution of one answer is exact, and committees of up to 31 are drawn from it, a coin deciding among equals.",
    to_try: "Lower the temperature and compare one answer with a vote of 15: at T = 0 they are the same, and about as good as the \
             vote at T = 1.",
    shows: "What the best of N and votes gain on these models at each temperature, and that KL stays under its bound.",
    does_not_show: "That entropy makes a single answer better: a greedy answer may be as good as a vote, and costs one sample.",
    needs: Requires {
        quick: &["wedding"],
        full: &["wedding", "helper", "raters", "spread"],
    },
};

/// The temperature that 1 is compared with.
const COOL: f64 = 0.25;
/// Seeds of stories and of the bootstrap are parts of the config's own from here on; those below are of votes.
const STORIES: usize = 1000;
const PARTS: usize = 2000;

/// How much is drawn. On a browser's CPU stories take about two thirds of the time.
fn plan(size: Size) -> Plan {
    size.of(
        Plan {
            openings: 1,
            chains: 16,
            length: 96,
        },
        Plan {
            openings: 4,
            chains: 64,
            length: 160,
        },
    )
}

/// Stories of one subject at one temperature, to be drawn.
struct Order {
    subject: usize,
    key: &'static str,
    name: String,
    shaping: Shaping,
}

/// Has every model throw numbers, solve sums and tell stories.
///
/// # Errors
/// When the truth table lacks numbers or sums, a model cannot be asked, or the reader had enough.
///
/// # Panics
/// Never: the temperatures of this experiment are allowed.
pub async fn run<M: LanguageModel>(
    subjects: &[Subject<'_, M>],
    inputs: &Inputs,
    config: &RunConfig,
    progress: &mut impl RunProgress,
) -> Result<ExperimentResults, ExperimentError> {
    let mut results = ExperimentResults::none(INFO.name, config, subjects);
    results.controls = controls::controls(inputs, &controls::ESTIMATORS, progress).await?;
    let base = subjects[0].model;
    let seed = config.part_seed(PARTS);
    let (numbers, sums) = (inputs.family("number")?, inputs.family("arithmetic")?);
    let questions = votes::questions(sums, config.size.of(Some(20), None));
    let orders = orders(subjects, config);
    let plan = plan(config.size);
    let openings = inputs.openings(plan.openings);
    let of = subjects.len() * (1 + questions.len()) + orders.len() * openings.len();
    let mut done = 0;

    let mut thrown: Vec<Thrown> = Vec::new();
    for (place, subject) in subjects.iter().enumerate() {
        // The base is mixed with nothing: asking it once is half of the work.
        let name = subject.name;
        let one = if place == 0 {
            numbers::throw(base, name, numbers, config, progress).await?
        } else {
            let model = Policy::of(base, subject, config.lambda);
            numbers::throw(&model, name, numbers, config, progress).await?
        };
        results.results.extend(one.estimates());
        thrown.push(one);
        done += 1;
        progress.report(done, of, &results);
    }
    results
        .controls
        .push(numbers::within_the_bound(&thrown, numbers::best_of));
    let drawn = numbers::figures(&thrown);
    results.figures.extend(drawn.clone());

    let mut voted: Vec<Voted> = Vec::new();
    for (place, subject) in subjects.iter().enumerate() {
        let mut one = Voted::none(subject.name);
        for &question in &questions {
            let walk = if place == 0 {
                votes::ask(base, question, progress).await?
            } else {
                let model = Policy::of(base, subject, config.lambda);
                votes::ask(&model, question, progress).await?
            };
            one.hear(question, &walk, config, progress).await?;
            done += 1;
            progress.report(done, of, &results);
        }
        results.results.extend(one.estimates(seed));
        voted.push(one);
        results.figures = drawn.clone().into();
        results.figures.extend(votes::figures(&voted, seed));
        progress.report(done, of, &results);
    }

    let before = results.figures.len();
    let mut written: Vec<Written> = Vec::new();
    for order in orders {
        let name = subjects[order.subject].name;
        let mut one = Written::none(format!("{name}.{}", order.key), order.name);
        for (place, (_, opening)) in openings.iter().enumerate() {
            let how = (&plan, &order.shaping, config.part_seed(STORIES + place));
            if order.subject == 0 {
                one.write(base, opening, how, inputs, progress).await?;
            } else {
                let model = Policy::of(base, &subjects[order.subject], config.lambda);
                one.write(&model, opening, how, inputs, progress).await?;
            }
            done += 1;
            progress.report(done, of, &results);
        }
        results.results.extend(one.estimates(seed));
        written.push(one);
        results.figures.truncate(before);
        results.figures.extend(stories::figures(&written, seed));
        progress.report(done, of, &results);
    }
    results.verdict = Some(verdict(&results, &written, &voted[0], seed));
    progress.report(of, of, &results);
    Ok(results)
}

/// The base's stories at temperature 1 and cooler, first; then those under the reader's knobs, and, at full size, those of the
/// tuned models.
fn orders<M>(subjects: &[Subject<'_, M>], config: &RunConfig) -> Vec<Order> {
    let order = |subject: usize, key, how: &str, shaping| Order {
        subject,
        key,
        name: format!("{}, stories{how}", subjects[subject].name),
        shaping,
    };
    let plain = Shaping::default();
    let mut orders = vec![
        order(0, "stories", "", plain),
        order(0, "stories-cool", " at T = 0.25", at_temperature(COOL)),
    ];
    if config.shaping != plain {
        orders.push(order(
            0,
            "your-stories",
            " under your knobs",
            config.shaping,
        ));
    }
    if config.size == Size::Full {
        orders.extend((1..subjects.len()).map(|tuned| order(tuned, "stories", "", plain)));
    }
    orders
}

fn at_temperature(temperature: f64) -> Shaping {
    let shaping = Shaping::default().with_temperature(temperature);
    shaping.expect("temperatures of this experiment are finite and not negative")
}

/// Of the base: supported where at T = 1 the best of four stories is gladder by the labels than one and a vote of 15 is right more
/// often than one answer, and where both the predictor's gladness and the votes gain over twice as much at T = 1 as at T = 0.25,
/// each with its interval on one side. Numbers do not decide: an even distribution stays nearly even at T = 0.25.
fn verdict(results: &ExperimentResults, written: &[Written], base: &Voted, seed: u64) -> Verdict {
    let over: Vec<f64> = written[0]
        .gains(Worth::Reward)
        .iter()
        .zip(written[1].gains(Worth::Reward))
        .map(|(plain, cool)| plain - 2.0 * cool)
        .collect();
    let [votes, votes_over] = base.intervals(seed);
    let parts = [
        tristate::above(interval_of_mean(&written[0].gains(Worth::Gold), seed), 0.0),
        tristate::above(interval_of_mean(&over, seed), 0.0),
        tristate::above(votes, 0.0),
        tristate::above(votes_over, 0.0),
    ];
    let value = |key: &str| results.value(&format!("base.{key}")).unwrap_or(f64::NAN);
    let why = format!(
        "the base's best of four stories is gladder by {:.3} of 1 by label and by {:.2} nats by the predictor ({:.2} at T = 0.25); a \
         vote of 15 is right more often by {:.1} points of % ({:.1} at T = 0.25), and a vote of 31 is {:+.1} points from greedy \
         answers (supported means gains at T = 1 by label and vote, and those of predictor and vote over twice those at T = 0.25, \
         by the 95 % intervals)",
        value("stories.gold-gain"),
        value("stories.reward-gain"),
        value("stories-cool.reward-gain"),
        value("vote.gain"),
        value("vote.gain-cool"),
        value("vote.over-greedy"),
    );
    Verdict::of(tristate::all(&parts), why)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::inputs::Question;
    use crate::testing::{inputs, subject};
    use crate::{Toy, Unobserved};

    /// A toy that answers numbers and sums as the table does, and tells a story that is glad half of the time.
    fn teller(glad: f64) -> Toy {
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
                    (" They had a wedding and were happy.", glad),
                    (" He was sad and cried alone.", 1.0 - glad),
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
        let found = pollster::block_on(run(&subjects, &inputs, &config, &mut Unobserved)).unwrap();
        let value = |key: &str| found.value(key).unwrap();
        assert!((value("base.vote.n1") - 66.0).abs() < 1e-3);
        assert!((value("base.vote.greedy") - 100.0).abs() < 1e-3);
        assert!(value("base.vote.n31") > 98.0);
        // Of an even choice from 100 one has 50.5 points, the best of four 100 - Σ_{k<100} (k/100)⁴ = 80.497.
        assert!((value("base.numbers.gain") - 29.997).abs() < 0.001);
        assert!(value("base.stories.reward-n4") > value("base.stories.reward-n1"));
        assert!(value("base.stories.gold-gain") > 0.2);
        assert!(found.controls.iter().all(crate::Control::passed));
        assert_eq!(found.figures.len(), 6);
        assert!(found.verdict.is_some());
        let mut keys: Vec<_> = found.results.iter().map(|one| &one.key).collect();
        let all = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }

    /// Has had enough after so many rests.
    struct Impatient {
        rests: usize,
        told: usize,
    }

    impl RunProgress for Impatient {
        async fn checkpoint(&mut self) -> ControlFlow<()> {
            if self.rests == 0 {
                return ControlFlow::Break(());
            }
            self.rests -= 1;
            ControlFlow::Continue(())
        }

        fn report(&mut self, _done: usize, _of: usize, so_far: &ExperimentResults) {
            self.told = so_far.results.len();
        }
    }

    #[test]
    fn a_reader_who_had_enough_keeps_what_is_there() {
        let toy = teller(0.5);
        let mut progress = Impatient {
            rests: 200,
            told: 0,
        };
        let (subjects, config) = ([subject("base", &toy)], RunConfig::plain(Size::Quick));
        let stopped = pollster::block_on(run(&subjects, &inputs(), &config, &mut progress));
        assert!(matches!(stopped, Err(ExperimentError::Cancelled)));
        assert_eq!(progress.told, 8, "the numbers of the base");
    }
}
