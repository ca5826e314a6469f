//! Best of n where all outcomes are known: its exact distribution, its reward, and its divergence from the model.
//!
//! Of `n` independent draws the best by a reward is `y` with `(P(r <= r_y)^n - P(r < r_y)^n) p_y / P(r = r_y)`: none is better,
//! not all are worse, and of equally good ones each is kept as often as it is drawn. Its divergence from `p` is at most
//! `ln n - (n - 1)/n` nats (Beirami et al., arXiv 2401.01879, who prove that the figure long taken for its value is a bound). It is
//! the value where rewards are continuous: the quantile `u` of the best has density `n u^(n-1)`, and `E[ln u] = -1/n`.
//!
//! A number is asked for in several wordings. Gain and divergence are those within one wording, averaged over wordings: a model that
//! says one number in each gains nothing, though the wordings together have many.

use decoding::{LanguageModel, Shaping, kl_nats};

use crate::answers::{AnswerLogits, score_answers};
use crate::bootstrap::mean;
use crate::config::{RunConfig, at_temperature};
use crate::inputs::Family;
use crate::progress::{ExperimentError, RunProgress, checkpoint};
use crate::results::{Axis, Control, Figure, Point, Series};
use crate::table::{Metric, Row, Table, metrics};

/// How many are drawn for one that is kept.
pub(super) const DRAWS: [u32; 11] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
/// Those whose divergence is listed, and the one that temperatures are compared by.
const LISTED: [u32; 3] = [4, 16, 64];
const COMPARED: u32 = 4;
/// Temperatures of the curve.
const TEMPERATURES: [f64; 8] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0];
/// The places among them of 1/4 and 1.
const COOL: usize = 1;
const PLAIN: usize = 4;

metrics! {
    GAIN = exact "gain", "points", "gain of the best of 4 over one, T = 1";
    GAIN_COOL = exact "gain-cool", "points", "gain of the best of 4 over one, T = 0.25";
    YOUR_GAIN = exact "your-gain", "points", "gain of the best of 4 over one, your settings";
}

/// The distribution of the best of `n` by a reward for each outcome.
pub(super) fn best_of(probabilities: &[f64], rewards: &[f64], n: u32) -> Vec<f64> {
    let pairs = || probabilities.iter().zip(rewards);
    let sum = |of: &dyn Fn(f64) -> bool| -> f64 {
        pairs().filter(|(_, r)| of(**r)).map(|(p, _)| p).sum()
    };
    let one = |(p, reward): (&f64, &f64)| {
        let (worse, as_good) = (
            sum(&|other| other < *reward),
            sum(&|other| other == *reward),
        );
        if as_good > 0.0 {
            let n = n as i32;
            ((worse + as_good).powi(n) - worse.powi(n)) * p / as_good
        } else {
            0.0
        }
    };
    pairs().map(one).collect()
}

/// `ln n - (n - 1)/n` nats.
pub(super) fn bound(n: u32) -> f64 {
    let n = f64::from(n);
    n.ln() - (n - 1.0) / n
}

/// Points for a number from 1 to 100, each for one number: its place in the order `37 y mod 101`, a shuffle as 101 is prime.
fn shuffled(number: u32) -> f64 {
    f64::from(37 * number % 101)
}

/// Points that ten numbers share: the last digit.
fn last_digit(number: u32) -> f64 {
    f64::from(number % 10)
}

/// The rewards by name: points for a number.
type Reward = (&'static str, &'static str, fn(u32) -> f64);
const REWARDS: [Reward; 2] = [
    ("", "points without ties", shuffled),
    ("ties-", "points shared by ten numbers each", last_digit),
];

/// A model's numbers.
pub(super) struct Numbers {
    name: String,
    /// What can be said.
    outcomes: Vec<u32>,
    /// How often each comes at temperature 1, by wording.
    shares: Vec<Vec<f64>>,
    /// How many points the best of four has over one, expected, by temperature.
    gains: Vec<f64>,
    /// The same under the run's sampling parameters, where they are not plain.
    your_gain: Option<f64>,
}

