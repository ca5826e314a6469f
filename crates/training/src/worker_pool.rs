//! Parallel work with the same results on any number of cores.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::TrainingError;

/// One rayon pool of one thread per core, so that burn's own parallel loops stay on the core of their item. The tensors of a small
/// model are too small to share a matrix product between cores.
pub struct WorkerPool(Vec<ThreadPool>);

impl WorkerPool {
    /// A pool of this many cores, at least one.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(cores: usize) -> Result<Self, TrainingError> {
        (0..cores.max(1))
            .map(|_| ThreadPoolBuilder::new().num_threads(1).build())
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(|error| TrainingError::Threads(error.to_string()))
    }

    /// Applies `work` to each item and its index; results are in the order of the items. The next free core takes the next item.
    ///
    /// # Panics
    /// When the work does.
    pub fn map<T: Sync, R: Send>(
        &self,
        items: &[T],
        work: impl Fn(usize, &T) -> R + Sync,
    ) -> Vec<R> {
        let (next, work) = (&AtomicUsize::new(0), &work);
        let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
            let running: Vec<_> = self
                .0
                .iter()
                .map(|pool| {
                    scope.spawn(move || {
                        let mut results = Vec::new();
                        loop {
                            let index = next.fetch_add(1, Ordering::Relaxed);
                            let Some(item) = items.get(index) else {
                                return results;
                            };
                            results.push((index, pool.install(|| work(index, item))));
                        }
                    })
                })
                .collect();
            running
                .into_iter()
                .flat_map(|thread| thread.join().expect("the work does not panic"))
                .collect()
        });
        results.sort_by_key(|(index, _)| *index);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items_whichever_finishes_first() {
        let items: Vec<u64> = (0..40).rev().collect();
        for cores in [0, 1, 3] {
            let pool = WorkerPool::new(cores).unwrap();
            let doubled = pool.map(&items, |index, item| {
                std::thread::sleep(std::time::Duration::from_micros(*item));
                (index, 2 * item)
            });
            let expected: Vec<(usize, u64)> =
                items.iter().map(|item| 2 * item).enumerate().collect();
            assert_eq!(doubled, expected);
        }
        assert!(
            WorkerPool::new(2)
                .unwrap()
                .map(&[0; 0], |_, _| ())
                .is_empty()
        );
    }
}
