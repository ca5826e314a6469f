//! A mean with its standard error.

use serde::{Deserialize, Serialize};

/// Mean of some values with its standard error.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// Its standard error `√(Σ (x - mean)² / (n (n - 1)))`; `None` for a single value.
    pub standard_error: Option<f64>,
}

impl Mean {
    /// The mean of independent values; `None` without values. Where values come in clusters, such as the stories of a prompt, pass each
    /// cluster's mean as one value.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (n > 0.0).then(|| Self {
            mean,
            standard_error: (n > 1.0).then(|| (squares / (n * (n - 1.0))).sqrt()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_mean_by_hand() {
        // Deviations -3, -1, 0, 4: 26 over 4 · 3.
        let found = Mean::of(&[1.0, 3.0, 4.0, 8.0]).unwrap();
        assert_eq!(found.mean, 4.0);
        assert!((found.standard_error.unwrap() - (26.0_f64 / 12.0).sqrt()).abs() < 1e-12);
        assert_eq!(Mean::of(&[5.0]).unwrap().standard_error, None);
        assert_eq!(Mean::of(&[]), None);
    }
}
