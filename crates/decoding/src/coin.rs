//! The coin: the uniform random draw behind a sampled token, as a pure function of seed, chain and position.
//!
//! Counter-based, after SplitMix64 (Steele, Lea, Flood 2014, with Stafford's thirteenth mixer): no state passes between draws, so
//! moving a slider keeps every draw, and page, worker, trainer and tests agree. Integer arithmetic and one exact division by a power
//! of two: the same bits on every platform. Not for cryptography.

/// The step of SplitMix64: 2^64 divided by the golden ratio, odd.
const GOLDEN_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A number in [0, 1), usually from [`coin()`].
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct Coin(f64);

impl Coin {
    /// A coin of this value, if it lies in [0, 1).
    pub fn new(value: f64) -> Option<Self> {
        (0.0..1.0).contains(&value).then_some(Self(value))
    }

    /// The number, in [0, 1).
    pub fn value(self) -> f64 {
        self.0
    }
}

/// The random draw of a chain at a position (both counted from 0): 53 random bits, a function of the arguments alone. The same seed
/// reproduces the same draws.
pub fn coin(seed: u64, chain: u32, position: u32) -> Coin {
    let seeded = step(seed, 0);
    let chained = step(seeded, chain);
    let bits = step(chained, position);
    Coin((bits >> 11) as f64 / (1_u64 << 53) as f64)
}

/// The output number `index` of the SplitMix64 stream that starts at `state`.
fn step(state: u64, index: u32) -> u64 {
    let mut z = state.wrapping_add(GOLDEN_STEP.wrapping_mul(u64::from(index) + 1));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long runs along each axis, the other two held.
    fn runs() -> [(&'static str, Vec<f64>); 3] {
        let length = 1_u32 << 17;
        let run = |throw: &dyn Fn(u32) -> Coin| (0..length).map(|n| throw(n).value()).collect();
        [
            ("seed", run(&|n| coin(u64::from(n), 3, 9))),
            ("chain", run(&|n| coin(42, n, 9))),
            ("position", run(&|n| coin(42, 3, n))),
        ]
    }

    /// Chi-square of counts that should be equal; the second number is its standard deviation from what chance expects.
    fn deviation(counts: &[u32]) -> f64 {
        let expected = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
        let chi_square: f64 = counts
            .iter()
            .map(|&count| (f64::from(count) - expected).powi(2) / expected)
            .sum();
        let degrees = counts.len() as f64 - 1.0;
        (chi_square - degrees) / (2.0 * degrees).sqrt()
    }

    #[test]
    fn throws_are_uniform_along_every_axis() {
        for (axis, run) in runs() {
            let mut counts = [0; 256];
            for value in run {
                assert!((0.0..1.0).contains(&value));
                counts[(value * 256.0) as usize] += 1;
            }
            assert!(
                deviation(&counts).abs() < 4.0,
                "{axis}: {} standard deviations",
                deviation(&counts)
            );
        }
    }

    #[test]
    fn neighbours_are_independent_along_every_axis() {
        for (axis, run) in runs() {
            for lag in [1, 2, 64] {
                let mut counts = [0; 256];
                for (a, b) in run.iter().zip(&run[lag..]) {
                    counts[(a * 16.0) as usize * 16 + (b * 16.0) as usize] += 1;
                }
                let pairs = (run.len() - lag) as f64;
                let correlation = run
                    .iter()
                    .zip(&run[lag..])
                    .map(|(a, b)| (a - 0.5) * (b - 0.5))
                    .sum::<f64>()
                    * 12.0
                    / pairs;
                assert!(
                    deviation(&counts).abs() < 4.0,
                    "{axis}, lag {lag}: {}",
                    deviation(&counts)
                );
                assert!(
                    correlation.abs() < 4.0 / pairs.sqrt(),
                    "{axis}, lag {lag}: correlation {correlation}"
                );
            }
        }
    }

    #[test]
    fn the_axes_are_independent_of_each_other() {
        let [(_, seeds), (_, chains), (_, positions)] = runs();
        for (one, other) in [
            (&seeds, &chains),
            (&seeds, &positions),
            (&chains, &positions),
        ] {
            let products = one.iter().zip(other).map(|(a, b)| (a - 0.5) * (b - 0.5));
            let correlation = products.sum::<f64>() * 12.0 / one.len() as f64;
            assert!(
                correlation.abs() < 4.0 / (one.len() as f64).sqrt(),
                "{correlation}"
            );
        }
        assert_ne!(
            coin(1, 2, 3),
            coin(1, 3, 2),
            "chain and position do not trade places"
        );
        assert_ne!(coin(2, 1, 3), coin(1, 2, 3), "nor seed and chain");
    }

    #[test]
    fn flipping_any_bit_of_the_coordinates_flips_half_of_the_coin() {
        let bits = |seed, chain, position| {
            (coin(seed, chain, position).value() * (1_u64 << 53) as f64) as u64
        };
        let places = 400;
        for flipped in 0..128 {
            let changed: u32 = (0..places)
                .map(|n| {
                    let (seed, chain, position) = (u64::from(n) * 77, n % 64, n / 2);
                    let flip = 1_u128 << flipped;
                    let (low, middle, high) =
                        (flip as u64, (flip >> 64) as u32, (flip >> 96) as u32);
                    (bits(seed, chain, position)
                        ^ bits(seed ^ low, chain ^ middle, position ^ high))
                    .count_ones()
                })
                .sum();
            let share = f64::from(changed) / f64::from(53 * places);
            assert!((share - 0.5).abs() < 0.02, "bit {flipped}: {share}"); // six standard deviations
        }
    }

    #[test]
    fn values_are_pinned_so_that_links_keep_their_meaning() {
        let thrown = [
            coin(0, 0, 0),
            coin(1, 0, 0),
            coin(1, 63, 127),
            coin(u64::MAX, u32::MAX, u32::MAX),
        ];
        assert_eq!(
            thrown.map(|coin| coin.value().to_bits()),
            GOLDEN,
            "{thrown:?}"
        );
    }

    /// Computed apart from this code, in Python's integers.
    const GOLDEN: [u64; 4] = [
        0x3fc1_c13a_de1c_7e5c,
        0x3fe6_3140_5e8d_b1b0,
        0x3feb_f258_26fd_65cd,
        0x3fd5_c02f_0014_9e40,
    ];

    #[test]
    fn a_coin_lies_in_the_half_open_unit_interval() {
        assert_eq!(Coin::new(0.25).map(Coin::value), Some(0.25));
        for bad in [1.0, -0.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Coin::new(bad), None);
        }
    }
}
