//! One temperature for all places: found on half of them, measured on the other half (temperature scaling, Guo et al., ICML 2017,
//! arXiv 1706.04599).

/// Steps of the grid to a doubling of the temperature.
const TO_DOUBLE: f64 = 4.0;
/// The grid's first temperature is two to this power.
const FIRST: f64 = -3.0;
/// Temperatures of the grid: from 1/8 to 32.
const GRID: usize = 33;

/// The temperatures at which losses are asked for.
pub(super) fn grid() -> Vec<f64> {
    (0..GRID).map(|place| at(place as f64)).collect()
}

fn at(place: f64) -> f64 {
    (FIRST + place / TO_DOUBLE).exp2()
}

/// The temperature of least mean loss over the places drawn, from their losses along [`grid`]: the grid's best, moved to the
/// lowest point of the parabola through it and its neighbours.
pub(super) fn best(losses: &[Vec<f64>], drawn: &[usize]) -> f64 {
    let mean = |place: usize| drawn.iter().map(|&unit| losses[unit][place]).sum::<f64>();
    let sums: Vec<f64> = (0..GRID).map(mean).collect();
    let lowest = (0..GRID)
        .min_by(|&one, &other| sums[one].total_cmp(&sums[other]))
        .expect("the grid is not empty");
    if lowest == 0 || lowest + 1 == GRID {
        return at(lowest as f64);
    }
    let (before, here, after) = (sums[lowest - 1], sums[lowest], sums[lowest + 1]);
    let bend = before - 2.0 * here + after;
    let aside = if bend > 0.0 {
        0.5 * (before - after) / bend
    } else {
        0.0
    };
    at(lowest as f64 + aside)
}

/// The places that the temperature is found on, every second from the first, and those that it is measured on. Places stand in the
/// order of their chance of rain, so both halves reach from the surest sun to the surest rain.
pub(super) fn halves(places: usize) -> (Vec<usize>, Vec<usize>) {
    (0..places).partition(|place| place % 2 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_point_of_a_parabola_is_found_between_the_grid() {
        let losses = |least: f64| -> Vec<f64> {
            let loss = |temperature: &f64| (temperature / least).ln().powi(2);
            grid().iter().map(loss).collect()
        };
        let found = best(&[losses(2.1), losses(1e9)], &[0]);
        assert!((found - 2.1).abs() < 1e-9, "{found}");
        assert!((best(&[losses(1e9)], &[0]) - 32.0).abs() < 1e-9);
    }

    #[test]
    fn halves_share_no_place() {
        assert_eq!(halves(5), (vec![0, 2, 4], vec![1, 3]));
    }
}
