//! Loops: greedy decoding of a small model ends in a cycle, and this finds it.
//!
//! Eventually periodic sequences as in cycle detection (Knuth, TAOCP 2, 3.1): a pre-period, then a period for ever.

/// How often the period must be seen whole at the end: ordinary text says "very very", seldom three times.
const TIMES_SEEN: usize = 3;

/// Where a sequence begins to loop and how long the loop is, both in tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoopPeriod {
    /// Tokens before the loop.
    pub pre_period: usize,
    /// Tokens in one turn of the loop, at least 1.
    pub period: usize,
}

/// Finds the loop in which the tokens end: from `pre_period` on, each token equals the one `period` later, to the end, and that
/// end holds the period at least three times. Of several, the one that begins earliest; then the shortest.
///
/// Quadratic time in the worst case; a typical text leaves each candidate period after a comparison or two.
pub fn loop_period(tokens: &[u32]) -> Option<LoopPeriod> {
    (1..=tokens.len() / TIMES_SEEN)
        .map(|period| {
            let equal = tokens
                .iter()
                .rev()
                .zip(tokens.iter().rev().skip(period))
                .take_while(|(a, b)| a == b)
                .count();
            LoopPeriod {
                pre_period: tokens.len() - period - equal,
                period,
            }
        })
        .filter(|it| tokens.len() - it.pre_period >= TIMES_SEEN * it.period)
        .min_by_key(|it| (it.pre_period, it.period))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_where_the_loop_begins_and_how_long_it_is() {
        let found = |tokens: &[u32]| loop_period(tokens).map(|it| (it.pre_period, it.period));
        assert_eq!(found(&[9, 8, 7, 7, 7]), Some((2, 1)));
        assert_eq!(found(&[9, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1]), Some((1, 3)));
        assert_eq!(found(&[4, 4, 4]), Some((0, 1)));
        assert_eq!(found(&[1, 2, 1, 2]), None);
        assert_eq!(found(&[1, 1, 1, 2]), None);
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn a_stutter_inside_the_loop_does_not_hide_it() {
        let tokens = [5, 6, 6, 6].repeat(3);
        assert_eq!(
            loop_period(&tokens),
            Some(LoopPeriod {
                pre_period: 0,
                period: 4
            })
        );
    }
}
