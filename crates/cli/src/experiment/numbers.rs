//! Numbers and answers for readers.

use experiments::{Estimate, Outcome};

/// What stands for a number that is not defined.
const NONE: &str = "–";

/// Four digits or so.
pub fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if value == 0.0 => "0".to_owned(),
        _ if !(1e-3..1e6).contains(&size) => format!("{value:.2e}"),
        _ if size >= 1000.0 => format!("{value:.0}"),
        _ if size >= 100.0 => format!("{value:.1}"),
        _ if size >= 10.0 => format!("{value:.2}"),
        _ if size >= 0.1 => format!("{value:.3}"),
        _ => format!("{value:.5}"),
    }
}

/// A estimate's value with its unit.
pub fn value(estimate: &Estimate) -> String {
    let Some(found) = estimate.value else {
        return NONE.to_owned();
    };
    let unit = if estimate.unit.is_empty() { "" } else { " " };
    format!("{}{unit}{}", number(found), estimate.unit)
}

/// Its interval; nothing where there is none.
pub fn interval(estimate: &Estimate) -> String {
    match (estimate.low, estimate.high) {
        (Some(low), Some(high)) => format!("{} to {}", number(low), number(high)),
        _ => String::new(),
    }
}

/// How many are behind it; nothing where it is exact.
pub fn samples(estimate: &Estimate) -> String {
    match estimate.samples {
        0 => String::new(),
        samples => samples.to_string(),
    }
}

/// How the claim fares.
pub fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Supported => "Supported",
        Outcome::NotSupported => "Not supported",
        Outcome::Undecided => "Undecided",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits_or_so() {
        let written: Vec<String> = [0.0, -12.3456, 0.01234, 1234.5, 3e-9]
            .into_iter()
            .map(number)
            .collect();
        assert_eq!(written, ["0", "-12.35", "0.01234", "1234", "3.00e-9"]);
    }

    #[test]
    fn a_quantity_without_a_value_is_a_dash() {
        let found = Estimate::exact("a", "a", "bits", f64::NAN);
        assert_eq!(value(&found), NONE);
        assert_eq!(interval(&found), "");
        let found = Estimate::exact("a", "a", "bits", 2.0).within(Some((1.0, 3.0)), 9);
        assert_eq!(
            (value(&found), interval(&found), samples(&found)),
            (
                "2.000 bits".to_owned(),
                "1.000 to 3.000".to_owned(),
                "9".to_owned()
            )
        );
    }
}
