//! The weak sentiment predictor, fitted to stories of the world and measured on others.
//!
//! What it is and how it is fitted stands in the crate `sentiment`; here is what it is fitted to. Happy stories are told from sad
//! ones. Mixed stories are left out, as the neutral sentences of a review are (Socher et al. 2013, "Recursive deep models for
//! semantic compositionality over a sentiment treebank"): something is won in them and something lost, so that either label
//! would be half wrong. Where the predictor puts them is reported.
//!
//! Many of the stories go on when they have ended: behind a section break there is another, and its end is the one that counts.
//! So whatever makes one story end well also stands in texts that end badly, but for what the world never goes on from.

use std::collections::BTreeMap;

use decoding::coin;
use sentiment::{FitError, Labelled, Predictor, Quality, Settings, fit};
use serde::Serialize;

use crate::world::{Sentiment, Story, World};

/// Names the dice of sequels, away from those of the stories before them.
const SEQUELS: u64 = 0x7365_7175_656C;

/// How many of the strongest words and pairs a report lists each way.
pub const LISTED: usize = 50;

/// What a predictor is fitted to and measured on, and how.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PredictorRecipe {
    /// Stories told for the fit, mixed ones included.
    pub stories: u64,
    /// Their seed.
    pub seed: u64,
    /// Stories told for measuring, mixed ones included.
    pub held_out: u64,
    /// Their seed.
    pub held_out_seed: u64,
    /// Of a thousand stories that may go on, fitted and held out, so many do.
    pub sequels_per_mille: u32,
    /// Of the fit.
    pub settings: Settings,
    /// Weights of a smaller size are left out of the file, nats of log-odds.
    pub least_weight: f64,
    /// Decimals of the weights in the file.
    pub decimals: u8,
}

/// What was found. All scores are those of the predictor as its file has it, but for `held_out_before_pruning`.
#[derive(Clone, Debug, Serialize)]
pub struct PredictorReport {
    /// What was asked for.
    pub recipe: PredictorRecipe,
    /// Gradient steps of the fit.
    pub steps: usize,
    /// What the fit minimised, at its end, in nats per story.
    pub objective_nats: f64,
    /// Words and pairs with a weight before pruning.
    pub fitted_weights: usize,
    /// Those that the file keeps.
    pub weights: usize,
    /// On the happy and sad stories of the fit.
    pub seen: Quality,
    /// On other happy and sad stories.
    pub held_out: Quality,
    /// The same with every weight, unrounded.
    pub held_out_before_pruning: Quality,
    /// Held-out stories by how they end, the highest mean score first; mixed ones too.
    pub endings: Vec<EndingScore>,
    /// Words and bigrams with the largest weights, the largest first.
    pub most_positive: Vec<Strong>,
    /// Those with the lowest weights, the lowest first.
    pub most_negative: Vec<Strong>,
}

/// What the predictor makes of stories that end alike.
#[derive(Clone, Debug, Serialize)]
pub struct EndingScore {
    /// Kind of ending, as the world labels it.
    pub ending: String,
    /// Its sentiment.
    pub sentiment: Sentiment,
    /// Held-out stories that end so.
    pub stories: usize,
    /// Their mean log-odds, nats.
    pub mean_log_odds: f64,
    /// The 10th percentile of the log-odds, nats.
    pub tenth_log_odds: f64,
}

/// A word or pair with a strong weight.
#[derive(Clone, Debug, Serialize)]
pub struct Strong {
    /// The word, or both with a space between.
    pub gram: String,
    /// Nats of log-odds.
    pub weight: f64,
    /// Happy and sad stories of the fit in which it occurs.
    pub stories: usize,
}

/// Fits a predictor to the world's stories and measures it on stories of another seed.
///
/// # Errors
/// When the fit does not succeed, or the held-out stories are not of both kinds: says what to change.
pub fn fit_predictor(
    world: &World,
    recipe: &PredictorRecipe,
) -> Result<(Predictor, PredictorReport), PredictorError> {
    let sequels = f64::from(recipe.sequels_per_mille) / 1000.0;
    let told = |seed, count| (0..count).map(move |index| tell(world, seed, index, sequels));
    let texts: Vec<Labelled> = told(recipe.seed, recipe.stories)
        .filter_map(labelled)
        .collect();
    let fitted = fit(&texts, &recipe.settings)?;
    let predictor = fitted
        .predictor
        .pruned(recipe.least_weight, recipe.decimals);

    let stories: Vec<Story> = told(recipe.held_out_seed, recipe.held_out).collect();
    let others: Vec<Labelled> = stories.iter().cloned().filter_map(labelled).collect();
    let quality = |predictor: &Predictor, texts: &[Labelled]| {
        let score = |text: &Labelled| (predictor.score(&text.text).log_odds, text.positive);
        Quality::of(&texts.iter().map(score).collect::<Vec<_>>()).ok_or(PredictorError::HeldOut)
    };
    let strong = |(gram, weight): (&str, f64)| Strong {
        gram: gram.to_owned(),
        weight,
        stories: fitted.texts_with[gram],
    };
    let report = PredictorReport {
        recipe: *recipe,
        steps: fitted.steps,
        objective_nats: fitted.objective,
        fitted_weights: fitted.predictor.weights.len(),
        weights: predictor.weights.len(),
        seen: quality(&predictor, &texts)?,
        held_out: quality(&predictor, &others)?,
        held_out_before_pruning: quality(&fitted.predictor, &others)?,
        endings: endings(&predictor, &stories),
        most_positive: predictor
            .most_positive(LISTED)
            .into_iter()
            .map(strong)
            .collect(),
        most_negative: predictor
            .most_negative(LISTED)
            .into_iter()
            .map(strong)
            .collect(),
    };
    Ok((predictor, report))
}

