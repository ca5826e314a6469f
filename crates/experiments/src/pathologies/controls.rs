//! The same chains and measures where the answer is known.

use decoding::{LanguageModel, Shaping};

use super::decoders::{Picks, continued};
use super::measures::{DISTINCT_2, Estimators, LOOPS, Measured, PERIOD, SELF_BLEU, SURPRISAL};
use crate::config::at_temperature;
use crate::progress::ExperimentError;
use crate::results::Control;
use crate::sampling::SampledChain;
use crate::table::{Metric, Row, Table};
use crate::{Toy, Unobserved};

/// Tokens of a control's chains.
const LENGTH: usize = 60;
/// What the openings of a control are.
const OPENINGS: [&str; 4] = ["x", "y", "xy", "yx"];
/// The loop that is planted, behind the first two tokens.
const PLANTED: &[u8] = b"cde";
/// Seed of all controls.
const SEED: u64 = 1;

/// All controls by these estimators; beam search of width 1 is compared with chains picked so.
///
/// # Errors
/// Never with these toys.
pub async fn controls(
    by: &Estimators,
    of_width_1: Shaping,
) -> Result<Vec<Control>, ExperimentError> {
    let width_1 = Picks::Beam(std::num::NonZeroUsize::MIN);
    let plain = Picks::Shaped(Shaping::default());
    let planted = sampled(&looping(), plain).await?;
    let even = sampled(&fair_coins(), plain).await?;
    let never = sampled(&thue_morse(), plain).await?;
    let (one, other) = (
        sampled(&moody(), Picks::Shaped(of_width_1)).await?,
        sampled(&moody(), width_1).await?,
    );
    let same = one
        .iter()
        .zip(&other)
        .filter(|(one, other)| one.tokens == other.tokens)
        .count();
    let row = Row::of("toy");
    let value = |chains: &[SampledChain], metric: &Metric| {
        let measured = Measured {
            row: row.clone(),
            chains,
            set: chains.len(),
            seed: SEED,
        };
        let mut table = Table::default();
        measured.add_to_table(&mut table, by);
        table.value(&row, metric).unwrap_or(f64::NAN)
    };
    let exact = |name: &str, about: &str, expected: f64, found: f64| Control {
        name: name.to_owned(),
        about: about.to_owned(),
        expected,
        found,
        tolerance: 1e-9,
    };
    // "ab" and then "cde" for ever: the pairs are ab, bc, cd, de, ec, of 59 in each of four equal chains.
    let pairs = 5.0 / (OPENINGS.len() * (LENGTH - 1)) as f64;
    Ok(vec![
        exact(
            "a planted loop is found",
            "A toy says \"ab\" and then \"cde\" for ever: all chains loop, in %.",
            100.0,
            value(&planted, &LOOPS),
        ),
        exact(
            "its period",
            "The loop has three tokens.",
            PLANTED.len() as f64,
            value(&planted, &PERIOD),
        ),
        exact(
            "no loop is found where there is none",
            "A toy says the word of Thue and Morse, in which no block stands three times in a row (Thue 1912): no chain loops, in %.",
            0.0,
            value(&never, &LOOPS),
        ),
        exact(
            "distinct pairs of the planted loop",
            "Four equal chains of 60 tokens have five different pairs among 4 times 59.",
            pairs,
            value(&planted, &DISTINCT_2),
        ),
        exact(
            "self-BLEU of equal texts",
            "Each of four equal chains lies in another.",
            1.0,
            value(&planted, &SELF_BLEU),
        ),
        exact(
            "Zipf's exponent",
            "Ten tokens occur 2520 / rank times, which is whole for all ranks to 10: the exponent is 1.",
            1.0,
            (by.zipf)(&power_law()).unwrap_or(f64::NAN),
        ),
        exact(
            "beam search of width 1",
            "It is greedy decoding: on a toy whose rows follow from all it read, all chains are the same, in %.",
            100.0,
            100.0 * same as f64 / one.len() as f64,
        ),
        Control {
            tolerance: 1e-6,
            ..exact(
                "surprisal of fair coins",
                "Each token of a toy that throws fair coins costs ln 2 nats; its logits are rounded to f32.",
                std::f64::consts::LN_2,
                value(&even, &SURPRISAL),
            )
        },
    ])
}

async fn sampled(toy: &Toy, picks: Picks) -> Result<Vec<SampledChain>, ExperimentError> {
    let openings: Vec<Vec<u32>> = OPENINGS
        .iter()
        .map(|opening| toy.encode(opening).map_err(ExperimentError::model))
        .collect::<Result<_, _>>()?;
    continued(toy, &openings, picks, SEED, LENGTH, &mut Unobserved).await
}

/// What a toy said behind its opening of letters x and y.
fn said(text: &[u8]) -> &[u8] {
    let opening = text.iter().take_while(|byte| b"xy".contains(byte)).count();
    &text[opening..]
}

