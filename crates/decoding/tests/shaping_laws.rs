//! The laws of [`shape`] and [`Distribution`]: each holds for any row and any knobs that the law allows.

#![allow(clippy::unwrap_used)] // a test that fails to unwrap has failed

use decoding::{Coin, Distribution, Shaping, coin, entropy_curve, shape};
use proptest::prelude::*;

/// Logits as models make them.
fn row() -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(-20.0_f32..20.0, 1..200)
}

/// Logits of few values, so with many ties; sums and differences of them are exact.
fn tied_row() -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec((-6_i8..6).prop_map(|z| f32::from(z) / 2.0), 1..100)
}

/// Any f32 at all: NaN, infinities, subnormals.
fn wild_row() -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(prop::num::f32::ANY, 0..60)
}

fn temperature(t: f64) -> Shaping {
    Shaping::default().with_temperature(t).unwrap()
}

prop_compose! {
    fn any_shaping()(
        temperature in prop_oneof![Just(0.0), Just(f64::INFINITY), 1e-4..1e4, 0.1..3.0],
        scale in prop_oneof![Just(0.0), Just(1.0), 1e-4..1e4],
        top_k in prop_oneof![Just(0_u32), 1_u32..300],
        top_p in prop_oneof![Just(1.0), 1e-6..1.0],
        min_p in prop_oneof![Just(0.0), 0.0..=1.0],
        typical in prop_oneof![Just(1.0), 1e-6..1.0],
        penalty in prop_oneof![Just(1.0), 1e-3..1e3],
    ) -> Shaping {
        Shaping::default()
            .with_temperature(temperature)
            .and_then(|it| it.with_logit_scale(scale))
            .and_then(|it| it.with_top_k(top_k).with_top_p(top_p))
            .and_then(|it| it.with_min_p(min_p))
            .and_then(|it| it.with_typical_p(typical))
            .and_then(|it| it.with_repetition_penalty(penalty))
            .unwrap()
    }
}

fn kept(distribution: &Distribution) -> Vec<u32> {
    (0_u32..)
        .zip(distribution.probabilities())
        .filter(|(_, p)| **p > 0.0)
        .map(|(id, _)| id)
        .collect()
}

fn highest(row: &[f32]) -> u32 {
    let peak = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    row.iter().position(|&z| z == peak).unwrap() as u32
}

/// Every token in the stated order, by a full stable sort.
fn sorted(row: &[f32], distribution: &Distribution) -> Vec<u32> {
    let mut ids: Vec<u32> = (0..row.len() as u32).collect();
    ids.sort_by(|&a, &b| {
        let possible = |id| distribution.probability(id) > 0.0;
        possible(b)
            .cmp(&possible(a))
            .then(row[b as usize].partial_cmp(&row[a as usize]).unwrap())
    });
    ids
}

