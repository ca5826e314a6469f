//! Vendi score: the effective number of different samples under a similarity (Friedman and Dieng 2022, arXiv 2210.02410).

use std::collections::HashMap;

/// N-gram lengths of [`ngram_kernel`], as in the paper's score of captions.
const GRAMS: usize = 4;
/// Off-diagonal size below which a matrix counts as diagonal, relative to its trace.
const DIAGONAL: f64 = 1e-12;
/// Sweeps of Jacobi's method; it converges quadratically, so a dozen suffice.
const SWEEPS: usize = 64;

/// Vendi score of a kernel: the exponential of the entropy of the eigenvalues of `K / n`, from 1 (all samples alike) to `n` (none alike).
/// `kernel` holds the rows of a symmetric, positive semidefinite matrix with ones on its diagonal. `None` where it is empty or not
/// square.
///
/// It rises with the number of samples: compare sets of one size. What length does to it depends on the kernel.
pub fn vendi_score(kernel: &[Vec<f64>]) -> Option<f64> {
    let n = kernel.len();
    if n == 0 || kernel.iter().any(|row| row.len() != n) {
        return None;
    }
    let shares = eigenvalues(kernel)
        .into_iter()
        .map(|value| value / n as f64);
    // Rounding may leave an eigenvalue just below zero.
    let nats: f64 = shares.filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum();
    Some(nats.exp())
}

/// Cosine similarity of n-gram counts, averaged over n from 1 to 4. Ones on the diagonal; a sequence without n-grams of a length is
/// like no other there. Longer sequences share more short n-grams: compare sets of about one length.
pub fn ngram_kernel<S: AsRef<[u32]>>(sequences: &[S]) -> Vec<Vec<f64>> {
    let n = sequences.len();
    let mut kernel = vec![vec![0.0; n]; n];
    for size in 1..=GRAMS {
        let counts: Vec<HashMap<&[u32], f64>> = sequences
            .iter()
            .map(|sequence| {
                let mut counts = HashMap::new();
                for gram in sequence.as_ref().windows(size) {
                    *counts.entry(gram).or_default() += 1.0;
                }
                counts
            })
            .collect();
        // In the order of the sequence, so that the sums' last bits do not depend on a hash.
        let product = |one: usize, other: usize| -> f64 {
            let grams = sequences[one].as_ref().windows(size);
            grams
                .map(|gram| counts[other].get(gram).copied().unwrap_or(0.0))
                .sum()
        };
        let norms: Vec<f64> = (0..n).map(|at| product(at, at).sqrt()).collect();
        for one in 0..n {
            kernel[one][one] += 1.0 / GRAMS as f64;
            for other in 0..one {
                let norm = norms[one] * norms[other];
                if norm > 0.0 {
                    let cosine = product(one, other) / norm / GRAMS as f64;
                    kernel[one][other] += cosine;
                    kernel[other][one] += cosine;
                }
            }
        }
    }
    kernel
}

/// Eigenvalues of a symmetric matrix by Jacobi's cyclic rotations (Golub and Van Loan, "Matrix Computations", 8.5), in no order.
fn eigenvalues(matrix: &[Vec<f64>]) -> Vec<f64> {
    let mut a = matrix.to_vec();
    let n = a.len();
    let trace: f64 = (0..n).map(|at| a[at][at].abs()).sum();
    for _ in 0..SWEEPS {
        let off: f64 = (0..n)
            .flat_map(|p| (0..p).map(move |q| (p, q)))
            .map(|(p, q)| a[p][q].abs())
            .sum();
        if off <= DIAGONAL * trace {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[p][q] == 0.0 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                for row in &mut a {
                    let (one, other) = (row[p], row[q]);
                    row[p] = c * one - s * other;
                    row[q] = s * one + c * other;
                }
                let (above, below) = a.split_at_mut(q);
                for (first, second) in above[p].iter_mut().zip(&mut below[0]) {
                    let (one, other) = (*first, *second);
                    *first = c * one - s * other;
                    *second = s * one + c * other;
                }
            }
        }
    }
    (0..n).map(|at| a[at][at]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn copies_are_one_and_strangers_are_all() {
        let ones = vec![vec![1.0; 5]; 5];
        assert!((vendi_score(&ones).unwrap() - 1.0).abs() < 1e-9);
        let strangers = ngram_kernel(&[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]);
        assert!((vendi_score(&strangers).unwrap() - 3.0).abs() < 1e-9);
        assert_eq!(vendi_score(&[]), None);
    }

    #[test]
    fn two_samples_by_hand() {
        // Eigenvalues 1 ± s over 2: the entropy of 3/4 and 1/4 at s = 1/2.
        let kernel = [vec![1.0, 0.5], vec![0.5, 1.0]];
        let nats: f64 = -(0.75 * 0.75_f64.ln() + 0.25 * 0.25_f64.ln());
        assert!((vendi_score(&kernel).unwrap() - nats.exp()).abs() < 1e-12);
    }

    #[test]
    fn a_kernel_by_hand() {
        // Unigrams 1 2 3 and 1 2 4: 2/3; bigrams 12 23 and 12 24: 1/2; trigrams: 0; no 4-grams.
        let kernel = ngram_kernel(&[[1, 2, 3], [1, 2, 4]]);
        assert!((kernel[0][1] - (2.0 / 3.0 + 0.5) / 4.0).abs() < 1e-12);
        assert_eq!((kernel[0][0], kernel[1][1]), (1.0, 1.0));
    }

    proptest! {
        #[test]
        fn eigenvalues_keep_trace_and_square(entries in prop::collection::vec(-1.0..1.0_f64, 15)) {
            let mut matrix = vec![vec![0.0; 5]; 5];
            let mut entries = entries.into_iter();
            for (p, q) in (0..5).flat_map(|p| (0..=p).map(move |q| (p, q))) {
                matrix[p][q] = entries.next().unwrap();
                matrix[q][p] = matrix[p][q];
            }
            let found = eigenvalues(&matrix);
            let trace: f64 = (0..5).map(|at| matrix[at][at]).sum();
            let square: f64 = matrix.iter().flatten().map(|x| x * x).sum();
            prop_assert!((found.iter().sum::<f64>() - trace).abs() < 1e-9);
            prop_assert!((found.iter().map(|x| x * x).sum::<f64>() - square).abs() < 1e-9);
        }

        #[test]
        fn a_score_lies_between_one_and_all(sequences in prop::collection::vec(prop::collection::vec(0_u32..4, 0..12), 1..7)) {
            let score = vendi_score(&ngram_kernel(&sequences)).unwrap();
            prop_assert!(score >= 1.0 - 1e-9 && score <= sequences.len() as f64 + 1e-9);
        }
    }
}
