//! Repetition loops: greedy decoding of a small model ends in a cycle, and this finds it.
//!
//! Eventually periodic sequences as in cycle detection (Knuth, TAOCP 2, 3.1): a prefix, then a period repeated to the end.

/// How often the period must be seen whole at the end: ordinary text says "very very", seldom three times.
const TIMES_SEEN: usize = 3;

/// Where a sequence starts to loop and how long the loop is, both in tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoopPeriod {
    /// Tokens before the loop.
    pub prefix_len: usize,
    /// Tokens in one turn of the loop, at least 1.
    pub period: usize,
}

/// Finds the loop in which the tokens end: from `prefix_len` on, each token equals the one `period` later, to the end, and that
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
                prefix_len: tokens.len() - period - equal,
                period,
            }
        })
        .filter(|it| tokens.len() - it.prefix_len >= TIMES_SEEN * it.period)
        .min_by_key(|it| (it.prefix_len, it.period))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_where_the_loop_begins_and_how_long_it_is() {
        let found = |tokens: &[u32]| loop_period(tokens).map(|it| (it.prefix_len, it.period));
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
                prefix_len: 0,
                period: 4
            })
        );
    }

    proptest! {
        #[test]
        fn a_loop_is_found_where_it_was_put(before in prop::collection::vec(0_u32..1000, 0..30), period in 1_usize..8, turns in 3_usize..6, extra in 0_usize..8) {
            // The loop's tokens differ from each other and from those before it, so that it has only one reading.
            let turn: Vec<u32> = (1000..1000 + period as u32).collect();
            let mut tokens = before.clone();
            tokens.extend(turn.iter().cycle().take(turns * period + extra % period));
            let found = loop_period(&tokens).unwrap();
            prop_assert_eq!((found.prefix_len, found.period), (before.len(), period));
        }

        #[test]
        fn of_all_loops_the_one_that_begins_earliest_and_then_the_shortest_is_told(tokens in prop::collection::vec(0_u32..3, 0..24)) {
            let repeats = |start: usize, period: usize| (start + period..tokens.len()).all(|at| tokens[at] == tokens[at - period]);
            let first = (0..tokens.len())
                .flat_map(|start| (1..=(tokens.len() - start) / 3).map(move |period| (start, period)))
                .find(|&(start, period)| repeats(start, period));
            prop_assert_eq!(loop_period(&tokens).map(|it| (it.prefix_len, it.period)), first);
        }

        #[test]
        fn what_is_called_a_loop_repeats_to_the_end(tokens in prop::collection::vec(0_u32..3, 0..40)) {
            if let Some(found) = loop_period(&tokens) {
                let tail = &tokens[found.prefix_len..];
                prop_assert!(found.period >= 1 && tail.len() >= 3 * found.period);
                prop_assert!(tail.iter().zip(&tail[found.period..]).all(|(a, b)| a == b));
            }
        }
    }
}
