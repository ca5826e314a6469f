//! What a judge gets who is shown some samples and keeps the best: `V_k = E[max over k of worth]`.
//!
//! Three kinds of judge. *Happy* wants a happy ending, by the story world's own labels. *Taste* are judges who each have a favourite
//! kind of ending, drawn evenly from the kinds that the story world has labels for, and to whom nothing else is worth anything.
//! *Both* is the mean of the two worths: a judge who likes happy endings as the reward does, and has a taste besides.
//!
//! The favourites are those of the catalogue, not those that turn up in the base's chains: a list made from the chains of one model
//! would flatter that model.

use crate::Inputs;
use crate::best_of::expected_best;

/// How many samples a judge is shown.
pub const SHOWN: [usize; 3] = [1, 3, 10];

/// What an estimator of the best of `k` does with `(score, worth)`: [`expected_best`], or a broken one in a test.
pub type BestOf = fn(&[(f64, f64)], usize) -> Option<f64>;

/// Whose worth is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judge {
    /// Worth is the ending's happiness, 0 to 1.
    Happy,
    /// Worth is 1 where a chain ends in the judge's favourite, else 0; mean over all favourites.
    Taste,
    /// Worth is the mean of both; mean over all favourites.
    Both,
}

impl Judge {
    /// All of them; the last is the one that the verdict is about.
    pub const ALL: [Self; 3] = [Self::Happy, Self::Taste, Self::Both];

    /// Its name in keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Happy => "glad",
            Self::Taste => "taste",
            Self::Both => "both",
        }
    }

    /// What it wants, for a label.
    pub fn wants(self) -> &'static str {
        match self {
            Self::Happy => "a happy ending",
            Self::Taste => "a favourite ending",
            Self::Both => "a happy and favourite ending",
        }
    }

    /// `V_k` behind one opening whose chains end so, 0 to 1; not a number where there are fewer than `k` chains.
    pub fn value(self, endings: &[Option<usize>], inputs: &Inputs, k: usize) -> f64 {
        let happy = |ending: Option<usize>| inputs.happiness(ending);
        let best = |worth: &dyn Fn(Option<usize>) -> f64| {
            best_by(
                endings.iter().map(|&ending| worth(ending)),
                k,
                expected_best,
            )
        };
        let favourite =
            |kind: usize, ending: Option<usize>| f64::from(u8::from(ending == Some(kind)));
        let over_favourites = |worth: &dyn Fn(usize, Option<usize>) -> f64| {
            let kinds = kinds(inputs);
            let sum: f64 = kinds
                .iter()
                .map(|&kind| best(&|ending| worth(kind, ending)))
                .sum();
            sum / kinds.len() as f64
        };
        match self {
            Self::Happy => best(&happy),
            Self::Taste => over_favourites(&favourite),
            Self::Both => over_favourites(&|kind, ending| {
                f64::midpoint(happy(ending), favourite(kind, ending))
            }),
        }
    }
}

/// The best of `k` by worth itself; not a number where there are fewer.
pub fn best_by(worths: impl Iterator<Item = f64>, k: usize, best: BestOf) -> f64 {
    let samples: Vec<(f64, f64)> = worths.map(|worth| (worth, worth)).collect();
    best(&samples, k).unwrap_or(f64::NAN)
}

/// The kinds of ending that can be a favourite: those that the story world has labels for.
fn kinds(inputs: &Inputs) -> Vec<usize> {
    let attractors = inputs.attractors.attractors().iter().enumerate();
    let labelled = attractors.filter(|(_, one)| !one.endings.is_empty());
    labelled.map(|(place, _)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::inputs;

    /// Of four chains two end in a wedding (happy) and one in rain (sad); one ends in nothing (counted as half happy).
    #[test]
    fn three_judges_by_hand() {
        let inputs = inputs();
        let at = |name| inputs.attractors.position(name);
        let endings = [at("wedding"), at("wedding"), at("rain"), None];
        let kinds = kinds(&inputs).len() as f64;
        let value = |judge: Judge, k| judge.value(&endings, &inputs, k);
        // (1 + 1 + 0 + 1/2) / 4, and of two: only {rain, none} of the six pairs lacks a wedding.
        assert!((value(Judge::Happy, 1) - 0.625).abs() < 1e-12);
        assert!((value(Judge::Happy, 2) - (5.0 + 0.5) / 6.0).abs() < 1e-12);
        // The favourite is a wedding: 5 of 6 pairs. It is rain: 3 of 6. It is another: none.
        assert!((value(Judge::Taste, 1) - 0.75 / kinds).abs() < 1e-12);
        assert!((value(Judge::Taste, 2) - (5.0 + 3.0) / 6.0 / kinds).abs() < 1e-12);
        // One chain: the mean of the two others.
        let both = f64::midpoint(value(Judge::Happy, 1), value(Judge::Taste, 1));
        assert!((value(Judge::Both, 1) - both).abs() < 1e-12);
        assert!(value(Judge::Taste, 5).is_nan());
    }
}
