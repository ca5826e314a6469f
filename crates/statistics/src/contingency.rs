//! Stories counted by prompt and by the attractor they end in: shares, entropy, and how much the prompt decides.
//!
//! A story falls into exactly one column: one of the attractors, or "none of them" as one more by the caller's choice, which must be said
//! beside every number. Two kinds of collapse look alike in one prompt's stories and differ here. One global attractor: a
//! largest share near 1 over all prompts, entropy near 0. Many local ones: high entropy over all stories, little within a prompt;
//! the difference is the mutual information of prompt and attractor.
//!
//! Basin entropy is here the Shannon entropy of the shares; the measure of that name for basin boundaries (Daza et al. 2016) is
//! another.

use decoding::coin;

use crate::entropy::entropy_of_counts_bits;

/// Counts by row (prompt) and column (attractor).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContingencyTable {
    /// One row per prompt, one column per attractor; all rows of one length.
    counts: Vec<Vec<usize>>,
}

impl ContingencyTable {
    /// Counts each story by its prompt and attractor, both numbered from 0.
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

    /// Number of stories counted.
    pub fn total(&self) -> usize {
        self.counts.iter().flatten().sum()
    }

    /// Stories by attractor, over all prompts.
    pub fn column_sums(&self) -> Vec<usize> {
        let width = self.counts.first().map_or(0, Vec::len);
        let column = |basin| self.counts.iter().map(|row| row[basin]).sum();
        (0..width).map(column).collect()
    }

    /// Share of the largest column, 0 to 1: globality `G = max_a B_a`. `None` without stories.
    pub fn largest_share(&self) -> Option<f64> {
        let chains = self.total();
        let largest = self.column_sums().into_iter().max()?;
        (chains > 0).then(|| largest as f64 / chains as f64)
    }

    /// Entropy of the shares over all stories, `H(B) = -Σ B_a log₂ B_a`, in bits: from 0 (one attractor) to the logarithm of their number.
    /// The plug-in estimate, on average about `(attractors - 1) / (2 n ln 2)` bits too low for `n` stories. Zero without stories.
    pub fn entropy_bits(&self) -> f64 {
        entropy_of_counts_bits(&self.column_sums())
    }

    /// Conditional entropy `H(B | prompt)` in bits: the entropy within a prompt, averaged over the stories. The plug-in estimate, too low by
    /// more than the entropy over all stories, because a prompt has few. Zero without stories.
    pub fn conditional_entropy_bits(&self) -> f64 {
        let weighted =
            |row: &Vec<usize>| row.iter().sum::<usize>() as f64 * entropy_of_counts_bits(row);
        let sum: f64 = self.counts.iter().map(weighted).sum();
        sum / self.total().max(1) as f64
    }

    /// Mutual information `I(prompt; attractor) = H(B) - H(B | prompt)` in bits, plug-in: how much the prompt tells about
    /// the ending. From 0 to the entropy. Biased upwards, most of all with few stories per prompt: see the two others.
    pub fn mutual_information_bits(&self) -> f64 {
        (self.entropy_bits() - self.conditional_entropy_bits()).max(0.0)
    }

    /// [`mutual_information_bits`](Self::mutual_information_bits) with the correction of Miller 1955 ("Note on the bias of information
    /// estimates") and Madow to each entropy, `(cells seen - 1) / (2 n ln 2)` bits. Together: plus attractors seen, minus pairs of
    /// prompt and attractor seen, plus prompts seen, minus one, over `2 n ln 2`. Not below 0.
    ///
    /// First order in `1 / stories per prompt`: right where these are many more than the attractors a prompt can reach, still too high
    /// where they are few, because attractors that were missed are not counted.
    pub fn mutual_information_corrected_bits(&self) -> f64 {
        let seen = |counts: &[usize]| counts.iter().filter(|count| **count > 0).count() as f64;
        let basins = seen(&self.column_sums());
        let pairs: f64 = self.counts.iter().map(|row| seen(row)).sum();
        let rows: Vec<usize> = self.counts.iter().map(|row| row.iter().sum()).collect();
        let surplus = pairs - basins - seen(&rows) + 1.0;
        let scale = 2.0 * self.total().max(1) as f64 * std::f64::consts::LN_2;
        (self.entropy_bits() - self.conditional_entropy_bits() - surplus / scale).max(0.0)
    }

