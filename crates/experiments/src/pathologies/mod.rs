//! Decoding's own pathologies: what ways to pick tokens do to a text, tuned or not.
//!
//! Greedy and beam search, low temperature, top-k, top-p, min-p and typical sampling continue the same openings. Measured are loops
//! (the share of stories that end in a period seen three times), the surprisal of a token under the unshaped model against that of
//! stories by people (the comparison of Holtzman et al., arXiv 1904.09751, figure 2), and how varied the stories are together:
//! distinct n-grams (Li et al., arXiv 1510.03055), self-BLEU (Zhu et al., arXiv 1802.01886) and the exponent of Zipf's law. Typical
//! sampling is that of Meister et al. (arXiv 2202.00666), min-p that of Nguyen et al. (arXiv 2407.01082).

mod controls;
mod decoders;
mod measures;
mod reader;

use decoding::LanguageModel;

use crate::config::Stream;
use crate::info::{ExperimentInfo, Requires};
use crate::inputs::Inputs;
use crate::policy::Policy;
use crate::progress::{ExperimentError, RunProgress};
use crate::results::{Axis, Condition, Control, Figure, Point, Series, Shape};
use crate::sampling::SampledChain;
use crate::study::{Conclusion, Experiment, Study};
use crate::table::{Metric, Row, Table};
use crate::tristate;
use decoders::{Decoder, Extent, continued, decoders, score_text};
use measures::{DISTINCT_2, Estimators, LOOPS, Measured, SURPRISAL};

/// The experiment.
#[derive(Debug)]
pub struct Pathologies;

/// A loop share is small where the interval's upper end is below this, %: that a decoder loops is then refuted.
const SELDOM: f64 = 5.0;
/// The decoders that the claim names, by key and for people, of temperatures the lowest that still samples; and the one that they
/// are compared with.
const ACCUSED: [(&str, &str); 3] = [
    ("cold", "low temperature, T = 0.3"),
    ("top-p", "nucleus, top-p 0.9"),
    ("beam-4", "beam search of width 4"),
];
const INNOCENT: &str = "plain";
/// Stories by people, beside the decoders.
const PEOPLE: &str = "people";

/// The numbers of one decoder of a model.
fn row(subject: &str, decoder: &str, title: &str) -> Row {
    Row::of(subject).part(decoder, title)
}

/// What is continued, in tokens.
struct Task {
    openings: Vec<Vec<u32>>,
    /// Stories by people: what counts as their opening, how they go on, and whether they are whole.
    people: Vec<(Vec<u32>, Vec<u32>, bool)>,
    extent: Extent,
    decoders: Vec<Decoder>,
    seed: u64,
}

/// One model's surprisal by position: of stories by people, then by decoder.
struct Curves {
    people: Vec<Point>,
    decoders: Vec<Vec<Point>>,
}

impl Experiment for Pathologies {
    const INFO: ExperimentInfo = ExperimentInfo {
        name: "pathologies",
        title: "Decoding's own pathologies",
        claim: "Low temperature, nucleus and beam search make text reasonable, and bring pathologies of their own.",
        source: "The discussion of \"Mysteries of mode collapse\" (janus, 2022); measured in \"The Curious Case of Neural Text \
                 Degeneration\" (Holtzman et al., ICLR 2020, arXiv 1904.09751)",
        method: "Every decoder continues the same openings with the same random draws. We count stories that end in a loop, and \
                 distinct pairs of tokens among all stories, and compare the surprisal per token under the unshaped model with that of \
                 stories by people. Low temperature, nucleus and beam search are judged each by itself: a decoder has a pathology if \
                 it loops more than plain sampling or is less varied.",
        to_try: "Change your own settings: they are one more decoder. A repetition penalty breaks loops, and raises surprisal.",
        shows: "Which decoders loop on these models, and which write text that surprises the model less than what people write.",
        does_not_show: "How readers like the texts. Loops need room: a story that ends has none, and the 64 tokens of the quick run are \
                        few. Stories by people are of the kind that the model was trained on; some openings are not.",
        needs: Requires {
            quick: &["wedding"],
            full: &["wedding"],
        },
    };

    async fn controls(
        _inputs: &Inputs,
        _progress: &mut impl RunProgress,
    ) -> Result<Vec<Control>, ExperimentError> {
        controls::all().await
    }

