//! The life of one tree: submitted, standing, ended, counted, cleared away.

use super::{
    below::Below,
    ending::{Ending, Victims},
    system::{Order, System},
};
use anyhow::{Result, bail, ensure};
use dayfly_tests::Census;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// Of the job that is to meet it.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(3);
/// From the report of a job's end to the count; the sooner, the sooner nothing is left.
pub(crate) const AFTER_REPORT: Duration = Duration::from_secs(1);
/// From a death to the count.
pub(crate) const AFTER_DEATH: Duration = Duration::from_secs(3);
/// From the worker's next start to the count.
pub(crate) const AFTER_START: Duration = Duration::from_secs(2);

/// Anything else that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// A storm ends by itself when it is 15 s old: no count may be later than this.
const COUNTABLE: Duration = Duration::from_secs(14);

/// What became of a tree.
pub(crate) struct Counted {
    /// Processes while it stood.
    pub(crate) standing: usize,
    /// Those alive when the system said that the job had ended; 0 where a death leaves nobody to say so.
    pub(crate) at_report: usize,
    /// Those alive in the end.
    pub(crate) left: usize,
    /// Those alive after the worker's next start, where all above the tree was killed.
    pub(crate) after_start: Option<usize>,
    /// The system never said that the job had ended.
    pub(crate) unreported: bool,
}

/// Runs a tree of this shape to its end.
pub(crate) async fn tree<S: System>(system: &mut S, below: &Below, order: &Order<'_>) -> Result<Counted> {
    // Left by the tree before.
    let _absent = fs::remove_file(order.go);
    let id = system.submit(order).await?;
    let begun = Instant::now();
    if !within(PATIENCE, async || system.stands(&id).await).await? {
        bail!("{} does not stand; the worker: {}", order.shape, system.log());
    }
    let (census, above) = (below.tree(&id), below.above(&id));
    ensure!(above.len() == S::ABOVE, "{above:?} are above {}, where {} should be", order.shape, S::ABOVE);
    let standing = census.survivors().len();
    let mut counted = Counted { standing, at_report: 0, left: 0, after_start: None, unreported: false };
    match order.ending {
        Ending::TimeLimit | Ending::Cancel(_) | Ending::LeaderExits => {
            bring_about(system, &id, order.ending, order.go).await?;
            counted.unreported = !within(TIME_LIMIT + Duration::from_secs(5), async || system.ended(&id).await).await?;
            counted.at_report = census.survivors().len();
            counted.left = left_after(AFTER_REPORT, &census).await?;
        }
        Ending::Killed(victims) => {
            kill_at_once(victims.of(&above))?;
            counted.left = left_after(AFTER_DEATH, &census).await?;
            if victims == Victims::All {
                system.start_worker().await?;
                counted.after_start = Some(left_after(AFTER_START, &census).await?);
            }
        }
    }
    ensure!(begun.elapsed() < COUNTABLE, "this machine is too slow: {} was counted too late", order.shape);
    clear(system, below, &id, order.ending, &above).await?;
    Ok(counted)
}

async fn bring_about<S: System>(system: &mut S, id: &str, ending: Ending, go: &Path) -> Result<()> {
    match ending {
        Ending::Cancel(manner) => system.cancel(id, manner).await?,
        Ending::LeaderExits => fs::write(go, "")?,
        Ending::TimeLimit | Ending::Killed(_) => {}
    }
    Ok(())
}

/// Leaves nothing of the tree, and a worker that serves.
async fn clear<S: System>(system: &mut S, below: &Below, id: &str, ending: Ending, above: &[i32]) -> Result<()> {
    match ending {
        Ending::Killed(Victims::Farthest | Victims::Between) => {
            below.end(id, above)?;
            system.start_worker().await
        }
        Ending::TimeLimit
        | Ending::Cancel(_)
        | Ending::LeaderExits
        | Ending::Killed(Victims::Nearest | Victims::All) => below.end(id, &[]),
    }
}

/// As if at once: none of them gets to act on another's death.
fn kill_at_once(victims: &[i32]) -> Result<()> {
    for what in [Signal::SIGSTOP, Signal::SIGKILL] {
        for &pid in victims {
            kill(Pid::from_raw(pid), what)?;
        }
    }
    Ok(())
}

/// How many live when `bound` is over, or nothing does.
async fn left_after(bound: Duration, census: &Census) -> Result<usize> {
    let mut left = 0;
    within(bound, async || {
        left = census.survivors().len();
        Ok(left == 0)
    })
    .await?;
    Ok(left)
}

/// Whether `probe` comes true before `bound` is over.
pub(crate) async fn within(bound: Duration, mut probe: impl AsyncFnMut() -> Result<bool>) -> Result<bool> {
    let begun = Instant::now();
    loop {
        if probe().await? {
            return Ok(true);
        }
        if begun.elapsed() > bound {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
