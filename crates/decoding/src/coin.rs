//! The coin: a uniform number in [0, 1) as a pure function of where it is thrown.
//!
//! Counter-based, after SplitMix64 (Steele, Lea, Flood 2014, with Stafford's thirteenth mixer): no state passes between throws,
//! so a slider that moves keeps every coin, and page, worker, trainer and tests agree. Integer arithmetic and one exact division
//! by a power of two: the same bits on every platform. For play and science, not for secrets.

/// The step of SplitMix64: 2^64 divided by the golden ratio, odd.
const GOLDEN_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A number in [0, 1), usually from [`coin()`].
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct Coin(f64);

impl Coin {
    /// The coin of this value, if it lies in [0, 1).
    pub fn new(value: f64) -> Option<Self> {
        (0.0..1.0).contains(&value).then_some(Self(value))
    }

    /// The number, in [0, 1).
    pub fn value(self) -> f64 {
        self.0
    }
}

/// Throws the coin of a chain at a position (both counted from 0): 53 random bits, a function of the arguments alone.
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
