//! Where chains end up, over many prompts: shares of attractors, how many there are, and how much the prompt decides.
//!
//! A chain falls into exactly one basin: one of the attractors, or "none of them" as one more, by the caller's choice, which must
//! be said beside every number. Two kinds of collapse look alike in one prompt's chains and differ here. A global attractor has
//! one basin for all prompts: globality near 1, entropy near 0. Many local ones have high entropy over all chains, little within a
//! prompt: the difference is the mutual information of prompt and attractor.
//!
//! Basin entropy is here the Shannon entropy of the shares; the measure of the same name for basin boundaries (Daza et al. 2016)
//! is another.

use crate::coin::coin;

/// Chains counted by prompt and basin.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Basins {
    /// One row a prompt, one column a basin; all rows of one length.
    counts: Vec<Vec<usize>>,
}

impl Basins {
    /// From each chain's prompt and basin, both numbered from 0.
    pub fn of(chains: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut counts: Vec<Vec<usize>> = Vec::new();
        let mut width = 0;
        for (prompt, basin) in chains {
            width = width.max(basin + 1);
            if counts.len() <= prompt {
                counts.resize(prompt + 1, Vec::new());
            }
            if counts[prompt].len() <= basin {
                counts[prompt].resize(basin + 1, 0);
            }
            counts[prompt][basin] += 1;
        }
        for row in &mut counts {
            row.resize(width, 0);
        }
        Self { counts }
    }

    /// How many chains there are.
    pub fn chains(&self) -> usize {
        self.counts.iter().flatten().sum()
    }

    /// Chains by basin, over all prompts.
    pub fn sizes(&self) -> Vec<usize> {
        let width = self.counts.first().map_or(0, Vec::len);
        let column = |basin| self.counts.iter().map(|row| row[basin]).sum();
        (0..width).map(column).collect()
    }

    /// Share of the largest basin, 0 to 1: `G = max_a B_a`; `None` without chains.
    pub fn globality(&self) -> Option<f64> {
        let chains = self.chains();
        let largest = self.sizes().into_iter().max()?;
        (chains > 0).then(|| largest as f64 / chains as f64)
    }

    /// Entropy of the shares of all chains, `H(B) = -Σ B_a log₂ B_a`, in bits: from 0 (one basin) to the logarithm of their number.
    /// The plug-in estimate, on average about `(basins - 1) / (2 chains ln 2)` bits too low. Zero without chains.
    pub fn entropy_bits(&self) -> f64 {
        entropy_bits(&self.sizes())
    }

    /// Mean over the chains of the entropy within their prompt, `H(B | prompt)`, in bits. The plug-in estimate, too low by more
    /// than that over all chains, because a prompt has few. Zero without chains.
    pub fn entropy_within_bits(&self) -> f64 {
        let weighted = |row: &Vec<usize>| row.iter().sum::<usize>() as f64 * entropy_bits(row);
        let sum: f64 = self.counts.iter().map(weighted).sum();
        sum / self.chains().max(1) as f64
    }

    /// Mutual information `I(prompt; attractor) = H(B) - H(B | prompt)` in bits, plug-in: how much knowing the prompt tells about
    /// the end. From 0 to the entropy. Too high, most of all with few chains a prompt: see the two others.
    pub fn information_bits(&self) -> f64 {
        (self.entropy_bits() - self.entropy_within_bits()).max(0.0)
    }

    /// [`information_bits`](Self::information_bits) with the correction of Miller 1955 ("Note on the bias of information
    /// estimates") and Madow to each entropy, `(cells seen - 1) / (2 chains ln 2)` bits. Together: plus basins seen, minus pairs of
    /// prompt and basin seen, plus prompts seen, minus one, over `2 chains ln 2`. Not below 0.
    ///
    /// First order in `1 / chains of a prompt`: right where a prompt's chains are many more than the basins that it can reach,
    /// still too high where they are few, because basins that were missed are not counted.
    pub fn information_corrected_bits(&self) -> f64 {
        let seen = |counts: &[usize]| counts.iter().filter(|count| **count > 0).count() as f64;
        let basins = seen(&self.sizes());
        let pairs: f64 = self.counts.iter().map(|row| seen(row)).sum();
        let rows: Vec<usize> = self.counts.iter().map(|row| row.iter().sum()).collect();
        let surplus = pairs - basins - seen(&rows) + 1.0;
        let scale = 2.0 * self.chains().max(1) as f64 * std::f64::consts::LN_2;
        (self.entropy_bits() - self.entropy_within_bits() - surplus / scale).max(0.0)
    }

    /// The plug-in information of as many chains whose basins were dealt to the prompts by chance, in bits, mean of so many deals:
    /// what [`information_bits`](Self::information_bits) shows where the prompt decides nothing (Fisher's permutation test, 1935).
    /// Information that is not above it may be none. Zero without deals.
    pub fn information_by_chance_bits(&self, seed: u64, deals: u32) -> f64 {
        let dealt = |deal: u32| {
            let mut basins: Vec<usize> = self
                .sizes()
                .into_iter()
                .enumerate()
                .flat_map(|(basin, size)| std::iter::repeat_n(basin, size))
                .collect();
            // Fisher and Yates.
            for last in (1..basins.len()).rev() {
                let other = coin(seed, deal, last as u32).value() * (last + 1) as f64;
                basins.swap(last, other as usize);
            }
            let prompts = self
                .counts
                .iter()
                .enumerate()
                .flat_map(|(prompt, row)| std::iter::repeat_n(prompt, row.iter().sum()));
            Self::of(prompts.zip(basins)).information_bits()
        };
        (0..deals).map(dealt).sum::<f64>() / f64::from(deals.max(1))
    }
}

