//! Which budget is best, and how surely: asked again in every resample of the openings.

use decoding::coin;

use super::budget::{Budget, mean_of};
use super::judges::{Judge, SHOWN};
use crate::bootstrap::RESAMPLES;
use crate::table::{Metric, Row, Table, metrics};

metrics! {
    pub BELOW = exact "below", "%", "resamples in which every best budget for 10 is below every one for 1";
    pub NOT_BELOW = exact "not-below", "%", "resamples in which no best budget for 10 is below any for 1";
    pub OPEN = exact "open", "%", "resamples that leave it open: budgets are equally good, some below and some not";
}

/// Whether the best budget moves, for one judge.
pub fn shift(judge: Judge) -> Row {
    Row::named(&format!("shift.{}", judge.name()), &who(judge))
}

/// The best budgets of one judge.
pub fn best(judge: Judge) -> Row {
    Row::named(&format!("best.{}", judge.name()), &who(judge))
}

/// The best budget for so many samples, the smallest of equals.
pub fn of_shown(k: usize) -> Metric {
    let label = format!("the best budget when shown {k}, the smallest of equals");
    Metric::of(format!("v{k}"), label, "nats")
}

fn who(judge: Judge) -> String {
    format!("a judge who wants {}", judge.wants())
}

/// The best of all budgets for one judge and one number shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Best {
    /// Which, the nearest to the base of equals.
    place: usize,
    /// Its divergence, nats per completion.
    nearest: f64,
    /// That of the farthest of equals.
    farthest: f64,
}

/// By judge, then by how many samples are shown.
type Bests = [[Best; SHOWN.len()]; Judge::ALL.len()];

/// How surely the best budget for ten is below that for one, where both are, and in how many resamples each is the best. Nothing
/// where there are fewer than two budgets or openings.
///
/// Several budgets can be equally good: the best of ten cannot be happier than happy. Of equals the smallest is reported as the
/// best, and the largest beside it where it is another. *Below* is strict: every best budget for ten is below every one for one.
/// *Not below* is as strict the other way. All other resamples are *open*: it depends on which of equals is taken.
pub fn best_budgets(table: &mut Table, budgets: &[Budget], seed: u64) {
    let openings = budgets.first().map_or(0, |one| one.openings.len());
    if budgets.len() < 2 || openings < 2 {
        return;
    }
    let all: Vec<usize> = (0..openings).collect();
    let found = bests(budgets, &all);
    let resampled: Vec<Bests> = (0..RESAMPLES)
        .map(|resample| {
            let one = |place| {
                let share = coin(seed, resample, place as u32).value();
                ((share * openings as f64) as usize).min(openings - 1)
            };
            let drawn: Vec<usize> = (0..openings).map(one).collect();
            bests(budgets, &drawn)
        })
        .collect();
    // Shares of all resamples of so many openings have no interval of their own.
    let mut share = |row: &Row, metric: &Metric, times: usize| {
        let percent = 100.0 * times as f64 / f64::from(RESAMPLES);
        table.put(row, metric, percent, None, openings);
    };
    for (place, judge) in Judge::ALL.into_iter().enumerate() {
        let last = SHOWN.len() - 1;
        let count = |holds: &dyn Fn(Best, Best) -> bool| {
            let holds = |one: &&Bests| holds(one[place][0], one[place][last]);
            resampled.iter().filter(holds).count()
        };
        let below = count(&|one, ten| ten.farthest < one.nearest);
        let not_below = count(&|one, ten| ten.nearest >= one.farthest);
        let row = shift(judge);
        share(&row, &BELOW, below);
        share(&row, &NOT_BELOW, not_below);
        share(&row, &OPEN, RESAMPLES as usize - below - not_below);
    }
    for (place, judge) in Judge::ALL.into_iter().enumerate() {
        for (shown, k) in SHOWN.into_iter().enumerate() {
            for (number, budget) in budgets.iter().enumerate() {
                let is = |one: &&Bests| one[place][shown].place == number;
                let label = format!(
                    "resamples in which it is the best, the smallest of equals, for {} and is shown {k}",
                    who(judge)
                );
                let key = format!("{}.best-of-{k}", judge.name());
                share(
                    &budget.row,
                    &Metric::of(key, label, "%"),
                    resampled.iter().filter(is).count(),
                );
            }
        }
    }
    for (place, judge) in Judge::ALL.into_iter().enumerate() {
        for (shown, k) in SHOWN.into_iter().enumerate() {
            let mut budget = |metric: &Metric, nats: fn(&Best) -> f64| {
                let mut values: Vec<f64> = resampled
                    .iter()
                    .map(|one| nats(&one[place][shown]))
                    .collect();
                values.sort_by(f64::total_cmp);
                let at = |share: f64| values[(share * (values.len() - 1) as f64).round() as usize];
                let interval = Some((at(0.025), at(0.975)));
                table.put(
                    &best(judge),
                    metric,
                    nats(&found[place][shown]),
                    interval,
                    openings,
                );
            };
            budget(&of_shown(k), |best| best.nearest);
            if found[place][shown].farthest > found[place][shown].nearest {
                let label = format!("the best budget when shown {k}, the largest of equals");
                let largest = Metric::of(format!("v{k}.largest"), label, "nats");
                budget(&largest, |best| best.farthest);
            }
        }
    }
}

