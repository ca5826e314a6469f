//! The scale of one row of logits that comes nearest to a distribution, at one position and at many together.
//!
//! With `p_g = softmax(g z)` the divergence `KL(q || p_g) = Σ q ln q - g E_q[z] + ln Σ e^(g z)` is convex in `g`, since the last
//! term is the log-partition function of an exponential family: its slope is `E_p[z] - E_q[z]`, its curvature `Var_p[z]`. At the
//! best scale both expect the same logit (Wainwright and Jordan 2008, "Graphical Models, Exponential Families, and Variational
//! Inference", section 3).

use decoding::{Shaping, shape};

/// Scales that one position may have: from even over the vocabulary to all but greedy.
pub(super) const WIDEST: f64 = 16.0;
/// Nodes of a [`Curve`] for each unit of scale.
const NODES_A_UNIT: usize = 16;
/// The scale of a curve's last node.
const LAST: usize = 4;
/// Partial sums kept side by side.
const LANES: usize = 4;
/// Newton's method has the scale when it moves by less.
const CLOSE: f64 = 1e-9;

/// A row of logits, and the distribution that its scaled softmax is compared with.
#[derive(Clone, Debug)]
pub(super) struct Contrast {
    /// Logits below the highest, of the tokens that the row allows.
    logits: Vec<f64>,
    /// `E_q` of those.
    pull: f64,
    /// `Σ q ln q`, nats.
    negentropy: f64,
}

/// `ln Σ e^(g z)`, and the mean and variance of `z` under `p_g`.
#[derive(Clone, Copy, Debug, Default)]
struct Partition {
    log: f64,
    mean: f64,
    variance: f64,
}

impl Contrast {
    /// How well the scaled softmax of `row` can imitate the plain softmax of `target`. Where the target gives probability to what
    /// the row forbids, no scale has a finite divergence.
    pub(super) fn of(row: &[f32], target: &[f32]) -> Self {
        let target = shape(target, &[], &Shaping::default());
        let allowed = |logit: &f32| logit.is_finite();
        let finite = row.iter().copied().filter(allowed);
        let peak = finite.fold(f32::NEG_INFINITY, f32::max);
        let mut pull = 0.0;
        for (logit, q) in row.iter().zip(target.probabilities()) {
            if *q > 0.0 {
                pull += q * (f64::from(*logit) - f64::from(peak));
            }
        }
        let logits = row.iter().filter(|logit| allowed(logit));
        Self {
            logits: logits.map(|z| f64::from(*z) - f64::from(peak)).collect(),
            pull,
            negentropy: -target.entropy_bits() * std::f64::consts::LN_2,
        }
    }

    /// The best scale of this position, from 0 to [`WIDEST`].
    pub(super) fn best(&self) -> f64 {
        newton(0.0, WIDEST, 1.0, |scale| {
            let at = self.partition(scale);
            (at.mean - self.pull, at.variance)
        })
    }

    /// `KL(q || p_g)`, nats.
    pub(super) fn kl_nats(&self, scale: f64) -> f64 {
        let nats = self.negentropy - scale * self.pull + self.partition(scale).log;
        // Of equal distributions rounding may leave a little less than nothing.
        nats.max(0.0)
    }

    fn partition(&self, scale: f64) -> Partition {
        let (mut mass, mut first, mut second) = (0.0, 0.0, 0.0);
        for z in &self.logits {
            let weight = (scale * z).exp();
            mass += weight;
            first += weight * z;
            second += weight * z * z;
        }
        Partition::of(mass, first, second)
    }

    /// What the divergence is at every scale. The weights of each node are those of the one before times the same factors, so
    /// there is one exponential a token.
    pub(super) fn curve(&self) -> Curve {
        let steps = NODES_A_UNIT * LAST;
        let mut logits = self.logits.clone();
        // Whole lanes; what fills them weighs nothing.
        let whole = logits.len().next_multiple_of(LANES);
        let mut factors: Vec<f64> = logits.iter().map(|z| (z * spacing()).exp()).collect();
        let mut weights = vec![1.0; logits.len()];
        for filled in [&mut logits, &mut factors, &mut weights] {
            filled.resize(whole, 0.0);
        }
        let mut nodes = Vec::with_capacity(steps + 1);
        for _ in 0..=steps {
            let [mass, first, second] = moments(&mut weights, &factors, &logits);
            nodes.push(Partition::of(mass, first, second));
        }
        Curve {
            positions: 1,
            pull: self.pull,
            negentropy: self.negentropy,
            nodes,
        }
    }
}

