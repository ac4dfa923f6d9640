//! Work that is shared out among the processors.
//!
//! Must not know what the work is.

use std::thread::ScopedJoinHandle;

/// How many threads can run at once.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, |it| it.get())
}

/// What a thread has found; a panic of it goes on here.
pub fn joined<T>(thread: ScopedJoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// What `of` gives for each number below `count`, in order. For less than `worth` numbers a thread is not worth its start.
pub fn share_out<T: Send>(count: usize, worth: usize, of: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let share = count.div_ceil(processors()).max(worth);
    let part = |from: usize| (from..count.min(from + share)).map(&of).collect::<Vec<T>>();
    std::thread::scope(|scope| {
        let others: Vec<_> = (share..count).step_by(share).map(|from| scope.spawn(move || part(from))).collect();
        let mut all = part(0);
        others.into_iter().for_each(|it| all.extend(joined(it)));
        all
    })
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
