//! Work that is shared out among the processor's cores, with the same results however many there are.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::TrainingError;

/// One thread pool of one thread for every core: burn's own parallel loops then stay on their piece's core. The tensors of a
/// small model are too small for several cores to share a product.
pub struct Crew(Vec<ThreadPool>);

impl Crew {
    /// A crew of so many cores, of one at least.
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

    /// What the work makes of each item, in the items' order. Each is taken by the next free core and told its number.
    ///
    /// # Panics
    /// When the work does.
    pub fn map<T: Sync, R: Send>(
        &self,
        items: &[T],
        work: impl Fn(usize, &T) -> R + Sync,
    ) -> Vec<R> {
        let (next, work) = (&AtomicUsize::new(0), &work);
        let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
            let running: Vec<_> = self
                .0
                .iter()
                .map(|pool| {
                    scope.spawn(move || {
                        let mut done = Vec::new();
                        loop {
                            let number = next.fetch_add(1, Ordering::Relaxed);
                            let Some(item) = items.get(number) else {
                                return done;
                            };
                            done.push((number, pool.install(|| work(number, item))));
                        }
                    })
                })
                .collect();
            running
                .into_iter()
                .flat_map(|thread| thread.join().expect("the work does not panic"))
                .collect()
        });
        done.sort_by_key(|(number, _)| *number);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items_whoever_is_done_first() {
        let items: Vec<u64> = (0..40).rev().collect();
        for cores in [0, 1, 3] {
            let crew = Crew::new(cores).unwrap();
            let doubled = crew.map(&items, |number, item| {
                std::thread::sleep(std::time::Duration::from_micros(*item));
                (number, 2 * item)
            });
            let expected: Vec<(usize, u64)> =
                items.iter().map(|item| 2 * item).enumerate().collect();
            assert_eq!(doubled, expected);
        }
        assert!(Crew::new(2).unwrap().map(&[0; 0], |_, _| ()).is_empty());
    }
}
