//! Which budget is best, and how surely: asked again in every resample of the openings.

use decoding::coin;

use super::judges::{Judge, SHOWN};
use super::points::{Point, mean_of};
use crate::bootstrap::RESAMPLES;
use crate::results::Estimate;

/// The best of all budgets for one judge and one number shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Best {
    /// Which, the nearest to the base of equals.
    place: usize,
    /// Its divergence, nats a completion.
    nearest: f64,
    /// That of the farthest of equals.
    farthest: f64,
}

/// By judge, then by how many samples are shown.
type Bests = [[Best; SHOWN.len()]; Judge::ALL.len()];

/// How surely the best budget for ten is below that for one, where both are, and in how many resamples each is the best. Nothing
/// where there are fewer than two points or openings.
///
/// Several budgets can be equally good: the best of ten cannot be gladder than glad. Of equals the smallest is told as the best, and
/// the largest beside it where it is another. *Below* is strict: every best budget for ten is below every one for one. *Not below*
/// is as strict the other way. All other resamples are *open*: it depends on which of equals is taken.
pub fn best_budgets(points: &[Point], seed: u64) -> Vec<Estimate> {
    let openings = points.first().map_or(0, |point| point.behind.len());
    if points.len() < 2 || openings < 2 {
        return Vec::new();
    }
    let all: Vec<usize> = (0..openings).collect();
    let found = bests(points, &all);
    let resampled: Vec<Bests> = (0..RESAMPLES)
        .map(|resample| {
            let one = |place| {
                let share = coin(seed, resample, place as u32).value();
                ((share * openings as f64) as usize).min(openings - 1)
            };
            let drawn: Vec<usize> = (0..openings).map(one).collect();
            bests(points, &drawn)
        })
        .collect();
    let mut estimates = Vec::new();
    for (place, judge) in Judge::ALL.into_iter().enumerate() {
        estimates.extend(of_judge(
            judge,
            &found[place],
            openings,
            |resample, shown| resampled[resample][place][shown],
        ));
    }
    for (place, judge) in Judge::ALL.into_iter().enumerate() {
        for (shown, k) in SHOWN.into_iter().enumerate() {
            for (number, point) in points.iter().enumerate() {
                let times = resampled
                    .iter()
                    .filter(|one| one[place][shown].place == number);
                let label = format!(
                    "{}: resamples in which it is the best, of equals the smallest, for a judge who wants {} and is shown {k}",
                    point.label,
                    judge.wants()
                );
                let key = format!("{}.{}.best-of-{k}", point.key, judge.name());
                estimates.push(share(key, label, times.count(), openings));
            }
        }
    }
    estimates
}

/// The shift and the best budgets of one judge.
fn of_judge(
    judge: Judge,
    found: &[Best; SHOWN.len()],
    openings: usize,
    resampled: impl Fn(usize, usize) -> Best,
) -> Vec<Estimate> {
    let (name, wants) = (judge.name(), judge.wants());
    let count = |holds: &dyn Fn(Best, Best) -> bool| {
        let resamples = 0..RESAMPLES as usize;
        let last = SHOWN.len() - 1;
        resamples
            .filter(|&one| holds(resampled(one, 0), resampled(one, last)))
            .count()
    };
    let below = count(&|one, ten| ten.farthest < one.nearest);
    let not_below = count(&|one, ten| ten.nearest >= one.farthest);
    let open = RESAMPLES as usize - below - not_below;
    let what = "a judge who wants";
    let mut estimates = vec![
        share(
            format!("shift.{name}.below"),
            format!(
                "{what} {wants}: resamples in which every best budget for 10 is below every one for 1"
            ),
            below,
            openings,
        ),
        share(
            format!("shift.{name}.not-below"),
            format!("{what} {wants}: resamples in which no best budget for 10 is below any for 1"),
            not_below,
            openings,
        ),
        share(
            format!("shift.{name}.open"),
            format!(
                "{what} {wants}: resamples that are open, as budgets are equally good, some below and some not"
            ),
            open,
            openings,
        ),
    ];
    for (shown, k) in SHOWN.into_iter().enumerate() {
        let budget = |key: String, label: &str, nats: fn(&Best) -> f64| {
            let mut resampled: Vec<f64> = (0..RESAMPLES as usize)
                .map(|one| nats(&resampled(one, shown)))
                .collect();
            resampled.sort_by(f64::total_cmp);
            let last = (resampled.len() - 1) as f64;
            let at = |share: f64| resampled[(share * last).round() as usize];
            let label = format!("{what} {wants}: the best budget when shown {k}, {label}");
            Estimate::exact(key, label, "nats", nats(&found[shown]))
                .within(Some((at(0.025), at(0.975))), openings)
        };
        let key = format!("best.{name}.v{k}");
        let smallest = |best: &Best| best.nearest;
        estimates.push(budget(key.clone(), "the smallest of equals", smallest));
        if found[shown].farthest > found[shown].nearest {
            estimates.push(budget(
                format!("{key}.largest"),
                "the largest of equals",
                |best| best.farthest,
            ));
        }
    }
    estimates
}

