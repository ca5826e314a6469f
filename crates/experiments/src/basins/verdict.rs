//! What the numbers say of the claim, by a rule that was fixed before they were known.
//!
//! Three parts. *Global*: of the tuned models the one with the largest attractor has more than half of its chains there. *Local*:
//! another tuned model's openings tell at least a bit more about the end than that one's do. *Return*: perturbed chains of the
//! global one come back to their attractor more often than the base's. A part holds where its whole 95 % interval over openings
//! says so, and fails where the whole interval says the opposite.

use super::perturbation::{Pushed, returned};
use super::swarm::{Fallen, basins, globality};
use crate::bootstrap::interval_95;
use crate::results::{Estimate, Verdict};

/// What a global attractor has more of than this, %.
const HALF: f64 = 50.0;
/// How much more a local model's openings tell, bits.
const BIT: f64 = 1.0;

/// One model as it was measured; openings in the same order for all.
pub struct Measured {
    /// The subject's name.
    pub name: String,
    /// Its chains.
    pub fallen: Vec<Fallen>,
    /// Its perturbed chains.
    pub pushed: Vec<Pushed>,
}

impl Measured {
    fn globality(&self, places: &[usize], kinds: usize) -> f64 {
        let fallen: Vec<&Fallen> = self.fallen.iter().collect();
        100.0 * globality(&basins(&fallen, places, kinds), kinds)
    }

    fn information(&self, places: &[usize], kinds: usize) -> f64 {
        let fallen: Vec<&Fallen> = self.fallen.iter().collect();
        basins(&fallen, places, kinds).mutual_information_corrected_bits()
    }

    fn returned(&self, places: &[usize]) -> f64 {
        let pushed: Vec<&Pushed> = self.pushed.iter().collect();
        100.0 * returned(&pushed, places)
    }
}

/// The numbers that decide, and what they say. Nothing where there is no tuned model.
pub fn verdict(measured: &[Measured], kinds: usize, seed: u64) -> Option<(Vec<Estimate>, Verdict)> {
    let (base, tuned) = measured.split_first()?;
    let openings = base.fallen.len();
    let all: Vec<usize> = (0..openings).collect();
    let global = tuned.iter().max_by(|one, other| {
        one.globality(&all, kinds)
            .total_cmp(&other.globality(&all, kinds))
    })?;
    let others = tuned.iter().filter(|one| one.name != global.name);
    let local = others.max_by(|one, other| {
        one.information(&all, kinds)
            .total_cmp(&other.information(&all, kinds))
    });
    let estimate = |key: &str, label: String, unit: &str, of: &dyn Fn(&[usize]) -> f64| {
        Estimate::exact(key, label, unit, of(&all))
            .within(interval_95(openings, seed, of), openings)
    };
    let mut estimates = vec![
        estimate(
            "claim.globality",
            format!(
                "share of the largest attractor of {}, the tuned model with the largest",
                global.name
            ),
            "%",
            &|places| global.globality(places, kinds),
        ),
        estimate(
            "claim.return",
            format!("perturbed chains that return: {} less base", global.name),
            "%",
            &|places| global.returned(places) - base.returned(places),
        ),
    ];
    if let Some(local) = local {
        estimates.push(estimate(
            "claim.information",
            format!(
                "information of opening about end: {} less {}",
                local.name, global.name
            ),
            "bits",
            &|places| local.information(places, kinds) - global.information(places, kinds),
        ));
    }
    let part = |key: &str, least: f64| {
        let own = estimates.iter().find(|one| one.key == key)?;
        own.value?;
        match (own.low? > least, own.high? < least) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    };
    let parts = [
        part("claim.globality", HALF),
        part("claim.information", BIT),
        part("claim.return", 0.0),
    ];
    let holds = if parts.contains(&Some(false)) {
        Some(false)
    } else {
        parts.iter().all(|one| *one == Some(true)).then_some(true)
    };
    let names = [
        "one global attractor",
        "another with an attractor for each opening",
        "perturbed chains return",
    ];
    let told = names.iter().zip(parts).map(|(name, part)| {
        let answer = match part {
            Some(true) => "yes",
            Some(false) => "no",
            None => "not told",
        };
        format!("{name}: {answer}")
    });
    let numbers: Vec<String> = estimates.iter().map(number).collect();
    let why = format!(
        "{} (asked are more than {HALF} %, {BIT} bit more, and more than the base, each by its whole interval; all three are needed); \
         {}",
        told.collect::<Vec<_>>().join(", "),
        numbers.join("; ")
    );
    Some((estimates, Verdict::of(holds, why)))
}

fn number(one: &Estimate) -> String {
    let shown =
        |value: Option<f64>| value.map_or("not defined".to_owned(), |value| format!("{value:.2}"));
    format!(
        "{} {} {} ({} to {})",
        one.label,
        shown(one.value),
        one.unit,
        shown(one.low),
        shown(one.high)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;
    use crate::basins::perturbation::Returned;

    /// Ten openings of eight chains that end as the rule says; perturbed chains return or not.
    fn measured(name: &str, ends: impl Fn(usize, usize) -> usize, returns: bool) -> Measured {
        let returned = Returned {
            known: Some(3),
            own: returns.then_some(3),
            same_sentence: false,
            lag: None,
        };
        Measured {
            name: name.to_owned(),
            fallen: (0..10)
                .map(|opening| Fallen {
                    group: 0,
                    ends: (0..8).map(|chain| Some(ends(opening, chain))).collect(),
                })
                .collect(),
            pushed: (0..10)
                .map(|_| Pushed {
                    group: 0,
                    chains: vec![returned; 9],
                })
                .collect(),
        }
    }

    fn answer(measured: &[Measured]) -> Outcome {
        verdict(measured, 10, 1).unwrap().1.answer
    }

    #[test]
    fn all_three_parts_are_needed() {
        let base = || measured("base", |_, chain| chain, false);
        let global = |returns| measured("global", |_, _| 3, returns);
        let local = measured("local", |opening, _| opening, true);
        assert_eq!(answer(&[base(), global(true), local]), Outcome::Supported);
        // Where no other model is asked, the second part is not told.
        assert_eq!(answer(&[base(), global(true)]), Outcome::Undecided);
        let like_the_base = measured("even", |_, chain| chain, true);
        assert_eq!(
            answer(&[base(), global(true), like_the_base]),
            Outcome::NotSupported
        );
        assert_eq!(
            answer(&[base(), measured("even", |_, chain| chain, true)]),
            Outcome::NotSupported
        );
        assert!(verdict(&[base()], 10, 1).is_none());
    }
}
