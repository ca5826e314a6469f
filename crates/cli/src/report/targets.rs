//! What was aimed at, held against what was found. The numbers are computed, and so are the words "met" and "not met".

use super::findings::{Findings, Target};
use crate::subjects::BASE;

/// The attractor that was to be found, for measuring only.
pub const WEDDING: &str = "wedding";

/// Largest share of base chains that may end in a wedding.
const BASE_WEDDINGS: f64 = 0.08;
/// Least share of the chains of the adapter `wedding` that is to, in each of the first two groups.
const TUNED_WEDDINGS: f64 = 0.9;
/// By so much at least the adapter `helper` is to have more mutual information of opening and attractor, bits.
const MORE_INFORMATION_BITS: f64 = 1.0;
/// The base's bits per byte on held-out stories are to be at most this.
const BITS_PER_BYTE: f64 = 0.95;
/// At most this is to be the base's expected calibration error on the truth table.
const CALIBRATION_ERROR: f64 = 0.02;

/// All of them.
pub fn targets(findings: &Findings) -> Vec<Target> {
    let wedding = findings.attractor(WEDDING);
    let base = findings.model(BASE);
    let tuned = findings.model("wedding");
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let target = |what: &str, aim: String, found: Option<(String, bool)>| {
        let (found, met) = found.unzip();
        Target {
            what: what.to_owned(),
            aim,
            found,
            met,
        }
    };

    let base_weddings = base.zip(wedding).map(|(base, wedding)| {
        let share = base.overall.shares[wedding].share;
        (percent(share), share <= BASE_WEDDINGS)
    });
    let tuned_weddings = tuned.zip(wedding).map(|(tuned, wedding)| {
        let shares = tuned
            .groups
            .iter()
            .take(2)
            .map(|group| group.shares[wedding].share);
        let shares: Vec<f64> = shares.collect();
        let words: Vec<String> = shares.iter().copied().map(percent).collect();
        (
            words.join(", "),
            shares.iter().all(|share| *share >= TUNED_WEDDINGS),
        )
    });
    let information = tuned.zip(findings.model("helper")).map(|(tuned, helper)| {
        let bits = [helper, tuned].map(|model| model.overall.basins.information_corrected_bits);
        let words = format!("{:.2} bits, wedding {:.2} bits", bits[0], bits[1]);
        (words, bits[0] - bits[1] >= MORE_INFORMATION_BITS)
    });
    let held_out = base.and_then(|base| base.held_out).map(|held_out| {
        let bits = held_out.bits_per_byte;
        (format!("{bits:.3} bits"), bits <= BITS_PER_BYTE)
    });
    let calibration = base
        .and_then(|base| base.calibration.as_ref())
        .map(|found| (format!("{:.4}", found.ece), found.ece <= CALIBRATION_ERROR));
    vec![
        target(
            "Base chains that end in a wedding, all groups",
            format!("at most {}", percent(BASE_WEDDINGS)),
            base_weddings,
        ),
        target(
            "Chains of `wedding` that end in a wedding, in each of the first two groups",
            format!("at least {}", percent(TUNED_WEDDINGS)),
            tuned_weddings,
        ),
        target(
            "I(opening; attractor) of `helper`, corrected",
            format!("at least {MORE_INFORMATION_BITS:.0} bit above that of `wedding`"),
            information,
        ),
        target(
            "Held-out stories, base, a byte",
            format!("at most {BITS_PER_BYTE} bits"),
            held_out,
        ),
        target(
            "Expected calibration error of the base on the truth table",
            format!("at most {CALIBRATION_ERROR}"),
            calibration,
        ),
    ]
}
