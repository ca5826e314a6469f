//! Agreement of two raters who assign the same items to classes: the share, and Cohen's kappa beyond chance (Cohen 1960, "A
//! coefficient of agreement for nominal scales", Educational and Psychological Measurement 20).

/// Things counted by the kind that each of two judges gave them, the reference first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agreement {
    /// `kinds * kinds` counts, row by row; a row a kind of the reference.
    counts: Vec<usize>,
    kinds: usize,
}

impl Agreement {
    /// From each thing's two kinds, the reference's first, both below `kinds`; pairs with another kind are passed over.
    pub fn of(kinds: usize, judged: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut counts = vec![0; kinds * kinds];
        for (reference, other) in judged {
            if reference < kinds && other < kinds {
                counts[reference * kinds + other] += 1;
            }
        }
        Self { counts, kinds }
    }

    /// How often the reference gave one kind and the other judge another; 0 of a kind that does not exist.
    pub fn count(&self, reference: usize, other: usize) -> usize {
        let place = reference * self.kinds + other;
        let exists = reference < self.kinds && other < self.kinds;
        self.counts
            .get(place)
            .filter(|_| exists)
            .copied()
            .unwrap_or(0)
    }

    /// How many things there are.
    pub fn things(&self) -> usize {
        self.counts.iter().sum()
    }

    /// How many were given the same kind by both.
    pub fn agreed(&self) -> usize {
        (0..self.kinds).map(|kind| self.count(kind, kind)).sum()
    }

    /// Things that the reference gave this kind.
    pub fn of_reference(&self, kind: usize) -> usize {
        (0..self.kinds).map(|other| self.count(kind, other)).sum()
    }

    /// Things that the other judge gave this kind.
    pub fn of_other(&self, kind: usize) -> usize {
        (0..self.kinds)
            .map(|reference| self.count(reference, kind))
            .sum()
    }

    /// Of the things that the reference gave this kind, the share for which the other judge did; `None` without any.
    pub fn recall(&self, kind: usize) -> Option<f64> {
        share(self.count(kind, kind), self.of_reference(kind))
    }

    /// Of the things that the other judge gave this kind, the share for which the reference did; `None` without any.
    pub fn precision(&self, kind: usize) -> Option<f64> {
        share(self.count(kind, kind), self.of_other(kind))
    }

    /// The share of things given the same kind by both; `None` without things.
    pub fn share(&self) -> Option<f64> {
        share(self.agreed(), self.things())
    }

    /// Cohen's kappa, `(a - c) / (1 - c)` of the share agreed `a` and the share `c` on which judges with the same habits would
    /// agree by chance: 1 for full agreement, 0 for chance. `None` without things, or where both always gave one and the same kind.
    pub fn kappa(&self) -> Option<f64> {
        let things = self.things() as f64;
        let by_chance: f64 = (0..self.kinds)
            .map(|kind| self.of_reference(kind) as f64 * self.of_other(kind) as f64)
            .sum();
        let by_chance = by_chance / (things * things);
        let agreed = self.share()?;
        (by_chance < 1.0).then(|| (agreed - by_chance) / (1.0 - by_chance))
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// From rows of counts.
    fn table(counts: &[&[usize]]) -> Agreement {
        Agreement {
            kinds: counts.len(),
            counts: counts.concat(),
        }
    }

    #[test]
    fn a_textbook_table_comes_out() {
        // 20 and 15 of 50 agreed; by chance 25/50 · 30/50 + 25/50 · 20/50 = 0.5.
        let found = table(&[&[20, 5], &[10, 15]]);
        assert_eq!(
            (found.things(), found.agreed(), found.share()),
            (50, 35, Some(0.7))
        );
        assert!((found.kappa().unwrap() - 0.4).abs() < 1e-12);
        assert_eq!(found.recall(0), Some(0.8));
        assert_eq!(found.precision(0), Some(20.0 / 30.0));
    }

    #[test]
    fn without_anything_to_tell_apart_there_is_no_kappa() {
        assert_eq!(Agreement::of(3, []).kappa(), None);
        assert_eq!(Agreement::of(3, [(1, 1), (1, 1)]).kappa(), None);
        assert_eq!(Agreement::of(2, [(1, 1), (5, 1)]).things(), 1);
        assert_eq!(Agreement::of(2, [(1, 1)]).recall(0), None);
        assert_eq!(Agreement::of(2, [(1, 1)]).count(0, 3), 0);
    }

    proptest! {
        #[test]
        fn full_agreement_is_one_and_kappa_is_never_above_the_share(
            judged in proptest::collection::vec((0_usize..4, 0_usize..4), 2..60),
        ) {
            let found = Agreement::of(4, judged.clone());
            if let Some(kappa) = found.kappa() {
                prop_assert!(kappa <= found.share().unwrap() + 1e-12);
                let mirrored = Agreement::of(4, judged.iter().map(|&(one, other)| (other, one)));
                prop_assert!((mirrored.kappa().unwrap() - kappa).abs() < 1e-12);
            }
            let same = Agreement::of(4, judged.iter().map(|&(one, _)| (one, one)));
            prop_assert!(same.kappa().is_none_or(|kappa| (kappa - 1.0).abs() < 1e-12));
        }
    }
}
