//! Numbers for reading: as many digits as mean something, and no more.

use decoding::Shaping;

/// Entropies, scales: three decimals, `∞` for infinity.
pub fn decimal(number: f64) -> String {
    if number.is_infinite() {
        "∞".to_owned()
    } else {
        format!("{number:.3}")
    }
}

/// Counts that need not be whole: one decimal below 100, none above.
pub fn about(number: f64) -> String {
    if number < 99.95 {
        format!("{number:.1}")
    } else {
        grouped(number.round() as u64)
    }
}

/// Knobs in words, such as "T = 1, s = 1, λ = 1, seed 1"; those behind "more" where they are on.
pub fn knobs(shaping: &Shaping, lambda: f64, seed: u64) -> String {
    let plain = Shaping::default();
    let on = |name: &str, value: f64, plain: f64| {
        (value != plain).then(|| format!("{name} {}", significant(value)))
    };
    let filters = [
        on("top-k", shaping.top_k().into(), plain.top_k().into()),
        on("top-p", shaping.top_p(), plain.top_p()),
        on("min-p", shaping.min_p(), plain.min_p()),
        on("typical", shaping.typical_p(), plain.typical_p()),
        on(
            "repetition penalty",
            shaping.repetition_penalty(),
            plain.repetition_penalty(),
        ),
    ];
    let first = [
        format!("T = {}", significant(shaping.temperature())),
        format!("s = {}", significant(shaping.logit_scale())),
    ];
    let last = [
        format!("λ = {}", significant(lambda)),
        format!("seed {seed}"),
    ];
    let all: Vec<String> = first
        .into_iter()
        .chain(filters.into_iter().flatten())
        .chain(last)
        .collect();
    all.join(", ")
}

/// β: exact where it is short, else four significant digits.
pub fn significant(number: f64) -> String {
    if number == 0.0 || number.is_infinite() {
        return if number == 0.0 {
            "0".to_owned()
        } else {
            "∞".to_owned()
        };
    }
    let magnitude = number.abs().log10().floor();
    if (-5.0..7.0).contains(&magnitude) {
        let decimals = (3.0 - magnitude).max(0.0) as usize;
        let written = format!("{number:.decimals$}");
        if written.contains('.') {
            written
                .trim_end_matches('0')
                .trim_end_matches('.')
                .to_owned()
        } else {
            written
        }
    } else {
        format!("{number:.3e}")
    }
}

/// A share as per cent; a share that is positive never reads as nothing, nor one below 1 as all.
pub fn percent(share: f64) -> String {
    match share {
        0.0 => "0%".to_owned(),
        1.0 => "100%".to_owned(),
        share if share < 0.0005 => "<0.1%".to_owned(),
        share if share > 0.9995 => ">99.9%".to_owned(),
        share => format!("{:.1}%", share * 100.0),
    }
}

/// A range of shares as whole per cents, never narrower than it is.
pub fn percent_range(low: f64, high: f64) -> String {
    format!("{:.0}–{:.0}%", (100.0 * low).floor(), (100.0 * high).ceil())
}

/// Whole numbers with commas.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// So many of something, in figures: `1 token`, `1,024 tokens`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// Bytes in millions, one decimal.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_possible_token_never_reads_as_impossible_nor_as_certain() {
        let read: Vec<String> = [0.0, 1e-12, 0.0005, 0.1234, 0.99949, 0.999_999, 1.0]
            .map(percent)
            .to_vec();
        assert_eq!(
            read,
            ["0%", "<0.1%", "0.1%", "12.3%", "99.9%", ">99.9%", "100%"]
        );
    }

    #[test]
    fn a_range_is_never_narrower_than_it_is() {
        assert_eq!(percent_range(0.554, 0.841), "55–85%");
        assert_eq!(percent_range(0.0, 1.0), "0–100%");
    }

    #[test]
    fn beta_is_exact_where_it_is_short() {
        let read: Vec<String> = [0.0, 0.5, 2.0, 1.0 / 3.0, 1234.567, f64::INFINITY, 1e9, 1e-9]
            .map(significant)
            .to_vec();
        assert_eq!(
            read,
            [
                "0", "0.5", "2", "0.3333", "1235", "∞", "1.000e9", "1.000e-9"
            ]
        );
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        let read: Vec<String> = [0, 999, 1000, 1_234_567].map(grouped).to_vec();
        assert_eq!(read, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [2.04, 99.94, 99.96, 4096.0].map(about).to_vec(),
            ["2.0", "99.9", "100", "4,096"]
        );
    }
}
