//! What the next-token panel shows of one row, one set of knobs and one coin. All maths is `decoding`'s.

use std::rc::Rc;

use decoding::{Distribution, Segment, Shaping, coin, kl_bits, shape};
use protocol::Lambda;

use super::curve::EntropyCurve;
use crate::state::{Row, SamplingParams};

/// Bars at most, as many in every frame: putting one in and out takes longer than to fill it.
pub const BARS: usize = 13;

/// Pieces of the ruler that are drawn one by one, at most; what remains is drawn as one.
const PIECES: usize = 32;

/// A piece narrower than this share of the ruler is not drawn on its own: it would be thinner than the gap beside it.
const THINNEST: f64 = 0.006;

/// A token's bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Token id.
    pub token: u32,
    /// Its probability under the knobs.
    pub p: f64,
    /// The base's probability, before any shaping.
    pub before: f64,
    /// The coin falls on it.
    pub picked: bool,
}

/// One row under some knobs.
#[derive(Clone, Debug, PartialEq)]
pub struct NextToken {
    /// The likeliest tokens by falling probability; the picked one takes the last place where it is not among them.
    pub bars: Vec<Bar>,
    /// The likeliest tokens laid end to end from 0 to 1.
    pub ruler: Vec<Segment>,
    /// Where the coin falls on it.
    pub coin: f64,
    /// The token there.
    pub picked: u32,
    /// Shannon entropy, bits.
    pub entropy_bits: f64,
    /// `2^H`.
    pub effective_choices: f64,
    /// How far the distribution lies from the base's before any shaping, `KL(now || base)` in bits; where an adapter is on.
    pub kl_from_base_bits: Option<f64>,
}

/// A row at some lambda, before the knobs: what stays while they move.
#[derive(Clone, Debug, PartialEq)]
pub struct InterpolatedRow {
    logits: Vec<f32>,
    /// Its entropy at every β.
    pub curve: Rc<EntropyCurve>,
}

impl InterpolatedRow {
    /// The row at this lambda.
    pub fn of(row: &Row, lambda: Lambda) -> Self {
        let logits = row.logits(lambda).into_owned();
        let curve = Rc::new(EntropyCurve::of(&logits));
        Self { logits, curve }
    }
}

/// The base's distribution before any shaping: what the ghosts behind the bars show. It changes with the row alone.
pub fn unshaped(row: &Row) -> Distribution {
    shape(&row.rows.base, &[], &Shaping::default())
}

/// The row under the knobs, with the coin that the story throws there.
pub fn next_token(
    row: &Row,
    unshaped: &Distribution,
    interpolated: &InterpolatedRow,
    params: SamplingParams,
) -> NextToken {
    let shaped = shape(&interpolated.logits, &row.history, &params.shaping);
    let coin = coin(params.seed, row.story, row.position);
    let picked = shaped.pick(coin);
    let mut ranked = shaped.ranked(BARS);
    if ranked.iter().all(|(token, _)| *token != picked)
        && let Some(last) = ranked.last_mut()
    {
        *last = (picked, shaped.probability(picked));
    }
    let bars: Vec<Bar> = ranked
        .into_iter()
        .map(|(token, p)| Bar {
            token,
            p,
            before: unshaped.probability(token),
            picked: token == picked,
        })
        .collect();
    NextToken {
        bars,
        ruler: shaped
            .ruler(PIECES)
            .into_iter()
            .take_while(|piece| piece.end - piece.start >= THINNEST)
            .collect(),
        coin: coin.value(),
        picked,
        entropy_bits: shaped.entropy_bits(),
        effective_choices: shaped.effective_choices(),
        kl_from_base_bits: row
            .is_tuned()
            .then(|| kl_bits(shaped.probabilities(), unshaped.probabilities())),
    }
}

#[cfg(test)]
mod tests {
    use protocol::Logits;

    use super::*;

    fn logits(step: usize) -> Vec<f32> {
        (0..100)
            .map(|token| ((token * step % 100) as f32) / 10.0)
            .collect()
    }

    fn row(tuned: Option<Vec<f32>>) -> Row {
        Row {
            rows: Logits {
                base: logits(37),
                tuned,
            },
            history: vec![3, 5],
            after: String::new(),
            chain: 2,
            story: 2,
            position: 4,
        }
    }

    fn read_row(row: &Row, temperature: f64, lambda: f64) -> NextToken {
        let params = SamplingParams {
            shaping: Shaping::default().with_temperature(temperature).unwrap(),
            lambda: Lambda::new(lambda).unwrap(),
            seed: 11,
        };
        next_token(
            row,
            &unshaped(row),
            &InterpolatedRow::of(row, params.lambda),
            params,
        )
    }

    fn read(temperature: f64) -> NextToken {
        read_row(&row(None), temperature, 1.0)
    }

    #[test]
    fn the_distance_from_the_base_is_nothing_at_the_base_and_grows_with_lambda() {
        let row = row(Some(logits(13)));
        let bits = [0.0, 0.5, 1.0, 1.5]
            .map(|lambda| read_row(&row, 1.0, lambda).kl_from_base_bits.unwrap());
        assert_eq!(bits[0], 0.0);
        assert!(bits.windows(2).all(|pair| pair[0] < pair[1]), "{bits:?}");
    }

    #[test]
    fn the_ghosts_are_the_base_at_any_lambda() {
        let tuned = row(Some(logits(13)));
        let alone = unshaped(&row(None));
        for lambda in [0.0, 1.0, 1.5] {
            let next = read_row(&tuned, 0.7, lambda);
            assert!(
                next.bars
                    .iter()
                    .all(|bar| bar.before == alone.probability(bar.token))
            );
        }
    }

    #[test]
    fn the_base_alone_has_no_distance_and_no_lambda() {
        let row = row(None);
        assert_eq!(read_row(&row, 0.7, 1.5), read_row(&row, 0.7, 0.0));
        assert_eq!(read(0.7).kl_from_base_bits, None);
    }

    #[test]
    fn greedy_leaves_one_possible_bar_and_it_is_picked() {
        let next = read(0.0);
        let possible: Vec<&Bar> = next.bars.iter().filter(|bar| bar.p > 0.0).collect();
        assert_eq!(possible.len(), 1);
        assert!(possible[0].p == 1.0 && possible[0].picked);
        assert_eq!((next.entropy_bits, next.effective_choices), (0.0, 1.0));
    }

    #[test]
    fn the_picked_token_always_has_a_bar_and_lies_under_the_coin() {
        for temperature in [0.0, 0.3, 1.0, 3.0, 100.0, f64::INFINITY] {
            let next = read(temperature);
            let picked: Vec<&Bar> = next.bars.iter().filter(|bar| bar.picked).collect();
            assert_eq!(picked.len(), 1, "T = {temperature}");
            if let Some(piece) = next.ruler.iter().find(|piece| piece.id == next.picked) {
                assert!(piece.start <= next.coin && next.coin < piece.end);
            }
        }
    }

    #[test]
    fn neutral_knobs_cover_their_ghosts_exactly() {
        assert!(read(1.0).bars.iter().all(|bar| bar.p == bar.before));
    }

    #[test]
    fn bars_keep_their_order_while_only_the_temperature_moves() {
        let tokens = |next: NextToken| {
            next.bars
                .iter()
                .take(BARS - 1)
                .map(|bar| bar.token)
                .collect::<Vec<_>>()
        };
        assert_eq!(tokens(read(0.0)), tokens(read(2.5)));
    }
}