proptest! {
    #[test]
    fn any_row_and_knobs_give_a_distribution(row in wild_row(), history in prop::collection::vec(0_u32..80, 0..20), shaping in any_shaping()) {
        let next = shape(&row, &history, &shaping);
        prop_assert_eq!(next.probabilities().len(), row.len());
        prop_assert!(next.probabilities().iter().all(|p| (0.0..=1.0).contains(p)));
        if !row.is_empty() {
            let total: f64 = next.probabilities().iter().sum();
            prop_assert!((total - 1.0).abs() < 1e-12, "total {}", total);
            prop_assert!(next.probability(next.pick(coin(1, 2, 3))) > 0.0);
        }
        prop_assert!(next.entropy_bits() >= 0.0);
        prop_assert!(next.entropy_bits() <= (row.len().max(1) as f64).log2() + 1e-12);
        prop_assert!((next.effective_choices() - next.entropy_bits().exp2()).abs() < 1e-9 * next.effective_choices());
    }

    #[test]
    fn a_forbidden_token_stays_impossible_beside_an_allowed_one(mut row in row(), shaping in any_shaping(), odd in prop_oneof![Just(f32::NAN), Just(f32::NEG_INFINITY)]) {
        row.push(odd);
        let next = shape(&row, &[], &shaping);
        prop_assert_eq!(next.probability(row.len() as u32 - 1), 0.0);
    }

    #[test]
    fn entropy_is_minus_the_sum_of_p_log_p(row in row(), shaping in any_shaping()) {
        let next = shape(&row, &[0, 3, 3], &shaping);
        let summed: f64 = next.probabilities().iter().filter(|p| **p > 0.0).map(|p| -p * p.log2()).sum();
        prop_assert!((next.entropy_bits() - summed).abs() < 1e-11, "{} against {}", next.entropy_bits(), summed);
    }

    #[test]
    fn temperature_zero_is_greedy_with_ties_to_the_lowest_id(row in tied_row(), shaping in any_shaping()) {
        let greedy = shaping.with_temperature(0.0).unwrap().with_repetition_penalty(1.0).unwrap();
        let next = shape(&row, &[], &greedy);
        prop_assert_eq!(next.probability(highest(&row)), 1.0);
        prop_assert_eq!(next.entropy_bits(), 0.0);
        prop_assert_eq!(next.pick(coin(5, 0, 0)), highest(&row));
    }

    #[test]
    fn small_temperatures_approach_greedy(mut row in row()) {
        let top = highest(&row) as usize;
        row[top] += 0.5; // a gap: without one the limit of small temperatures shares the mass among ties
        let rival_mass = |t: f64| 1.0 - shape(&row, &[], &temperature(t)).probability(top as u32);
        for t in [0.5, 0.1, 0.01, 1e-4] {
            let bound = row.len() as f64 * f64::exp(-0.499 / t);
            prop_assert!(rival_mass(t) <= bound + 1e-12);
        }
    }

    #[test]
    fn infinite_temperature_or_zero_scale_is_uniform_over_what_remains(row in row(), k in 1_u32..20) {
        for even in [temperature(f64::INFINITY), Shaping::default().with_logit_scale(0.0).unwrap()] {
            let all = shape(&row, &[], &even);
            prop_assert!(all.probabilities().iter().all(|p| *p == 1.0 / row.len() as f64));
            let few = shape(&row, &[], &even.with_top_k(k));
            let warm = shape(&row, &[], &temperature(100.0).with_top_k(k));
            prop_assert_eq!(kept(&few), kept(&warm), "top-k keeps the highest logits in the limit as well");
            prop_assert!(kept(&few).iter().all(|id| few.probability(*id) == 1.0 / kept(&few).len() as f64));
        }
    }

    #[test]
    fn only_the_quotient_of_scale_and_temperature_matters(row in row(), t in 0.01..10.0, s in 0.01..10.0, shaping in any_shaping()) {
        let with = |t: f64, s: f64| shape(&row, &[1, 2], &shaping.with_temperature(t).and_then(|it| it.with_logit_scale(s)).unwrap());
        prop_assert_eq!(with(1.0, 2.0), with(0.5, 1.0));
        prop_assert_eq!(with(t, s), with(4.0 * t, 4.0 * s));
    }

    #[test]
    fn entropy_falls_as_beta_grows(row in row(), beta in 1e-4..1e4, factor in 1.0..100.0) {
        let entropy = |beta: f64| shape(&row, &[], &temperature(1.0 / beta)).entropy_bits();
        prop_assert!(entropy(beta * factor) <= entropy(beta) + 1e-12);
    }

    #[test]
    fn a_constant_added_to_all_logits_changes_nothing(row in tied_row(), shift in -1000_i16..1000, shaping in any_shaping()) {
        let unpenalised = shaping.with_repetition_penalty(1.0).unwrap();
        let shifted: Vec<f32> = row.iter().map(|z| z + f32::from(shift)).collect();
        let (here, there) = (shape(&row, &[], &unpenalised), shape(&shifted, &[], &unpenalised));
        prop_assert_eq!(here.probabilities(), there.probabilities());
        prop_assert_eq!(here.entropy_bits(), there.entropy_bits());
    }

    #[test]
    fn a_permutation_of_the_tokens_permutes_the_probabilities(row in row(), t in 0.05..20.0, turn in 0_usize..200) {
        let turn = turn % row.len();
        let mut turned = row.clone();
        turned.rotate_left(turn);
        let (here, there) = (shape(&row, &[], &temperature(t)), shape(&turned, &[], &temperature(t)));
        for id in 0..row.len() {
            let (p, q) = (here.probability(id as u32), there.probability(((id + row.len() - turn) % row.len()) as u32));
            prop_assert!((p - q).abs() < 1e-14);
        }
    }

    #[test]
    fn top_k_keeps_the_k_highest_and_their_ties(row in tied_row(), k in 1_u32..120, t in 0.2..5.0) {
        let next = shape(&row, &[], &temperature(t).with_top_k(k));
        let mut descending = row.clone();
        descending.sort_by(|a, b| b.partial_cmp(a).unwrap());
        let last = descending[(k as usize).min(row.len()) - 1];
        let expected: Vec<u32> = (0..row.len() as u32).filter(|id| row[*id as usize] >= last).collect();
        prop_assert_eq!(kept(&next), expected);
    }

    #[test]
    fn top_k_keeps_exactly_k_without_ties(ids in 2_u32..150, k in 1_u32..200) {
        let row: Vec<f32> = (0..ids).map(|id| (id * 7 % ids) as f32 / 10.0 + id as f32 * 1e-3).collect();
        prop_assert_eq!(kept(&shape(&row, &[], &Shaping::default().with_top_k(k))).len() as u32, k.min(ids));
    }

    #[test]
    fn the_nucleus_is_the_smallest_head_that_reaches_its_mass(row in tied_row(), p in 0.001..0.999, t in 0.2..5.0) {
        let whole = shape(&row, &[], &temperature(t));
        let cut = shape(&row, &[], &temperature(t).with_top_p(p).unwrap());
        let mut head = sorted(&row, &whole);
        head.truncate(kept(&cut).len());
        let mass: f64 = head.iter().map(|id| whole.probability(*id)).sum();
        let without_last = mass - whole.probability(*head.last().unwrap());
        head.sort_unstable();
        prop_assert_eq!(kept(&cut), head, "a head of the order");
        prop_assert!(mass >= p - 1e-12 && without_last < p + 1e-12, "{} and {} around {}", without_last, mass, p);
    }

    #[test]
    fn min_p_keeps_a_share_of_the_top(row in row(), min_p in 0.001..1.0, t in 0.2..5.0) {
        let whole = shape(&row, &[], &temperature(t));
        let cut = shape(&row, &[], &temperature(t).with_min_p(min_p).unwrap());
        let share = |id| whole.probability(id) / whole.top_mass();
        for id in 0..row.len() as u32 {
            prop_assume!((share(id) - min_p).abs() > 1e-12);
            prop_assert_eq!(cut.probability(id) > 0.0, share(id) > min_p);
        }
    }

    #[test]
    fn the_typical_set_is_the_smallest_nearest_to_the_entropy_that_reaches_its_mass(row in row(), mass in 0.001..0.999, t in 0.5..5.0) {
        let whole = shape(&row, &[], &temperature(t));
        let cut = shape(&row, &[], &temperature(t).with_typical_p(mass).unwrap());
        let distance = |id: u32| (whole.surprisal_bits(id) - whole.entropy_bits()).abs();
        let farthest = kept(&cut).into_iter().map(distance).fold(0.0, f64::max);
        let reached = |limit: f64| -> f64 {
            (0..row.len() as u32).filter(|id| distance(*id) < limit).map(|id| whole.probability(id)).sum()
        };
        prop_assert!(reached(farthest + 1e-9) >= mass - 1e-9, "enough is kept");
        prop_assert!(reached(farthest - 1e-9) < mass + 1e-9, "no more than needed");
        for id in 0..row.len() as u32 {
            prop_assert!(cut.probability(id) > 0.0 || distance(id) > farthest - 1e-9, "nearer tokens are kept");
        }
    }

    #[test]
    fn cuts_keep_the_ratios_of_what_they_leave(row in row(), shaping in any_shaping()) {
        let warm = shaping.with_temperature(shaping.temperature().max(1e-4)).unwrap();
        let (shaping, beta) = (warm, warm.beta());
        let whole = shape(&row, &[], &temperature(1.0 / beta));
        let cut = shape(&row, &[], &shaping.with_repetition_penalty(1.0).unwrap());
        let mass: f64 = kept(&cut).iter().map(|id| whole.probability(*id)).sum();
        for id in kept(&cut) {
            let expected = whole.probability(id) / mass;
            prop_assert!((cut.probability(id) - expected).abs() <= 1e-9 * expected, "{} against {}", cut.probability(id), expected);
        }
    }

    #[test]
    fn a_repetition_penalty_lowers_what_was_seen_once_however_often(row in row(), id in 0_u32..200, penalty in 1.0..10.0) {
        let id = id % row.len() as u32;
        let penalised = Shaping::default().with_repetition_penalty(penalty).unwrap();
        let next = shape(&row, &[id], &penalised);
        prop_assert!(next.probability(id) <= shape(&row, &[], &penalised).probability(id) + 1e-15);
        prop_assert_eq!(&next, &shape(&row, &[id, id, 100_000, id], &penalised));
        let favoured = Shaping::default().with_repetition_penalty(1.0 / penalty).unwrap();
        prop_assert!(shape(&row, &[id], &favoured).probability(id) >= shape(&row, &[], &favoured).probability(id) - 1e-15, "below 1 it rewards");
        prop_assert_eq!(shape(&row, &[], &penalised), shape(&row, &[id], &Shaping::default()));
    }

    #[test]
    fn the_order_is_a_full_sort_and_probabilities_fall_along_it(row in prop_oneof![row(), tied_row()], shaping in any_shaping()) {
        let next = shape(&row, &[], &shaping.with_repetition_penalty(1.0).unwrap());
        let ranked = next.ranked(row.len() + 1);
        prop_assert_eq!(ranked.iter().map(|(id, _)| *id).collect::<Vec<_>>(), sorted(&row, &next));
        prop_assert!(ranked.iter().all(|(id, p)| *p == next.probability(*id)));
        prop_assert!(ranked.windows(2).all(|pair| pair[0].1 >= pair[1].1 * (1.0 - 1e-14)));
        prop_assert_eq!(&next.ranked(7)[..], &ranked[..ranked.len().min(7)]);
    }

    #[test]
    fn the_order_does_not_move_with_temperature(row in row(), one in 0.3..10.0, other in 0.3..10.0) {
        let order = |t| shape(&row, &[], &temperature(t)).ranked(row.len()).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        prop_assert_eq!(order(one), order(other));
    }

    #[test]
    fn the_ruler_lays_the_possible_tokens_end_to_end(row in row(), shaping in any_shaping()) {
        let next = shape(&row, &[], &shaping);
        let ruler = next.ruler(usize::MAX);
        prop_assert_eq!(ruler.len(), kept(&next).len());
        prop_assert_eq!(ruler[0].start, 0.0);
        prop_assert!(ruler.windows(2).all(|pair| pair[0].end == pair[1].start));
        prop_assert!(ruler.iter().all(|it| it.end == it.start + next.probability(it.id)));
        prop_assert!((ruler.last().unwrap().end - 1.0).abs() < 1e-12);
        prop_assert_eq!(&next.ruler(3)[..], &ruler[..ruler.len().min(3)]);
    }

    #[test]
    fn a_coin_picks_the_segment_that_holds_it(row in row(), shaping in any_shaping(), seed: u64) {
        let next = shape(&row, &[], &shaping);
        let ruler = next.ruler(usize::MAX);
        let coin = coin(seed, 0, 0);
        let holds = ruler.iter().find(|it| it.start <= coin.value() && coin.value() < it.end);
        prop_assert_eq!(next.pick(coin), holds.unwrap_or(ruler.last().unwrap()).id);
    }

    #[test]
    fn a_coin_beyond_the_last_segment_picks_the_last_possible_token(row in row(), shaping in any_shaping()) {
        // Rounding can leave a gap below 1; the largest coin there is lies in it wherever there is one.
        let largest = Coin::new(1.0_f64.next_down()).unwrap();
        let next = shape(&row, &[], &shaping);
        let last = *next.ruler(usize::MAX).last().unwrap();
        prop_assume!(last.end < 1.0);
        prop_assert_eq!(next.pick(largest), last.id);
    }

    #[test]
    fn plus_infinity_counts_as_the_largest_finite_number(mut row in row(), at in 0_usize..200, shaping in any_shaping()) {
        let at = at % row.len();
        let with = |z: f32| {
            row[at] = z;
            shape(&row, &[0, 1], &shaping)
        };
        let [infinite, largest] = [f32::INFINITY, f32::MAX].map(with);
        prop_assert_eq!(infinite, largest);
    }

    #[test]
    fn a_larger_coin_never_picks_earlier_in_the_order(row in row(), shaping in any_shaping(), seeds: (u64, u64)) {
        let next = shape(&row, &[], &shaping);
        let (mut low, mut high) = (coin(seeds.0, 0, 0), coin(seeds.1, 0, 0));
        if low > high {
            std::mem::swap(&mut low, &mut high);
        }
        let place = |id| next.ranked(row.len()).iter().position(|(other, _)| *other == id).unwrap();
        prop_assert!(place(next.pick(low)) <= place(next.pick(high)));
    }

    #[test]
    fn the_same_coin_picks_no_later_in_the_order_as_the_temperature_falls(row in row(), t in 0.05..20.0, cooling in 1.01..10.0, seed: u64) {
        let coin = coin(seed, 0, 0);
        let (warm, cool) = (shape(&row, &[], &temperature(t)), shape(&row, &[], &temperature(t / cooling)));
        let place = |id| warm.ranked(row.len()).iter().position(|(other, _)| *other == id).unwrap();
        prop_assert!(place(cool.pick(coin)) <= place(warm.pick(coin)));
    }
}

