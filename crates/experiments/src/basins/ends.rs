//! Where the stories behind openings end, and how surely.

use decoding::LanguageModel;
use statistics::ContingencyTable;

use super::Opening;
use crate::progress::{ExperimentError, RunProgress};
use crate::sampling::{SampledChain, SamplingPlan, sample_chains};
use crate::table::{Interval, Metric, Row, Table, metrics};

/// Permutations behind the information that chance alone shows.
const PERMUTATIONS: u32 = 20;

metrics! {
    pub GLOBALITY = bootstrap "globality", "%", "share of the largest attractor";
    ENTROPY = bootstrap "entropy", "bits", "entropy of endings";
    pub INFORMATION = bootstrap "information", "bits", "information of the opening about the ending, corrected";
    BY_CHANCE = exact "by-chance", "bits", "information that endings dealt to openings by chance show, uncorrected";
}

/// What says in which attractor a chain ended; none where it ended in none.
pub type Classify<'a> = &'a dyn Fn(&SampledChain) -> Option<usize>;

/// Samples chains behind an opening, and classifies their endings.
///
/// # Errors
/// When the run is cancelled or the model fails.
pub async fn sample_ends<M: LanguageModel>(
    model: &M,
    opening: &str,
    plan: &SamplingPlan,
    classify: Classify<'_>,
    progress: &mut impl RunProgress,
) -> Result<Vec<Option<usize>>, ExperimentError> {
    let prompt = model.encode(opening).map_err(ExperimentError::model)?;
    let chains = sample_chains(model, &prompt, plan, progress).await?;
    Ok(chains.iter().map(classify).collect())
}

/// Chains counted by opening and ending; those that ended in no attractor are the kind after the last one.
pub fn contingency(openings: &[&Opening], kinds: usize) -> ContingencyTable {
    let chains = openings.iter().enumerate().flat_map(|(place, opening)| {
        let ends = opening.ends.iter();
        ends.map(move |end| (place, end.unwrap_or(kinds)))
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

/// How global the endings behind some openings are, how much the opening decides, and how often each attractor is reached.
pub fn add_to_table(
    table: &mut Table,
    row: &Row,
    openings: &[&Opening],
    titles: &[(String, String)],
    seed: u64,
) {
    type Measure<'a> = &'a dyn Fn(&ContingencyTable) -> f64;
    let kinds = titles.len();
    let measures: [(&Metric, Measure<'_>); 3] = [
        (&GLOBALITY, &|basins| 100.0 * globality(basins, kinds)),
        (&ENTROPY, &ContingencyTable::entropy_bits),
        (
            &INFORMATION,
            &ContingencyTable::mutual_information_corrected_bits,
        ),
    ];
    for (metric, of) in measures {
        let of = |openings: &[&Opening]| of(&contingency(openings, kinds));
        table.statistic(row, metric, openings, seed, of);
    }
    let whole = contingency(openings, kinds);
    let by_chance = whole.mutual_information_by_chance_bits(seed, PERMUTATIONS);
    table.put(row, &BY_CHANCE, by_chance, None, whole.total());
    let none = ("none".to_owned(), "No attractor".to_owned());
    for (kind, (short, title)) in titles.iter().chain([&none]).enumerate() {
        let size = whole.column_sums().get(kind).copied().unwrap_or(0);
        if size > 0 || kind == kinds {
            let label = format!("stories that end in \"{title}\"");
            let metric = Metric::of(format!("share.{short}"), label, "%").with(Interval::Wilson);
            table.share(row, &metric, size, whole.total());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(ends: &[Option<usize>]) -> Opening {
        Opening {
            group: 0,
            ends: ends.to_vec(),
            returns: Vec::new(),
        }
    }

    #[test]
    fn ending_in_none_is_no_attractor_and_still_counts() {
        let (one, other) = (
            opening(&[Some(0), None, None]),
            opening(&[Some(0), Some(1), None]),
        );
        let whole = contingency(&[&one, &other], 2);
        assert_eq!(whole.column_sums(), [2, 1, 3]);
        assert!((globality(&whole, 2) - 2.0 / 6.0).abs() < 1e-12);
        // An opening drawn twice counts as two.
        assert_eq!(contingency(&[&other, &other], 2).column_sums(), [2, 2, 2]);
        assert_eq!(globality(&ContingencyTable::of([]), 2), 0.0);
    }
}
