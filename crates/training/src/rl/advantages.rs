//! Advantages: the return of each token less a leave-one-out baseline.

/// The return of each token of a completion: the reward, less `coefficient` times the divergence of the positions after it. A
/// token has no part in the divergence of its own position, which is determined before it is sampled.
///
/// `kl_nats` has one entry per token.
pub fn returns(reward: f64, kl_nats: &[f64], coefficient: f64) -> Vec<f64> {
    let mut gain = reward;
    let mut gains: Vec<f64> = kl_nats
        .iter()
        .rev()
        .map(|kl| {
            let here = gain;
            gain -= coefficient * kl;
            here
        })
        .collect();
    gains.reverse();
    gains
}

/// The returns of a group's completions, each less the mean of the others' at the same position; the return of a completion that
/// has ended before the position is its reward.
///
/// # Panics
/// When there are fewer than two completions.
pub fn leave_one_out(rewards: &[f64], kl_nats: &[Vec<f64>], coefficient: f64) -> Vec<Vec<f64>> {
    assert!(rewards.len() > 1, "a group has at least two completions");
    let others = (rewards.len() - 1) as f64;
    let gains: Vec<Vec<f64>> = rewards
        .iter()
        .zip(kl_nats)
        .map(|(reward, kl)| returns(*reward, kl, coefficient))
        .collect();
    let gain = |completion: usize, position: usize| {
        let gains = &gains[completion];
        gains.get(position).copied().unwrap_or(rewards[completion])
    };
    let longest = gains.iter().map(Vec::len).max().unwrap_or(0);
    let sums: Vec<f64> = (0..longest)
        .map(|position| (0..rewards.len()).map(|one| gain(one, position)).sum())
        .collect();
    gains
        .iter()
        .map(|gains| {
            let less_others = |(gain, sum): (&f64, &f64)| gain - (sum - gain) / others;
            gains.iter().zip(&sums).map(less_others).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_is_the_reward_less_the_divergence_still_to_come() {
        let gains = returns(5.0, &[0.5, 1.0, 2.0], 2.0);
        assert_eq!(gains, [5.0 - 2.0 * 3.0, 5.0 - 2.0 * 2.0, 5.0]);
    }

    #[test]
    fn an_advantage_is_the_difference_from_the_others_mean() {
        let advantages = leave_one_out(&[1.0, 4.0, 7.0], &vec![vec![0.3, 0.1]; 3], 0.0);
        for (one, expected) in advantages.iter().zip([-4.5, 0.0, 4.5]) {
            assert_eq!(one[..], [expected, expected]);
        }
    }

    #[test]
    fn the_baseline_of_a_completion_does_not_depend_on_it() {
        let (rewards, kl) = (
            [1.0, 2.0, -3.0],
            [vec![0.4, 0.2, 0.9], vec![0.1], vec![0.6, 0.7]],
        );
        let baseline = |reward: f64, own: &[f64]| -> Vec<f64> {
            let (mut rewards, mut kl) = (rewards, kl.clone());
            (rewards[0], kl[0]) = (reward, own.to_vec());
            let advantages = leave_one_out(&rewards, &kl, 0.5);
            let gains = returns(reward, own, 0.5);
            gains
                .iter()
                .zip(&advantages[0])
                .map(|(gain, advantage)| gain - advantage)
                .collect()
        };
        let one = baseline(1.0, &[0.4, 0.2, 0.9]);
        let other = baseline(-70.0, &[3.0, 2.0, 1.0]);
        assert!(
            one.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-9),
            "{one:?} {other:?}"
        );
        // The others have ended there, so the baseline is the mean of their rewards: (2 - 3) / 2.
        assert!((one[2] + 0.5).abs() < 1e-12);
    }
}