    async fn measure<M: LanguageModel>(
        study: &mut Study<'_, M, impl RunProgress>,
    ) -> Result<(), ExperimentError> {
        let task = Task::new(study)?;
        let policies = study.policies();
        study.expect(policies.len() * (1 + task.decoders.len()));
        let mut curves = Vec::new();
        for policy in policies {
            curves.push(task.measure(study, &policy).await?);
        }
        let (results, subjects) = (&mut study.results, &study.subjects);
        results
            .results
            .metrics_to_front(&[&LOOPS, &SURPRISAL, &DISTINCT_2]);
        results.figures = vec![
            bars(
                &results.results,
                &results.subjects,
                &task.decoders,
                (
                    "loops",
                    "Stories that end in a loop, by decoder",
                    "stories that loop, %",
                ),
                &LOOPS,
            ),
            bars(
                &results.results,
                &results.subjects,
                &task.decoders,
                (
                    "distinct",
                    "How varied the stories of a decoder are together",
                    "distinct pairs of tokens among all",
                ),
                &DISTINCT_2,
            ),
        ];
        for (subject, curves) in subjects.iter().zip(curves) {
            let figure = surprisal(subject.name, &task.decoders, curves);
            results.figures.push(figure);
        }
        Ok(())
    }

    /// For the base, decoder by decoder: whether it makes text reasonable, which is that a token costs the model less than in
    /// stories by people, and whether it is pathological, which is that it loops in more stories than plain sampling or has fewer
    /// distinct pairs. Each holds where the two 95 % intervals do not meet, and fails where they do not meet the other way round;
    /// loops also fail where they are surely in less than a twentieth of the stories. All three decoders have to be both.
    fn conclude(table: &Table, subjects: &[String]) -> Option<Conclusion> {
        let base = subjects.first()?;
        let within =
            |decoder: &str, metric: &Metric| table.interval(&row(base, decoder, ""), metric);
        let number = |decoder: &str, metric: &Metric, digits: usize| {
            let value = table.value(&row(base, decoder, ""), metric)?;
            let (low, high) = within(decoder, metric)?;
            Some(format!(
                "{value:.digits$} ({low:.digits$} to {high:.digits$})"
            ))
        };
        let numbers = |decoder: &str| {
            Some(format!(
                "{} nats per token, {} % of stories loop, {} of pairs distinct",
                number(decoder, &SURPRISAL, 2)?,
                number(decoder, &LOOPS, 0)?,
                number(decoder, &DISTINCT_2, 2)?
            ))
        };
        let (mut conditions, mut words) = (Vec::new(), Vec::new());
        for (decoder, name) in ACCUSED {
            let people = within(PEOPLE, &SURPRISAL);
            let reasonable = tristate::below(within(decoder, &SURPRISAL), people);
            let seldom = within(decoder, &LOOPS).is_some_and(|(_, high)| high < SELDOM);
            let loops = if seldom {
                Some(false)
            } else {
                tristate::below(within(INNOCENT, &LOOPS), within(decoder, &LOOPS))
            };
            let alike =
                tristate::below(within(decoder, &DISTINCT_2), within(INNOCENT, &DISTINCT_2));
            let holds = tristate::all(&[reasonable, tristate::any(&[loops, alike])]);
            words.push(format!("{name}: {}", numbers(decoder)?));
            conditions.push(Condition::new(name, holds));
        }
        Some(Conclusion {
            answer: format!(
                "is the text less surprising than people's, but looping or alike? {}.",
                Condition::list(&conditions)
            ),
            conditions,
            why: format!(
                "On the base, {}. Plain sampling: {}. Stories by people: {} nats per token. A yes means that a token costs less than in \
                 stories by people, and that more stories loop or fewer pairs are distinct than with plain sampling, by 95 % intervals \
                 that do not overlap; loops surely in under {SELDOM} % of stories count as none. All three are needed.",
                words.join("; "),
                numbers(INNOCENT)?,
                number(PEOPLE, &SURPRISAL, 2)?
            ),
        })
    }
}

