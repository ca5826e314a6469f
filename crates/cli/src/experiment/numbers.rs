//! Numbers and answers for readers.

use experiments::{Answered, Quantity};

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

/// A quantity's value with its unit.
pub fn value(quantity: &Quantity) -> String {
    let Some(found) = quantity.value else {
        return NONE.to_owned();
    };
    let unit = if quantity.unit.is_empty() { "" } else { " " };
    format!("{}{unit}{}", number(found), quantity.unit)
}

/// Its interval; nothing where there is none.
pub fn interval(quantity: &Quantity) -> String {
    match (quantity.low, quantity.high) {
        (Some(low), Some(high)) => format!("{} to {}", number(low), number(high)),
        _ => String::new(),
    }
}

/// How many are behind it; nothing where it is exact.
pub fn samples(quantity: &Quantity) -> String {
    match quantity.samples {
        0 => String::new(),
        samples => samples.to_string(),
    }
}

/// How the claim fares.
pub fn answer(answer: Answered) -> &'static str {
    match answer {
        Answered::Supported => "supported on this model",
        Answered::NotSupported => "not supported on this model",
        Answered::Undecided => "undecided on this model",
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
        let found = Quantity::exact("a", "a", "bits", f64::NAN);
        assert_eq!(value(&found), NONE);
        assert_eq!(interval(&found), "");
        let found = Quantity::exact("a", "a", "bits", 2.0).within(Some((1.0, 3.0)), 9);
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
