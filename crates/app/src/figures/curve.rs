//! Lines as SVG paths: the exact H(β) curve of a row, and series by position.

use std::fmt::Write as _;

use decoding::entropy_curve;

/// The least β of the curve.
pub const BETA_FROM: f64 = 0.1;
/// The greatest.
pub const BETA_TO: f64 = 100.0;
/// Points on it: lines between so many differ from the curve by less than a pixel, and realignment draws it anew in every frame.
const POINTS: usize = 40;

/// A plot's drawing area inside its SVG.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Left edge.
    pub left: f64,
    /// Right edge.
    pub right: f64,
    /// Top edge.
    pub top: f64,
    /// Bottom edge.
    pub bottom: f64,
}

impl Frame {
    /// Where a share (0 to 1) lies from left to right.
    pub fn x(&self, share: f64) -> f64 {
        self.left + (self.right - self.left) * share.clamp(0.0, 1.0)
    }

    /// Where a share (0 to 1) lies from bottom to top.
    pub fn y(&self, share: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * share.clamp(0.0, 1.0)
    }

    /// A path through shares (from left, from bottom).
    pub fn path(&self, shares: impl IntoIterator<Item = (f64, f64)>) -> String {
        let mut path = String::new();
        for (index, (x, y)) in shares.into_iter().enumerate() {
            let pen = if index == 0 { 'M' } else { 'L' };
            write!(path, "{pen}{:.1} {:.1}", self.x(x), self.y(y))
                .expect("a String takes every text");
        }
        path
    }
}

/// Where β lies on the curve's logarithmic axis, 0 to 1; 0 and infinity lie at its ends.
pub fn beta_share(beta: f64) -> f64 {
    ((beta / BETA_FROM).ln() / (BETA_TO / BETA_FROM).ln()).clamp(0.0, 1.0)
}

/// Entropy (bits) along the axis, of the row as the model gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct EntropyCurve {
    bits: Vec<f64>,
    /// The top of the axis: the entropy at the least β, rounded up to a whole bit.
    pub top_bits: f64,
}

impl EntropyCurve {
    /// The exact curve of a row.
    pub fn of(logits: &[f32]) -> Self {
        let betas: Vec<f64> = (0..POINTS)
            .map(|point| BETA_FROM * (BETA_TO / BETA_FROM).powf(share(point)))
            .collect();
        let bits = entropy_curve(logits, &betas);
        let top_bits = bits.iter().copied().fold(1.0, f64::max).ceil();
        Self { bits, top_bits }
    }

    /// Its path.
    pub fn path(&self, frame: Frame) -> String {
        frame.path(
            self.bits
                .iter()
                .enumerate()
                .map(|(point, bits)| (share(point), bits / self.top_bits)),
        )
    }
}

fn share(point: usize) -> f64 {
    point as f64 / (POINTS - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame = Frame {
        left: 0.0,
        right: 100.0,
        top: 0.0,
        bottom: 50.0,
    };

    #[test]
    fn the_axis_is_logarithmic_and_holds_its_ends() {
        let shares = [0.0, 0.1, 1.0, 10.0, 100.0, f64::INFINITY].map(beta_share);
        let expected = [0.0, 0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0, 1.0];
        assert!(
            shares
                .iter()
                .zip(expected)
                .all(|(share, expected)| (share - expected).abs() < 1e-12),
            "{shares:?}"
        );
    }

    #[test]
    fn the_curve_falls_from_left_to_right() {
        let logits: Vec<f32> = (0..50).map(|token| token as f32 / 7.0).collect();
        let curve = EntropyCurve::of(&logits);
        assert!(curve.bits.windows(2).all(|pair| pair[0] >= pair[1]));
        assert!(curve.bits[0] <= curve.top_bits);
    }

    #[test]
    fn between_its_points_the_curve_is_a_line_to_within_a_pixel() {
        // Height of the drawn curve in `components::curve`, pixels.
        let height = 110.0;
        for spread in [0.5_f32, 2.0, 8.0] {
            let logits: Vec<f32> = (0..4096)
                .map(|token| spread * ((token * 37 % 97) as f32 - 0.1 * (token % 7) as f32) / 9.7)
                .collect();
            let curve = EntropyCurve::of(&logits);
            for (point, pair) in curve.bits.windows(2).enumerate() {
                let between = f64::midpoint(share(point), share(point + 1));
                let beta = BETA_FROM * (BETA_TO / BETA_FROM).powf(between);
                let exact = entropy_curve(&logits, &[beta])[0];
                let off = height * (f64::midpoint(pair[0], pair[1]) - exact).abs() / curve.top_bits;
                assert!(off < 1.0, "spread {spread}, β = {beta}: {off} pixels");
            }
        }
    }

    #[test]
    fn a_path_goes_through_its_points() {
        assert_eq!(
            FRAME.path([(0.0, 0.0), (0.5, 1.0), (1.0, 2.0)]),
            "M0.0 50.0L50.0 0.0L100.0 0.0"
        );
    }
}