/// The best budgets on these openings.
fn bests(budgets: &[Budget], drawn: &[usize]) -> Bests {
    let mut bests = Bests::default();
    let mut most = [[f64::NEG_INFINITY; SHOWN.len()]; Judge::ALL.len()];
    for (number, budget) in budgets.iter().enumerate() {
        let openings = budget.drawn(drawn);
        let nats = mean_of(&openings, |one| one.nats);
        for judge in 0..Judge::ALL.len() {
            for shown in 0..SHOWN.len() {
                let value = mean_of(&openings, |one| one.values[judge][shown]);
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
    use crate::kl_budget::budget::OpeningSample;

    /// A budget whose eight openings are all alike: worth `one` of one sample and `ten` of ten.
    fn budget(nats: f64, one: f64, ten: f64) -> Budget {
        let opening = || OpeningSample::planted(nats, [one, f64::midpoint(one, ten), ten]);
        let openings = (0..8).map(|_| opening()).collect();
        Budget::of(Row::of(&format!("at-{nats}")), false, openings, 1)
    }

    fn value(budgets: &[Budget], row: &Row, metric: &Metric) -> Option<f64> {
        let mut table = Table::default();
        best_budgets(&mut table, budgets, 1);
        table.value(row, metric)
    }

    #[test]
    fn a_planted_shift_is_found_and_its_absence_too() {
        let (shift, best) = (shift(Judge::Both), best(Judge::Both));
        let shifts = [
            budget(0.0, 0.1, 0.5),
            budget(3.0, 0.2, 0.9),
            budget(9.0, 0.4, 0.6),
        ];
        assert_eq!(value(&shifts, &best, &of_shown(1)), Some(9.0));
        assert_eq!(value(&shifts, &best, &of_shown(10)), Some(3.0));
        assert_eq!(value(&shifts, &shift, &BELOW), Some(100.0));
        assert_eq!(value(&shifts, &shift, &OPEN), Some(0.0));
        let at_3 = Metric::exact("both.best-of-10", "", "%");
        assert_eq!(value(&shifts, &Row::of("at-3"), &at_3), Some(100.0));
        let stays = [budget(0.0, 0.1, 0.5), budget(9.0, 0.4, 0.6)];
        assert_eq!(value(&stays, &shift, &NOT_BELOW), Some(100.0));
    }

    /// Where two budgets are equally good for ten, the nearer one is no reason to say that the best is below, nor the farther one to
    /// say that it is not.
    #[test]
    fn equals_leave_the_shift_open() {
        let (shift, best) = (shift(Judge::Both), best(Judge::Both));
        let equal = [budget(0.0, 0.1, 1.0), budget(9.0, 0.4, 1.0)];
        assert_eq!(value(&equal, &shift, &BELOW), Some(0.0));
        assert_eq!(value(&equal, &shift, &NOT_BELOW), Some(0.0));
        assert_eq!(value(&equal, &shift, &OPEN), Some(100.0));
        assert_eq!(value(&equal, &best, &of_shown(10)), Some(0.0));
        let largest = |k: usize| Metric::of(format!("v{k}.largest"), "", "nats");
        assert_eq!(value(&equal, &best, &largest(10)), Some(9.0));
        assert_eq!(value(&equal, &best, &largest(1)), None);
    }
}
