//! Not built yet.

use decoding::LanguageModel;

use crate::catalogue::{Entry, Needs};
use crate::watch::{Stop, Watch};
use crate::{Findings, Material, Setting, Subject};

/// How a reader meets it.
pub const ENTRY: Entry = Entry {
    name: "pointwise-reward",
    title: "pointwise-reward",
    claim: "",
    source: "",
    method: "",
    to_try: "",
    shows: "",
    does_not_show: "",
    needs: Needs {
        quick: &["wedding"],
        full: &["wedding"],
    },
};

/// Not built yet.
///
/// # Errors
/// Always.
#[allow(clippy::unused_async)]
pub async fn run<M: LanguageModel>(
    _subjects: &[Subject<'_, M>],
    _material: &Material,
    _setting: &Setting,
    _watch: &mut impl Watch,
) -> Result<Findings, Stop> {
    Err(Stop::Missing("not built yet".to_owned()))
}
