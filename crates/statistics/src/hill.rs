//! Hill numbers, the effective number of kinds, and how much of the population a sample covers.
//!
//! Hill numbers of a sample are too low while kinds are missing from it; coverage says how much is. Compare samples of about equal
//! coverage, or of equal size (Chao and Jost 2012, Ecology 93). Neither depends on the length of texts but through the kinds.

/// Hill number of order `q` (Hill 1973, Ecology 54) of counts, plug-in: `(Σ p^q)^(1/(1-q))`, from 1 to the number of kinds seen. Order 0
/// is that number, order 1 the exponential of Shannon's entropy, order 2 the inverse of Simpson's index, infinity the inverse of the
/// largest share. `None` where nothing is counted or `q` is negative or NaN.
pub fn hill_number(counts: &[usize], q: f64) -> Option<f64> {
    let n = counts.iter().sum::<usize>() as f64;
    if n == 0.0 || q.is_nan() || q < 0.0 {
        return None;
    }
    let shares = || {
        counts
            .iter()
            .filter(|count| **count > 0)
            .map(|&count| count as f64 / n)
    };
    Some(if q == 1.0 {
        shares().map(|p| -p * p.ln()).sum::<f64>().exp()
    } else if q == f64::INFINITY {
        1.0 / shares().fold(0.0, f64::max)
    } else {
        shares()
            .map(|p| p.powf(q))
            .sum::<f64>()
            .powf(1.0 / (1.0 - q))
    })
}

/// Sample coverage: the estimated share of the population that belongs to kinds in the sample, 0 to 1, after Good and Turing (Good 1953,
/// Biometrika 40) as improved by Chao and Jost 2012: `1 - f₁/n (n-1) f₁ / ((n-1) f₁ + 2 f₂)` for `f₁` kinds seen once and `f₂` seen twice.
/// `None` where nothing is counted.
pub fn coverage(counts: &[usize]) -> Option<f64> {
    let n = counts.iter().sum::<usize>() as f64;
    let seen = |times: usize| counts.iter().filter(|count| **count == times).count() as f64;
    let (once, twice) = (seen(1), seen(2));
    if n == 0.0 {
        return None;
    }
    if once == 0.0 {
        return Some(1.0);
    }
    let rest = (n - 1.0) * once;
    // Without kinds seen twice the formula would give Turing's own estimate, 1 - f₁/n.
    let factor = if rest > 0.0 {
        rest / (rest + 2.0 * twice)
    } else {
        1.0
    };
    Some((1.0 - once / n * factor).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_kinds_count_whole_at_every_order() {
        for q in [0.0, 0.5, 1.0, 2.0, f64::INFINITY] {
            assert!(
                (hill_number(&[3, 3, 3, 0, 3], q).unwrap() - 4.0).abs() < 1e-12,
                "{q}"
            );
        }
        assert_eq!(hill_number(&[0, 0], 1.0), None);
        assert_eq!(hill_number(&[1], -1.0), None);
    }

    #[test]
    fn unequal_kinds_by_hand() {
        // Shares 3/4 and 1/4: 1 / (9/16 + 1/16) and 4/3.
        assert!((hill_number(&[3, 1], 2.0).unwrap() - 1.6).abs() < 1e-12);
        assert!((hill_number(&[3, 1], f64::INFINITY).unwrap() - 4.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn coverage_by_hand() {
        // Two kinds once and one twice among ten: 1 - 2/10 · 18 / (18 + 2).
        assert!((coverage(&[6, 2, 1, 1]).unwrap() - 0.82).abs() < 1e-12);
        assert_eq!(coverage(&[5, 5]), Some(1.0));
        assert_eq!(coverage(&[1]), Some(0.0));
        assert_eq!(coverage(&[1, 1, 1]), Some(0.0));
        assert_eq!(coverage(&[]), None);
    }

    proptest! {
        #[test]
        fn hill_numbers_fall_with_their_order(counts in prop::collection::vec(0_usize..9, 1..8)) {
            prop_assume!(counts.iter().sum::<usize>() > 0);
            let orders = [0.0, 0.7, 1.0, 1.5, 2.0, 5.0, f64::INFINITY];
            let found = orders.map(|q| hill_number(&counts, q).unwrap());
            prop_assert!(found.windows(2).all(|pair| pair[0] >= pair[1] - 1e-9));
            prop_assert!((0.0..=1.0).contains(&coverage(&counts).unwrap()));
        }
    }
}
