//! Three-valued logic over intervals: yes, no, or undecided (`None`); what an interval says of a bound, and how several such answers
//! combine (Kleene's strong logic, 1938).

/// Whether a number is above a bound: no answer where its interval holds the bound, or where there is no interval.
pub fn above(interval: Option<(f64, f64)>, bound: f64) -> Option<bool> {
    let (low, high) = interval?;
    if low > bound {
        Some(true)
    } else if high <= bound {
        Some(false)
    } else {
        None
    }
}

/// Whether one number is below another: no answer where their intervals meet, or where one has none.
pub fn below(one: Option<(f64, f64)>, other: Option<(f64, f64)>) -> Option<bool> {
    let (one, other) = one.zip(other)?;
    if one.1 < other.0 {
        Some(true)
    } else if one.0 > other.1 {
        Some(false)
    } else {
        None
    }
}

/// Whether any of some things holds: one that does decides, and one that is not known leaves it open.
pub fn any(parts: &[Option<bool>]) -> Option<bool> {
    if parts.contains(&Some(true)) {
        Some(true)
    } else if parts.contains(&None) {
        None
    } else {
        Some(false)
    }
}

/// Whether all of some things hold: one that does not decides, and one that is not known leaves it open.
pub fn all(parts: &[Option<bool>]) -> Option<bool> {
    if parts.contains(&Some(false)) {
        Some(false)
    } else if parts.contains(&None) {
        None
    } else {
        Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_that_holds_the_bound_says_nothing() {
        assert_eq!(above(Some((1.0, 2.0)), 0.5), Some(true));
        assert_eq!(above(Some((1.0, 2.0)), 2.0), Some(false));
        assert_eq!(above(Some((1.0, 2.0)), 1.5), None);
        assert_eq!(above(None, 0.0), None);
    }

    #[test]
    fn intervals_that_meet_say_nothing() {
        let (low, high) = (Some((1.0, 2.0)), Some((2.5, 3.0)));
        assert_eq!(below(low, high), Some(true));
        assert_eq!(below(high, low), Some(false));
        assert_eq!(below(low, Some((2.0, 3.0))), None);
        assert_eq!(below(low, None), None);
    }

    #[test]
    fn one_that_holds_is_enough_for_any() {
        assert_eq!(any(&[Some(true), None, Some(false)]), Some(true));
        assert_eq!(any(&[Some(false), None]), None);
        assert_eq!(any(&[Some(false), Some(false)]), Some(false));
    }

    #[test]
    fn one_that_fails_decides() {
        assert_eq!(all(&[Some(true), None, Some(false)]), Some(false));
        assert_eq!(all(&[Some(true), None]), None);
        assert_eq!(all(&[Some(true), Some(true)]), Some(true));
    }
}
