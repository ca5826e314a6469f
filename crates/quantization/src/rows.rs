//! Rounding of rows, and the integers of rows that are rounded.

/// Largest integer of a row; -128 is not used.
const LARGEST: f32 = 127.0;
/// The smallest positive f16. Below it a product would not be exact in f16.
const SMALLEST_SCALE: f32 = 5.960_464_5e-8;
/// 127 times this is below the largest f16.
const LARGEST_SCALE: f32 = 512.0;

/// Rounds each row of `width` values to the nearest multiples of its scale.
///
/// # Panics
/// When a value is not finite, or above 65,024 in size (no f16 then).
pub fn round_rows(values: &mut [f32], width: usize) {
    for row in values.chunks_exact_mut(width) {
        let scale = scale_of(row).expect("weights are finite and fit f16");
        for value in row {
            *value = f32::from(to_integer(*value / scale)) * scale;
        }
    }
}

/// The integers and the scale of a row; none where one of its values is not an integer of its scale.
pub(crate) fn integers(row: &[f32]) -> Option<(Vec<i8>, f32)> {
    let scale = scale_of(row)?;
    let integers = row.iter().map(|value| {
        let integer = to_integer(value / scale);
        (f32::from(integer) * scale == *value).then_some(integer)
    });
    Some((integers.collect::<Option<_>>()?, scale))
}

/// The smallest power of two by which no value of the row exceeds [`LARGEST`].
fn scale_of(row: &[f32]) -> Option<f32> {
    if !row.iter().all(|value| value.is_finite()) {
        return None;
    }
    let largest = row
        .iter()
        .fold(0.0_f32, |most, value| most.max(value.abs()));
    let mut scale = SMALLEST_SCALE;
    // Half an integer more would still round down to the largest.
    while largest / scale > LARGEST {
        scale *= 2.0;
    }
    (scale <= LARGEST_SCALE).then_some(scale)
}

fn to_integer(ratio: f32) -> i8 {
    ratio.round_ties_even() as i8
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    #[test]
    fn rounded_rows_are_exact_in_f16_and_have_their_integers() {
        let mut values: Vec<f32> = (0..400)
            .map(|place| ((place * 7919) % 1000) as f32 / 1000.0 - 0.5)
            .collect();
        for (row, values) in values.chunks_exact_mut(40).enumerate() {
            for value in values {
                *value *= 0.02 * 3_f32.powi(row as i32 - 5);
            }
        }
        let before = values.clone();
        round_rows(&mut values, 40);
        for (row, before) in values.chunks_exact(40).zip(before.chunks_exact(40)) {
            let (integers, scale) = integers(row).unwrap();
            assert!(integers.iter().any(|integer| integer.unsigned_abs() >= 64));
            for (value, before) in row.iter().zip(before) {
                assert_eq!(f16::from_f32(*value).to_f32(), *value);
                assert!((value - before).abs() <= scale / 2.0);
            }
        }
        let again = values.clone();
        round_rows(&mut values, 40);
        assert_eq!(values, again);
    }

    #[test]
    fn rows_at_the_ends_of_f16_are_rounded_within_it() {
        let mut values = [1e-7, -3e-8, 0.0, 0.0, 0.0, 0.0, 65_000.0, 1.0, -300.0];
        round_rows(&mut values, 3);
        assert_eq!(
            values[..6],
            [1.192_092_9e-7, -5.960_464_5e-8, 0.0, 0.0, 0.0, 0.0]
        );
        assert_eq!(values[6..], [65_024.0, 0.0, -512.0]);
        assert_eq!(integers(&[70_000.0]), None);
        assert_eq!(integers(&[f32::NAN]), None);
        assert_eq!(integers(&[127.0, 0.5]), None);
    }
}
