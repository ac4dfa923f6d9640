//! Work that is shared out among the processors.
//!
//! Must not know what the work is.

use std::ops::Range;
use std::thread::ScopedJoinHandle;

/// How many threads can run at once.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, |it| it.get())
}

/// What a thread has found; a panic of it goes on here.
pub fn joined<T>(thread: ScopedJoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// What `of` gives for each part of the numbers below `count`, in order: a part for each processor, and none with less than
/// `worth` numbers but the last, for which a thread would not be worth its start.
pub fn in_parts<T: Send>(count: usize, worth: usize, of: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let share = count.div_ceil(processors()).max(worth);
    let part = |from: usize| of(from..count.min(from + share));
    std::thread::scope(|scope| {
        let others: Vec<_> = (share..count).step_by(share).map(|from| scope.spawn(move || part(from))).collect();
        let mine = (count > 0).then(|| part(0));
        mine.into_iter().chain(others.into_iter().map(joined)).collect()
    })
}

/// What `of` gives for each number below `count`, in order, see [`in_parts`].
pub fn share_out<T: Send>(count: usize, worth: usize, of: impl Fn(usize) -> T + Sync) -> Vec<T> {
    in_parts(count, worth, |part| part.map(&of).collect::<Vec<T>>()).into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_out_comes_back_in_order() {
        for count in [0, 1, 2, 3, 7, 100] {
            for worth in [1, 2, 50, 1000] {
                assert_eq!(share_out(count, worth, |it| it * it), (0..count).map(|it| it * it).collect::<Vec<_>>());
            }
        }
    }
}
