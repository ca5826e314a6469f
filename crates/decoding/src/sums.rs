//! The two sums over unnormalised weights from which normalisation and entropy follow.

/// How many partial sums are kept side by side, so that the loop vectorises. It fixes the order of the additions, and so the last
/// bits of the result.
pub(crate) const LANES: usize = 8;

/// Sums over weights `w = e^x`.
#[derive(Clone, Copy)]
pub(crate) struct Sums {
    /// `Z = Σ w`.
    pub(crate) mass: f64,
    /// `Σ w x`; no term is above 0 while no exponent is.
    pub(crate) mass_log: f64,
}

impl Sums {
    /// Entropy of `w / Z` in nats: `ln Z - Σ w x / Z`.
    pub(crate) fn entropy_nats(self) -> f64 {
        (self.mass.ln() - self.mass_log / self.mass).max(0.0)
    }
}

/// Partial sums, one per lane.
#[derive(Default)]
pub(crate) struct Lanes {
    mass: [f64; LANES],
    mass_log: [f64; LANES],
}

impl Lanes {
    /// Adds one weight and exponent to each lane.
    #[inline]
    pub(crate) fn add(&mut self, weights: [f64; LANES], exponents: [f64; LANES]) {
        for lane in 0..LANES {
            self.mass[lane] += weights[lane];
            self.mass_log[lane] += weights[lane] * exponents[lane];
        }
    }

    pub(crate) fn total(&self) -> Sums {
        Sums {
            mass: self.mass.iter().sum(),
            mass_log: self.mass_log.iter().sum(),
        }
    }
}

/// The end of a slice that does not fill its lanes, filled up.
pub(crate) fn padded<T: Copy>(rest: &[T], filling: T) -> [T; LANES] {
    let mut lanes = [filling; LANES];
    lanes[..rest.len()].copy_from_slice(rest);
    lanes
}