#[test]
fn locally_typical_can_cut_the_top_at_one_temperature_and_lead_with_it_at_another() {
    let mut row = vec![0.0_f32; 41];
    row[0] = 3.0;
    let typical = |t: f64| shape(&row, &[], &temperature(t).with_typical_p(0.3).unwrap());
    let (cool, warm) = (typical(0.5), typical(1.0));
    assert_eq!(kept(&cool), [0]);
    assert_eq!(kept(&warm), (1..41).collect::<Vec<_>>());
    assert_eq!((cool.ranked(1)[0].0, warm.ranked(41)[40].0), (0, 0));
}

#[test]
fn what_is_too_improbable_is_impossible() {
    let next = shape(&[0.0, -707.9, -708.1], &[], &Shaping::default());
    assert_eq!(kept(&next), [0, 1]);
}

#[test]
fn picks_come_as_often_as_their_probability_says() {
    let row: Vec<f32> = (0..40).map(|id| ((id * 17 % 40) as f32).sqrt()).collect();
    let next = shape(&row, &[], &Shaping::default());
    let throws = 200_000_u32;
    let mut counts = vec![0_u32; row.len()];
    for throw in 0..throws {
        counts[next.pick(coin(11, throw % 64, throw / 64)) as usize] += 1;
    }
    let expected = |id: usize| next.probabilities()[id] * f64::from(throws);
    let chi_square: f64 = (0..row.len())
        .map(|id| (f64::from(counts[id]) - expected(id)).powi(2) / expected(id))
        .sum();
    // 39 degrees of freedom: mean 39, standard deviation 8.8; the coins are fixed, so this never flickers.
    assert!(chi_square < 39.0 + 4.0 * 8.8, "chi-square {chi_square}");
}