impl Task {
    fn new<M: LanguageModel, P: RunProgress>(
        study: &Study<'_, M, P>,
    ) -> Result<Self, ExperimentError> {
        let (inputs, model) = (study.inputs, study.subjects[0].model);
        let extent = Extent::of(study.config.size);
        // One of each group after the other, so that the first so many are of all groups.
        let mut openings = Vec::new();
        for place in 0..extent.a_group {
            for group in &inputs.openings {
                if let Some(opening) = group.openings.get(place) {
                    openings.push(model.encode(opening).map_err(ExperimentError::model)?);
                }
            }
        }
        if openings.is_empty() {
            let what = "openings.json has no openings".to_owned();
            return Err(ExperimentError::Missing(what));
        }
        // Of a story by people the first tokens are its opening, as many as openings have on average.
        let tokens: usize = openings.iter().map(Vec::len).sum();
        let opening = tokens.div_ceil(openings.len());
        let mut people = Vec::new();
        for story in inputs.held_out.iter().take(extent.people) {
            let story = model.encode(story).map_err(ExperimentError::model)?;
            if story.len() > opening {
                let whole = story.len() <= opening + extent.length;
                let end = story.len().min(opening + extent.length);
                let (first, rest) = story[..end].split_at(opening);
                people.push((first.to_vec(), rest.to_vec(), whole));
            }
        }
        Ok(Self {
            openings,
            people,
            extent,
            decoders: decoders(study.config),
            seed: study.config.seed_of(Stream::Unit(0)),
        })
    }

    async fn measure<M: LanguageModel, P: RunProgress>(
        &self,
        study: &mut Study<'_, M, P>,
        policy: &Policy<'_, M>,
    ) -> Result<Curves, ExperimentError> {
        let mut people = Vec::new();
        for (opening, rest, whole) in &self.people {
            let progress = &mut *study.progress;
            people.push(score_text(policy, opening, rest.clone(), *whole, progress).await?);
        }
        let people = self.done(
            study,
            row(policy.name, PEOPLE, "stories by people"),
            &people,
        );
        let mut curves = Curves {
            people,
            decoders: Vec::new(),
        };
        for decoder in &self.decoders {
            let continues = self.extent.openings(decoder.picks).min(self.openings.len());
            let chains = continued(
                policy,
                &self.openings[..continues],
                decoder.picks,
                self.seed,
                self.extent.length,
                study.progress,
            )
            .await?;
            let row = row(policy.name, &decoder.key, &decoder.title);
            curves.decoders.push(self.done(study, row, &chains));
        }
        Ok(curves)
    }

    /// Puts the numbers of some chains into the table; their surprisal by position.
    fn done<M: LanguageModel, P: RunProgress>(
        &self,
        study: &mut Study<'_, M, P>,
        row: Row,
        chains: &[SampledChain],
    ) -> Vec<Point> {
        let measured = Measured {
            row,
            chains,
            set: self.extent.set,
            seed: self.seed,
        };
        measured.add_to_table(&mut study.results.results, &Estimators::default());
        study.unit_done();
        measured.by_position()
    }
}

/// A bar for every decoder of every model.
fn bars(
    table: &Table,
    subjects: &[String],
    decoders: &[Decoder],
    (name, title, label): (&str, &str, &str),
    metric: &Metric,
) -> Figure {
    let decoders = decoders.iter();
    let columns: Vec<(&str, &str)> = [(PEOPLE, PEOPLE)]
        .into_iter()
        .chain(decoders.map(|one| (one.key.as_str(), one.title.as_str())))
        .collect();
    let names = columns.iter().map(|(_, title)| *title);
    let x = Axis::of_names("decoder", names);
    let mut figure = Figure::new(name, title, x, Axis::linear(label));
    for subject in subjects {
        let points = columns.iter().enumerate().filter_map(|(place, (key, _))| {
            table.point(place as f64, &row(subject, key, ""), metric)
        });
        figure.series.push(Series::bars(subject, points));
    }
    figure
}

/// Surprisal by position of every decoder of one model, with that of people.
fn surprisal(subject: &str, decoders: &[Decoder], curves: Curves) -> Figure {
    let mut figure = Figure::new(
        &format!("{subject}-surprisal"),
        &format!("Surprisal per token under the unshaped model, by position: {subject}"),
        Axis::linear("token after the opening"),
        Axis::linear("surprisal, nats"),
    );
    figure.series.push(Series {
        name: PEOPLE.to_owned(),
        shape: Shape::Reference,
        points: curves.people,
    });
    for (decoder, points) in decoders.iter().zip(curves.decoders) {
        figure.series.push(Series::line(&decoder.title, points));
    }
    figure
}

#[cfg(test)]
mod tests;