/// The exact distribution of a model's answers to "a number from 1 to 100".
///
/// # Errors
/// When the run is cancelled, the model fails, or an answer of the table is no number.
pub(super) async fn ask<M: LanguageModel>(
    model: &M,
    name: &str,
    family: &Family,
    config: &RunConfig,
    progress: &mut impl RunProgress,
) -> Result<Numbers, ExperimentError> {
    let question = &family.questions[0];
    let mut logits = Vec::new();
    for prompt in question.prompts.iter().take(config.size.of(1, usize::MAX)) {
        logits.push(score_answers(model, prompt, &question.answers, progress).await?);
    }
    let plain = Shaping::default();
    let numbers = logits[0].shaped(&plain).said.into_iter().map(|(says, _)| {
        let not = |_| ExperimentError::Missing(format!("truth.json takes \"{says}\" for a number"));
        says.parse().map_err(not)
    });
    let numbers = numbers.collect::<Result<Vec<u32>, _>>()?;
    let rewards = points(&numbers, shuffled);
    let mut gains = Vec::new();
    for temperature in TEMPERATURES {
        let shares = shares(&logits, &at_temperature(temperature), progress).await?;
        gains.push(gain(&shares, &rewards));
    }
    let your_gain = if config.shaping == plain {
        None
    } else {
        let shares = shares(&logits, &config.shaping, progress).await?;
        Some(gain(&shares, &rewards))
    };
    Ok(Numbers {
        name: name.to_owned(),
        shares: shares(&logits, &plain, progress).await?,
        outcomes: numbers,
        gains,
        your_gain,
    })
}

/// How often each answer comes, among answers, by wording.
async fn shares(
    logits: &[AnswerLogits],
    shaping: &Shaping,
    progress: &mut impl RunProgress,
) -> Result<Vec<Vec<f64>>, ExperimentError> {
    let mut shares = Vec::new();
    for one in logits {
        checkpoint(progress).await?;
        shares.push(one.shaped(shaping).among_answers());
    }
    Ok(shares)
}

fn points(numbers: &[u32], reward: fn(u32) -> f64) -> Vec<f64> {
    numbers.iter().map(|&number| reward(number)).collect()
}

/// What the best of four has over one within a wording, averaged over wordings.
fn gain(shares: &[Vec<f64>], rewards: &[f64]) -> f64 {
    let within = |shares: &Vec<f64>| -> f64 {
        let best = best_of(shares, rewards, COMPARED);
        let more = best.iter().zip(shares).zip(rewards);
        more.map(|((best, one), reward)| (best - one) * reward)
            .sum()
    };
    mean(&shares.iter().map(within).collect::<Vec<_>>())
}

impl Numbers {
    /// `KL(best of n || model)` within a wording, averaged over wordings.
    fn divergence(&self, reward: fn(u32) -> f64, n: u32, best_of: BestOf) -> f64 {
        let rewards = points(&self.outcomes, reward);
        let within = |shares: &Vec<f64>| kl_nats(&best_of(shares, &rewards, n), shares);
        mean(&self.shares.iter().map(within).collect::<Vec<_>>())
    }

    /// Puts its numbers into the table; all are exact.
    pub(super) fn add_to_table(&self, table: &mut Table) {
        let row = Row::of(&self.name).part("numbers", "a number from 1 to 100");
        for (key, label, reward) in REWARDS {
            for n in LISTED {
                let bound = bound(n);
                let label = format!("{label}: KL of the best of {n}, at most {bound:.3}");
                let metric = Metric::of(format!("{key}kl-n{n}"), label, "nats");
                table.set(&row, &metric, self.divergence(reward, n, best_of));
            }
        }
        table.set(&row, &GAIN, self.gains[PLAIN]);
        table.set(&row, &GAIN_COOL, self.gains[COOL]);
        if let Some(gain) = self.your_gain {
            table.set(&row, &YOUR_GAIN, gain);
        }
    }

    /// The largest divergence over the bound, nats; below 0 where all are within.
    fn over_the_bound(&self, best_of: BestOf) -> f64 {
        let over = REWARDS.iter().flat_map(|(_, _, reward)| {
            DRAWS.map(|n| self.divergence(*reward, n, best_of) - bound(n))
        });
        over.fold(f64::NEG_INFINITY, f64::max)
    }
}

/// No divergence that was found is over the bound, which holds for every model and reward.
pub(super) fn within_the_bound(models: &[Numbers], best_of: BestOf) -> Control {
    let over = models.iter().map(|one| one.over_the_bound(best_of));
    Control {
        name: "numbers: none over the bound".to_owned(),
        about: "The bound is a theorem: the largest KL among these models, rewards and n exceeds it by 0, to rounding."
            .to_owned(),
        expected: 0.0,
        found: over.fold(0.0, f64::max),
        tolerance: 1e-9,
    }
}