/// A sum of many terms that loses nothing to rounding (Neumaier 1974).
fn summed(terms: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0);
    for term in terms {
        let next = sum + term;
        lost += if sum.abs() >= term.abs() {
            (sum - next) + term
        } else {
            (term - next) + sum
        };
        sum = next;
    }
    sum + lost
}

#[test]
fn stays_exact_from_tiny_to_huge_beta_on_a_vocabulary_of_150_000() {
    let row: Vec<f32> = (0..150_000_u32)
        .map(|id| coin(3, 0, id).value() as f32 * 30.0 - 25.0)
        .collect();
    let peak = f64::from(row.iter().copied().fold(f32::MIN, f32::max));
    let betas = [0.0, 1e-4, 1e-2, 1.0, 1e2, 1e4, f64::INFINITY];
    let curve = entropy_curve(&row, &betas);
    for (beta, on_curve) in betas.into_iter().zip(curve) {
        let next = shape(&row, &[], &temperature(1.0 / beta));
        assert!((on_curve - next.entropy_bits()).abs() < 1e-10);
        assert!(next.probability(next.pick(coin(3, 1, 0))) > 0.0);
        if beta == f64::INFINITY {
            assert_eq!(next.entropy_bits(), 0.0);
            continue;
        }
        let exponents = || row.iter().map(|&z| beta * (f64::from(z) - peak));
        let mass = summed(exponents().map(f64::exp));
        let nats = mass.ln() - summed(exponents().map(|x| x.exp() * x)) / mass;
        let bits = nats / std::f64::consts::LN_2;
        assert!(
            (next.entropy_bits() - bits).abs() < 1e-10,
            "beta {beta}: {} bits against {bits}",
            next.entropy_bits()
        );
        for (p, x) in next.probabilities().iter().zip(exponents()) {
            let exact = x.exp() / mass;
            assert!((p - exact).abs() <= 1e-11 * exact + f64::MIN_POSITIVE);
        }
    }
}