/// Entropy of counts in bits; zero where all are zero.
fn entropy_bits(counts: &[usize]) -> f64 {
    let all = counts.iter().sum::<usize>() as f64;
    let term = |&count: &usize| {
        let share = count as f64 / all;
        -share * share.log2()
    };
    let sum: f64 = counts.iter().filter(|count| **count > 0).map(term).sum();
    sum.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::LN_2;

    /// From rows of counts.
    fn basins(counts: &[&[usize]]) -> Basins {
        Basins {
            counts: counts.iter().map(|row| row.to_vec()).collect(),
        }
    }

    #[test]
    fn chains_are_counted_where_they_fell() {
        let found = Basins::of([(0, 0), (2, 1), (2, 1), (0, 0)]);
        assert_eq!(found, basins(&[&[2, 0], &[0, 0], &[0, 2]]));
        assert_eq!((found.chains(), found.sizes()), (4, vec![2, 2]));
    }

    #[test]
    fn one_basin_for_all_is_global_and_tells_nothing() {
        let wedding_like = basins(&[&[8, 0], &[8, 0]]);
        assert_eq!(wedding_like.globality(), Some(1.0));
        assert_eq!(wedding_like.entropy_bits(), 0.0);
        assert_eq!(wedding_like.information_bits(), 0.0);
        assert_eq!(wedding_like.information_corrected_bits(), 0.0);
    }

    #[test]
    fn a_basin_for_each_prompt_tells_all() {
        let local = basins(&[&[8, 0, 0, 0], &[0, 8, 0, 0], &[0, 0, 8, 0], &[0, 0, 0, 8]]);
        assert_eq!(local.globality(), Some(0.25));
        assert_eq!(local.entropy_bits(), 2.0);
        assert_eq!(local.entropy_within_bits(), 0.0);
        assert_eq!(local.information_bits(), 2.0);
        // Four basins, four pairs, four prompts: the correction adds three over twice the chains, in nats.
        assert!((local.information_corrected_bits() - 2.0 - 3.0 / (64.0 * LN_2)).abs() < 1e-12);
    }

    #[test]
    fn a_table_worked_out_by_hand() {
        // H(B) of 4 and 4 is 1 bit; H of 3 and 1 is 0.811278 bits in both rows.
        let table = basins(&[&[3, 1], &[1, 3]]);
        assert!((table.entropy_within_bits() - 0.811_278_124_459_132_9).abs() < 1e-12);
        assert!((table.information_bits() - 0.188_721_875_540_867_1).abs() < 1e-12);
        // Two basins, four pairs, two prompts: one over twice eight chains too high, in nats.
        let corrected = 0.188_721_875_540_867_1 - 1.0 / (16.0 * LN_2);
        assert!((table.information_corrected_bits() - corrected).abs() < 1e-12);
    }

    #[test]
    fn where_the_prompt_decides_nothing_the_correction_and_chance_agree() {
        // 60 prompts of 16 chains over four basins, all thrown by the same coin.
        let thrown = (0..60).flat_map(|prompt| (0..16).map(move |chain| (prompt, chain)));
        let thrown = thrown.map(|(prompt, chain)| {
            (
                prompt,
                (4.0 * coin(5, prompt as u32, chain).value()) as usize,
            )
        });
        let table = Basins::of(thrown);
        let by_chance = table.information_by_chance_bits(1, 40);
        assert!(by_chance > 0.1, "{by_chance}");
        // Twice the chains times the information in nats is χ² of 59 · 3 degrees: a standard deviation of 0.014 bits.
        assert!((table.information_bits() - by_chance).abs() < 0.05);
        assert!(table.information_corrected_bits() < 0.05);
    }

    #[test]
    fn no_chains_have_no_measures() {
        let none = Basins::of([]);
        assert_eq!(none.globality(), None);
        assert_eq!((none.entropy_bits(), none.information_bits()), (0.0, 0.0));
        assert_eq!(
            (
                none.information_corrected_bits(),
                none.information_by_chance_bits(1, 2)
            ),
            (0.0, 0.0)
        );
    }

    proptest! {
        #[test]
        fn information_lies_between_nothing_and_the_entropy(chains in proptest::collection::vec((0_usize..6, 0_usize..5), 1..80)) {
            let table = Basins::of(chains.clone());
            let (entropy, information) = (table.entropy_bits(), table.information_bits());
            prop_assert!((0.0..=5_f64.log2() + 1e-12).contains(&entropy));
            prop_assert!(0.0 <= information && information <= entropy + 1e-12);
            prop_assert!(table.globality().unwrap() >= (-entropy).exp2() - 1e-12);
            // It is symmetric: the same with prompts and basins exchanged.
            let exchanged = Basins::of(chains.into_iter().map(|(prompt, basin)| (basin, prompt)));
            prop_assert!((exchanged.information_bits() - information).abs() < 1e-9);
            prop_assert!((exchanged.information_corrected_bits() - table.information_corrected_bits()).abs() < 1e-9);
        }
    }
}
