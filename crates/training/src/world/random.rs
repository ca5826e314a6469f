//! The world's only source of chance: splitmix64 (Steele, Lea and Flood 2014,
//! "Fast splittable pseudorandom number generators"). Integer arithmetic only,
//! so a seed gives the same story on every platform.

/// The odd constant nearest to 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The splitmix64 output function: a bijection that scatters nearby inputs.
fn scatter(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A stream of pseudorandom numbers for one story.
#[derive(Debug, Clone)]
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    /// The stream of story `index` under `seed`; needs no earlier story.
    pub(crate) fn stream(seed: u64, index: u64) -> Self {
        Self(scatter(
            scatter(seed.wrapping_add(GOLDEN)) ^ index.wrapping_mul(GOLDEN),
        ))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        scatter(self.0)
    }

    /// A whole number below `n`, which must not be zero.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let product = u128::from(self.next()) * n as u128;
        usize::try_from(product >> 64).expect("a number below a usize fits in a usize")
    }

    /// A number from 0 to below 1, in steps of 2^-32.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 32) as f64 / (1_u64 << 32) as f64
    }

    /// True `per_mille` times in a thousand on average.
    pub(crate) fn chance(&mut self, per_mille: usize) -> bool {
        self.below(1000) < per_mille
    }
}

#[cfg(test)]
mod tests {
    use super::SplitMix64;

    #[test]
    fn first_numbers_are_those_of_the_published_algorithm() {
        // Reference stream of splitmix64 from state 1234567.
        let mut rng = SplitMix64(1_234_567);
        assert_eq!(rng.next(), 6_457_827_717_110_365_317);
        assert_eq!(rng.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn every_face_of_a_die_comes_up_evenly() {
        let mut rng = SplitMix64::stream(1, 2);
        let mut faces = [0_u32; 6];
        for _ in 0..60_000 {
            faces[rng.below(6)] += 1;
        }
        assert!(
            faces.iter().all(|n| (9_500..10_500).contains(n)),
            "{faces:?}"
        );
    }
}