/// `Σ w`, `Σ w z` and `Σ w z²`; then every weight is multiplied by its factor. Sums side by side need not wait for each other.
fn moments(weights: &mut [f64], factors: &[f64], logits: &[f64]) -> [f64; 3] {
    let (mut mass, mut first, mut second) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    let (weights, _) = weights.as_chunks_mut::<LANES>();
    let (factors, _) = factors.as_chunks::<LANES>();
    let (logits, _) = logits.as_chunks::<LANES>();
    for ((weights, factors), logits) in weights.iter_mut().zip(factors).zip(logits) {
        for lane in 0..LANES {
            let once = weights[lane] * logits[lane];
            mass[lane] += weights[lane];
            first[lane] += once;
            second[lane] += once * logits[lane];
            weights[lane] *= factors[lane];
        }
    }
    [mass, first, second].map(|lanes| lanes.iter().sum())
}

impl Partition {
    fn of(mass: f64, first: f64, second: f64) -> Self {
        let mean = first / mass;
        Self {
            log: mass.ln(),
            mean,
            variance: (second / mass - mean * mean).max(0.0),
        }
    }
}

/// The summed divergence of many positions at any one scale for all of them, from 0 to 4.
///
/// What depends on the scale is kept at 16 nodes a unit, value, slope and curvature, and interpolated by the polynomial of degree
/// 5 that has all three at both ends. Its error is at most `h⁶ / 46,080` times the sixth cumulant of a position's logits, below
/// 2e-12 of it: nothing at scales near 1, and up to 1e-5 nats where a scale near 0 evens out logits far apart.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    /// How many.
    pub(super) positions: usize,
    pull: f64,
    negentropy: f64,
    nodes: Vec<Partition>,
}

fn spacing() -> f64 {
    1.0 / NODES_A_UNIT as f64
}

impl Curve {
    /// Of no position.
    pub(super) fn none() -> Self {
        Self {
            positions: 0,
            pull: 0.0,
            negentropy: 0.0,
            nodes: vec![Partition::default(); NODES_A_UNIT * LAST + 1],
        }
    }

    /// Takes the positions of another in.
    pub(super) fn add(&mut self, other: &Self) {
        self.positions += other.positions;
        self.pull += other.pull;
        self.negentropy += other.negentropy;
        for (own, other) in self.nodes.iter_mut().zip(&other.nodes) {
            own.log += other.log;
            own.mean += other.mean;
            own.variance += other.variance;
        }
    }

    /// The positions of several.
    pub(super) fn sum<'a>(curves: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::none();
        for curve in curves {
            sum.add(curve);
        }
        sum
    }

    /// The one scale that is best for all positions together, from 0 to 4.
    pub(super) fn best(&self) -> f64 {
        newton(0.0, LAST as f64, 1.0, |scale| {
            let [_, slope, curvature] = self.at(scale);
            (slope - self.pull, curvature)
        })
    }

    /// The sum of `KL(q || p_g)` over the positions, nats.
    pub(super) fn kl_nats(&self, scale: f64) -> f64 {
        let nats = self.negentropy - scale * self.pull + self.at(scale)[0];
        nats.max(0.0)
    }

    /// The sum of log-partitions with its first two derivatives.
    fn at(&self, scale: f64) -> [f64; 3] {
        let step = spacing();
        let place = (scale / step).clamp(0.0, (self.nodes.len() - 1) as f64);
        let node = (place as usize).min(self.nodes.len() - 2);
        let (from, to) = (self.nodes[node], self.nodes[node + 1]);
        let t = place - node as f64;
        // In t, from 0 to 1: derivatives are multiplied by the spacing.
        let c0 = from.log;
        let c1 = from.mean * step;
        let c2 = from.variance * step * step / 2.0;
        let value = to.log - c0 - c1 - c2;
        let slope = to.mean * step - c1 - 2.0 * c2;
        let curvature = to.variance * step * step - 2.0 * c2;
        let c3 = 10.0 * value - 4.0 * slope + curvature / 2.0;
        let c4 = -15.0 * value + 7.0 * slope - curvature;
        let c5 = 6.0 * value - 3.0 * slope + curvature / 2.0;
        [
            c0 + t * (c1 + t * (c2 + t * (c3 + t * (c4 + t * c5)))),
            (c1 + t * (2.0 * c2 + t * (3.0 * c3 + t * (4.0 * c4 + t * 5.0 * c5)))) / step,
            (2.0 * c2 + t * (6.0 * c3 + t * (12.0 * c4 + t * 20.0 * c5))) / (step * step),
        ]
    }
}

