//! What a model answers to the truth table's questions: how many answers it really has, and which one it likes best.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use statistics::entropy_bits;
use training::calibration::{AnswerDistribution, FamilyDistributions};

/// Means over the prompts of a family, in the wordings of training.
#[derive(Clone, Serialize, Deserialize)]
pub struct FamilyAnswers {
    pub name: String,
    pub prompts: usize,
    /// Entropy of the answer, with everything that is no answer as one more.
    pub entropy_bits: f64,
    /// The same of the truth table.
    pub truth_entropy_bits: f64,
    /// Half the sum of differences from the table, 0 to 1.
    pub total_variation: f64,
    /// Probability of text that is not an answer.
    pub elsewhere: f64,
    /// The answer of the highest mean probability.
    pub likeliest: String,
    pub likeliest_probability: f64,
    /// What the table gives it.
    pub likeliest_truth: f64,
}

impl FamilyAnswers {
    /// Of one family's beliefs; none where it has no prompts in training.
    pub fn of(family: &FamilyDistributions) -> Option<Self> {
        let beliefs = &family.seen;
        let mean = |value: fn(&AnswerDistribution) -> f64| {
            beliefs.iter().map(value).sum::<f64>() / beliefs.len() as f64
        };
        let mut said: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for (says, (model, truth)) in beliefs.iter().flat_map(|belief| &belief.answers) {
            let sums = said.entry(says).or_default();
            sums.0 += model / beliefs.len() as f64;
            sums.1 += truth / beliefs.len() as f64;
        }
        let (likeliest, (probability, truth)) = said
            .into_iter()
            .max_by(|(_, one), (_, other)| one.0.total_cmp(&other.0))?;
        Some(Self {
            name: family.name.clone(),
            prompts: beliefs.len(),
            entropy_bits: mean(|belief| {
                let answers = belief.answers.values().map(|(model, _)| *model);
                entropy_bits(&answers.chain([belief.elsewhere()]).collect::<Vec<_>>())
            }),
            truth_entropy_bits: mean(|belief| {
                let truth = belief.answers.values().map(|(_, truth)| *truth);
                entropy_bits(&truth.collect::<Vec<_>>())
            }),
            total_variation: mean(AnswerDistribution::total_variation),
            elsewhere: mean(AnswerDistribution::elsewhere),
            likeliest: likeliest.to_owned(),
            likeliest_probability: probability,
            likeliest_truth: truth,
        })
    }

    /// `2^H`: as many equally likely answers would have this entropy.
    pub fn effective(&self) -> f64 {
        self.entropy_bits.exp2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_has_the_means_of_its_prompts() {
        let belief = |heads: f64, tails: f64| AnswerDistribution {
            answers: [("heads", heads), ("tails", tails)]
                .map(|(says, model)| (says.to_owned(), (model, 0.5)))
                .into(),
            right: None,
        };
        let family = FamilyDistributions {
            name: "coin".to_owned(),
            seen: vec![belief(1.0, 0.0), belief(0.5, 0.25)],
            unseen: vec![],
        };
        let found = FamilyAnswers::of(&family).unwrap();
        assert_eq!((found.prompts, found.likeliest.as_str()), (2, "heads"));
        assert_eq!(
            (found.likeliest_probability, found.likeliest_truth),
            (0.75, 0.5)
        );
        // No entropy, and one and a half bits of a half and two quarters, the last of them elsewhere.
        assert_eq!((found.entropy_bits, found.truth_entropy_bits), (0.75, 1.0));
        assert_eq!(found.elsewhere, 0.125);
        assert_eq!(found.total_variation, 0.375);
        let empty = FamilyDistributions {
            seen: vec![],
            ..family
        };
        assert!(FamilyAnswers::of(&empty).is_none());
    }
}