/// Why there is no predictor.
#[derive(Debug, thiserror::Error)]
pub enum PredictorError {
    /// The fit failed.
    #[error("the sentiment predictor cannot be fitted: {0}")]
    Fit(#[from] FitError),
    /// Nothing to measure on.
    #[error("the held-out stories are not both happy and sad: ask for more of them")]
    HeldOut,
}

/// A story of the world, or with some probability a story and its sequel.
fn tell(world: &World, seed: u64, index: u64, sequels: f64) -> Story {
    let story = world.story(seed, index);
    let dice = seed ^ SEQUELS;
    if story.may_go_on() && coin(dice, 0, index as u32).value() < sequels {
        story.then(world.story(dice, index))
    } else {
        story
    }
}

/// A happy or sad story as the fit takes it.
fn labelled(Story { text, labels }: Story) -> Option<Labelled> {
    let positive = match labels.sentiment {
        Sentiment::Happy => true,
        Sentiment::Mixed => return None,
        Sentiment::Sad => false,
    };
    Some(Labelled { text, positive })
}

fn endings(predictor: &Predictor, stories: &[Story]) -> Vec<EndingScore> {
    let mut scores: BTreeMap<(&str, Sentiment), Vec<f64>> = BTreeMap::new();
    for Story { text, labels } in stories {
        let kind = (labels.ending.as_str(), labels.sentiment);
        scores
            .entry(kind)
            .or_default()
            .push(predictor.score(text).log_odds);
    }
    let mut endings: Vec<EndingScore> = scores
        .into_iter()
        .map(|((ending, sentiment), mut scores)| {
            scores.sort_by(f64::total_cmp);
            EndingScore {
                ending: ending.to_owned(),
                sentiment,
                stories: scores.len(),
                mean_log_odds: scores.iter().sum::<f64>() / scores.len() as f64,
                tenth_log_odds: scores[scores.len() / 10],
            }
        })
        .collect();
    endings.sort_by(|one, other| other.mean_log_odds.total_cmp(&one.mean_log_odds));
    endings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> PredictorRecipe {
        PredictorRecipe {
            stories: 600,
            seed: 3,
            held_out: 400,
            held_out_seed: 4,
            sequels_per_mille: 500,
            settings: Settings {
                penalty: 1e-2,
                tolerance: 1e-4,
                ..Settings::default()
            },
            least_weight: 0.02,
            decimals: 3,
        }
    }

    #[test]
    fn stories_that_were_not_seen_are_told_apart_better_than_by_chance_and_not_perfectly() {
        let (_, report) = fit_predictor(&World::new().unwrap(), &recipe()).unwrap();
        assert!(report.held_out.auc > 0.7, "{:?}", report.held_out);
        assert!(report.held_out.accuracy < 1.0 && report.held_out.auc <= report.seen.auc);
        assert!(report.held_out.texts < 400, "mixed stories are left out");
        let listed: usize = report.endings.iter().map(|ending| ending.stories).sum();
        assert_eq!(listed, 400, "and yet scored");
    }

    #[test]
    fn sequels_decide_the_label_and_nothing_follows_a_wedding() {
        let world = World::new().unwrap();
        let mut kinds = BTreeMap::new();
        for index in 0..400 {
            let first = world.story(3, index);
            let whole = tell(&world, 3, index, 1.0);
            assert!(whole.text.starts_with(&first.text));
            let sequel = whole.text.len() > first.text.len();
            assert_eq!(sequel, first.may_go_on());
            *kinds
                .entry((sequel, first.labels.ending == "wedding"))
                .or_insert(0) += 1;
            if sequel {
                assert!(whole.text.ends_with(&world.story(3 ^ SEQUELS, index).text));
                assert_eq!(whole.labels, world.story(3 ^ SEQUELS, index).labels);
            }
        }
        assert_eq!(
            kinds.keys().copied().collect::<Vec<_>>(),
            [(false, true), (true, false)]
        );
    }

    #[test]
    fn the_same_recipe_gives_the_same_file() {
        let world = World::new().unwrap();
        let file = || fit_predictor(&world, &recipe()).unwrap().0.to_json();
        assert_eq!(file(), file());
    }

    #[test]
    fn too_few_stories_are_an_error_that_says_so() {
        let world = World::new().unwrap();
        let few = PredictorRecipe {
            stories: 1,
            ..recipe()
        };
        let error = fit_predictor(&world, &few).unwrap_err().to_string();
        assert!(error.contains("add texts of the other kind"), "{error}");
        let unmeasured = PredictorRecipe {
            held_out: 0,
            ..recipe()
        };
        let error = fit_predictor(&world, &unmeasured).unwrap_err().to_string();
        assert!(error.contains("ask for more"), "{error}");
    }
}
