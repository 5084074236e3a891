//! Times a call, without the time in which this thread waited for a processor.
//!
//! A build beside a measurement takes half of the machine and more; the kernel says how long a thread stood in the queue
//! (`/proc/thread-self/schedstat`), exact to the moment it runs again. Where it does not say, the watch counts everything.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use tokio::time::Instant;

/// Times calls of one thread.
#[derive(Debug)]
pub struct Stopwatch {
    queue: Option<File>,
}

impl Stopwatch {
    /// For the calling thread.
    #[must_use]
    pub fn of_this_thread() -> Self {
        Self {
            queue: File::open("/proc/thread-self/schedstat").ok(),
        }
    }

    /// How long `call` ran.
    pub fn time<T>(&self, call: impl FnOnce() -> T) -> (T, Duration) {
        let waited = self.waited();
        let began = Instant::now();
        let answer = call();
        let spent = began.elapsed();
        (answer, spent.saturating_sub(self.waited().saturating_sub(waited)))
    }

    /// How long the thread has waited for a processor since it began.
    fn waited(&self) -> Duration {
        // Three numbers: nanoseconds run, nanoseconds waited, turns.
        let mut text = [0; 96];
        let waited = self.queue.as_ref().and_then(|queue| {
            let length = queue.read_at(&mut text, 0).ok()?;
            let text = std::str::from_utf8(&text[..length]).ok()?;
            text.split_whitespace().nth(1)?.parse().ok()
        });
        Duration::from_nanos(waited.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_takes_some_time_and_no_more_than_the_clock_says() {
        let watch = Stopwatch::of_this_thread();
        let began = Instant::now();
        let work = || (0..2_000_000_u64).fold(0, |sum, number| std::hint::black_box(sum ^ number));
        let (_, took) = watch.time(work);
        assert!(!took.is_zero() && took <= began.elapsed(), "{took:?}");
    }
}
