//! Memory as an account: what running jobs have declared against `[worker] memory`, so that no claim brings more than fits.
//!
//! ```text
//!   free  --lend-->  a share, with the request for jobs  --split-->  a share of each job  --dropped-->  free
//!                                                        --the rest, dropped-->  free
//! ```
//!
//! Several requests may be under way at one time. What one of them may bring is lent to it before it is sent, so that two of
//! them never count on the same bytes.

use dayfly_common::model::{TaskDef, format_size};
use tokio::sync::watch;
use tracing::warn;

/// The account. Without a bound nothing counts, and everything fits.
pub(crate) struct Memory {
    bound: Option<u64>,
    /// What the largest task counts for: no job needs more.
    largest: u64,
    free: watch::Sender<u64>,
}

/// Bytes taken from the account, given back with the value.
pub(crate) struct Share {
    bytes: u64,
    free: watch::Sender<u64>,
}

impl Memory {
    /// `bound`: `[worker] memory`, bytes.
    pub(crate) fn new<'a>(bound: Option<u64>, tasks: impl IntoIterator<Item = &'a TaskDef>) -> Self {
        let largest = tasks.into_iter().map(declared).max().filter(|_| bound.is_some()).unwrap_or(0);
        Self { bound, largest, free: watch::Sender::new(bound.unwrap_or(0)) }
    }

    /// What a job of the task counts for, bytes.
    pub(crate) fn of(&self, task: &TaskDef) -> u64 {
        if self.bound.is_some() { declared(task) } else { 0 }
    }

    /// For a request for `slots` jobs: as much as they could need, or what there is. `former`: of a job whose processes are
    /// gone; it counts as free, but nobody else is told so before this request is answered.
    pub(crate) fn lend(&self, slots: usize, former: Option<Share>) -> Share {
        let mut share = former.unwrap_or_else(|| Share { bytes: 0, free: self.free.clone() });
        share.resize(self.largest.saturating_mul(u64::try_from(slots).unwrap_or(u64::MAX)));
        share
    }

    /// What a request with this share may bring, bytes; `None` without a bound.
    pub(crate) fn left(&self, share: &Share) -> Option<u64> {
        self.bound.map(|_| share.bytes)
    }

    /// Free now, bytes.
    pub(crate) fn free(&self) -> u64 {
        *self.free.borrow()
    }

    /// Returns once `bytes` are free. Cancel-safe.
    pub(crate) async fn until_free(&self, bytes: u64) {
        let mut free = self.free.subscribe();
        // An error would mean that the account has gone, and this borrows it.
        drop(free.wait_for(|free| *free >= bytes).await);
    }
}

impl Share {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes it `wanted` bytes, or as many as there are. Only more free memory is told to those who wait for some.
    fn resize(&mut self, wanted: u64) {
        let bytes = &mut self.bytes;
        self.free.send_if_modified(|free| {
            let (before, all) = (*free, free.saturating_add(*bytes));
            *bytes = all.min(wanted);
            *free = all - *bytes;
            *free > before
        });
    }

    /// The share of one of the jobs that the request brought.
    pub(crate) fn split(&mut self, bytes: u64) -> Self {
        if bytes > self.bytes {
            // More came than was lent: a function of another revision does not count. The next request is to know.
            self.resize(bytes);
        }
        let taken = bytes.min(self.bytes);
        self.bytes -= taken;
        Self { bytes: taken, free: self.free.clone() }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.resize(0);
    }
}

/// What a job of the task may take, bytes; 0 when it declares nothing.
fn declared(task: &TaskDef) -> u64 {
    task.limits.memory.unwrap_or(0)
}

/// The tasks of which one job fits into `bound` bytes. The others could never run here; each is told.
pub(crate) fn that_fit(bound: Option<u64>, tasks: Vec<TaskDef>) -> Vec<TaskDef> {
    let Some(bound) = bound else { return tasks };
    let (fit, too_large): (Vec<_>, Vec<_>) = tasks.into_iter().partition(|task| declared(task) <= bound);
    for task in too_large {
        warn!(
            task = %task.name,
            "[tasks.{}] memory = {} is more than [worker] memory = {}: this worker does not serve it",
            task.name,
            format_size(declared(&task)),
            format_size(bound)
        );
    }
    fit
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn task(name: &str, memory: Option<u64>) -> TaskDef {
        let mut task = TaskDef::command(name.parse().unwrap(), &["true"]);
        task.limits.memory = memory;
        task
    }

    fn account(bound: Option<u64>) -> Memory {
        Memory::new(bound, &[task("a", Some(60)), task("b", None), task("c", Some(40))])
    }

    #[test]
    fn two_requests_never_count_on_the_same_bytes() {
        let memory = account(Some(100));
        let (one, other) = (memory.lend(1, None), memory.lend(4, None));
        assert_eq!((memory.left(&one), memory.left(&other)), (Some(60), Some(40)), "no more than it could need");
        assert_eq!(memory.free(), 0);
        drop(one);
        assert_eq!((memory.free(), memory.left(&memory.lend(9, None))), (60, Some(60)));
    }

    #[test]
    fn a_job_keeps_its_share_and_the_rest_comes_back() {
        let memory = account(Some(100));
        let mut lent = memory.lend(2, None);
        let job = lent.split(60);
        drop(lent);
        assert_eq!((job.bytes(), memory.free()), (60, 40));
        let lent = memory.lend(1, Some(job));
        assert_eq!((memory.left(&lent), memory.free()), (Some(60), 40), "its own bytes first");
        drop(lent);
        assert_eq!(memory.free(), 100);
    }

    #[test]
    fn more_than_was_lent_is_missed_by_the_next_request() {
        let memory = account(Some(100));
        let mut lent = memory.lend(1, None);
        let jobs = [lent.split(60), lent.split(60)];
        drop(lent);
        assert_eq!((memory.free(), memory.left(&memory.lend(1, None))), (0, Some(0)));
        drop(jobs);
        assert_eq!(memory.free(), 100, "and no byte too many comes back");
    }

    #[test]
    fn whoever_waits_is_told_when_there_is_enough() {
        let memory = account(Some(100));
        let (mut first, second) = (memory.lend(1, None), memory.lend(1, None));
        let (small, large) = (first.split(10), first.split(50));
        let mut enough = Box::pin(memory.until_free(60));
        assert!(enough.as_mut().now_or_never().is_none());
        drop(second);
        assert!(enough.as_mut().now_or_never().is_none(), "40 are too few");
        drop((small, large));
        assert!(enough.now_or_never().is_some());
    }

    #[test]
    fn without_a_bound_nothing_counts() {
        let memory = account(None);
        let lent = memory.lend(4, None);
        assert_eq!((memory.left(&lent), memory.of(&task("a", Some(60)))), (None, 0));
        assert!(memory.until_free(0).now_or_never().is_some());
    }

    #[test]
    fn a_task_that_can_never_fit_is_left_out() {
        let names = |bound| {
            let tasks = vec![task("just", Some(100)), task("none", None), task("over", Some(101))];
            that_fit(bound, tasks).iter().map(|task| task.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(Some(100)), ["just", "none"]);
        assert_eq!(names(None), ["just", "none", "over"]);
    }
}
