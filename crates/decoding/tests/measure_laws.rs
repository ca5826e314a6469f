//! Laws of divergences, the entropy curve and realignment.

#![allow(clippy::unwrap_used)] // a test that fails to unwrap has failed

use decoding::{
    Shaping, entropy_at, entropy_curve, entropy_slope, interpolate, kl_bits, kl_nats, shape,
    surprisal_nats, total_variation,
};
use proptest::prelude::*;

const VOCABULARY: usize = 50;

fn row() -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(-15.0_f32..15.0, VOCABULARY)
}

fn softmax(row: &[f32]) -> Vec<f64> {
    shape(row, &[], &Shaping::default())
        .probabilities()
        .to_vec()
}

proptest! {
    #[test]
    fn divergence_is_not_negative_and_zero_of_equals(a in row(), b in row()) {
        let (p, q) = (softmax(&a), softmax(&b));
        prop_assert!(kl_nats(&p, &q) >= 0.0);
        prop_assert_eq!(kl_nats(&p, &p), 0.0);
        prop_assert!((kl_bits(&p, &q) * std::f64::consts::LN_2 - kl_nats(&p, &q)).abs() < 1e-12);
    }

    #[test]
    fn total_variation_is_a_distance_between_0_and_1(a in row(), b in row(), c in row()) {
        let (p, q, r) = (softmax(&a), softmax(&b), softmax(&c));
        let distance = total_variation(&p, &q);
        prop_assert!((0.0..=1.0).contains(&distance));
        prop_assert_eq!(distance, total_variation(&q, &p));
        prop_assert_eq!(total_variation(&p, &p), 0.0);
        prop_assert!(distance <= total_variation(&p, &r) + total_variation(&r, &q) + 1e-15);
        prop_assert!(distance <= (kl_nats(&p, &q) / 2.0).sqrt() + 1e-15, "Pinsker's inequality");
    }

    #[test]
    fn divergence_of_a_sharpened_row_is_what_the_formula_says(a in row(), beta in 0.1..5.0) {
        // KL(p_β || p_1) = (β - 1) E_β[z] - ln Z(β) + ln Z(1) for an exponential family.
        let sharp = shape(&a, &[], &Shaping::default().with_logit_scale(beta).unwrap());
        let peak = f64::from(a.iter().copied().fold(f32::MIN, f32::max));
        let log_sum = |beta: f64| a.iter().map(|z| (beta * (f64::from(*z) - peak)).exp()).sum::<f64>().ln();
        let mean: f64 = sharp.probabilities().iter().zip(&a).map(|(p, z)| p * (f64::from(*z) - peak)).sum();
        let expected = (beta - 1.0) * mean - log_sum(beta) + log_sum(1.0);
        prop_assert!((kl_nats(sharp.probabilities(), &softmax(&a)) - expected).abs() < 1e-10);
    }

    #[test]
    fn surprisal_of_a_row_is_that_of_its_distribution(a in row(), id in 0..VOCABULARY as u32) {
        let bits = shape(&a, &[], &Shaping::default()).surprisal_bits(id);
        prop_assert!((surprisal_nats(&a, id) / std::f64::consts::LN_2 - bits).abs() < 1e-11);
    }

    #[test]
    fn the_curve_is_the_entropy_of_the_shaped_row_in_any_order_of_betas(a in row(), mut betas in prop::collection::vec(1e-4..1e4, 1..8)) {
        betas.extend([1.0, 0.0, f64::INFINITY, 2.0]);
        for (bits, beta) in entropy_curve(&a, &betas).into_iter().zip(betas) {
            let shaped = shape(&a, &[], &Shaping::default().with_temperature(1.0 / beta).unwrap());
            prop_assert!((bits - shaped.entropy_bits()).abs() < 1e-10, "beta {}: {} against {}", beta, bits, shaped.entropy_bits());
        }
    }

    #[test]
    fn the_slope_of_the_curve_is_minus_beta_times_the_variance(a in row(), beta in 0.05..5.0) {
        let step = 1e-5 * beta;
        let measured = (entropy_at(&a, beta + step) - entropy_at(&a, beta - step)) / (2.0 * step);
        let slope = entropy_slope(&a, beta);
        prop_assert!(slope <= 0.0);
        prop_assert!((slope - measured).abs() < 1e-4 * (1.0 + slope.abs()), "{} against {}", slope, measured);
    }

    #[test]
    fn mixing_rows_is_geometric_in_probabilities(a in row(), b in row(), lambda in -1.0..3.0) {
        let mixed = softmax(&interpolate(&a, &b, lambda).unwrap());
        let (p, q) = (softmax(&a), softmax(&b));
        let offset = |id: usize| mixed[id].ln() - (1.0 - lambda) * p[id].ln() - lambda * q[id].ln();
        for id in 1..VOCABULARY {
            prop_assert!((offset(id) - offset(0)).abs() < 2e-5, "{} against {}", offset(id), offset(0));
        }
    }

    #[test]
    fn the_ends_of_a_mix_are_its_rows_bit_for_bit(pairs in prop::collection::vec((prop::num::f32::ANY, prop::num::f32::ANY), 0..60)) {
        let (base, tuned): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
        let bits = |row: &[f32]| row.iter().map(|z| z.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&interpolate(&base, &tuned, 0.0).unwrap()), bits(&base));
        prop_assert_eq!(bits(&interpolate(&base, &tuned, 1.0).unwrap()), bits(&tuned));
    }

    #[test]
    fn between_the_ends_a_mix_forbids_what_either_row_forbids_and_keeps_the_rest_finite(
        pairs in prop::collection::vec((prop::num::f32::ANY, prop::num::f32::ANY), 1..60),
        lambda in prop_oneof![-3.0..3.0, -1e300..1e300],
    ) {
        prop_assume!(lambda != 0.0 && lambda != 1.0);
        let (base, tuned): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
        let forbids = |z: f32| z.is_nan() || z == f32::NEG_INFINITY;
        for ((b, t), mixed) in base.iter().zip(&tuned).zip(interpolate(&base, &tuned, lambda).unwrap()) {
            if forbids(*b) || forbids(*t) {
                prop_assert_eq!(mixed, f32::NEG_INFINITY);
            } else {
                prop_assert!(mixed.is_finite(), "{} and {} at {}: {}", b, t, lambda, mixed);
            }
        }
    }

    #[test]
    fn mixing_a_row_with_itself_changes_nothing(a in row(), lambda in 0.0..1.0) {
        prop_assert!(total_variation(&softmax(&interpolate(&a, &a, lambda).unwrap()), &softmax(&a)) < 1e-5);
    }

}

#[test]
fn entropies_of_known_rows() {
    let even = [2.0; 8];
    for beta in [0.0, 1.0, 1e4] {
        assert_eq!(entropy_at(&even, beta), 3.0);
    }
    assert_eq!(
        entropy_at(&even, f64::INFINITY),
        0.0,
        "greedy breaks ties, as shape does"
    );
    assert_eq!(entropy_curve(&even, &[-1.0, f64::NAN]), [3.0, 3.0]);
    assert_eq!(entropy_curve(&[], &[1.0]), [0.0]);
    let belief = [4.0_f32.ln(), 0.0]; // 80% against 20%
    assert!((entropy_at(&belief, 1.0) - 0.721_928_094_887).abs() < 1e-7);
}
