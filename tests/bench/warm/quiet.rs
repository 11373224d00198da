//! A machine that has nothing else to do.

use anyhow::{Context as _, Result};
use std::time::{Duration, Instant};

/// A load average of a minute that hardly disturbs a measurement on two cores.
const QUIET: f64 = 1.5;
const LOOK: Duration = Duration::from_secs(2);

/// Waits for a quiet moment for as long as that; gives the load average that it has come to, `proc_loadavg(5)`.
pub(crate) async fn quiet(patience: Duration) -> Result<f64> {
    let begin = Instant::now();
    loop {
        let load = load()?;
        if load < QUIET || begin.elapsed() + LOOK > patience {
            return Ok(load);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The load average of the last minute.
pub(crate) fn load() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    text.split(' ').next().and_then(|number| number.parse().ok()).with_context(|| format!("/proc/loadavg: `{text}`"))
}