/// KL over n, and the gain over temperature.
pub(super) fn figures(models: &[Numbers]) -> [Figure; 2] {
    let mut kl = Figure::new(
        "numbers-kl",
        "How far the best of n numbers is from one number",
        Axis::log("n"),
        Axis::linear("KL from the model, nats"),
    );
    let mut gain = Figure::new(
        "numbers-gain",
        &format!("Gain of the best of {COMPARED} numbers over one, by temperature"),
        Axis::linear("temperature"),
        Axis::linear("points of 100"),
    );
    for one in models {
        for (key, _, reward) in REWARDS {
            let name = format!("{}{}", one.name, if key.is_empty() { "" } else { ", ties" });
            let divergence = |n| one.divergence(reward, n, best_of);
            let points = DRAWS.map(|n| Point::at(f64::from(n), divergence(n)));
            kl.series.push(Series::line(name, points));
        }
        let points = TEMPERATURES.into_iter().zip(&one.gains);
        let points = points.map(|(temperature, &gain)| Point::at(temperature, gain));
        gain.series.push(Series::line(&one.name, points));
    }
    let bounds = DRAWS.map(|n| (f64::from(n), bound(n)));
    kl.series
        .push(Series::reference("ln n - (n - 1)/n", bounds));
    [kl, gain]
}

/// The distribution of the best, as an estimator that tests can break.
pub(super) type BestOf = fn(&[f64], &[f64], u32) -> Vec<f64>;

/// Distributions whose best of n is known.
pub(super) fn controls(best_of: BestOf) -> Vec<Control> {
    let control =
        |name: &str, about: &str, expected, p: &[f64], rewards: &[f64], n, tolerance| Control {
            name: name.to_owned(),
            about: about.to_owned(),
            expected,
            found: kl_nats(&best_of(p, rewards, n), p),
            tolerance,
        };
    let even = [0.01; 100];
    let order: Vec<f64> = (0..100).map(f64::from).collect();
    vec![
        // The best of two of two: the worse only where both are, (1/2)² = 1/4. ln(1/2)/4 + 3 ln(3/2)/4.
        control(
            "best of 2 of a coin: KL",
            "The worse side is kept where both throws show it, 1/4: its KL is ln(1/2)/4 + 3 ln(3/2)/4.",
            0.25 * 0.5_f64.ln() + 0.75 * 1.5_f64.ln(),
            &[0.5, 0.5],
            &[0.0, 1.0],
            2,
            1e-12,
        ),
        // Of K even outcomes a cell holds the mean of the density n u^(n-1) over 1/K. By the second order of the logarithm that
        // costs ∫ f'²/f / (24 K²) = n (n-1)² / (24 (n-2) K²), for n = 4 and K = 100: 0.000075.
        control(
            "best of 4 of a hundred: KL",
            "Of many even outcomes without ties the bound is nearly reached: a hundred are 0.000075 nats below it.",
            bound(4),
            &even,
            &order,
            4,
            1e-4,
        ),
        control(
            "best of 16, all alike: KL",
            "Where all are paid alike, the best is as likely as any: it is where it was.",
            0.0,
            &even,
            &[1.0; 100],
            16,
            1e-9,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_divergence_over_the_bound_is_seen() {
        let models = [Numbers {
            name: "even".to_owned(),
            outcomes: (1..=100).collect(),
            shares: vec![vec![0.01; 100]],
            gains: Vec::new(),
            your_gain: None,
        }];
        assert!(within_the_bound(&models, best_of).passed());
        let twice = |p: &[f64], r: &[f64], n: u32| best_of(p, r, 2 * n);
        assert!(!within_the_bound(&models, twice).passed());
    }

    /// Where each wording has its own sure answer, asking again gains nothing, though the wordings together have two answers.
    #[test]
    fn a_model_that_is_sure_in_every_wording_gains_nothing() {
        let sure = [vec![1.0, 0.0], vec![0.0, 1.0]];
        assert_eq!(gain(&sure, &[0.0, 100.0]), 0.0);
        // Pooled, the best of four of an even choice is the better one in 15 of 16.
        assert_eq!(gain(&[vec![0.5, 0.5]], &[0.0, 100.0]), 43.75);
    }

    /// What is measured on models can be over the bound only by an error, and is then seen.
    #[test]
    fn no_distribution_or_reward_is_over_the_bound() {
        let p = [0.4, 0.3, 0.1, 0.15, 0.05];
        for rewards in [[1.0, 2.0, 3.0, 4.0, 5.0], [3.0, 1.0, 1.0, 2.0, 2.0]] {
            for n in DRAWS {
                let best = best_of(&p, &rewards, n);
                assert!((best.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                assert!(kl_nats(&best, &p) <= bound(n) + 1e-12);
            }
        }
        assert!((bound(4) - 0.636).abs() < 5e-4 && (bound(1024) - 5.932).abs() < 5e-4);
    }
}