/// Where the slope of a convex function is 0, by Newton's method; a step that would leave what is known to hold the place is
/// replaced by half of what is left. An end where the slope never is 0 within.
fn newton(
    mut low: f64,
    mut high: f64,
    start: f64,
    slope_and_curvature: impl Fn(f64) -> (f64, f64),
) -> f64 {
    let mut at = start;
    for _ in 0..60 {
        let (slope, curvature) = slope_and_curvature(at);
        if slope == 0.0 {
            return at;
        }
        if slope > 0.0 {
            high = at;
        } else {
            low = at;
        }
        let step = at - slope / curvature;
        let next = if step > low && step < high {
            step
        } else {
            f64::midpoint(low, high)
        };
        if (next - at).abs() < CLOSE {
            return next;
        }
        at = next;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Base 1/2, 1/4, 1/4 against 0.6, 0.3, 0.1: the best scale triples the first against the others, so it is log2 3.
    #[test]
    fn the_best_scale_by_hand() {
        let ln = |p: [f64; 3]| p.map(|p| p.ln() as f32);
        let contrast = Contrast::of(&ln([0.5, 0.25, 0.25]), &ln([0.6, 0.3, 0.1]));
        let best = contrast.best();
        assert!((best - 3.0_f64.log2()).abs() < 1e-6, "{best}");
        // Left is the difference of the last two: 0.3 ln (0.3 / 0.2) + 0.1 ln (0.1 / 0.2).
        let left = 0.3 * 1.5_f64.ln() + 0.1 * 0.5_f64.ln();
        assert!((contrast.kl_nats(best) - left).abs() < 1e-6);
        assert!((contrast.curve().best() - best).abs() < 1e-6);
    }

    #[test]
    fn scales_stay_within_their_ends() {
        // The target turns the order around: no positive scale is better than none.
        let turned = Contrast::of(&[2.0, 0.0], &[0.0, 2.0]);
        assert!(turned.best() < 1e-6);
        assert!(turned.curve().best() < 1e-6);
        let certain = Contrast::of(&[0.5, 0.0], &[500.0, 0.0]);
        assert!(certain.best() > WIDEST - 1e-6);
        assert!(certain.curve().best() > LAST as f64 - 1e-6);
    }

    #[test]
    fn what_is_forbidden_cannot_be_imitated() {
        let contrast = Contrast::of(&[1.0, f32::NEG_INFINITY], &[0.0, 0.0]);
        assert_eq!(contrast.kl_nats(1.0), f64::INFINITY);
        let less = Contrast::of(&[0.0, 0.0], &[1.0, f32::NEG_INFINITY]);
        assert!((less.kl_nats(1.0) - 2.0_f64.ln()).abs() < 1e-9);
    }

    proptest! {
        /// Interpolated or summed anew, the divergence is the same; and nothing near the best scale is better.
        #[test]
        fn curves_tell_what_positions_do(
            rows in prop::collection::vec((-8.0_f32..8.0, -8.0_f32..8.0), 2..60),
            scale in 0.0..4.0_f64,
        ) {
            let (base, tuned): (Vec<f32>, Vec<f32>) = rows.into_iter().unzip();
            let contrast = Contrast::of(&base, &tuned);
            let curve = contrast.curve();
            let (exact, found) = (contrast.kl_nats(scale), curve.kl_nats(scale));
            prop_assert!((exact - found).abs() < 1e-4, "{exact} {found}");
            let best = contrast.best();
            let least = contrast.kl_nats(best);
            for near in [best - 0.01, best + 0.01] {
                if (0.0..=WIDEST).contains(&near) {
                    prop_assert!(contrast.kl_nats(near) >= least - 1e-9);
                }
            }
        }
    }
}
