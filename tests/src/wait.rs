//! Waiting for a condition with a bound: never a blind sleep.

use std::{
    fmt::Debug,
    future::Future,
    time::{Duration, Instant},
};

const PAUSE: Duration = Duration::from_millis(10);

/// Calls `probe` until it gives `Some`, at most for `bound`.
///
/// # Panics
/// When the bound is over: says `what`.
pub fn eventually<T>(what: &str, bound: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(start.elapsed() < bound, "not within {bound:?}: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// As [`eventually`], for futures.
///
/// # Panics
/// When the bound is over: says `what`.
pub async fn eventually_async<T, F>(what: impl Debug, bound: Duration, mut probe: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let start = Instant::now();
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(start.elapsed() < bound, "not within {bound:?}: {what:?}");
        tokio::time::sleep(PAUSE).await;
    }
}
