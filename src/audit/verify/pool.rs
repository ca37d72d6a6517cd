//! Work on numbered things by several threads, its results taken in order. At most two results of each thread wait.

use std::num::NonZeroUsize;
use std::sync::mpsc;
use std::thread;

/// Does `work` for each number in `from..count` on `jobs` threads, and gives the results to `take` in order. Ends with the
/// first error that `take` gives; what the threads have begun they finish.
pub(super) fn in_order<T: Send, E>(
    jobs: NonZeroUsize,
    (from, count): (usize, usize),
    work: impl Fn(usize) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let jobs = jobs.get().min(count.saturating_sub(from)).max(1);
    let work = &work;
    thread::scope(|scope| {
        let start = |job| {
            let (results, taken) = mpsc::sync_channel(1);
            scope.spawn(move || {
                // Nobody takes the result any more when another one was an error.
                let _ = (from + job..count).step_by(jobs).try_for_each(|number| results.send(work(number)));
            });
            taken
        };
        let taken: Vec<_> = (0..jobs).map(start).collect();
        // A thread that panicked gives nothing more; the scope passes its panic on.
        let results = (from..count).zip(taken.iter().cycle()).map_while(|(_, taken)| taken.recv().ok());
        let outcome = results.into_iter().try_for_each(&mut take);
        drop(taken);
        outcome
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn results_come_in_order_up_to_the_first_error(jobs in 1_usize..5, from in 0_usize..9, count in 0_usize..40, end in 0_usize..50) {
            let mut taken = Vec::new();
            let outcome = in_order(NonZeroUsize::new(jobs).unwrap(), (from, count), |number| number, |number| {
                if number == end {
                    return Err(number);
                }
                taken.push(number);
                Ok(())
            });
            let fails = (from..count).contains(&end);
            prop_assert_eq!(taken, (from..if fails { end } else { count }).collect::<Vec<_>>());
            prop_assert_eq!(outcome.is_err(), fails);
        }
    }
}