#[test]
fn cuts_of_150_000_tokens_keep_their_share_and_little_more() {
    let row: Vec<f32> = (0..150_000_u32)
        .map(|id| coin(3, 0, id).value() as f32 * 30.0 - 25.0)
        .collect();
    let whole = shape(&row, &[], &Shaping::default());
    let knobs = Shaping::default();
    for cut in [knobs.with_top_p(0.9), knobs.with_typical_p(0.9)] {
        let cut = shape(&row, &[], &cut.unwrap());
        let mass = summed(kept(&cut).into_iter().map(|id| whole.probability(id)));
        assert!((0.9..0.9 + whole.top_mass()).contains(&mass), "{mass}");
    }
}

#[test]
fn a_row_that_allows_nothing_is_uniform_and_an_empty_one_empty() {
    let nothing = shape(&[f32::NEG_INFINITY, f32::NAN], &[], &Shaping::default());
    assert_eq!(nothing.probabilities(), [0.5, 0.5]);
    let empty = shape(&[], &[], &Shaping::default());
    assert_eq!(
        (
            empty.pick(coin(0, 0, 0)),
            empty.entropy_bits(),
            empty.effective_choices()
        ),
        (0, 0.0, 1.0)
    );
}

#[test]
fn equal_logits_of_either_sign_of_zero_tie() {
    assert_eq!(
        shape(&[-1.0, 0.0, -0.0], &[], &temperature(0.0)).probability(1),
        1.0
    );
    assert_eq!(
        shape(&[-1.0, -0.0, 0.0], &[], &Shaping::default()).ranked(1)[0].0,
        1
    );
}