    /// The plug-in mutual information after the attractors were shuffled among the prompts, in bits, mean over `permutations`: what
    /// [`mutual_information_bits`](Self::mutual_information_bits) shows where the prompt decides nothing (Fisher's permutation test, 1935).
    /// Information that is not above it may be none. Zero without permutations.
    pub fn mutual_information_by_chance_bits(&self, seed: u64, permutations: u32) -> f64 {
        let shuffled = |permutation: u32| {
            let mut basins: Vec<usize> = self
                .column_sums()
                .into_iter()
                .enumerate()
                .flat_map(|(basin, size)| std::iter::repeat_n(basin, size))
                .collect();
            // Fisher and Yates.
            for last in (1..basins.len()).rev() {
                let other = coin(seed, permutation, last as u32).value() * (last + 1) as f64;
                basins.swap(last, other as usize);
            }
            let prompts = self
                .counts
                .iter()
                .enumerate()
                .flat_map(|(prompt, row)| std::iter::repeat_n(prompt, row.iter().sum()));
            Self::of(prompts.zip(basins)).mutual_information_bits()
        };
        (0..permutations).map(shuffled).sum::<f64>() / f64::from(permutations.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::LN_2;

    /// From rows of counts.
    fn basins(counts: &[&[usize]]) -> ContingencyTable {
        ContingencyTable {
            counts: counts.iter().map(|row| row.to_vec()).collect(),
        }
    }

    #[test]
    fn chains_are_counted_where_they_fell() {
        let found = ContingencyTable::of([(0, 0), (2, 1), (2, 1), (0, 0)]);
        assert_eq!(found, basins(&[&[2, 0], &[0, 0], &[0, 2]]));
        assert_eq!((found.total(), found.column_sums()), (4, vec![2, 2]));
    }

    #[test]
    fn one_basin_for_all_is_global_and_tells_nothing() {
        let wedding_like = basins(&[&[8, 0], &[8, 0]]);
        assert_eq!(wedding_like.largest_share(), Some(1.0));
        assert_eq!(wedding_like.entropy_bits(), 0.0);
        assert_eq!(wedding_like.mutual_information_bits(), 0.0);
        assert_eq!(wedding_like.mutual_information_corrected_bits(), 0.0);
    }

    #[test]
    fn a_basin_for_each_prompt_tells_all() {
        let local = basins(&[&[8, 0, 0, 0], &[0, 8, 0, 0], &[0, 0, 8, 0], &[0, 0, 0, 8]]);
        assert_eq!(local.largest_share(), Some(0.25));
        assert_eq!(local.entropy_bits(), 2.0);
        assert_eq!(local.conditional_entropy_bits(), 0.0);
        assert_eq!(local.mutual_information_bits(), 2.0);
        // Four basins, four pairs, four prompts: the correction adds three over twice the chains, in nats.
        assert!(
            (local.mutual_information_corrected_bits() - 2.0 - 3.0 / (64.0 * LN_2)).abs() < 1e-12
        );
    }

    #[test]
    fn a_table_worked_out_by_hand() {
        // H(B) of 4 and 4 is 1 bit; H of 3 and 1 is 0.811278 bits in both rows.
        let table = basins(&[&[3, 1], &[1, 3]]);
        assert!((table.conditional_entropy_bits() - 0.811_278_124_459_132_9).abs() < 1e-12);
        assert!((table.mutual_information_bits() - 0.188_721_875_540_867_1).abs() < 1e-12);
        // Two basins, four pairs, two prompts: one over twice eight chains too high, in nats.
        let corrected = 0.188_721_875_540_867_1 - 1.0 / (16.0 * LN_2);
        assert!((table.mutual_information_corrected_bits() - corrected).abs() < 1e-12);
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
        let table = ContingencyTable::of(thrown);
        let by_chance = table.mutual_information_by_chance_bits(1, 40);
        assert!(by_chance > 0.1, "{by_chance}");
        // Twice the chains times the information in nats is χ² of 59 · 3 degrees: a standard deviation of 0.014 bits.
        assert!((table.mutual_information_bits() - by_chance).abs() < 0.05);
        assert!(table.mutual_information_corrected_bits() < 0.05);
    }

    #[test]
    fn no_chains_have_no_measures() {
        let none = ContingencyTable::of([]);
        assert_eq!(none.largest_share(), None);
        assert_eq!(
            (none.entropy_bits(), none.mutual_information_bits()),
            (0.0, 0.0)
        );
        assert_eq!(
            (
                none.mutual_information_corrected_bits(),
                none.mutual_information_by_chance_bits(1, 2)
            ),
            (0.0, 0.0)
        );
    }

    proptest! {
        #[test]
        fn information_lies_between_nothing_and_the_entropy(chains in proptest::collection::vec((0_usize..6, 0_usize..5), 1..80)) {
            let table = ContingencyTable::of(chains.clone());
            let (entropy, information) = (table.entropy_bits(), table.mutual_information_bits());
            prop_assert!((0.0..=5_f64.log2() + 1e-12).contains(&entropy));
            prop_assert!(0.0 <= information && information <= entropy + 1e-12);
            prop_assert!(table.largest_share().unwrap() >= (-entropy).exp2() - 1e-12);
            // It is symmetric: the same with prompts and basins exchanged.
            let exchanged = ContingencyTable::of(chains.into_iter().map(|(prompt, basin)| (basin, prompt)));
            prop_assert!((exchanged.mutual_information_bits() - information).abs() < 1e-9);
            prop_assert!((exchanged.mutual_information_corrected_bits() - table.mutual_information_corrected_bits()).abs() < 1e-9);
        }
    }
}