fn looping() -> Toy {
    Toy::new(|text| {
        let place = said(text).len();
        let byte = match place {
            0 => b'a',
            1 => b'b',
            later => PLANTED[(later - 2) % PLANTED.len()],
        };
        vec![(Some(byte), 1.0)]
    })
}

fn thue_morse() -> Toy {
    Toy::new(|text| {
        let byte = if said(text).len().count_ones().is_multiple_of(2) {
            b'a'
        } else {
            b'b'
        };
        vec![(Some(byte), 1.0)]
    })
}

fn fair_coins() -> Toy {
    Toy::new(|_| vec![(Some(b'a'), 0.5), (Some(b'b'), 0.5)])
}

/// Three letters in a proportion that follows from all that was read.
fn moody() -> Toy {
    Toy::new(|text| {
        let read = text.iter().fold(7_u32, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u32::from(*byte))
        });
        let likeliest = (read >> 8) % 3;
        let letter = |place: u32| {
            if place == likeliest {
                0.5
            } else {
                0.15 + 0.1 * f64::from((place + 3 - likeliest) % 3 - 1)
            }
        };
        (0..3_u8)
            .map(|place| (Some(b'a' + place), letter(place.into())))
            .collect()
    })
}

fn power_law() -> Vec<usize> {
    (1..=10).map(|rank| 2520 / rank).collect()
}

/// The controls as they are run.
///
/// # Errors
/// Never with these toys.
pub async fn all() -> Result<Vec<Control>, ExperimentError> {
    controls(&Estimators::default(), at_temperature(0.0)).await
}

#[cfg(test)]
mod tests {
    use statistics::LoopPeriod;

    use super::*;

    fn failed(by: &Estimators, of_width_1: Shaping) -> Vec<String> {
        let controls = pollster::block_on(controls(by, of_width_1)).unwrap();
        assert_eq!(controls.len(), 8);
        let failed = controls.into_iter().filter(|control| !control.passed());
        failed.map(|control| control.name).collect()
    }

    #[test]
    fn the_controls_pass() {
        assert!(failed(&Estimators::default(), at_temperature(0.0)).is_empty());
    }

    /// Each estimator broken on purpose fails its own controls and no other.
    #[test]
    fn broken_estimators_fail_their_controls() {
        let right = Estimators::default();
        let blind = Estimators {
            period: |_| None,
            ..right
        };
        assert_eq!(
            failed(&blind, at_temperature(0.0)),
            ["a planted loop is found", "its period"]
        );
        // Two turns are enough for it: the word of Thue and Morse has squares at most ends.
        let hasty = Estimators {
            period: |tokens| {
                let n = tokens.len();
                let twice =
                    |period: &usize| tokens[n - period..] == tokens[n - 2 * period..n - period];
                (1..=n / 2).find(twice).map(|period| LoopPeriod {
                    prefix_len: n - 2 * period,
                    period,
                })
            },
            ..right
        };
        assert_eq!(
            failed(&hasty, at_temperature(0.0)),
            ["no loop is found where there is none"]
        );
        let long = Estimators {
            period: |tokens| {
                statistics::loop_period(tokens).map(|it| LoopPeriod {
                    period: 2 * it.period,
                    ..it
                })
            },
            ..right
        };
        assert_eq!(failed(&long, at_temperature(0.0)), ["its period"]);
        let flipped = Estimators {
            zipf: |counts| crate::zipf::zipf_exponent(counts).map(|it| -it),
            ..right
        };
        assert_eq!(failed(&flipped, at_temperature(0.0)), ["Zipf's exponent"]);
        let triples = Estimators {
            distinct: |texts, n| statistics::distinct_n(texts, n + 1),
            ..right
        };
        assert_eq!(
            failed(&triples, at_temperature(0.0)),
            ["distinct pairs of the planted loop"]
        );
        let halved = Estimators {
            bleu: |texts, n| statistics::self_bleu(texts, n).map(|it| it / 2.0),
            ..right
        };
        assert_eq!(
            failed(&halved, at_temperature(0.0)),
            ["self-BLEU of equal texts"]
        );
        assert_eq!(
            failed(&right, Shaping::default()),
            ["beam search of width 1"]
        );
    }

    /// A surprisal that is not the unshaped model's is noticed: coins that are not fair cost something else.
    #[test]
    fn loaded_coins_are_told_from_fair_ones() {
        let loaded = Toy::new(|_| vec![(Some(b'a'), 0.9), (Some(b'b'), 0.1)]);
        let chains =
            pollster::block_on(sampled(&loaded, Picks::Shaped(at_temperature(0.0)))).unwrap();
        let cost = chains[0].surprisal_nats[0];
        assert!((cost + 0.9_f64.ln()).abs() < 1e-6);
        assert!((cost - std::f64::consts::LN_2).abs() > 0.1);
    }
}