/// So many of all resamples, %. It is told by all resamples of so many openings and has no interval of its own.
fn share(key: String, label: String, times: usize, openings: usize) -> Estimate {
    let percent = 100.0 * times as f64 / f64::from(RESAMPLES);
    Estimate::exact(key, label, "%", percent).within(None, openings)
}

/// The best points behind these openings.
fn bests(points: &[Point], drawn: &[usize]) -> Bests {
    let mut bests = Bests::default();
    let mut most = [[f64::NEG_INFINITY; SHOWN.len()]; Judge::ALL.len()];
    for (number, point) in points.iter().enumerate() {
        let behind = point.drawn(drawn);
        let nats = mean_of(&behind, |one| one.nats);
        for judge in 0..Judge::ALL.len() {
            for shown in 0..SHOWN.len() {
                let value = mean_of(&behind, |one| one.values[judge][shown]);
                let (best, most) = (&mut bests[judge][shown], &mut most[judge][shown]);
                // Sums of equals in another order differ in the last digits.
                if value > *most + 1e-12 {
                    *most = value;
                    *best = Best {
                        place: number,
                        nearest: nats,
                        farthest: nats,
                    };
                } else if value > *most - 1e-12 {
                    if nats < best.nearest {
                        (best.place, best.nearest) = (number, nats);
                    }
                    best.farthest = best.farthest.max(nats);
                }
            }
        }
    }
    bests
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kl_budget::points::Behind;

    /// A point behind eight openings that are all alike: worth `one` of one sample and `ten` of ten.
    fn point(nats: f64, one: f64, ten: f64) -> Point {
        let behind = || Behind::planted(nats, [one, f64::midpoint(one, ten), ten]);
        Point {
            key: format!("at-{nats}"),
            label: String::new(),
            realigned: false,
            behind: (0..8).map(|_| behind()).collect(),
            told: Vec::new(),
        }
    }

    fn value(points: &[Point], key: &str) -> f64 {
        let found = best_budgets(points, 1);
        found
            .iter()
            .find(|one| one.key == key)
            .unwrap()
            .value
            .unwrap()
    }

    #[test]
    fn a_planted_shift_is_found_and_its_absence_too() {
        let shifts = [
            point(0.0, 0.1, 0.5),
            point(3.0, 0.2, 0.9),
            point(9.0, 0.4, 0.6),
        ];
        assert_eq!(value(&shifts, "best.both.v1"), 9.0);
        assert_eq!(value(&shifts, "best.both.v10"), 3.0);
        assert_eq!(value(&shifts, "shift.both.below"), 100.0);
        assert_eq!(value(&shifts, "shift.both.open"), 0.0);
        assert_eq!(value(&shifts, "at-3.both.best-of-10"), 100.0);
        let stays = [point(0.0, 0.1, 0.5), point(9.0, 0.4, 0.6)];
        assert_eq!(value(&stays, "shift.both.not-below"), 100.0);
    }

    /// Where two budgets are equally good for ten, the nearer one is no reason to say that the best is below, nor the farther one to
    /// say that it is not.
    #[test]
    fn equals_leave_the_shift_open() {
        let equal = [point(0.0, 0.1, 1.0), point(9.0, 0.4, 1.0)];
        assert_eq!(value(&equal, "shift.both.below"), 0.0);
        assert_eq!(value(&equal, "shift.both.not-below"), 0.0);
        assert_eq!(value(&equal, "shift.both.open"), 100.0);
        assert_eq!(value(&equal, "best.both.v10"), 0.0);
        assert_eq!(value(&equal, "best.both.v10.largest"), 9.0);
        let told = best_budgets(&equal, 1);
        assert!(told.iter().all(|one| one.key != "best.both.v1.largest"));
    }
}
