//! Where chains behind many openings end, and how surely.

use decoding::LanguageModel;
use statistics::{ContingencyTable, wilson_95};

use crate::bootstrap::interval_95;
use crate::progress::{ExperimentError, RunProgress};
use crate::results::Estimate;
use crate::sampling::{SampledChain, SamplingPlan, sample_chains};

/// Deals of the information that chance alone shows.
const DEALS: u32 = 20;

/// What says in which basin a chain ended; none where it ended in none.
pub type Reader<'a> = &'a dyn Fn(&SampledChain) -> Option<usize>;

/// The basin of every chain behind one opening.
#[derive(Clone, Debug)]
pub struct Fallen {
    /// The group of the opening.
    pub group: usize,
    /// Chain by chain.
    pub ends: Vec<Option<usize>>,
}

/// Draws chains behind an opening and reads where they ended.
///
/// # Errors
/// When the reader had enough or the model cannot be asked.
pub async fn fall<M: LanguageModel>(
    model: &M,
    (group, opening): (usize, &str),
    plan: &SamplingPlan,
    read: Reader<'_>,
    progress: &mut impl RunProgress,
) -> Result<Fallen, ExperimentError> {
    let prompt = model.encode(opening).map_err(ExperimentError::model)?;
    let chains = sample_chains(model, &prompt, plan, progress).await?;
    Ok(Fallen {
        group,
        ends: chains.iter().map(read).collect(),
    })
}

/// Chains counted by opening and basin; those that ended in none are the basin behind the last one. The places are those of a
/// resample, each an opening of its own.
pub fn basins(fallen: &[&Fallen], places: &[usize], kinds: usize) -> ContingencyTable {
    let chains = places.iter().enumerate().flat_map(|(own, &place)| {
        let ends = fallen[place].ends.iter();
        ends.map(move |end| (own, end.unwrap_or(kinds)))
    });
    ContingencyTable::of(chains)
}

/// The largest share of all chains that an attractor has; ending in none is no attractor, but counts among all. 0 without chains.
pub fn globality(basins: &ContingencyTable, kinds: usize) -> f64 {
    let largest = basins
        .column_sums()
        .into_iter()
        .take(kinds)
        .max()
        .unwrap_or(0);
    largest as f64 / basins.total().max(1) as f64
}

/// What is told of the chains of one model behind some openings: how global its ends are, how much the opening decides, and how
/// often each attractor is reached. `name` begins every key.
pub fn estimates(
    name: &str,
    label: &str,
    fallen: &[&Fallen],
    titles: &[(String, String)],
    seed: u64,
) -> Vec<Estimate> {
    let kinds = titles.len();
    let all: Vec<usize> = (0..fallen.len()).collect();
    let whole = basins(fallen, &all, kinds);
    let over_openings =
        |what: &str, text: &str, unit: &str, of: &dyn Fn(&ContingencyTable) -> f64| {
            let interval = interval_95(fallen.len(), seed, |drawn| {
                of(&basins(fallen, drawn, kinds))
            });
            Estimate::exact(
                format!("{name}.{what}"),
                format!("{label}: {text}"),
                unit,
                of(&whole),
            )
            .within(interval, fallen.len())
        };
    let mut estimates = vec![
        over_openings(
            "globality",
            "share of its largest attractor",
            "%",
            &|basins| 100.0 * globality(basins, kinds),
        ),
        over_openings(
            "entropy",
            "entropy of ends",
            "bits",
            &ContingencyTable::entropy_bits,
        ),
        over_openings(
            "information",
            "information of opening about end, corrected",
            "bits",
            &ContingencyTable::mutual_information_corrected_bits,
        ),
        Estimate::exact(
            format!("{name}.by-chance"),
            format!(
                "{label}: information that chains dealt to openings by chance show, uncorrected"
            ),
            "bits",
            whole.mutual_information_by_chance_bits(seed, DEALS),
        )
        .within(None, whole.total()),
    ];
    let sizes = whole.column_sums();
    let none = ("none".to_owned(), "No attractor".to_owned());
    for (kind, (short, title)) in titles.iter().chain([&none]).enumerate() {
        let size = sizes.get(kind).copied().unwrap_or(0);
        if size == 0 && kind < kinds {
            continue;
        }
        let chains = whole.total();
        let interval = wilson_95(size, chains).map(|it| (100.0 * it.low, 100.0 * it.high));
        estimates.push(
            Estimate::exact(
                format!("{name}.share.{short}"),
                format!("{label}: chains that end in \"{title}\""),
                "%",
                100.0 * size as f64 / chains as f64,
            )
            .within(interval, chains),
        );
    }
    estimates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fallen(ends: &[Option<usize>]) -> Fallen {
        Fallen {
            group: 0,
            ends: ends.to_vec(),
        }
    }

    #[test]
    fn ending_in_none_is_no_attractor_and_still_counts() {
        let found = [
            fallen(&[Some(0), None, None]),
            fallen(&[Some(0), Some(1), None]),
        ];
        let found: Vec<&Fallen> = found.iter().collect();
        let whole = basins(&found, &[0, 1], 2);
        assert_eq!(whole.column_sums(), [2, 1, 3]);
        assert!((globality(&whole, 2) - 2.0 / 6.0).abs() < 1e-12);
        // An opening drawn twice counts as two.
        assert_eq!(basins(&found, &[1, 1], 2).column_sums(), [2, 2, 2]);
        assert_eq!(globality(&ContingencyTable::of([]), 2), 0.0);
    }
}
